package identity_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/gateway"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// whose answers in which scope a call was let in.
type whose struct {
	configv1.UnimplementedConfigServiceServer
}

func scopeOf(ctx context.Context) *configv1.State {
	g := policy.GrantOf(ctx)
	return &configv1.State{Namespace: g.Namespace(), Environment: g.Environment()}
}

func (whose) Get(ctx context.Context, _ *configv1.GetRequest) (*configv1.GetResponse, error) {
	return &configv1.GetResponse{State: scopeOf(ctx), Entry: &configv1.Entry{}}, nil
}

func (whose) Watch(_ *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
	return stream.Send(&configv1.WatchResponse{State: scopeOf(stream.Context()), Event: &configv1.WatchResponse_Checkpoint{}})
}

// doors are the real listeners, chain and gateway in front of an Authenticator: in
// plaintext, over TLS, and on a Unix socket.
type doors struct {
	*trial
	authority *servertest.Authority
	rest, rpc map[string]string // addresses, by door
}

func openDoors(t *testing.T, tr *trial, otherEvidence bool) *doors {
	t.Helper()
	d := &doors{trial: tr, authority: servertest.NewAuthority(t), rest: map[string]string{}, rpc: map[string]string{}}
	server := d.authority.Server(t)
	var pems [3][]byte
	for i, path := range []string{server.File, server.KeyFile, d.authority.File} {
		var err error
		if pems[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	secure, err := endpoint.ParseTLS(pems[0], pems[1], pems[2], otherEvidence)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "doors") // the names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	current := func() endpoint.TLS { return secure }
	for name, addr := range map[string][2]string{
		"plain": {"127.0.0.1:0", "127.0.0.1:0"}, "tls": {"127.0.0.1:0", "127.0.0.1:0"},
		"unix": {"unix:" + filepath.Join(dir, "rest"), "unix:" + filepath.Join(dir, "grpc")},
	} {
		d.open(t, name, addr, current)
	}
	return d
}

func (d *doors) open(t *testing.T, name string, addr [2]string, current func() endpoint.TLS) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	times := endpoint.DefaultTimes()
	chain := endpoint.Chain{
		Log: log, Metrics: grpcprom.NewServerMetrics(), Identify: d.Authenticator,
		Authorize: policy.By(func() *policy.Policy { return nil }),
		Streams:   endpoint.NewStreams(1000, 250), Answers: endpoint.NewAnswers(1<<20, times),
	}
	var options []grpc.ServerOption
	if name == "tls" {
		options = append(options, grpc.Creds(credentials.NewTLS(endpoint.GRPC(current))))
	}
	rpc := endpoint.NewServer(chain, times, options...)
	configv1.RegisterConfigServiceServer(rpc, whose{})
	g, err := gateway.New(gateway.Config{
		Service: whose{}, Unary: chain.Unary(), Stream: chain.Stream(), Health: http.NotFoundHandler(),
		IsSpare: endpoint.IsSpare, UnixPeer: endpoint.UnixPeerOf, Log: log, Metrics: telemetry.NewMetrics("test", nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	web := endpoint.NewHTTP(g, times, log)
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := endpoint.Listen(t.Context(), addr[i])
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = endpoint.Within(l, endpoint.Limit{Max: 100, Stall: times.Stall, Beyond: prometheus.NewCounter(prometheus.CounterOpts{}), Log: log})
	}
	d.rest[name], d.rpc[name] = listeners[0].Addr().String(), listeners[1].Addr().String()
	if name == "unix" {
		d.rpc[name] = "unix:" + d.rpc[name]
	}
	if name == "tls" {
		listeners[0] = tls.NewListener(listeners[0], endpoint.REST(current))
	}
	served := make(chan error, 2)
	go func() { served <- web.Serve(listeners[0]) }()
	go func() { served <- rpc.Serve(listeners[1]) }()
	t.Cleanup(func() {
		_ = web.Close()
		rpc.Stop()
		<-served
		<-served
	})
}

// caller comes through one door, over each transport.
type caller struct {
	rest *http.Client
	url  string
	rpc  configv1.ConfigServiceClient
}

func (d *doors) caller(t *testing.T, door string, shows ...servertest.Certificate) caller {
	t.Helper()
	cfg := &tls.Config{RootCAs: d.authority.Pool}
	for _, c := range shows {
		// Not Certificates: Go's client would keep one back that the server does not ask for.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.TLS, nil }
	}
	transport := &http.Transport{TLSClientConfig: cfg, DisableCompression: true}
	how, url := grpc.WithTransportCredentials(insecure.NewCredentials()), "http://"+d.rest[door]
	switch door {
	case "tls":
		how, url = grpc.WithTransportCredentials(credentials.NewTLS(cfg.Clone())), "https://"+d.rest[door]
	case "unix":
		url = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.rest[door])
		}
	}
	conn, err := grpc.NewClient(d.rpc[door], how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); transport.CloseIdleConnections() })
	return caller{&http.Client{Transport: transport, Timeout: patience}, url, configv1.NewConfigServiceClient(conn)}
}

