package etcdstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/robust"
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
	w, metrics := auditedAt(t, etcd, etcd.Endpoint, slog.DiscardHandler)
	return etcd, w, metrics
}

// auditedAt follows etcd through an endpoint.
func auditedAt(t *testing.T, etcd *servertest.Etcd, endpoint string, log slog.Handler) (*wrongCopy, *telemetry.Metrics) {
	t.Helper()
	for i := range 3 {
		set(t, etcd, fmt.Sprintf("k%d", i), "1")
	}
	set(t, etcd, "unusable", "{")
	set(t, etcd, "a name that nobody can ask for", "1")
	w := &wrongCopy{Replica: replica.New(time.Now)}
	metrics := telemetry.NewMetrics("test", time.Now)
	source := etcdstore.NewSource(etcdstore.Config{
		Endpoints: []string{endpoint}, Scopes: []snapshot.ScopeID{scope},
		Nudges: w.Nudges(), AuditEvery: 10 * time.Millisecond,
		Log: slog.New(log), Metrics: metrics, Now: time.Now, Rand: rand.New(rand.NewPCG(1, 2)),
	}, w)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); source.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-w.Live()
	return w, metrics
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

// onError is called with every error that is logged.
type onError struct {
	slog.Handler
	do func(message string)
}

func (h onError) Enabled(context.Context, slog.Level) bool { return true }

func (h onError) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelError {
		h.do(r.Message)
	}
	return nil
}

// The store is lost in the moment in which an audit finds a difference: it is listed when it
// is back, though no audit finds the difference again.
func TestADifferenceIsNotForgottenWithTheConnection(t *testing.T) {
	etcd := servertest.StartEtcd(t)
	proxy, err := robust.NewProxy(strings.TrimPrefix(etcd.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	var w *wrongCopy
	found := make(chan struct{})
	w, metrics := auditedAt(t, etcd, proxy.Addr(), onError{slog.DiscardHandler, func(message string) {
		if strings.HasPrefix(message, "the copy differs") {
			proxy.Part()
			w.spoil.Store(nil)
			close(found)
		}
	}})
	before, _ := w.Replica.Content()
	spoil := func(items []*snapshot.Item) []*snapshot.Item { return items[1:] }
	w.spoil.Store(&spoil)
	<-found
	proxy.Join()
	looks := w.audited.Load()
	until(t, "the copy is filled anew, or audited many times", func() bool { return w.replaced.Load() == 2 || w.audited.Load() > looks+50 })
	after, _ := w.Replica.Content()
	if n := testutil.ToFloat64(metrics.StoreRelists.WithLabelValues("differs")); n != 1 || after.Epoch == before.Epoch {
		t.Errorf("%v listings for a difference, want 1; epoch %s follows %s", n, after.Epoch, before.Epoch)
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
