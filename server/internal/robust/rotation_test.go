package robust_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/servertest"
)

// maxEnd is the goal: how long after its overlap began a token may open the store. Half a
// minute is what Registry.Run and the overlap need.
const maxEnd = time.Minute

// TestCredentialsRotate changes a sidecar's token again and again while it is read and
// what it serves is written: no read fails, no update is lost, and each old token ends.
func TestCredentialsRotate(t *testing.T) {
	shared(t)
	r := newRotation(t)
	r.load()
	rotations := pick(8, 50)
	for n := 1; n <= rotations; n++ {
		r.rotate(n)
	}
	r.stop()
	r.ends.Wait()
	t.Logf("FIGURES rotation of tokens: %d rotations under %d Gets and %d writes: %d Gets failed, %d were STALE; the watch saw every last value, at most %.2f s late; old tokens were refused at most %.1f s after the rotation, goal %s",
		rotations, r.gets.Load(), r.writes.Load(), r.failed.Load(), r.stale.Load(), time.Duration(r.late.Load()).Seconds(), time.Duration(r.longest.Load()).Seconds(), maxEnd)
	if r.failed.Load() > 0 || r.gets.Load() == 0 || r.writes.Load() == 0 {
		t.Errorf("%d of %d Gets failed while %d writes were done", r.failed.Load(), r.gets.Load(), r.writes.Load())
	}
	if most := form().Limit(maxEnd); time.Duration(r.longest.Load()) > most {
		t.Errorf("an old token opened the store for %s; at most %s", time.Duration(r.longest.Load()), most)
	}
}

// rotation is a sidecar with a token, its readers, its watch and a writer.
type rotation struct {
	t         *testing.T
	ctx       context.Context
	etcd      *servertest.Etcd
	registry  *etcdstore.Registry
	grant     policy.Grant
	tls       *tls.Config // nil: etcd is reached over plaintext
	tokenFile string
	token     string
	root      *clientv3.Client
	server    *servertest.Server
	sidecar   *sidecar

	stop                                 func()
	ends                                 sync.WaitGroup // those who wait for old tokens to end
	gets, failed, stale, writes, written atomic.Int64
	seen, late, longest                  atomic.Int64
}

