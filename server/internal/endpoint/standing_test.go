package endpoint_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/gateway"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// door knows callers by their tokens, and lets each read its own scope; both until it is
// told otherwise.
type door struct {
	mu      sync.Mutex
	known   map[string]*identity.Identity // by bearer
	barred  map[string]bool               // by namespace
	broken  bool
	puzzled chan struct{} // gets something when it is asked while it is broken
	changed chan struct{}
	asked   func(id *identity.Identity) // before the answer of authorize
}

func (d *door) Identify(ctx context.Context) (*identity.Identity, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		select {
		case d.puzzled <- struct{}{}:
		default:
		}
		return nil, errors.New("cannot tell")
	}
	token := strings.TrimPrefix(strings.Join(identity.EvidenceOf(ctx).Authorization, ","), "Bearer ")
	id := d.known[token]
	if id == nil {
		return nil, fmt.Errorf("%w: no such token", identity.ErrUnauthenticated)
	}
	return id, nil
}

func (d *door) authorize(id *identity.Identity, a policy.Action, namespace, environment string) (policy.Grant, error) {
	d.mu.Lock()
	barred, asked := d.barred[id.Namespace], d.asked
	d.mu.Unlock()
	if asked != nil {
		asked(id)
	}
	if barred {
		return policy.Grant{}, policy.ErrDenied
	}
	return policy.Sidecar(id, a, namespace, environment)
}

func (d *door) change(how func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	how()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *door) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// idle is a ConfigService whose Watch sends one message.
type idle struct {
	configv1.UnimplementedConfigServiceServer
}

func (idle) Watch(_ *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
	if err := stream.Send(&configv1.WatchResponse{State: &configv1.State{}, Event: &configv1.WatchResponse_Checkpoint{Checkpoint: &configv1.Checkpoint{}}}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return context.Cause(stream.Context())
}

func (idle) Get(context.Context, *configv1.GetRequest) (*configv1.GetResponse, error) {
	return &configv1.GetResponse{}, nil
}

// guardedHouse is the real chain, gRPC server and gateway behind a door.
type guardedHouse struct {
	*door
	client configv1.ConfigServiceClient
	rest   string
	log    journal

	standing *endpoint.Standing
	later    atomic.Int64 // how far its clock is ahead, as a time.Duration
}

func (h *guardedHouse) now() time.Time { return time.Now().Add(time.Duration(h.later.Load())) }

func serveGuarded(t *testing.T) *guardedHouse {
	t.Helper()
	h := &guardedHouse{door: &door{known: map[string]*identity.Identity{}, barred: map[string]bool{}, changed: make(chan struct{}), puzzled: make(chan struct{}, 1)}}
	log := telemetry.NewLogger(&h.log, "error", "json")
	metrics := telemetry.NewMetrics("test", time.Now)
	chain := endpoint.Chain{
		Log:       log,
		Metrics:   telemetry.NewCalls(),
		Identify:  h.door,
		Authorize: h.authorize,
		Streams:   endpoint.NewStreams(1000, 250),
		Answers:   endpoint.NewAnswers(1<<20, endpoint.DefaultTimes()),
		Audit:     telemetry.NewAudit(nil, log, metrics, time.Now),
		Standing:  endpoint.NewStanding(h.now, h.Changed),
	}
	server := endpoint.NewServer(chain, endpoint.DefaultTimes())
	configv1.RegisterConfigServiceServer(server, idle{})
	l, err := endpoint.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) }) // until it is stopped
	ctx, stop := context.WithCancel(context.Background())
	running.Go(func() { chain.Follow(ctx) })
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Service: idle{}, Unary: chain.Unary(), Stream: chain.Stream(), Health: http.NotFoundHandler(),
		IsSpare: endpoint.IsSpare, UnixPeer: endpoint.UnixPeerOf, Log: log, Audit: chain.Audit, Metrics: metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(g)
	t.Cleanup(func() {
		_ = conn.Close() // the test is over
		server.Stop()
		web.CloseClientConnections()
		web.Close()
		stop()
		running.Wait()
	})
	h.standing = chain.Standing
	h.client, h.rest = configv1.NewConfigServiceClient(conn), web.URL
	return h
}

