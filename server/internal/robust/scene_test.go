package robust_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// long says whether the campaigns run in full.
func long() bool { return os.Getenv("SOAK") == "1" }

// form is that in which the campaigns run.
func form() robust.Form {
	if long() {
		return robust.Long
	}
	return robust.Short
}

// hang bounds a whole campaign: one that takes so long does not end.
const hang = 10 * time.Minute

// pick is the figure of the short or of the long form.
func pick(short, full int) int {
	if long() {
		return full
	}
	return short
}

// shared lets the short form of a campaign that mostly waits run beside others.
func shared(t *testing.T) {
	if !long() {
		t.Parallel()
	}
}

// campaignSeed is that of SEED, or a new one.
func campaignSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SEED")
	if text == "" {
		return rand.Uint64N(1_000_000)
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SEED: %v", err)
	}
	return seed
}

const (
	groups   = 40 // of keys
	perGroup = 10 // of which the last is deleted now and then
	entries  = "/config-service/v1/entries/"
)

// scene is where a campaign takes place: a cluster of three, its oracle, sidecars with
// their watchers, and the history of it all.
type scene struct {
	t       *testing.T
	plan    robust.Plan
	dir     string
	cluster *robust.Cluster
	oracle  *robust.Oracle
	history *robust.History

	sidecars []*sidecar
	watchers []*watcher
	watching sync.WaitGroup
	final    atomic.Int64

	sequence atomic.Int64 // of values: no two writes share one
	acked    atomic.Int64 // writes
	newest   atomic.Int64 // acknowledged revision
	got      atomic.Int64 // gets
}

// sidecar is a server with proxies of its own to each member.
type sidecar struct {
	name   string
	server *servertest.Server
	links  robust.Links
	rest   *http.Client
	first  *watcher // of everything
}

// newScene starts the cluster, fills it with every key, and begins the history.
func newScene(t *testing.T, ctx context.Context, plan robust.Plan) *scene {
	t.Helper()
	plan.Seed, plan.Namespace, plan.Environment, plan.Form = campaignSeed(t), "payment-service", "production", form()
	t.Logf("SEED=%d", plan.Seed)
	dir, err := os.MkdirTemp("", "robust-"+plan.Name+"-")
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, plan: plan, dir: dir}
	s.final.Store(math.MaxInt64)
	t.Cleanup(s.keepOrRemove)
	if s.cluster, err = robust.NewCluster(ctx, dir, 3); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.cluster.Close)
	if s.oracle, err = robust.NewOracle(s.cluster.Endpoints()...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.oracle.Close)
	if s.history, err = robust.NewHistory(dir, plan); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.complete)
	for g := range groups {
		var writes []robust.Write
		for i := range perGroup {
			writes = append(writes, s.put(fmt.Sprintf("g%d.k%d", g, i), (g+i)%4))
		}
		s.writeSurely(ctx, "filler", writes...)
	}
	return s
}

// keepOrRemove keeps what a failed campaign has recorded, without the members' data;
// with KEEP=1 that of every campaign.
func (s *scene) keepOrRemove() {
	if !s.t.Failed() && os.Getenv("KEEP") == "" {
		_ = os.RemoveAll(s.dir)
		return
	}
	for i := range 3 {
		_ = os.RemoveAll(filepath.Join(s.dir, fmt.Sprintf("m%d", i)))
	}
	s.t.Logf("history and logs are kept; look again with: go run ./server/internal/robust/recheck %s", s.dir)
}

// complete writes down what a campaign that broke off has recorded so far.
func (s *scene) complete() {
	if s.t.Failed() {
		_ = s.oracle.Save(s.dir)
		_ = s.history.Close() // it may be closed
	}
}

