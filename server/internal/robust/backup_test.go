package robust_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"github.com/config-service/config-service/server/internal/robust"
)

// usualToken is the cluster token of an etcd that is given none. With the same names and
// peer URLs it makes the same cluster id.
const usualToken = "etcd-cluster"

// backUp saves the whole cluster, as etcdctl snapshot save does.
func backUp(t *testing.T, ctx context.Context, c *robust.Cluster) (file string) {
	t.Helper()
	from, err := c.ClientOf(0).Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "backup.db")
	to, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, from.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

// restored says how a backup is restored, beside where to.
type restored struct {
	token string // of the cluster; empty: the usual one
	bump  uint64 // of the revision, which is then marked as compacted
}

// restore replaces what the cluster holds by a backup, as etcdutl snapshot restore does.
// It returns when the cluster is healthy.
func restore(t *testing.T, ctx context.Context, c *robust.Cluster, file string, how restored) {
	t.Helper()
	for i := range c.Size() {
		if err := c.Kill(i); err != nil {
			t.Fatal(err)
		}
	}
	if how.token == "" {
		how.token = usualToken
	}
	for i := range c.Size() {
		m := c.Member(i)
		if err := os.RemoveAll(m.Dir); err != nil {
			t.Fatal(err)
		}
		if err := snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
			SnapshotPath: file, OutputDataDir: m.Dir, Name: m.Name, PeerURLs: []string{m.PeerURL},
			InitialCluster: m.Cluster, InitialClusterToken: how.token,
			RevisionBump: how.bump, MarkCompacted: how.bump > 0,
		}); err != nil {
			t.Fatal(err)
		}
	}
	startAll(t, ctx, c)
}

// restartAll stops and starts every member: the next leader has a higher term.
func restartAll(t *testing.T, ctx context.Context, c *robust.Cluster) {
	t.Helper()
	for i := range c.Size() {
		if err := c.Kill(i); err != nil {
			t.Fatal(err)
		}
	}
	startAll(t, ctx, c)
}

func startAll(t *testing.T, ctx context.Context, c *robust.Cluster) {
	t.Helper()
	for i := range c.Size() {
		if err := c.Start(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.WaitHealthy(ctx); err != nil {
		t.Fatal(err)
	}
}
