package robust_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// awayFor is how long the sidecar is cut off at least. It stays so until it has noticed:
// a connection that survives goes on where it was.
const awayFor = 10 * time.Second

// TestAway cuts a sidecar off while much is written and deleted and the store forgets
// its history. Back again it lists anew, and its watchers hear of every delete.
func TestAway(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	writes, deletes := pick(500, 2000), pick(50, 200)
	s := newScene(t, ctx, robust.Plan{
		Name: "away", Writes: writes + 2*deletes, Gets: 500, Faults: 1, Watchers: 4, Settle: 5 * time.Second, MaxMove: 5 * time.Second,
	})
	var doomed []robust.Write
	for i := range deletes {
		one := s.put(fmt.Sprintf("gone.k%d", i), i%4)
		s.writeSurely(ctx, "filler", one)
		one.Value, one.Deleted = "", true
		doomed = append(doomed, one)
	}
	sc := s.addSidecar()
	s.watch(ctx, sc)
	clients, stop := context.WithCancel(ctx)
	defer stop()
	var busy sync.WaitGroup
	busy.Go(func() { s.getOn(clients, sc, 0, 10, 100*time.Millisecond) })
	busy.Go(func() { s.scrapeOn(clients, sc) })
	s.reached(ctx, sc)
	rng := rand.New(rand.NewPCG(s.plan.Seed, 0))
	s.writeSome(ctx, rng, 20) // every watcher has a change before
	s.reached(ctx, sc)

	before := s.relists(sc, "compacted")
	back, connections := s.history.Now(), sc.links.Changed()
	s.fault(ctx, cutOff(sc.links), func() {
		over := time.After(awayFor)
		s.writeAround(ctx, rng, writes, doomed)
		if err := s.oracle.Wait(ctx, s.newest.Load()); err != nil {
			t.Error(err)
		}
		if _, err := s.cluster.Client().Compact(ctx, s.newest.Load()); err != nil {
			t.Error(err)
		}
		<-over
		s.until(ctx, func() bool { return sc.links.Changed() > connections })
		back = s.history.Now()
	})
	s.moved(ctx, sc, "cut off", back, func() bool { return sc.first.reached.Load() >= s.newest.Load() })
	if n := s.relists(sc, "compacted") - before; n < 1 {
		t.Errorf("%v relists because of compacted history", n)
	}
	s.writeSome(ctx, rng, 1)
	s.readFinal(ctx)
	s.watching.Wait()
	s.asPlanned(ctx)
	stop()
	busy.Wait()
	for _, record := range s.judge(ctx).Records {
		if n := deletesOf(record, doomed); record.Selection.Has(doomed[0].Key) && n != deletes {
			t.Errorf("%s was told of %d of %d deletes", record.Client, n, deletes)
		}
	}
}

// cutOff lets nothing through to any member.
func cutOff(l robust.Links) *robust.Fault {
	before, bit := 0, false
	return &robust.Fault{
		Name: "cut off", Available: func() error { return nil },
		Inject:  func(context.Context) error { before = l.Changed(); l.BlackHole(); return nil },
		Recover: func(context.Context) error { bit = l.Changed() > before; l.Heal(); return nil },
		Bit:     func() bool { return bit },
	}
}

func (s *scene) writeSome(ctx context.Context, rng *rand.Rand, n int) {
	for range n {
		s.writeSurely(ctx, "writer", s.someWrites(rng)...)
	}
}

// writeAround writes and deletes, from several clients.
func (s *scene) writeAround(ctx context.Context, rng *rand.Rand, writes int, deletes []robust.Write) {
	var all [][]robust.Write
	for range writes {
		all = append(all, s.someWrites(rng))
	}
	for _, gone := range deletes {
		all = append(all, []robust.Write{gone})
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	const writers = 8
	var done sync.WaitGroup
	for i := range writers {
		done.Go(func() {
			for n := i; n < len(all); n += writers {
				s.writeSurely(ctx, fmt.Sprintf("writer %d", i), all[n]...)
			}
		})
	}
	done.Wait()
}

// deletesOf counts the keys of which a watcher heard that they are deleted.
func deletesOf(r *robust.Record, doomed []robust.Write) int {
	heard := map[string]bool{}
	for _, leg := range r.Legs {
		for _, m := range leg.Messages {
			for _, key := range m.Deleted {
				heard[key] = true
			}
		}
	}
	n := 0
	for _, w := range doomed {
		if heard[w.Key] {
			n++
		}
	}
	return n
}