// admit makes a token known for a service.
func (h *guardedHouse) admit(token, namespace string, expires time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known[token] = &identity.Identity{Kind: identity.Token, Namespace: namespace, Environment: "production", Credential: "id-of-" + namespace, Expires: expires}
}

// ended is how a stream ended: its code and its reason.
type ended struct {
	code   codes.Code
	reason string
}

// overGRPC opens a Watch and returns what delivers its end.
func (h *guardedHouse) overGRPC(t *testing.T, token string) <-chan ended {
	t.Helper()
	w, err := h.client.Watch(metadata.AppendToOutgoingContext(deadline(t), "authorization", "Bearer "+token), &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan ended, 1)
	if _, err := w.Recv(); err != nil {
		r := refusalOf(err)
		out <- ended{r.code, r.reason}
		return out
	}
	go func() {
		_, err := w.Recv()
		r := refusalOf(err)
		out <- ended{r.code, r.reason}
	}()
	return out
}

// overREST does so with NDJSON, or with SSE.
func (h *guardedHouse) overREST(t *testing.T, token, accept string) <-chan ended {
	t.Helper()
	req, err := http.NewRequestWithContext(deadline(t), http.MethodGet, h.rest+"/v1/watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || resp.StatusCode != http.StatusOK {
		t.Fatalf("answered %d %q", resp.StatusCode, lines.Text())
	}
	out := make(chan ended, 1)
	go func() {
		defer resp.Body.Close()
		last := ""
		for lines.Scan() {
			if text := strings.TrimPrefix(lines.Text(), "data: "); strings.HasPrefix(text, "{") {
				last = text
			}
		}
		r := webRefusal(t, last)
		out <- ended{r.code, r.reason}
	}()
	return out
}

var (
	unauthenticated = ended{codes.Unauthenticated, "UNAUTHENTICATED"}
	denied          = ended{codes.PermissionDenied, "PERMISSION_DENIED"}
)

// TestAWatchEndsWithItsGrant: over every transport, with the reason, and nobody else's.
func TestAWatchEndsWithItsGrant(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		expires time.Duration // 0: never
		end     func(h *guardedHouse)
		want    ended
		reason  string // on record
	}{
		"the token is gone": {0, func(h *guardedHouse) { h.change(func() { delete(h.known, "cs_secret") }) }, unauthenticated, "UNAUTHENTICATED: no usable credential: no such token"},
		"the grant is gone": {0, func(h *guardedHouse) { h.change(func() { h.barred["payments"] = true }) }, denied, "PERMISSION_DENIED"},
		"the token is somebody else's": {0, func(h *guardedHouse) {
			h.change(func() {
				h.known["cs_secret"] = &identity.Identity{Kind: identity.Token, Namespace: "orders", Environment: "production"}
			})
		}, denied, "PERMISSION_DENIED"},
		"the token runs out": {time.Hour, func(h *guardedHouse) { h.later.Store(int64(2 * time.Hour)) }, unauthenticated, "UNAUTHENTICATED: the evidence has run out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serveGuarded(t)
			h.admit("cs_other", "other", time.Time{})
			var expires time.Time
			if test.expires > 0 {
				expires = time.Now().Add(test.expires)
			}
			h.admit("cs_secret", "payments", expires)
			bystander := h.overGRPC(t, "cs_other")
			streams := map[string]<-chan ended{
				"gRPC":   h.overGRPC(t, "cs_secret"),
				"NDJSON": h.overREST(t, "cs_secret", "application/x-ndjson"),
				"SSE":    h.overREST(t, "cs_secret", "text/event-stream"),
			}
			began := time.Now()
			test.end(h)
			for transport, ending := range streams {
				select {
				case got := <-ending:
					t.Logf("%s ended after %s", transport, time.Since(began).Round(time.Millisecond))
					if got != test.want {
						t.Errorf("%s ended with %v, want %v", transport, got, test.want)
					}
				case <-time.After(patience):
					t.Fatalf("the stream over %s goes on", transport)
				}
			}
			select {
			case got := <-bystander:
				t.Errorf("somebody else's stream ended with %v", got)
			default:
			}
			audits := slices.DeleteFunc(lines(t, h.log.text()), func(r map[string]any) bool { return r["msg"] != "audit" })
			if len(audits) != len(streams) {
				t.Errorf("%d streams that were ended make the records %v", len(streams), audits)
			}
			for _, r := range audits {
				if r["decision"] != "denied" || r["reason"] != test.reason || r["who"] != "service:payments/production" || r["namespace"] != "payments" || r["environment"] != "production" || r["credential"] != "id-of-payments" {
					t.Errorf("the record is %v", r)
				}
			}
			if strings.Contains(h.log.text(), "cs_secret") {
				t.Error("the log holds a token")
			}
		})
	}
}

