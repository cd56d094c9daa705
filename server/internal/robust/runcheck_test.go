package robust_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/robust"
)

// TestRunChecksFindPlantedBugs shows that each check of a run can fail: every planted
// bug is found in the record of a true campaign, which has no violation without it.
func TestRunChecksFindPlantedBugs(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	dir := smallCampaign(t, ctx)
	for _, bug := range robust.RunBugs {
		t.Run(bug.Name, func(t *testing.T) {
			run, err := robust.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !bug.Plant(run) {
				t.Fatal("the run has no place for it")
			}
			for _, c := range robust.RunChecks {
				if c.Name == bug.Check {
					if found := c.Check(run); !strings.Contains(strings.Join(found, "\n"), bug.Says) || len(found) == 0 {
						t.Errorf("not found; the check says %q", found)
					}
					return
				}
			}
			t.Errorf("there is no check %q", bug.Check)
		})
	}
}

// smallCampaign loses one leader beside one sidecar, and returns where that is recorded.
func smallCampaign(t *testing.T, ctx context.Context) string {
	s := newScene(t, ctx, robust.Plan{
		Name: "planted", Writes: 200, Gets: 200, Faults: 1, Watchers: 4,
		Outage: true, MaxOutage: 10 * time.Second, Settle: 5 * time.Second, MaxMove: maxMove,
	})
	sc := s.addSidecar()
	s.watch(ctx, sc)
	clients, stop := context.WithCancel(ctx)
	defer stop()
	writing, stopWriting := context.WithCancel(ctx)
	defer stopWriting()
	var busy, writers sync.WaitGroup
	busy.Go(func() { s.getOn(clients, sc, 0, 4, 50*time.Millisecond) })
	busy.Go(func() { s.scrapeOn(clients, sc) })
	for i := range 4 {
		writers.Go(func() { s.writeOn(writing, i, 50*time.Millisecond) })
	}
	s.quiet(ctx, 100)
	s.fault(ctx, robust.KillLeader(s.cluster), func() {})
	s.quiet(ctx, 100)
	s.asPlanned(ctx)
	stopWriting()
	writers.Wait()
	s.reached(ctx, sc)
	s.moved(ctx, sc, "the loss of a leader", s.history.Now(), func() bool { return true })
	s.readFinal(ctx)
	s.watching.Wait()
	stop()
	busy.Wait()
	s.judge(ctx)
	return s.dir
}
