package etcdstore

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/embeddedetcd"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// How far the index is ahead is measured while others write, which raises both, and do
// what raises the index alone. It never seems to go back.
func TestTheIndexIsNeverLessFarAhead(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	etcd, err := embeddedetcd.Start(ctx, "127.0.0.1:0", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Close()
	raw, err := OpenRaw(etcd.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	id := snapshot.ScopeID{Namespace: "a", Environment: "b"}
	s := &session{Source: NewSource(Config{Scopes: []snapshot.ScopeID{id}, Now: time.Now, Metrics: telemetry.NewMetrics("test", time.Now)}, nil), client: raw.client}

	busy, stop := context.WithCancel(ctx)
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for n := 0; busy.Err() == nil; n++ {
				revision, _, _ := raw.Commit(ctx, RawWrite{Scope: id, Key: fmt.Sprint("k", i), Value: "1"})
				if n%10 == 9 {
					_ = raw.Compact(ctx, revision-50) // another writer may have been ahead
				}
			}
		})
	}
	defer writers.Wait()
	defer stop()
	least := int64(unknown)
	for n := range 100 {
		p, err := s.prove(ctx)
		if reasonOf(err) == "timeout" && ctx.Err() == nil {
			continue // the member was too slow
		}
		if err != nil {
			t.Fatal(err)
		}
		s.measure(ctx, &p)
		if p.ahead == nil {
			continue // the member was too slow
		}
		if p.ahead.most < least {
			t.Fatalf("measurement %d: ahead by at most %d, before by at least %d", n, p.ahead.most, least)
		}
		least = max(least, p.ahead.least)
	}
	if least < 1 {
		t.Errorf("the index is ahead by at least %d; there were compactions", least)
	}
}