// ask calls over a transport with headers, in pairs, and returns the scope that the call
// was let in to, or the reason of the refusal.
func (c caller) ask(t *testing.T, transport string, headers []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	rpc := metadata.AppendToOutgoingContext(ctx, headers...)
	var state *configv1.State
	var err error
	switch transport {
	case "gRPC":
		var resp *configv1.GetResponse
		resp, err = c.rpc.Get(rpc, &configv1.GetRequest{Key: "a"})
		state = resp.GetState()
	case "gRPC stream":
		var stream configv1.ConfigService_WatchClient
		if stream, err = c.rpc.Watch(rpc, &configv1.WatchRequest{}); err == nil {
			var resp *configv1.WatchResponse
			resp, err = stream.Recv()
			state = resp.GetState()
		}
	case "REST":
		return c.overREST(ctx, t, "/v1/config/a", headers)
	case "REST stream":
		return c.overREST(ctx, t, "/v1/watch", headers)
	}
	if err != nil {
		return fault.ReasonOf(status.Convert(err))
	}
	return state.GetNamespace() + "/" + state.GetEnvironment()
}

var transports = []string{"gRPC", "gRPC stream", "REST", "REST stream"}

func (c caller) overREST(ctx context.Context, t *testing.T, path string, headers []string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := c.rest.Do(req)
	if err != nil {
		return "NOT_READY" // as gRPC says of a connection that fails
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadBytes('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	type stated struct {
		State struct{ Namespace, Environment string }
	}
	var body struct {
		stated
		Result  stated
		Details []struct{ Reason string }
	}
	if resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
		return "TOO_LARGE"
	}
	if err := json.Unmarshal(line, &body); err != nil {
		t.Fatalf("%d %q: %v", resp.StatusCode, line, err)
	}
	if resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("Www-Authenticate") != "Bearer" {
		t.Errorf("%s: a 401 with WWW-Authenticate %q", path, resp.Header.Get("Www-Authenticate"))
	}
	if (resp.StatusCode == http.StatusOK) == (len(body.Details) > 0) {
		t.Errorf("%s: %d %s", path, resp.StatusCode, line)
	}
	for _, d := range body.Details {
		if d.Reason != "" {
			return d.Reason
		}
	}
	state := body.State
	if body.Result.State.Namespace != "" {
		state = body.Result.State
	}
	return state.Namespace + "/" + state.Environment
}

const (
	mine    = "payment-service/production"
	theirs  = "order-service/production"
	nobodys = "UNAUTHENTICATED"
)