// TestAChangeThatCallersSurvive: who is still admitted keeps its stream, and so do all
// while it cannot be told.
func TestAChangeThatCallersSurvive(t *testing.T) {
	t.Parallel()
	h := serveGuarded(t)
	h.admit("cs_kept", "payments", time.Now().Add(time.Hour))
	h.admit("cs_ended", "orders", time.Time{})
	kept := h.overGRPC(t, "cs_kept")
	h.change(func() { h.broken = true })
	select {
	case <-h.puzzled: // by who looks at the stream
	case <-time.After(patience):
		t.Fatal("nobody looks")
	}
	ended := h.overGRPC(t, "cs_ended")
	if got := <-ended; got.code != codes.Internal {
		t.Errorf("while it cannot be told who calls, a new stream is answered %v", got)
	}
	h.change(func() { h.broken = false })
	gone := h.overGRPC(t, "cs_ended")
	h.change(func() { delete(h.known, "cs_ended") })
	if got := <-gone; got != unauthenticated { // all were looked at
		t.Errorf("the other stream ended with %v", got)
	}
	select {
	case got := <-kept:
		t.Errorf("the stream that is still admitted ended with %v", got)
	default:
	}
}

// TestAGrantThatEndsWhileAStreamBegins: what changes between the decision about a stream
// and its first message is not missed.
func TestAGrantThatEndsWhileAStreamBegins(t *testing.T) {
	t.Parallel()
	h := serveGuarded(t)
	h.admit("cs_sign", "sign", time.Time{})
	h.admit("cs_late", "late", time.Time{})
	sign := h.overGRPC(t, "cs_sign") // its end shows that all were looked at
	var once sync.Once
	h.mu.Lock()
	h.asked = func(id *identity.Identity) {
		if id.Namespace != "late" {
			return
		}
		once.Do(func() { // the answer is made, and not given yet
			h.change(func() { h.barred["late"] = true; delete(h.known, "cs_sign") })
			select {
			case <-sign:
			case <-time.After(patience):
				t.Error("nobody looked")
			}
		})
	}
	h.mu.Unlock()
	select {
	case got := <-h.overGRPC(t, "cs_late"):
		if got != denied {
			t.Errorf("the stream ended with %v", got)
		}
	case <-time.After(patience):
		t.Fatal("the stream goes on")
	}
}

// TestStreamsAreForgotten: a stream that ended by itself is not kept.
func TestStreamsAreForgotten(t *testing.T) {
	t.Parallel()
	h := serveGuarded(t)
	h.admit("cs_a", "a", time.Time{})
	for range 20 {
		ctx, cancel := context.WithCancel(deadline(t))
		w, err := h.client.Watch(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer cs_a"), &configv1.WatchRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Recv(); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := w.Recv(); status.Code(err) != codes.Canceled {
			t.Fatal(err)
		}
	}
	h.overGRPC(t, "cs_a")
	for start := time.Now(); h.standing.Open() != 1; time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("of one open stream %d are known", h.standing.Open())
		}
	}
}
