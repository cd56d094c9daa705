package robust_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// TestLeaders writes through the loss of leader after leader. No acknowledged write is
// lost, no watcher goes back or sees anything twice, and no get fails.
func TestLeaders(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*hang)
	defer cancel()
	kills, freezes := pick(3, 14), pick(1, 6)
	s := newScene(t, ctx, robust.Plan{
		Name: "leaders", Writes: pick(1500, 10_000), Gets: pick(5_000, 200_000), Faults: kills + freezes, Watchers: 20,
		Outage: true, MaxOutage: 5 * time.Second, Settle: 5 * time.Second,
	})
	clients, stop := context.WithCancel(ctx)
	defer stop()
	var busy sync.WaitGroup
	for i := range 5 {
		sc := s.addSidecar()
		s.watch(ctx, sc)
		busy.Go(func() { s.getOn(clients, sc, i, 20, 50*time.Millisecond) })
		busy.Go(func() { s.scrapeOn(clients, sc) })
	}
	writing, stopWriting := context.WithCancel(ctx)
	defer stopWriting()
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() { s.writeOn(writing, i, time.Duration(pick(200, 50))*time.Millisecond) })
	}
	rng := rand.New(rand.NewPCG(s.plan.Seed, 0))
	for _, i := range rng.Perm(kills + freezes) {
		f := robust.KillLeader(s.cluster)
		if i < freezes {
			f = robust.FreezeLeader(s.cluster)
		}
		s.quiet(ctx, 100)
		s.fault(ctx, f, func() {})
	}
	s.asPlanned(ctx)
	stopWriting()
	writers.Wait()
	s.readFinal(ctx)
	s.watching.Wait()
	stop()
	busy.Wait()
	s.judge(ctx)
}
