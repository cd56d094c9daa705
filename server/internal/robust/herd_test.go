package robust_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// herdCampaign takes etcd away from many sidecars at once: they are not to come back
// in step.
func herdCampaign(ctx context.Context, s *stand) {
	s.fill(ctx, 200, 1000)
	var fleet []*robust.Sidecar
	for i := range pick(12, 50) {
		fleet = append(fleet, s.start(s.launch(fmt.Sprintf("cache-%d", i), s.proxy.Addr())))
	}
	s.together(fleet, func(sc *robust.Sidecar) { s.current(ctx, sc) })

	from := time.Now()
	s.proxy.Cut()
	s.commit(ctx, s.put("g0.k1", 0, 0))
	s.comesBack(ctx, "connections are cut", fleet, from, false, 0)

	s.away(ctx)
	from = time.Now()
	s.proxy.Join()
	s.comesBack(ctx, "etcd is back", fleet, from, true, 0)

	s.away(ctx)
	if err := s.oracle.Wait(ctx, s.newest.Load()); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.cluster.Client().Compact(ctx, s.newest.Load()); err != nil {
		s.t.Fatal(err)
	}
	writing, stop := context.WithCancel(ctx)
	defer stop()
	var puts []time.Duration
	var done sync.WaitGroup
	from = time.Now()
	done.Go(func() {
		for pace := newPace(5 * time.Millisecond); pace.next(writing); {
			began := time.Now()
			s.commit(ctx, s.put("other", 0, 0))
			puts = append(puts, time.Since(began))
		}
	})
	s.proxy.Join()
	s.compacted(ctx, fleet)
	stop()
	done.Wait()
	s.comesBack(ctx, "etcd is back, compacted; put "+spread(puts)+" meanwhile", fleet, from, true, len(fleet))
}

// together does something with all sidecars at once. It does not return when that failed.
func (s *stand) together(fleet []*robust.Sidecar, do func(*robust.Sidecar)) {
	var done sync.WaitGroup
	for _, sc := range fleet {
		done.Go(func() { do(sc) })
	}
	done.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// away cuts all sidecars off until each has tried in vain for so long that it tries at
// its slowest.
func (s *stand) away(ctx context.Context) {
	s.t.Helper()
	s.proxy.Part()
	for range 3 {
		s.commit(ctx, s.put("g0.k1", 0, 0))
	}
	select {
	case <-time.After(time.Duration(pick(8, 30)) * time.Second):
	case <-ctx.Done():
		s.t.Fatal(ctx.Err())
	}
}

// compacted returns when every sidecar has listed anew.
func (s *stand) compacted(ctx context.Context, fleet []*robust.Sidecar) {
	s.t.Helper()
	s.together(fleet, func(sc *robust.Sidecar) {
		if err := robust.Poll(ctx, func() error {
			if s.relistedAt(sc).IsZero() {
				return fmt.Errorf("not listed anew; it logged %v", sc.Log())
			}
			return nil
		}); err != nil {
			s.t.Error(err)
		}
	})
}

// relistedAt is when a sidecar listed anew; zero if it never did.
func (s *stand) relistedAt(sc *robust.Sidecar) (at time.Time) {
	for _, line := range sc.Log() {
		if strings.HasPrefix(line.Message, "read the whole configuration from the store anew") {
			at = line.At
		}
	}
	return at
}

// herdBin is the time in which no more than maxHerd of all may connect.
const (
	herdBin = 100 * time.Millisecond
	maxHerd = 0.2
	herdMax = 10 * time.Second // the goal until all are FRESH
)

// comesBack waits for all sidecars, and wants so many re-lists in all. Who was away for
// long is not to come back in step; who was cut for a moment is to be quick.
func (s *stand) comesBack(ctx context.Context, how string, fleet []*robust.Sidecar, from time.Time, away bool, relists int) {
	s.t.Helper()
	var mu sync.Mutex
	var fresh, lists []time.Duration
	counted := 0
	s.together(fleet, func(sc *robust.Sidecar) {
		s.current(ctx, sc)
		metrics, err := sc.Metrics(ctx)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			s.t.Error(err)
		}
		fresh = append(fresh, time.Since(from))
		counted += int(relisted(metrics)) - 1 // the first listing
		if at := s.relistedAt(sc); !at.IsZero() {
			lists = append(lists, at.Sub(from))
		}
	})
	var dials []time.Duration
	for _, at := range s.proxy.Dials() {
		if d := at.Sub(from); d >= 0 {
			dials = append(dials, d)
		}
	}
	share := fullestBin(dials, len(fleet))
	line := fmt.Sprintf("FIGURES herd, %s: %d sidecars; %d connects over %s, at most %.0f%% of the sidecars in 100 ms; all FRESH after %s, goal %s; %d re-lists",
		how, len(fleet), len(dials), width(dials).Round(time.Millisecond), 100*share, width(append(fresh, 0)).Round(time.Millisecond), herdMax, counted)
	if relists > 0 {
		line += fmt.Sprintf(" over %s, at most %.0f%% in 100 ms", width(lists).Round(time.Millisecond), 100*fullestBin(lists, len(fleet)))
	}
	s.t.Log(line)
	if long() && share > maxHerd && away {
		s.t.Errorf("%s: %.0f%% of all connected within 100 ms; at most 20%% is right", how, 100*share)
	}
	if len(dials) > form().Most(len(fleet)*3/2) {
		s.t.Errorf("%s: %d connects of %d sidecars", how, len(dials), len(fleet))
	}
	if counted < relists || counted > form().Most(relists) {
		s.t.Errorf("%s: %d re-lists; %d are right", how, counted, relists)
	}
	if d, most := width(append(fresh, 0)), form().Limit(herdMax); relists == 0 && d > most {
		s.t.Errorf("%s: all were FRESH after %s; at most %s is right", how, d, most)
	}
}

// fullestBin is the share of n that falls into one bin.
func fullestBin(all []time.Duration, n int) float64 {
	bins, most := map[time.Duration]int{}, 0
	for _, d := range all {
		bins[d/herdBin]++
		most = max(most, bins[d/herdBin])
	}
	return float64(most) / float64(n)
}

// width is from the least to the most.
func width(all []time.Duration) time.Duration {
	least, most := time.Duration(math.MaxInt64), time.Duration(0)
	for _, d := range all {
		least, most = min(least, d), max(most, d)
	}
	return max(most-least, 0)
}
