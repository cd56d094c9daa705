package etcdstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

var scope = snapshot.ScopeID{Namespace: "payment-service", Environment: "development"}

// wrongCopy is a replica whose content is spoiled, until it is filled anew.
type wrongCopy struct {
	*replica.Replica
	spoil    atomic.Pointer[func([]*snapshot.Item) []*snapshot.Item]
	audited  atomic.Int64
	replaced atomic.Int64
}

func (w *wrongCopy) Content() (snapshot.Content, <-chan struct{}) {
	w.audited.Add(1)
	c, next := w.Replica.Content()
	if spoil := w.spoil.Load(); spoil != nil && c.Epoch != "" {
		spoiled, err := snapshot.NewScope((*spoil)(slices.Clone(c.Scopes[scope].Items())))
		if err != nil {
			panic(err)
		}
		c.Scopes = map[snapshot.ScopeID]*snapshot.Scope{scope: spoiled}
	}
	return c, next
}

func (w *wrongCopy) Replace(l snapshot.Listing) {
	w.spoil.Store(nil)
	w.replaced.Add(1)
	w.Replica.Replace(l)
}

func audited(t *testing.T) (*servertest.Etcd, *wrongCopy, *telemetry.Metrics) {
	t.Helper()
	etcd := servertest.StartEtcd(t)
	for i := range 3 {
		set(t, etcd, fmt.Sprintf("k%d", i), "1")
	}
	set(t, etcd, "unusable", "{")
	set(t, etcd, "a name that nobody can ask for", "1")
	w := &wrongCopy{Replica: replica.New(time.Now)}
	metrics := telemetry.NewMetrics("test", time.Now)
	source := etcdstore.NewSource(etcdstore.Config{
		Endpoints: []string{etcd.Endpoint}, Scopes: []snapshot.ScopeID{scope},
		Nudges: w.Nudges(), AuditEvery: 10 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler), Metrics: metrics, Now: time.Now, Rand: rand.New(rand.NewPCG(1, 2)),
	}, w)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); source.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-w.Live()
	return etcd, w, metrics
}

func set(t *testing.T, etcd *servertest.Etcd, key, json string) int64 {
	t.Helper()
	return etcd.Commit(t, servertest.Write{Namespace: scope.Namespace, Environment: scope.Environment, Layer: layer, Key: key, JSON: json})
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAnAuditFindsACopyThatDiffers(t *testing.T) {
	for name, spoil := range map[string]func([]*snapshot.Item) []*snapshot.Item{
		"a lost key": func(items []*snapshot.Item) []*snapshot.Item { return items[1:] },
		"a key that is gone": func(items []*snapshot.Item) []*snapshot.Item {
			return append(items, &snapshot.Item{Key: "zzz", Value: items[0].Value, Revision: 2})
		},
		"an older value": func(items []*snapshot.Item) []*snapshot.Item {
			items[0] = &snapshot.Item{Key: items[0].Key, Value: items[0].Value, Revision: 1}
			return items
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, w, metrics := audited(t)
			w.spoil.Store(&spoil)
			until(t, "the copy is filled anew", func() bool { return w.replaced.Load() == 2 })
			if n := testutil.ToFloat64(metrics.StoreRelists.WithLabelValues("differs")); n != 1 {
				t.Errorf("%v listings for a difference, want 1", n)
			}
		})
	}
}

// Writes and compactions go on meanwhile; unusable values and names are no difference.
func TestAnAuditFindsNothingInATrueCopy(t *testing.T) {
	etcd, w, metrics := audited(t)
	for n := 0; w.audited.Load() < 50; n++ {
		last := set(t, etcd, fmt.Sprintf("k%d", n%5), fmt.Sprint(n))
		if n%10 == 9 {
			etcd.Compact(t, last)
		}
	}
	if n := testutil.ToFloat64(metrics.StoreRelists.WithLabelValues("differs")); n != 0 {
		t.Errorf("a true copy was found to differ %v times", n)
	}
}