func administer(t *testing.T, namespace, environment string) policy.Grant {
	t.Helper()
	p, err := policy.Parse([]byte(`rules: [{who: ["user:admin"], may: [administer], namespaces: ["*"], environments: ["*"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	g, err := policy.By(func() *policy.Policy { return p })(&identity.Identity{Kind: identity.Token, User: "admin"}, policy.Administer, namespace, environment)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func newRotation(t *testing.T) *rotation {
	t.Helper()
	r := registered(t, servertest.EtcdOptions{TokenTTL: tokenTTL})
	r.tokenFile = filepath.Join(t.TempDir(), "token")
	r.save()
	r.serve(map[string]string{"AUTH_TOKEN_FILE": r.tokenFile})
	return r
}

// registered is an etcd in which the service has a token and a key.
func registered(t *testing.T, o servertest.EtcdOptions) *rotation {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	t.Cleanup(cancel)
	r := &rotation{t: t, ctx: ctx, etcd: servertest.StartEtcdWith(t, o), tls: o.TLS, grant: administer(t, service, environment)}
	r.etcd.Protect(t)
	r.registry = r.etcd.Registry(t)
	var err error
	if _, r.token, err = r.registry.Register(ctx, r.grant); err != nil {
		t.Fatal(err)
	}
	r.root = r.login("root", r.etcd.RootPassword())
	r.put(0)
	return r
}

// serve starts the sidecar.
func (r *rotation) serve(settings map[string]string) {
	r.t.Helper()
	r.server = servertest.Start(r.t, servertest.Options{Etcd: r.etcd, Namespace: service, Environment: environment, Settings: settings})
	transport := &http.Transport{}
	r.t.Cleanup(transport.CloseIdleConnections)
	r.sidecar = &sidecar{name: "rotated", server: r.server, rest: &http.Client{Transport: transport}}
}

func (r *rotation) login(user, password string) *clientv3.Client {
	r.t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{r.etcd.Endpoint}, TLS: r.tls, Username: user, Password: password, DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// save replaces the token's file at once, as it has to be done.
func (r *rotation) save() {
	r.t.Helper()
	next := r.tokenFile + ".next"
	if err := errors.Join(os.WriteFile(next, []byte(r.token+"\n"), 0o600), os.Rename(next, r.tokenFile)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rotation) put(n int64) {
	if _, err := r.root.Put(context.WithoutCancel(r.ctx), entries+environment+"/"+service+"/n", strconv.FormatInt(n, 10)); err != nil {
		r.t.Error(err)
		return
	}
	r.written.Store(n)
}

// load starts the writer, the readers, the watch, and what ends old tokens.
func (r *rotation) load() {
	ctx, cancel := context.WithCancel(r.ctx)
	var busy sync.WaitGroup
	r.stop = sync.OnceFunc(func() { r.ends.Wait(); cancel(); busy.Wait() })
	r.t.Cleanup(r.stop)
	client := r.server.Client(r.t)
	busy.Go(func() { r.registry.Run(ctx) })
	busy.Go(func() {
		for pace := newPace(10 * time.Millisecond); pace.next(ctx); r.writes.Add(1) {
			r.put(r.writes.Load() + 1)
		}
	})
	for range 4 {
		busy.Go(func() {
			for pace := newPace(4 * time.Millisecond); pace.next(ctx); r.gets.Add(1) {
				got, err := client.Get(context.WithoutCancel(ctx), &configv1.GetRequest{Key: "n"})
				switch {
				case err != nil:
					r.failed.Add(1)
					r.t.Errorf("a Get failed: %v", err)
				case got.GetState().GetFreshness() == configv1.State_STALE:
					r.stale.Add(1)
				}
			}
		})
	}
	busy.Go(func() { r.watch(ctx, client) })
}

// watch follows the key on one stream. Its values only rise.
func (r *rotation) watch(ctx context.Context, client configv1.ConfigServiceClient) {
	stream, err := client.Watch(ctx, &configv1.WatchRequest{Keys: []string{"n"}})
	if err != nil {
		r.t.Error(err)
		return
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			if ctx.Err() == nil {
				r.t.Errorf("the watch ended: %v", err)
			}
			return
		}
		for _, e := range append(m.GetSnapshot().GetEntries(), m.GetDelta().GetEntries()...) {
			n := int64(e.GetValue().GetNumberValue())
			if n < r.seen.Load() {
				r.t.Errorf("the watch went back from %d to %d", r.seen.Load(), n)
			}
			r.seen.Store(n)
		}
	}
}

const overlap = 4 * time.Second

// rotate makes the nth new token, hands it to the sidecar, and sees that it is used and
// that what was written until then is seen.
func (r *rotation) rotate(n int) {
	r.t.Helper()
	old := r.token
	reads := r.login(userOf(old))
	_, token, err := r.registry.Rotate(r.ctx, r.grant, overlap)
	for errors.Is(err, context.DeadlineExceeded) && r.ctx.Err() == nil {
		// A starved etcd did not answer. That nothing was half done is tested elsewhere.
		_, token, err = r.registry.Rotate(r.ctx, r.grant, overlap)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	began := time.Now()
	r.ends.Go(func() { r.awaitEnd(old, reads, began) })
	r.token = token
	r.save()
	r.used(n)
}

// used waits until the nth renewed credential is in use, and what was written until then
// is seen.
func (r *rotation) used(n int) {
	r.t.Helper()
	r.await("the new credential in use", func() bool {
		m, err := r.sidecar.metrics()
		return err == nil && m[`configservice_credential_renewals_total{result="ok"}`]+m[`configservice_store_restarts_total{reason="revoked"}`] >= float64(n)
	})
	last, at := r.written.Load(), time.Now()
	r.await("the last write", func() bool { return r.seen.Load() >= last })
	r.late.Store(max(r.late.Load(), int64(time.Since(at))))
}

func (r *rotation) await(what string, holds func() bool) {
	r.t.Helper()
	for pace := newPace(5 * time.Millisecond); !holds(); {
		if !pace.next(r.ctx) {
			r.t.Fatalf("did not happen: %s", what)
		}
	}
}

func userOf(token string) (user, password string) {
	id, secret, _ := strings.Cut(strings.TrimPrefix(token, "cs_"), "_")
	return service + "." + environment + "." + id, secret
}

// awaitEnd takes the time until neither a login with an old token, nor a read by one who
// had logged in, gets through.
func (r *rotation) awaitEnd(old string, reads *clientv3.Client, began time.Time) {
	user, password := userOf(old)
	for pace := newPace(200 * time.Millisecond); ; {
		_, login := r.root.Authenticate(r.ctx, user, password)
		_, read := reads.Get(r.ctx, entries+environment+"/"+service+"/n")
		if errors.Is(login, rpctypes.ErrAuthFailed) && read != nil {
			r.longest.Store(max(r.longest.Load(), int64(time.Since(began))))
			return
		}
		if !pace.next(r.ctx) {
			r.t.Errorf("an old token still opens the store: %v, %v", login, read)
			return
		}
	}
}

// TestARevokedSidecarSaysSoAndKeepsWhatItHas: the next proof is refused, which is within
// 10 s; then it is STALE once 15 s have passed since the last one.
func TestARevokedSidecarSaysSoAndKeepsWhatItHas(t *testing.T) {
	shared(t)
	r := newRotation(t)
	began := time.Now()
	if _, ids, err := r.registry.Revoke(r.ctx, r.grant); err != nil || len(ids) != 1 {
		t.Fatalf("revoked %v, %v", ids, err)
	}
	r.await("that it was revoked is said", func() bool {
		m, err := r.sidecar.metrics()
		return err == nil && m[`configservice_store_restarts_total{reason="revoked"}`] > 0
	})
	said := time.Since(began)
	client := r.server.Client(t)
	r.await("it is STALE", func() bool {
		got, err := client.Get(r.ctx, &configv1.GetRequest{Key: "n"})
		if err != nil {
			t.Fatalf("a Get failed: %v", err)
		}
		return got.GetState().GetFreshness() == configv1.State_STALE && got.GetEntry().GetValue().GetNumberValue() == 0
	})
	t.Logf("FIGURES revocation: said after %.1f s, STALE after %.1f s", said.Seconds(), time.Since(began).Seconds())
	if most := form().Limit(10 * time.Second); said > most {
		t.Errorf("it was said after %s; at most %s", said, most)
	}
}