// TestWhoCalls is every evidence over every transport: good, wrong, ended, another's.
func TestWhoCalls(t *testing.T) {
	t.Parallel()
	ec, stranger := newSigner(t, "ec", jose.ES256), newSigner(t, "ec", jose.ES256)
	token, line := entry(t, "service: payment-service, environment: production")
	other, otherLine := entry(t, "service: order-service, environment: production")
	over, overLine := entry(t, "service: payment-service, environment: production, expires: 2020-01-01T00:00:00Z")
	me := uint32(os.Getuid())
	rules := []identity.MapRule{
		kubernetes,
		{DNS: "{service}.{environment}.internal"},
		{SPIFFE: "spiffe://example.org/{environment}/{service}"},
		{UID: &me, Service: "payment-service", Environment: "production"},
	}
	d := openDoors(t, newTrial(t, line+otherLine+overLine, keySet(t, ec), rules...), true)
	jwt := ec.sign(t, with(t, nil))
	theirJWT := ec.sign(t, with(t, map[string]any{"sub": "system:serviceaccount:production:order-service"}))
	dns, spiffe := d.authority.Client(t, []string{"payment-service.production.internal"}), d.authority.Client(t, nil, "spiffe://example.org/production/payment-service")
	unnamed := d.authority.Client(t, []string{"example.com"})
	stranger2 := servertest.NewAuthority(t).Client(t, []string{"payment-service.production.internal"})

	plain, unix := d.caller(t, "plain"), d.caller(t, "unix")
	bare, withDNS, withSPIFFE := d.caller(t, "tls"), d.caller(t, "tls", dns), d.caller(t, "tls", spiffe)
	bearer := func(tokens ...string) (headers []string) {
		for _, token := range tokens {
			headers = append(headers, "authorization", "Bearer "+token)
		}
		return headers
	}
	onUnix := mine
	if runtime.GOOS != "linux" {
		onUnix = nobodys
	}
	rows := []struct {
		name    string
		caller  caller
		headers []string
		want    string // "": refused somehow
	}{
		{"nothing", plain, nil, nobodys},
		{"a token", plain, bearer(token), mine},
		{"a token, another case of the scheme", plain, []string{"authorization", "bEARER " + token}, mine},
		{"another's token", plain, bearer(other), theirs},
		{"a wrong token", plain, bearer(token + "a"), nobodys},
		{"an expired token", plain, bearer(over), nobodys},
		{"two tokens", plain, bearer(token, token), nobodys},
		{"a token and a JWT", plain, bearer(token, jwt), nobodys},
		{"another scheme", plain, []string{"authorization", "Basic " + token}, nobodys},
		{"an empty header", plain, []string{"authorization", ""}, nobodys},
		{"12 KiB of dots", plain, bearer(strings.Repeat(".", 12<<10)), nobodys},
		{"1 MiB of dots", plain, bearer(strings.Repeat(".", 1<<20)), ""},

		{"a JWT", plain, bearer(jwt), mine},
		{"another's JWT", plain, bearer(theirJWT), theirs},
		{"a JWT of another signature", plain, bearer(stranger.sign(t, with(t, nil))), nobodys},
		{"an expired JWT", plain, bearer(ec.sign(t, with(t, map[string]any{"exp": today.Unix() - 60}))), nobodys},
		{"two JWTs", plain, bearer(jwt, jwt), nobodys},
		{"a JWT of 12 KiB", plain, bearer(ec.sign(t, with(t, map[string]any{"x": strings.Repeat("a", 8<<10)}))), mine},

		{"TLS and nothing", bare, nil, nobodys},
		{"TLS and a token", bare, bearer(token), mine},
		{"a certificate", withDNS, nil, mine},
		{"a SPIFFE certificate", withSPIFFE, nil, mine},
		{"a certificate of no rule", d.caller(t, "tls", unnamed), nil, nobodys},
		{"a certificate of another authority", d.caller(t, "tls", stranger2), nil, ""},
		{"a certificate, and another's token", withDNS, bearer(other), theirs},
		{"a certificate, and a wrong token", withDNS, bearer(token + "a"), nobodys},
		{"a certificate, and another scheme", withDNS, []string{"authorization", "Basic x"}, nobodys},
		{"a certificate, and an empty header", withDNS, []string{"authorization", ""}, nobodys},

		{"a Unix user", unix, nil, onUnix},
		{"a Unix user, and another's token", unix, bearer(other), theirs},
		{"a Unix user, and a wrong token", unix, bearer(token + "a"), nobodys},
		{"a Unix user, and two tokens", unix, bearer(token, token), nobodys},
	}
	for name, value := range map[string]string{
		"grpcgateway-authorization": "Bearer " + token, "grpc-metadata-authorization": "Bearer " + token, "proxy-authorization": "Bearer " + token,
		"x-authorization": "Bearer " + token, "x-forwarded-authorization": "Bearer " + token, "cookie": "authorization=Bearer " + token,
		"x-forwarded-client-cert": "URI=spiffe://example.org/production/payment-service", "x-forwarded-user": "payment-service",
		"x-namespace": "payment-service", "x-forwarded-for": "127.0.0.1", "evidence": "x", "x-remote-uid": "0",
	} {
		rows = append(rows, struct {
			name    string
			caller  caller
			headers []string
			want    string
		}{"the header " + name, plain, []string{name, value}, nobodys})
	}
	for _, row := range rows {
		for _, transport := range transports {
			if strings.HasPrefix(transport, "gRPC") && row.name == "1 MiB of dots" {
				continue // a client of gRPC does not send it
			}
			got := row.caller.ask(t, transport, row.headers)
			if got != row.want && (row.want != "" || strings.Contains(got, "/")) {
				t.Errorf("%s, %s: %s, want %q", row.name, transport, got, row.want)
			}
		}
	}

	// An authority is withdrawn while the connections are open.
	for _, step := range []struct {
		roots *x509.CertPool
		want  string
	}{{d.authority.Pool, mine}, {servertest.NewAuthority(t).Pool, nobodys}, {d.authority.Pool, mine}} {
		d.now.Store(&[]time.Time{time.Now()}[0])
		d.roots.set(step.roots)
		for _, transport := range transports {
			if got := withDNS.ask(t, transport, nil); got != step.want {
				t.Errorf("of other authorities: a certificate, %s: %s, want %s", transport, got, step.want)
			}
		}
	}
	d.roots.set(nil)
	d.now.Store(&today)

	// Each is revoked while its connection is open.
	somebodyElse := me + 1
	d.tokens.set(parseTokens(t, otherLine))
	d.keys.set(keySet(t, newSigner(t, "ec", jose.ES256)))
	d.mapping.set(newMapping(t, kubernetes, identity.MapRule{DNS: "{service}.{environment}.example"}, identity.MapRule{UID: &somebodyElse, User: "alice"}))
	for _, row := range rows {
		want := row.want
		if want == mine || strings.Contains(row.name, "JWT") {
			want = nobodys
		}
		for _, transport := range transports {
			if got := row.caller.ask(t, transport, row.headers); row.want != "" && got != want {
				t.Errorf("after it was revoked: %s, %s: %s, want %q", row.name, transport, got, want)
			}
		}
	}
}

