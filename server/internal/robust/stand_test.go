package robust_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

// TestSidecar holds the product to its promises as a process of its own. Its figures
// are one line for each campaign, or for each part of one.
func TestSidecar(t *testing.T) {
	shared(t)
	binary, err := robust.BuildSidecar(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		run  func(context.Context, *stand)
	}{
		{"start", startCampaign},
		{"outage", outageCampaign},
		{"herd", herdCampaign},
		{"slow readers", slowCampaign},
		{"leaks", leakCampaign},
		{"stop", stopCampaign},
		{"kill", killCampaign},
	} {
		t.Run(c.name, func(t *testing.T) {
			shared(t)
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(pick(1, 3))*hang)
			defer cancel()
			c.run(ctx, newStand(ctx, t, binary))
		})
	}
}

// stand is where the campaigns on processes take place: an etcd, its oracle, and a
// proxy that sidecars reach it by.
type stand struct {
	t       *testing.T
	binary  string
	dir     string
	cluster *robust.Cluster
	oracle  *robust.Oracle
	proxy   *robust.Proxy
	began   time.Time

	sequence atomic.Int64 // of values: no two writes share one
	newest   atomic.Int64 // revision
}

func newStand(ctx context.Context, t *testing.T, binary string) *stand {
	t.Helper()
	s := &stand{t: t, binary: binary, dir: t.TempDir(), began: time.Now()}
	var err error
	if s.cluster, err = robust.NewCluster(ctx, "", 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.cluster.Close)
	if s.oracle, err = robust.NewOracle(s.cluster.Endpoints()...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.oracle.Close)
	if s.proxy, err = robust.NewProxy(s.cluster.Endpoints()[0]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.proxy.Close() })
	return s
}

// now is the time since the campaign began.
func (s *stand) now() time.Duration { return time.Since(s.began) }

// put is a write of a new value, filled up to so many bytes, to one of the four layers.
func (s *stand) put(key string, layer, size int) robust.Write {
	namespaces := []string{service, service, "_shared", "_shared"}
	environments := []string{environment, "_all", environment, "_all"}
	value := fmt.Sprintf("%s%06d", mark, s.sequence.Add(1))
	return robust.Write{
		Namespace: namespaces[layer], Env: environments[layer], Key: key,
		Value: `"` + value + strings.Repeat("x", max(size-len(value), 0)) + `"`,
	}
}

// mark stands before the number in each value.
const mark = "no-"

// commit does the writes in one transaction and returns its revision.
func (s *stand) commit(ctx context.Context, writes ...robust.Write) int64 {
	s.t.Helper()
	revision, err := applied(ctx, s.cluster.Client(), writes)
	if err != nil {
		s.t.Errorf("write: %v", err)
		return 0
	}
	s.newest.Store(revision)
	return revision
}

// fill writes n keys of so many bytes, over all layers.
func (s *stand) fill(ctx context.Context, n, size int) {
	s.t.Helper()
	var writes []robust.Write
	for i := range n {
		writes = append(writes, s.put(fmt.Sprintf("g%d.k%d", i%10, i/10), i%4, size))
	}
	for some := range slices.Chunk(writes, 50) {
		s.commit(ctx, some...)
	}
}

// writeOn writes transactions of three keys of fill until ctx ends.
func (s *stand) writeOn(ctx context.Context, every time.Duration, keys int) {
	for pace, n := newPace(every), 0; pace.next(ctx); n++ {
		var writes []robust.Write
		for j := range 3 {
			i := (n + j) % keys
			writes = append(writes, s.put(fmt.Sprintf("g%d.k%d", i%10, i/10), i%4, 0))
		}
		s.commit(context.WithoutCancel(ctx), writes...)
	}
}

