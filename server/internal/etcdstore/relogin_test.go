package etcdstore_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/servertest"
)

// TestALoginOfALostHistoryIsGivenUp puts an etcd in the place of another one whose raft index
// was higher, as a restore from a backup does. etcd lets a login of before wait for that index,
// over a connection that stands; whoever has one logs in anew.
func TestALoginOfALostHistoryIsGivenUp(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcdAt(t, servertest.FreeAddress(t))
	etcd.Protect(t)
	for range 200 {
		etcd.Commit(t, servertest.Write{Namespace: "pay", Environment: "production", Layer: configv1.Layer_SERVICE, Key: "a", JSON: "1"})
	}
	access := func() (etcdstore.Access, <-chan struct{}) {
		return etcdstore.Access{User: etcdstore.ControlUser, Password: etcd.ControlPassword()}, nil
	}
	history := etcdstore.NewHistory(etcdstore.HistoryConfig{Endpoints: []string{etcd.Endpoint}, Access: access, Keep: 1, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	t.Cleanup(history.Close)
	if err := history.Prune(within(t)); err != nil {
		t.Fatal(err)
	}
	etcd.Stop()
	etcd.Empty(t)
	etcd.Restart(t)
	etcd.Protect(t)
	limit := within(t)
	look := func() error {
		ctx, cancel := context.WithTimeout(limit, 10*time.Second)
		defer cancel()
		return history.Prune(ctx)
	}
	for err := look(); err != nil; err = look() {
		if limit.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}
