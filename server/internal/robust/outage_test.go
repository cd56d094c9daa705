package robust_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

const (
	outageWarm = 10 * time.Second // after which a sidecar tries at most every 2 s
	maxGrowth  = 5 << 20
)

// outageCampaign takes etcd away from a sidecar under load.
func outageCampaign(ctx context.Context, s *stand) {
	const keys = 200
	s.fill(ctx, keys, 100)
	sc := s.start(s.launch("cache", s.proxy.Addr()))
	s.ready(ctx, sc)
	s.current(ctx, sc)
	looks := s.look(ctx, "sidecar", sc)
	rate := pick(300, 5000)
	took := time.Duration(pick(19, 60)) * time.Second
	load := newLoad(s, sc, keys)
	load.run(ctx, rate, 2*time.Second) // warm

	healthy := load.run(ctx, rate, time.Duration(pick(4, 60))*time.Second)
	away := []robust.Away{s.outage(ctx, "refused", sc, looks, load, healthy, rate, took, s.proxy.Part, s.proxy.Join)}
	if long() {
		away = append(away, s.outage(ctx, "black-holed", sc, looks, load, healthy, rate, took, s.proxy.BlackHole, func() { _ = s.proxy.Heal() }))
	}
	s.healthy(looks.end(), away...)
	if len(load.failures) > 0 {
		s.t.Errorf("%d calls failed, the first: %s", len(load.failures), load.failures[0])
	}
}

// outage loads a sidecar while etcd is away.
func (s *stand) outage(ctx context.Context, how string, sc *robust.Sidecar, looks *looker, load *load, healthy []time.Duration,
	rate int, took time.Duration, harm, heal func(),
) robust.Away {
	s.t.Helper()
	before, _, err := sc.Resident()
	if err != nil {
		s.t.Skip(err)
	}
	relists := s.relists(ctx, sc)
	logged, dialled := len(sc.Log()), len(s.proxy.Dials())
	harm()
	away := robust.Away{From: s.now()}
	latencies := load.run(ctx, rate, took)
	looks.stale(ctx, away.From)
	after, _, _ := sc.Resident()
	away.To = s.now()
	late := 0
	for _, at := range s.proxy.Dials()[dialled:] {
		if at.Sub(s.began) > away.From+outageWarm {
			late++
		}
	}
	lines := sc.Log()[logged:]
	heal()
	back := time.Now()
	s.current(ctx, sc)
	recovered := time.Since(back)
	perSecond := float64(late) / (away.To - away.From - outageWarm).Seconds()
	s.t.Logf("FIGURES outage, etcd %s for %s under %d Get/s over gRPC and REST: %d failed; healthy %s; away %s; p99 ratio %.2f; RSS %+.1f MiB; %d log lines; %.2f dials/s after the first 10 s; back to FRESH in %s",
		how, took, rate, len(load.failures), spread(healthy), spread(latencies),
		float64(p99(latencies))/float64(max(p99(healthy), 1)), float64(after-before)/(1<<20), len(lines), perSecond, recovered.Round(time.Millisecond))
	checkLines(s, lines, away)
	if most := form().Most(1 + int((away.To-away.From-outageWarm)/triesApart)); late > most { // one more fits in by chance
		s.t.Errorf("%d dials after the first 10 s; at most %d are right", late, most)
	}
	if grown := after - before; long() && grown > maxGrowth {
		s.t.Errorf("%d bytes of memory more than before", grown)
	}
	if n := s.relists(ctx, sc) - relists; n != 0 {
		s.t.Errorf("%v re-lists, though the store has kept its history", n)
	}
	return away
}

// checkLines allows a line for each 10 s, and one for each change of what it says.
func checkLines(s *stand, lines []robust.LogLine, away robust.Away) {
	s.t.Helper()
	allowed := form().Most(1 + int((away.To-away.From)/linesApart))
	was := ""
	for _, line := range lines {
		if says := line.Message + line.Reason; says != was {
			was = says
			allowed++
		}
	}
	if len(lines) > allowed {
		s.t.Errorf("%d log lines in %s; at most %d are right: %v", len(lines), away.To-away.From, allowed, lines)
	}
}

// load asks a sidecar for keys at a rate, whether or not it answers: in turn over gRPC
// and REST.
type load struct {
	*stand
	sidecar *robust.Sidecar
	clients []configv1.ConfigServiceClient
	keys    int

	mu       sync.Mutex // guards failures
	failures []string
}

func newLoad(s *stand, sc *robust.Sidecar, keys int) *load {
	l := &load{stand: s, sidecar: sc, keys: keys}
	for range 4 {
		l.clients = append(l.clients, s.client(sc.Launch))
	}
	return l
}

// callers is how many calls can be under way. That is the latency's only bound.
const callers = 64

// run returns how long each call took, from when it was due.
func (l *load) run(ctx context.Context, rate int, d time.Duration) []time.Duration {
	due := make(chan int, rate)
	began, every := time.Now(), time.Second/time.Duration(rate)
	took := make([]time.Duration, int(d/every))
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			for i := range due {
				l.get(ctx, i)
				took[i] = time.Since(began.Add(time.Duration(i) * every))
			}
		})
	}
	for i, pace := 0, newPace(time.Millisecond); i < len(took) && pace.next(ctx); {
		for ; i < len(took) && time.Since(began) >= time.Duration(i)*every; i++ {
			due <- i
		}
	}
	close(due)
	done.Wait()
	return took
}

func (l *load) get(ctx context.Context, i int) {
	n := i % l.keys
	key := fmt.Sprintf("g%d.k%d", n%10, n/10)
	var err error
	if i%2 == 0 {
		_, err = l.clients[i/2%len(l.clients)].Get(ctx, &configv1.GetRequest{Key: key})
	} else {
		var code int
		var body []byte
		if code, _, body, err = l.sidecar.Read(ctx, l.sidecar.HTTP, "/v1/config/"+key); err == nil && code != 200 {
			err = fmt.Errorf("%d: %s", code, body)
		}
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failures = append(l.failures, err.Error())
	}
}
