package etcdstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// blindCopy is a copy that loses the head of a scope when it is looked at.
type blindCopy struct {
	wrongCopy
	lose func(*snapshot.Heads) *snapshot.Heads
}

func (b *blindCopy) Content() (snapshot.Content, <-chan struct{}) {
	c, next := b.wrongCopy.Content()
	if b.replaced.Load() == 1 && b.lose != nil {
		c.Heads = b.lose(c.Heads)
	}
	return c, next
}

func following(t *testing.T, l *ledger, lose func(*snapshot.Heads) *snapshot.Heads) (*blindCopy, *telemetry.Metrics) {
	t.Helper()
	b := &blindCopy{lose: lose}
	b.Replica = replica.New(time.Now)
	metrics := telemetry.NewMetrics("test", time.Now)
	source := etcdstore.NewSource(etcdstore.Config{
		Endpoints: []string{l.etcd.Endpoint}, Heads: true, Nudges: b.Nudges(), AuditEvery: 10 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler), Metrics: metrics, Now: time.Now, Rand: rand.New(rand.NewPCG(1, 2)),
	}, b)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); source.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-b.Live()
	return b, metrics
}

func (b *blindCopy) flat() string {
	c, _ := b.Replica.Content()
	var out []string
	for _, h := range c.Heads.From(snapshot.ScopeID{}) {
		out = append(out, fmt.Sprintf("%s@%d:%d", h.Scope, h.Version, h.Keys))
	}
	return strings.Join(out, " ")
}

// TestHeadsAreFollowed: heads arrive in the step of the entries that they are about, those of
// scopes without one too, and an audit finds them true.
func TestHeadsAreFollowed(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "test:a=1")
	l.put(t, "wild", "x", "1")
	if _, err := l.raw.Put(t.Context(), "/config-service/v1/scopes/broken/pay", "{"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.raw.Put(t.Context(), "/config-service/v1/scopes/no/such/scope", "{}"); err != nil {
		t.Fatal(err)
	}
	b, metrics := following(t, l, nil)
	if got := b.flat(); got != "pay/broken@0:0 pay/production@1:1 pay/test@1:1 pay/wild@0:0" {
		t.Errorf("listed: %s", got)
	}
	for n := range 20 {
		out := l.commit(t, fmt.Sprintf("k%d=1", n))
		revision := out.Revision
		until(t, "the commit is there", func() bool { c, _ := b.Replica.Content(); return c.Revision >= revision })
		c, _ := b.Replica.Content()
		id := snapshot.ScopeID{Namespace: "pay", Environment: "production"}
		if h := c.Heads.Find(id); h.Version != int64(n+2) || h.Author != "user:anna" || h.Time.IsZero() || h.Keys != len(c.Scopes[id].Items()) || h.Revision != revision {
			t.Fatalf("after commit %d: %+v with %d entries", n+2, h, len(c.Scopes[id].Items()))
		}
	}
	l.put(t, "other", "x", "1")
	for _, key := range []string{"entries/wild/pay/x", "scopes/test/pay", "scopes/broken/pay"} {
		if _, err := l.raw.Delete(t.Context(), "/config-service/v1/"+key); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the last writes are there", func() bool { return b.flat() == "pay/other@0:0 pay/production@21:21 pay/test@0:0" })
	before := b.audited.Load()
	until(t, "audits after the last write", func() bool { return b.audited.Load() > before+10 })
	if n := testutil.ToFloat64(metrics.StoreRelists.WithLabelValues("differs")); n != 0 {
		t.Errorf("the audit found %v differences", n)
	}
}

// TestAnAuditFindsHeadsThatDiffer: one that is lost, and one that is gone in the store.
func TestAnAuditFindsHeadsThatDiffer(t *testing.T) {
	t.Parallel()
	production := snapshot.ScopeID{Namespace: "pay", Environment: "production"}
	for name, head := range map[string]*snapshot.Head{
		"a lost head":           nil,
		"an older head":         {Scope: production, Version: 1, Revision: 1},
		"a head that is gone":   {Scope: snapshot.ScopeID{Namespace: "gone", Environment: "production"}, Version: 1, Revision: 2},
		"a head without a past": {Scope: production},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			l.commit(t, "a=1")
			b, metrics := following(t, l, func(h *snapshot.Heads) *snapshot.Heads {
				id := production
				if head != nil {
					id = head.Scope
				}
				return h.Apply(map[snapshot.ScopeID]*snapshot.Head{id: head}, nil, func(snapshot.ScopeID) bool { return false })
			})
			until(t, "the copy is filled anew", func() bool { return b.replaced.Load() >= 2 })
			if n := testutil.ToFloat64(metrics.StoreRelists.WithLabelValues("differs")); n < 1 {
				t.Errorf("%v listings for a difference", n)
			}
		})
	}
}
