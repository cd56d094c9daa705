package robust_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// TestMinority isolates the member that a sidecar uses from its peers: it answers, but
// no longer for the cluster, which goes on without it. A sidecar that can reach another
// member moves there. One that cannot says STALE in time. None says FRESH of what is
// old; that is judged for every answer.
func TestMinority(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*hang)
	defer cancel()
	times := pick(1, 10)
	s := newScene(t, ctx, robust.Plan{
		Name: "minority", Writes: pick(100, 1000), Gets: pick(1000, 10_000), Faults: 2 * times, Watchers: 8,
		Settle: 5 * time.Second, MaxMove: maxMove + time.Second, // what looks, looks once a second
	})
	free, bound := s.addSidecar(), s.addSidecar()
	clients, stop := context.WithCancel(ctx)
	defer stop()
	var busy sync.WaitGroup
	for i, sc := range s.sidecars {
		s.watch(ctx, sc)
		busy.Go(func() { s.getOn(clients, sc, i, 5, 100*time.Millisecond) })
		busy.Go(func() { s.scrapeOn(clients, sc) })
	}
	writing, stopWriting := context.WithCancel(ctx)
	defer stopWriting()
	var writers sync.WaitGroup
	for i := range 8 { // of which some wait in vain for the isolated member
		writers.Go(func() { s.writeOn(writing, i, 300*time.Millisecond) })
	}
	for range times {
		s.reached(ctx, free, bound)
		s.awayFromMember(ctx, free, robust.IsolateUsed(s.cluster, free.links))
		s.reached(ctx, free, bound)
		s.boundToMinority(ctx, bound)
		s.reached(ctx, free, bound)
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

// boundToMinority isolates the member in use while the sidecar reaches no other. Its
// watchers are told STALE within 15 s of the last true proof, and FRESH afterwards.
func (s *scene) boundToMinority(ctx context.Context, sc *sidecar) {
	var used int
	s.until(ctx, func() bool { used = sc.links.InUse(); return used >= 0 && sc.first.last.Load().Fresh })
	for i, p := range sc.links {
		if i != used {
			p.Part()
		}
	}
	s.fault(ctx, robust.IsolateUsed(s.cluster, sc.links), func() {
		var proof time.Duration
		err := s.over(ctx, sc, func() bool {
			m := sc.first.last.Load()
			proof = s.history.At(m.Verified)
			return !m.Fresh
		})
		s.noteMoved(sc, "bound to a minority, STALE after the last proof", proof, err)
	})
	sc.links.Join()
	s.moved(ctx, sc, "back from a minority, FRESH again", s.history.Now(), func() bool { return sc.first.last.Load().Fresh })
}
