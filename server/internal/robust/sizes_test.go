package robust_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// fullScopes are what the scopes of the four layers hold at most, in keys and bytes; in
// the short form not as many keys.
func fullScopes() [4]struct{ keys, bytes int } {
	return [4]struct{ keys, bytes int }{{pick(1_000, 10_000), 1 << 20}, {pick(200, 2_000), 1 << 20}, {pick(100, 2_000), 512 << 10}, {pick(100, 2_000), 512 << 10}}
}

// catchUp is how many bytes are written while the sidecar is away, at least.
const catchUp = 8 << 20

// TestFullScopes fills the four scopes to what they may hold, and then writes them all
// anew, several times, while a sidecar is away. It then has all of it.
func TestFullScopes(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	etcd := servertest.StartEtcd(t)
	client := directly(t, etcd.Endpoint)
	fillScopes(t, ctx, client, 0)
	s := prepareSurvivor(t, []string{strings.TrimPrefix(etcd.Endpoint, "http://")}, "full")
	began := time.Now()
	s.start(nil, servertest.Options{})
	t.Logf("loaded in %.2f s", time.Since(began).Seconds())
	sameScopes(t, ctx, s, client)
	s.watch(ctx)
	s.until(ctx, func() bool { return s.everyone(func(*robust.Message) bool { return true }) })

	s.links.Part()
	written, newest := 0, int64(0)
	for round := 1; written < catchUp; round++ {
		var n int
		n, newest = fillScopes(t, ctx, client, round)
		written += n
	}
	began = time.Now()
	s.links.Join()
	s.reach(ctx, newest)
	t.Logf("%d bytes of changes were caught up with in %.2f s", written, time.Since(began).Seconds())
	// The race detector makes etcd slower than a proof is patient.
	if m, err := s.metrics(); err != nil || long() && m[`configservice_store_relists_total{reason="silent"}`] != 0 {
		t.Errorf("the changes were listed, not caught up with: %v, %v", m, err)
	}
	all := sameScopes(t, ctx, s, client)
	s.end(newest)
	for _, w := range s.watchers {
		seen := map[string]string{}
		for _, m := range w.record.Legs[0].Messages {
			for key, e := range m.Entries {
				seen[key] = e.Value
			}
			for _, key := range m.Deleted {
				delete(seen, key)
			}
		}
		if len(seen) != len(all) {
			t.Errorf("%s has %d keys; there are %d", w.record.Client, len(seen), len(all))
		}
		for key, value := range all {
			if seen[key] != value {
				t.Errorf("%s has %s for %q; it is %s", w.record.Client, seen[key], key, value)
				break
			}
		}
	}
}

// fillScopes writes every key of the four scopes, with values of a round.
func fillScopes(t *testing.T, ctx context.Context, client *clientv3.Client, round int) (bytes int, revision int64) {
	t.Helper()
	const most = 128 // operations of one transaction
	for i, full := range fullScopes() {
		var writes []robust.Write
		for k := range full.keys {
			w := layer(i)
			w.Key = fmt.Sprintf("l%d.k%d", i, k)
			w.Value = fmt.Sprintf(`"%d %s"`, round, strings.Repeat("x", full.bytes/full.keys-len(w.Key)-10))
			bytes += len(w.Key) + len(w.Value)
			if writes = append(writes, w); len(writes) == most || k == full.keys-1 {
				revision, writes = commit(t, ctx, client, writes), nil
			}
		}
	}
	return bytes, revision
}

// sameScopes compares what the sidecar has with etcd. No key is in two layers.
func sameScopes(t *testing.T, ctx context.Context, s *survivor, client *clientv3.Client) map[string]string {
	t.Helper()
	resp, err := client.Get(ctx, entries, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	_, got := s.list(ctx)
	if len(got) != len(resp.Kvs) {
		t.Errorf("%d keys; etcd has %d", len(got), len(resp.Kvs))
	}
	want := map[string]string{}
	for _, kv := range resp.Kvs {
		key := string(kv.Key[strings.LastIndex(string(kv.Key), "/")+1:])
		want[key] = string(kv.Value)
		if got[key].Value != want[key] {
			t.Fatalf("%q is %s; etcd has %s", key, got[key].Value, kv.Value)
		}
	}
	return want
}

// directly is a client of etcd itself.
func directly(t *testing.T, endpoint string) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
