package robust_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// maxMove is the goal for how long a sidecar takes until it watches through another member.
const maxMove = 15 * time.Second

// TestMembers takes away the member that a sidecar uses, in ways that leave its
// connections open. The sidecar moves to another, and its watchers miss nothing.
func TestMembers(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*hang)
	defer cancel()
	times, pairs := pick(2, 20), pick(1, 2)
	s := newScene(t, ctx, robust.Plan{
		Name: "members", Writes: pick(100, 1000), Gets: pick(100, 1000), Faults: 3 * times, Watchers: 8 * pairs,
		Settle: 5 * time.Second, MaxMove: maxMove,
	})
	clients, stop := context.WithCancel(ctx)
	defer stop()
	var busy sync.WaitGroup
	for i := range 2 * pairs {
		sc := s.addSidecar()
		available(t, robust.Drop(sc.links))
		s.watch(ctx, sc)
		busy.Go(func() { s.getOn(clients, sc, i, 2, 200*time.Millisecond) })
		busy.Go(func() { s.scrapeOn(clients, sc) })
	}
	writing, stopWriting := context.WithCancel(ctx)
	defer stopWriting()
	var writers sync.WaitGroup
	writers.Go(func() { s.writeOn(writing, 0, 100*time.Millisecond) })

	var parted sync.WaitGroup
	for i, sc := range s.sidecars {
		parted.Go(func() {
			for range times / pairs {
				f := robust.BlackHole(sc.links)
				if i%2 == 0 {
					f = robust.Drop(sc.links)
				}
				s.awayFromMember(ctx, sc, f)
			}
		})
	}
	parted.Wait()
	for n := range times {
		sc := s.sidecars[n%len(s.sidecars)]
		s.awayFromMember(ctx, sc, robust.FreezeUsed(s.cluster, sc.links))
		s.reached(ctx, s.sidecars...)
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

// awayFromMember injects a fault and takes down how long it takes until a watcher has
// a later write, through another member.
func (s *scene) awayFromMember(ctx context.Context, sc *sidecar, f *robust.Fault) {
	s.reached(ctx, sc)
	s.fault(ctx, f, func() {
		from, newest := s.history.Now(), s.newest.Load()
		s.moved(ctx, sc, f.Name, from, func() bool {
			used := sc.links.InUse()
			return used >= 0 && used != f.Victim() && sc.first.reached.Load() > newest
		})
	})
}

// moved takes down how long it took a sidecar, from a time on, to be over a fault.
func (s *scene) moved(ctx context.Context, sc *sidecar, fault string, from time.Duration, over func() bool) {
	s.noteMoved(sc, fault, from, s.over(ctx, sc, over))
}

func (s *scene) noteMoved(sc *sidecar, fault string, from time.Duration, err error) {
	op := robust.Op{Client: sc.name, Kind: robust.OpMoved, Fault: fault, Call: from, Return: s.history.Now()}
	if err != nil {
		op.Error = err.Error()
	}
	s.history.Add(op)
}

// over waits until a sidecar is over a fault, or long after it should be.
func (s *scene) over(ctx context.Context, sc *sidecar, over func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, max(4*maxMove, form().Limit(maxMove)))
	defer cancel()
	return robust.Poll(ctx, func() error {
		if !over() {
			return fmt.Errorf("%s is not over it", sc.name)
		}
		return nil
	})
}

// reached returns when watchers of the sidecars have what is acknowledged now.
func (s *scene) reached(ctx context.Context, all ...*sidecar) {
	newest := s.newest.Load()
	for _, sc := range all {
		s.until(ctx, func() bool { return sc.first.reached.Load() >= newest })
	}
}

// relists is how often a sidecar listed the configuration anew for a reason.
func (s *scene) relists(sc *sidecar, reason string) float64 {
	metrics, err := sc.metrics()
	if err != nil {
		s.t.Error(err)
	}
	return metrics[`configservice_store_relists_total{reason="`+reason+`"}`]
}

// TestFaultsOfLinks: each fault between a sidecar and the members disturbs the sidecar,
// and it comes back.
func TestFaultsOfLinks(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	s := newScene(t, ctx, robust.Plan{Name: "links", Writes: 1, Faults: 3, Watchers: 4, Settle: 5 * time.Second, MaxMove: maxMove})
	sc := s.addSidecar()
	s.watch(ctx, sc)
	s.reached(ctx, sc)
	for _, f := range []*robust.Fault{robust.Part(sc.links), robust.KillUsed(s.cluster, sc.links), robust.Delay(sc.links, 20*time.Millisecond)} {
		s.fault(ctx, f, func() {
			from := s.history.Now()
			for newest := s.newest.Load(); s.newest.Load() == newest; {
				s.write(ctx, "writer", s.put("g1.k1", 0), s.put("g2.k2", 0))
			}
			newest := s.newest.Load()
			s.moved(ctx, sc, f.Name, from, func() bool { return sc.first.reached.Load() >= newest })
		})
	}
	s.readFinal(ctx)
	s.watching.Wait()
	s.judge(ctx)
}