// Where certificates are the only evidence, nobody gets in without one.
func TestCertificatesAlone(t *testing.T) {
	t.Parallel()
	d := openDoors(t, newTrial(t, "", nil, identity.MapRule{DNS: "{service}.{environment}.internal"}), false)
	cert := d.authority.Client(t, []string{"payment-service.production.internal"})
	with, without := d.caller(t, "tls", cert), d.caller(t, "tls")
	for _, transport := range transports {
		if got := with.ask(t, transport, nil); got != mine {
			t.Errorf("%s with a certificate: %s", transport, got)
		}
		if got := without.ask(t, transport, nil); got != "NOT_READY" {
			t.Errorf("%s without a certificate: %s", transport, got)
		}
	}
}

// Nothing but what the gateway hands on, and what the transport itself knows, is evidence.
func TestEvidenceIsNotMadeOfMetadata(t *testing.T) {
	md := metadata.Pairs("authorization", "Bearer x", "x-forwarded-for", "1.2.3.4")
	ctx := metadata.NewIncomingContext(t.Context(), md)
	if ev := identity.EvidenceOf(ctx); ev.Authorization != nil || ev.Certificates != nil || ev.Peer != nil {
		t.Errorf("a context without a peer has %+v", ev)
	}
	given := identity.Evidence{Certificates: []*x509.Certificate{{}}}
	if ev := identity.EvidenceOf(identity.WithEvidence(ctx, &given)); ev.Authorization != nil || len(ev.Certificates) != 1 {
		t.Errorf("REST has %+v", ev)
	}
}
