package identity_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

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
		Log: log, Metrics: telemetry.NewCalls(), Identify: d.Authenticator,
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