// addSidecar starts a sidecar. Its order of the members is its own.
func (s *scene) addSidecar() *sidecar {
	s.t.Helper()
	sc := &sidecar{name: fmt.Sprintf("sidecar %d", len(s.sidecars))}
	var err error
	if sc.links, err = robust.NewLinks(s.cluster); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(sc.links.Close)
	log, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("sidecar-%d.log", len(s.sidecars))))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = log.Close() })
	endpoints := sc.links.Endpoints()
	turn := len(s.sidecars) % len(endpoints)
	sc.server = servertest.Start(s.t, servertest.Options{
		Namespace: s.plan.Namespace, Environment: s.plan.Environment,
		Settings: map[string]string{"ETCD_ENDPOINTS": strings.Join(append(endpoints[turn:], endpoints[:turn]...), ",")},
		Log:      slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	transport := &http.Transport{MaxIdleConnsPerHost: 10}
	s.t.Cleanup(transport.CloseIdleConnections)
	sc.rest = &http.Client{Transport: transport}
	s.sidecars = append(s.sidecars, sc)
	return sc
}

// watch opens a sidecar's four watches: over each transport, and one of a selection.
func (s *scene) watch(ctx context.Context, sc *sidecar) {
	for i, open := range []robust.Open{
		robust.OverGRPC(sc.server.Conn(s.t)), robust.OverNDJSON(sc.rest, sc.server.URL), robust.OverSSE(sc.rest, sc.server.URL),
		robust.OverGRPC(sc.server.Conn(s.t)),
	} {
		w := &watcher{
			open: open, final: &s.final, cuts: make(chan interruption, 1),
			record: &robust.Record{Client: fmt.Sprintf("%s watcher %d", sc.name, i)},
		}
		if i == 3 {
			w.record.Selection = robust.Selection{Prefix: "g1", Keys: []string{"g2.k1", "g3.k9"}}
		}
		if i == 0 {
			sc.first = w
		}
		w.note = func(op robust.Op) {
			op.Return = s.history.Now()
			s.history.Add(op)
		}
		s.watchers = append(s.watchers, w)
		s.watching.Go(func() { w.run(ctx) })
	}
}

// fault injects a fault, does meanwhile, and recovers. It returns when the cluster is
// healthy.
func (s *scene) fault(ctx context.Context, f *robust.Fault, meanwhile func()) {
	s.t.Helper()
	op := robust.Op{Client: "faults", Kind: robust.OpFault, Fault: f.Name, Call: s.history.Now()}
	err := f.Inject(ctx)
	if err == nil {
		meanwhile()
		err = f.Recover(ctx)
	}
	if err != nil {
		op.Error = err.Error()
	}
	op.Bit, op.Return = f.Bit(), s.history.Now()
	s.history.Add(op)
}

// quiet returns when so many more writes were acknowledged.
func (s *scene) quiet(ctx context.Context, writes int64) {
	s.t.Helper()
	goal := s.acked.Load() + writes
	s.until(ctx, func() bool { return s.acked.Load() >= goal })
}

// until returns when a condition holds.
func (s *scene) until(ctx context.Context, holds func() bool) {
	s.t.Helper()
	if err := robust.Poll(ctx, func() error {
		if !holds() {
			return errors.New("not yet")
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

// judge holds the run against every check, once all clients have ended.
func (s *scene) judge(ctx context.Context) *robust.Run {
	s.t.Helper()
	for _, w := range s.watchers {
		if w.failed != nil {
			s.t.Errorf("%s: %v", w.record.Client, w.failed)
		}
	}
	if err := s.oracle.Wait(ctx, s.final.Load()); err != nil {
		s.t.Error(err)
	}
	if err := s.oracle.Save(s.dir); err != nil {
		s.t.Fatal(err)
	}
	if err := s.history.Close(); err != nil {
		s.t.Fatal(err)
	}
	run, err := robust.Load(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range run.Figures() {
		s.t.Log(f)
	}
	for _, v := range run.Violations() {
		s.t.Error(v)
	}
	return run
}

// asPlanned returns when as much was written and read as the plan says, however slow that
// is.
func (s *scene) asPlanned(ctx context.Context) {
	s.t.Helper()
	s.until(ctx, func() bool { return s.acked.Load() >= int64(s.plan.Writes) && s.got.Load() >= int64(s.plan.Gets) })
}

// readFinal reads the content through the quorum when all is written. It is what the
// watchers are to come to. A last write is for every watcher.
func (s *scene) readFinal(ctx context.Context) {
	s.t.Helper()
	s.writeSurely(ctx, "filler", s.put("g1.k1", 0))
	op := robust.Op{Client: "final", Kind: robust.OpFinal, Call: s.history.Now()}
	resp, err := s.cluster.Client().Get(ctx, entries, clientv3.WithPrefix())
	if err != nil {
		s.t.Fatal(err)
	}
	op.Return, op.Revision = s.history.Now(), resp.Header.Revision
	for _, kv := range resp.Kvs {
		parts := strings.SplitN(strings.TrimPrefix(string(kv.Key), entries), "/", 3)
		op.Writes = append(op.Writes, robust.Write{
			Revision: kv.ModRevision, Env: parts[0], Namespace: parts[1], Key: parts[2], Value: string(kv.Value),
		})
	}
	s.history.Add(op)
	s.final.Store(op.Revision)
}

// noteState takes down the state of an answer.
func (s *scene) noteState(op *robust.Op, st *configv1.State) {
	op.Epoch, op.Revision, op.Fresh = st.GetEpoch(), st.GetRevision(), st.GetFreshness() == configv1.State_FRESH
	if v := st.GetVerifiedTime(); v != nil {
		op.Verified = s.history.At(v.AsTime())
	}
}
