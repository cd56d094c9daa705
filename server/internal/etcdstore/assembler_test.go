package etcdstore

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

func event(revision int64, key string) *mvccpb.Event {
	return &mvccpb.Event{Kv: &mvccpb.KeyValue{Key: []byte(key), ModRevision: revision}}
}

func keysOf(events []*mvccpb.Event) []string {
	var keys []string
	for _, ev := range events {
		keys = append(keys, string(ev.GetKv().GetKey()))
	}
	return keys
}

func TestAssemblerHoldsAChangeBackUntilEveryRangeIsConfirmed(t *testing.T) {
	a := newAssembler(2, 10)
	a.events(0, []*mvccpb.Event{event(11, "a"), event(12, "b")})
	if _, _, ok := a.step(); ok {
		t.Fatal("a step although the other range is not confirmed")
	}
	if !a.incomplete() {
		t.Error("nothing waits, although two changes do")
	}
	a.events(1, []*mvccpb.Event{event(11, "c")})
	revision, events, ok := a.step()
	if !ok || revision != 11 || !cmp.Equal(keysOf(events), []string{"a", "c"}) {
		t.Fatalf("step to %d with %v, %v; want 11 with a and c", revision, keysOf(events), ok)
	}
	a.progress(15)
	revision, events, ok = a.step()
	if !ok || revision != 15 || !cmp.Equal(keysOf(events), []string{"b"}) {
		t.Fatalf("step to %d with %v, %v; want 15 with b", revision, keysOf(events), ok)
	}
	if a.incomplete() {
		t.Error("something waits, although all is published")
	}
}

func TestAssemblerDropsRepetitions(t *testing.T) {
	a := newAssembler(1, 7)
	a.events(0, []*mvccpb.Event{event(6, "old"), event(7, "known"), event(8, "new")})
	_, events, _ := a.step()
	if got := keysOf(events); !cmp.Equal(got, []string{"new"}) {
		t.Errorf("got %v, want the new one only", got)
	}
	a.events(0, []*mvccpb.Event{event(8, "new")})
	if _, events, ok := a.step(); ok {
		t.Errorf("the same response again made a step with %v", keysOf(events))
	}
}

func TestAssemblerTakesALateProgressAnswer(t *testing.T) {
	a := newAssembler(2, 10)
	a.progress(20)
	a.step()
	a.progress(15) // of a member that is behind
	if revision, _, ok := a.step(); ok || revision != 20 {
		t.Errorf("the step is %d, %v; want still 20", revision, ok)
	}
}

// Whatever the order in which ranges and progress arrive, steps rise, and each holds
// exactly the events between the one before it and itself.
func TestAssemblerStepsAreWhole(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 7))
		const ranges = 3
		a := newAssembler(ranges, 0)
		queues := make([][]*mvccpb.Event, ranges) // not delivered yet
		var all []*mvccpb.Event
		published := int64(0)
		check := func() {
			revision, events, ok := a.step()
			if !ok {
				return
			}
			var want []string
			for _, ev := range all {
				if r := ev.GetKv().GetModRevision(); r > published && r <= revision {
					want = append(want, string(ev.GetKv().GetKey()))
				}
			}
			got := keysOf(events)
			slices.Sort(got)
			slices.Sort(want)
			if revision <= published || !cmp.Equal(got, want) {
				t.Fatalf("seed %d: step from %d to %d has %v, want %v", seed, published, revision, got, want)
			}
			published = revision
		}
		for head := int64(1); head < 40; head++ {
			for i := range queues { // one transaction over some of the ranges
				if rng.IntN(2) == 0 {
					ev := event(head, string(rune('a'+i))+string(rune('0'+head)))
					all, queues[i] = append(all, ev), append(queues[i], ev)
				}
			}
			i := rng.IntN(ranges)
			if n := len(queues[i]); n > 0 {
				take := 1 + rng.IntN(n)
				a.events(i, queues[i][:take])
				queues[i] = queues[i][take:]
				check()
			}
			if !slices.ContainsFunc(queues, func(q []*mvccpb.Event) bool { return len(q) > 0 }) {
				a.progress(head)
				check()
			}
		}
	}
}