// launch is a sidecar with a cache directory of its own, which reaches etcd at an
// address.
func (s *stand) launch(name, etcd string) *robust.Launch {
	s.t.Helper()
	l, err := robust.NewLaunch(s.binary, map[string]string{
		"SERVICE_NAME": service, "ENVIRONMENT": environment, "ETCD_ENDPOINTS": etcd,
		"CONFIG_CACHE_DIR": filepath.Join(s.dir, name), "CONFIG_PPROF": "true",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// start starts a sidecar. The end of the test kills it.
func (s *stand) start(l *robust.Launch) *robust.Sidecar {
	s.t.Helper()
	sc, err := l.Start()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(sc.Kill)
	return sc
}

// ready waits for a sidecar.
func (s *stand) ready(ctx context.Context, sc *robust.Sidecar) time.Duration {
	s.t.Helper()
	took, err := sc.WaitReady(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return took
}

// connect opens a gRPC connection that comes back quickly.
func (s *stand) connect(l *robust.Launch) *grpc.ClientConn {
	s.t.Helper()
	conn, err := dial(l.GRPC)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func dial(addr string, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient(addr, append(more, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond},
			MinConnectTimeout: 10 * time.Second,
		}))...)
}

func (s *stand) client(l *robust.Launch) configv1.ConfigServiceClient {
	return configv1.NewConfigServiceClient(s.connect(l))
}

// listed is all that a sidecar serves, over REST.
func (s *stand) listed(ctx context.Context, sc *robust.Sidecar) (*configv1.ListResponse, error) {
	code, _, body, err := sc.Read(ctx, sc.HTTP, "/v1/config")
	if err != nil {
		return nil, err
	}
	if code != 200 {
		return nil, fmt.Errorf("%d: %s", code, body)
	}
	var list configv1.ListResponse
	return &list, protojson.Unmarshal(body, &list)
}

// current returns, once a sidecar is FRESH and LIVE and has the newest write, what it
// serves.
func (s *stand) current(ctx context.Context, sc *robust.Sidecar) *configv1.ListResponse {
	s.t.Helper()
	ended := false
	// One key is asked for: many sidecars that are asked for everything are slowed down.
	if err := robust.Poll(ctx, func() error {
		select {
		case <-sc.Ended():
			ended = true
			return nil // whoever answers there now, it is not this one
		default:
		}
		_, header, _, err := sc.Read(ctx, sc.HTTP, "/v1/config/g0.k0")
		if err != nil {
			return err
		}
		revision, _ := strconv.ParseInt(header.Get("Config-Revision"), 10, 64)
		if header.Get("Config-Freshness") != "FRESH" || header.Get("Config-Source") != "LIVE" || revision < s.newest.Load() {
			return fmt.Errorf("it says %v; the newest write is %d", header, s.newest.Load())
		}
		return nil
	}); err != nil || ended {
		s.t.Fatalf("it has ended: %t; %v; it logged %v", ended, err, sc.Log())
	}
	list, err := s.listed(ctx, sc)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// holds checks that answers are true at their revisions, and whole.
func (s *stand) holds(ctx context.Context, who string, answers ...robust.Message) {
	s.t.Helper()
	record := &robust.Record{Client: who}
	newest := int64(0)
	for _, m := range answers {
		record.Legs = append(record.Legs, robust.Leg{Messages: []robust.Message{m}})
		newest = max(newest, m.Revision)
	}
	s.judge(ctx, newest, 0, record)
}

// judge holds records against the truth up to a revision.
func (s *stand) judge(ctx context.Context, newest, final int64, records ...*robust.Record) {
	s.t.Helper()
	if err := s.oracle.Wait(ctx, min(newest, s.newest.Load())); err != nil {
		s.t.Fatal(err)
	}
	truth := s.oracle.Truth(service, environment)
	for _, r := range records {
		for _, v := range robust.Check(r, truth, final) {
			s.t.Error(v)
		}
	}
}

// stop ends a sidecar as an orchestrator does.
func (s *stand) stop(ctx context.Context, sc *robust.Sidecar) time.Duration {
	s.t.Helper()
	took, err := sc.Stop(ctx)
	if err != nil {
		s.t.Error(err)
	}
	return took
}

// sum adds up the metrics of a name, over all labels.
func sum(metrics map[string]float64, name string) float64 {
	total := 0.0
	for labelled, value := range metrics {
		if labelled == name || strings.HasPrefix(labelled, name+"{") {
			total += value
		}
	}
	return total
}

// metric reads one, summed over its labels.
func (s *stand) metric(ctx context.Context, sc *robust.Sidecar, name string) float64 {
	s.t.Helper()
	all, err := sc.Metrics(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return sum(all, name)
}

// relists is how often a sidecar has read everything anew. One that is starved may find
// the store silent.
func (s *stand) relists(ctx context.Context, sc *robust.Sidecar) float64 {
	s.t.Helper()
	all, err := sc.Metrics(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return relisted(all)
}

func relisted(metrics map[string]float64) float64 {
	n := sum(metrics, "configservice_store_relists_total")
	if !long() {
		n -= metrics[`configservice_store_relists_total{reason="silent"}`]
	}
	return n
}

// spread is what durations come to, in words.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	all = slices.Sorted(slices.Values(all))
	round := func(d time.Duration) time.Duration { return d.Round(max(d/1000, time.Microsecond)) }
	return fmt.Sprintf("p50 %s p99 %s max %s", round(all[len(all)/2]), round(all[len(all)*99/100]), round(all[len(all)-1]))
}

func p99(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[len(all)*99/100]
}

// looker looks at what a sidecar says of itself, until it is stopped.
type looker struct {
	*stand
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex // guards looks
	looks []robust.Look
}

const lookEvery = 250 * time.Millisecond

func (s *stand) look(ctx context.Context, name string, sc *robust.Sidecar) *looker {
	ctx, stop := context.WithCancel(ctx)
	l := &looker{stand: s, stop: stop}
	s.t.Cleanup(func() { l.end() })
	l.done.Go(func() {
		for pace := newPace(lookEvery); pace.next(ctx); {
			if one := s.lookAt(ctx, sc); ctx.Err() == nil {
				one.Client = name
				l.mu.Lock()
				l.looks = append(l.looks, one)
				l.mu.Unlock()
			}
		}
	})
	return l
}

// end returns all looks.
func (l *looker) end() []robust.Look {
	l.stop()
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.looks
}

// stale returns when it has seen STALE in a time that began at from, once no proof from
// before can be young enough.
func (l *looker) stale(ctx context.Context, from time.Duration) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, form().Limit(robust.FreshFor))
	defer cancel()
	if err := robust.Poll(ctx, func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if n := len(l.looks); n == 0 || l.looks[n-1].Call < from+robust.FreshFor || l.looks[n-1].Fresh {
			return errors.New("nobody has seen STALE")
		}
		return nil
	}); err != nil {
		l.t.Error(err)
	}
}

func (s *stand) lookAt(ctx context.Context, sc *robust.Sidecar) robust.Look {
	l := robust.Look{Call: s.now()}
	code, header, body, err := sc.Read(ctx, sc.HTTP, "/v1/config/g0.k0")
	if err == nil && code != 200 {
		err = fmt.Errorf("%d: %s", code, body)
	}
	metrics := map[string]float64{}
	if err == nil {
		metrics, err = sc.Metrics(ctx)
	}
	if err != nil {
		l.Error = err.Error()
	} else {
		l.Fresh, l.Live = header.Get("Config-Freshness") == "FRESH", header.Get("Config-Source") == "LIVE"
		if at, err := time.Parse(time.RFC3339Nano, header.Get("Config-Verified-Time")); err == nil {
			l.Verified = at.Sub(s.began.Round(0))
		}
		l.MetricFresh = metrics["configservice_fresh"] == 1
		l.Ready = sc.Ready(ctx) == nil
	}
	l.Return = s.now()
	return l
}

// healthy holds looks against when the store was away.
func (s *stand) healthy(looks []robust.Look, away ...robust.Away) {
	s.t.Helper()
	for _, v := range robust.CheckHealth(form(), looks, away) {
		s.t.Error(v)
	}
}
