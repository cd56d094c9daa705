package etcdstore_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// put writes a key of any scope, also of one that nobody can ask for.
func put(t *testing.T, etcd *servertest.Etcd, id snapshot.ScopeID, key string) int64 {
	t.Helper()
	raw, err := etcdstore.OpenRaw(etcd.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }() // the write is done
	revision, _, err := raw.Commit(t.Context(), etcdstore.RawWrite{Scope: id, Key: key, Value: "1"})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// TestEverythingIsFollowed: a source without scopes has every scope, also those that come
// later, and nothing of what lies outside the names. The audit agrees.
func TestEverythingIsFollowed(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	first := snapshot.ScopeID{Namespace: "payment-service", Environment: "production"}
	later := snapshot.ScopeID{Namespace: "payments", Environment: "production"}
	layers := []snapshot.ScopeID{{Namespace: "payment-service", Environment: "_all"}, {Namespace: "_shared", Environment: "production"}, {Namespace: "_shared", Environment: "_all"}}
	put(t, etcd, first, "a")
	for _, id := range layers {
		put(t, etcd, id, "a")
	}
	strange := []snapshot.ScopeID{{Namespace: "Payment", Environment: "production"}, {Namespace: "_other", Environment: "production"}, {Namespace: "a", Environment: "_shared"}, {Namespace: "", Environment: ""}}
	for _, id := range strange {
		put(t, etcd, id, "a")
	}

	r := &wrongCopy{Replica: replica.New(time.Now)} // it is not spoiled: it counts audits
	metrics := telemetry.NewMetrics("test", time.Now)
	source := etcdstore.NewSource(etcdstore.Config{
		Endpoints: []string{etcd.Endpoint}, Nudges: r.Nudges(), AuditEvery: 10 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler), Metrics: metrics, Now: time.Now, Rand: rand.New(rand.NewPCG(1, 2)),
	}, r)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); source.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-r.Live()

	has := func(id snapshot.ScopeID) bool {
		c, _ := r.Content()
		return c.Scopes[id].Find("a") != nil
	}
	for _, id := range append(layers, first) {
		if !has(id) {
			t.Errorf("%s is not there", id)
		}
	}
	for _, id := range strange {
		put(t, etcd, id, "b")
	}
	put(t, etcd, later, "a")
	until(t, "the later scope is there", func() bool { return has(later) })
	content, _ := r.Content()
	if len(content.Scopes) != len(layers)+2 {
		t.Errorf("there are %d scopes, want %d: %v", len(content.Scopes), len(layers)+2, content.Scopes)
	}
	before := r.audited.Load()
	until(t, "audits after the last write", func() bool { return r.audited.Load() > before+10 })
	if n := testutil.ToFloat64(metrics.StoreRelists.WithLabelValues("differs")); n != 0 {
		t.Errorf("the audit found %v differences", n)
	}
}
