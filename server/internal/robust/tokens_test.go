package robust_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/embeddedetcd"
	"github.com/config-service/config-service/server/internal/robust"
)

// The pace of the tokens' campaign.
const (
	tokenTTL    = 2 * time.Second
	maxWatchGap = 5 * time.Second // the goal, from an acknowledged write that can be reached to the watchers
)

// TestTokensExpire lets etcd forget logins after 2 s without a call, and all of them by a
// restart, while a sidecar with a credential follows it and its connection is cut.
func TestTokensExpire(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	g := newGuarded(t, ctx)
	s := newSurvivor(t, []string{g.addr}, "guarded", map[string]string{"AUTH_TOKEN_FILE": g.tokenFile})
	s.watch(ctx)
	reading, stop := context.WithCancel(ctx)
	var busy sync.WaitGroup
	busy.Go(func() { g.getOn(reading, s) })
	var worst time.Duration
	began, length := time.Now(), time.Duration(pick(12, 60))*time.Second
	for n := 1; time.Since(began) < length || g.restarts == 0; n++ {
		worst = max(worst, g.step(ctx, s, n))
	}
	stop()
	busy.Wait()
	t.Logf("%d keys written and %d restarts; at most %.2f s to the watchers, goal %s; %d Gets", len(g.writes), g.restarts, worst.Seconds(), maxWatchGap, g.gets)
	if most := form().Limit(maxWatchGap); worst > most {
		t.Errorf("a write took %s to the watchers; at most %s", worst, most)
	}
	s.equal(ctx, g.root)
	newest := g.writes[len(g.writes)-1].Revision
	s.end(newest)
	truth := robust.TruthOf(g.writes, service, environment)
	for _, w := range s.watchers {
		for _, v := range robust.Check(w.record, truth, newest) {
			t.Error(v)
		}
	}
	if m, err := s.metrics(); err != nil || m[`configservice_store_restarts_total{reason="unauthenticated"}`] != 0 {
		t.Errorf("an expired token ended the connection, though it can be renewed: %v, %v", m, err)
	}
	if g.restarts == 0 || g.gets == 0 {
		t.Error("nothing was proved")
	}
}

// guarded is an etcd with authentication on, that forgets.
type guarded struct {
	t         *testing.T
	dir, addr string
	tokenFile string
	etcd      *embeddedetcd.Etcd
	root      *clientv3.Client
	writes    []robust.Write
	restarts  int
	gets      int // owned by getOn until it has ended
}

func newGuarded(t *testing.T, ctx context.Context) *guarded {
	t.Helper()
	g := &guarded{t: t, dir: t.TempDir(), tokenFile: filepath.Join(t.TempDir(), "token")}
	var err error
	if g.addr, err = robust.FreeAddress(); err != nil { // it listens there again and again
		t.Fatal(err)
	}
	g.start(ctx)
	t.Cleanup(func() { g.etcd.Close() })
	setup, err := clientv3.New(clientv3.Config{Endpoints: []string{g.addr}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer setup.Close()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(setup.UserAdd(ctx, "root", "root"))
	must(setup.UserGrantRole(ctx, "root", "root"))
	must(setup.RoleAdd(ctx, "reader"))
	for i := range 4 {
		prefix := entries + layer(i).Env + "/" + layer(i).Namespace + "/"
		must(setup.RoleGrantPermission(ctx, "reader", prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermRead)))
	}
	must(setup.UserAdd(ctx, service, "secret"))
	must(setup.UserGrantRole(ctx, service, "reader"))
	must(setup.AuthEnable(ctx))
	must(nil, os.WriteFile(g.tokenFile, []byte("secret"), 0o600))
	g.root, err = clientv3.New(clientv3.Config{Endpoints: []string{g.addr}, Username: "root", Password: "root", DialTimeout: patience, Logger: zap.NewNop()})
	must(nil, err)
	t.Cleanup(func() { _ = g.root.Close() })
	for n := range 13 {
		g.write(ctx, n)
	}
	return g
}

func (g *guarded) start(ctx context.Context) {
	g.t.Helper()
	var err error
	// Right after a stop the port may be taken for a moment.
	if err := robust.Poll(ctx, func() error {
		g.etcd, err = embeddedetcd.StartWith(ctx, g.addr, g.dir, embeddedetcd.Options{TokenTTL: tokenTTL, BcryptCost: 4})
		return err
	}); err != nil {
		g.t.Fatal(err)
	}
}

// write does the n-th transaction, of a change that shows: it is of the strongest layer.
func (g *guarded) write(ctx context.Context, n int) int64 {
	g.t.Helper()
	writes := someOf(4 * n)
	revision := commit(g.t, ctx, g.root, writes)
	for i := range writes {
		writes[i].Revision = revision
	}
	g.writes = append(g.writes, writes...)
	return revision
}

// step writes, with a cut or a restart around it now and then, and returns how long the
// write took to the watchers from when it could reach them.
func (g *guarded) step(ctx context.Context, s *survivor, n int) time.Duration {
	g.t.Helper()
	var revision int64
	switch {
	case n%20 == 5:
		s.links.Part()
		revision = g.write(ctx, 13+n)
		s.links.Join()
	case n%40 == 15:
		g.etcd.Close()
		g.start(ctx)
		g.restarts++
		revision = g.write(ctx, 13+n)
	default:
		revision = g.write(ctx, 13+n)
	}
	acked := time.Now()
	s.reach(ctx, revision)
	took := time.Since(acked)
	newPace(100 * time.Millisecond).next(ctx)
	return took
}

// getOn reads over both transports until ctx ends. None of it may fail.
func (g *guarded) getOn(ctx context.Context, s *survivor) {
	client := s.server.Client(g.t)
	for pace := newPace(20 * time.Millisecond); pace.next(ctx); g.gets += 2 {
		_, overGRPC := client.Get(context.WithoutCancel(ctx), &configv1.GetRequest{Key: "k1"})
		_, overREST := getREST(s.sidecar, "k1")
		if err := errors.Join(overGRPC, overREST); err != nil {
			g.t.Errorf("a Get failed: %v", err)
		}
	}
}
