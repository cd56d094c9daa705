package robust_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

// killCampaign kills a sidecar at random points while the configuration changes. What
// the next one serves without etcd was true, and whole.
func killCampaign(ctx context.Context, s *stand) {
	const keys = 300
	s.fill(ctx, keys, 100)
	seed := campaignSeed(s.t)
	s.t.Logf("SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	launch := s.launch("cache", s.proxy.Addr())
	writing, stop := context.WithCancel(ctx)
	defer stop()
	var done sync.WaitGroup
	done.Go(func() { s.writeOn(writing, 3*time.Millisecond, keys) })

	rounds := pick(15, 200)
	record := &robust.Record{Client: "restarts"}
	sc := s.start(launch)
	s.ready(ctx, sc)
	refused, behind := 0, []time.Duration{}
	for range rounds {
		if err := pause(ctx, time.Duration(rng.Int64N(int64(1500*time.Millisecond)))); err != nil {
			s.t.Fatal(err)
		}
		sc.Kill()
		killed := time.Now()
		s.proxy.Part()
		saved, err := filepath.Glob(filepath.Join(launch.Settings["CONFIG_CACHE_DIR"], "*", "last-known-good.[01]"))
		if err != nil {
			s.t.Fatal(err)
		}
		sc = s.start(launch)
		got, said := s.afterKill(ctx, sc)
		if got == nil {
			refused++
			if len(record.Legs) > 0 || (len(saved) > 0 && !strings.Contains(said, "refused")) {
				s.t.Errorf("after a kill nothing is served, %d restarts after something was, of %q; it says: %s", len(record.Legs), saved, said)
			}
		} else {
			record.Legs = append(record.Legs, robust.Leg{Messages: []robust.Message{whole(got.GetState(), got.GetEntries())}})
			behind = append(behind, killed.Sub(got.GetState().GetVerifiedTime().AsTime()))
		}
		s.proxy.Join()
		s.liveAgain(ctx, sc)
	}
	stop()
	done.Wait()
	newest := checkRestarts(s, record)
	s.judge(ctx, newest, 0, record)
	s.t.Logf("FIGURES kill: %d SIGKILLs while %d transactions were written; %d restarts served a whole configuration of the past (its last proof %s before the kill), %d said why not, or had saved nothing yet",
		rounds, s.sequence.Load()/3, len(record.Legs), spread(behind), refused)
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// afterKill is what a sidecar serves without etcd; nil and its log when it is nothing.
func (s *stand) afterKill(ctx context.Context, sc *robust.Sidecar) (*configv1.ListResponse, string) {
	s.t.Helper()
	if _, err := sc.Until(ctx, sc.Ops, "/healthz"); err != nil {
		s.t.Fatal(err)
	}
	list, err := s.listed(ctx, sc)
	if err != nil {
		if !strings.Contains(err.Error(), "NOT_READY") {
			s.t.Errorf("after a kill: %v", err)
		}
		return nil, fmt.Sprint(sc.Log())
	}
	if st := list.GetState(); st.GetSource() != configv1.State_DISK || st.GetFreshness() != configv1.State_STALE {
		s.t.Errorf("after a kill, without etcd: %v", st)
	}
	return list, ""
}

// liveAgain returns when the sidecar serves what is in etcd.
func (s *stand) liveAgain(ctx context.Context, sc *robust.Sidecar) {
	s.t.Helper()
	if err := robust.Poll(ctx, func() error {
		list, err := s.listed(ctx, sc)
		if err == nil && list.GetState().GetSource() != configv1.State_LIVE {
			err = fmt.Errorf("it is not LIVE: %v", list.GetState())
		}
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

// checkRestarts: what was on disk once is not lost, and the history stays the same one.
func checkRestarts(s *stand, record *robust.Record) (newest int64) {
	s.t.Helper()
	epoch := ""
	for i, leg := range record.Legs {
		m := leg.Messages[0]
		if m.Revision < newest {
			s.t.Errorf("restart %d went back from revision %d to %d", i, newest, m.Revision)
		}
		if epoch != "" && m.Epoch != epoch {
			s.t.Errorf("restart %d began another epoch", i)
		}
		newest, epoch = m.Revision, m.Epoch
	}
	return newest
}
