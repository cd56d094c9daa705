package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// process is a running `config-service serve`.
type process struct {
	t               *testing.T
	cmd             *exec.Cmd
	ended           func() error // waits for its end
	http, grpc, ops string       // addresses, from its first log line

	mu   sync.Mutex
	log  []map[string]any
	news chan struct{} // closed with the next line, or the end
	done bool
}

// serve starts a sidecar and returns when its listeners are open.
func (p *product) serve(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	s := &process{t: t, cmd: p.command(t, env, append([]string{"serve"}, args...)...), news: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() { s.read(stderr) })
	s.ended = sync.OnceValue(func() error {
		reader.Wait() // it closes the log as it ends
		return s.cmd.Wait()
	})
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it has ended, unless the test failed
		_ = s.ended()
	})
	line := s.logged("serving")
	s.http, s.grpc, s.ops = line["http"].(string), line["grpc"].(string), line["ops"].(string)
	return s
}

func (s *process) read(stderr io.Reader) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		record := map[string]any{}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			s.t.Errorf("%q is no log record: %v", lines.Text(), err)
		}
		s.mu.Lock()
		s.log = append(s.log, record)
		s.wake()
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	s.wake()
}

func (s *process) wake() {
	close(s.news)
	s.news = make(chan struct{})
}

// logged waits for a log line that begins so.
func (s *process) logged(message string) map[string]any {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		log, news, done := s.log, s.news, s.done
		s.mu.Unlock()
		for _, record := range log {
			if text, _ := record["msg"].(string); strings.HasPrefix(text, message) {
				return record
			}
		}
		if done {
			s.t.Fatalf("it ended without %q in its log: %v", message, log)
		}
		select {
		case <-news:
		case <-timeout:
			s.t.Fatalf("%q is not in its log: %v", message, log)
		}
	}
}

// stops sends a signal, and wants the exit code 0, of which no call was in the way.
func (s *process) stops(signal os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	if err := s.ended(); err != nil {
		s.t.Errorf("%s: it ended with %v", signal, err)
	}
	s.logged("stopped")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, record := range s.log {
		if text, _ := record["msg"].(string); strings.Contains(text, "were cut") {
			s.t.Errorf("%s: %v", signal, record)
		}
	}
}

// get asks a listener, which is at HOST:PORT or a socket's path.
func get(t *testing.T, addr, path string) (code int, body string, header http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		network := "tcp"
		if strings.HasPrefix(addr, "/") {
			network = "unix"
		}
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// ready waits until a sidecar has a configuration, and says that it is ready.
func (p *product) ready(t *testing.T, grpcAddr string) {
	t.Helper()
	for _, service := range []string{configv1.ConfigService_ServiceDesc.ServiceName, "readiness"} {
		if _, stderr, code := p.run(t, nil, "healthcheck", "--grpc-addr", grpcAddr, "--service", service, "--wait", patience.String()); code != 0 {
			t.Fatalf("it does not become ready: %s", stderr)
		}
	}
}

func dial(t *testing.T, addr string) configv1.ConfigServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return configv1.NewConfigServiceClient(conn)
}

// healthcheckThatWaits asks before there is anyone to answer.
func healthcheckThatWaits(t *testing.T, p *product) {
	socket := "unix:" + filepath.Join(shortDir(t), "s")
	cmd := p.command(t, nil, "healthcheck", "--grpc-addr", socket, "--wait", patience.String())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := p.serve(t, []string{"ETCD_ENDPOINTS=" + p.etcd.Endpoint}, append(freeAddresses, "--grpc-addr="+socket)...)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, stderr.String())
	}
	s.stops(syscall.SIGTERM)
}

// notAnEtcd points a sidecar at a web server. It goes on trying, and says so to
// everyone who asks.
func notAnEtcd(t *testing.T, p *product) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	s := p.serve(t, []string{"ETCD_ENDPOINTS=" + web.URL}, freeAddresses...)
	record := s.logged("not following the store")
	if record["endpoint"] != web.URL || record["level"] != "WARN" || record["reason"] == "" {
		t.Errorf("the log says %v", record)
	}
	for _, addr := range []string{s.ops, s.http} {
		if code, body, _ := get(t, addr, "/readyz"); code != http.StatusServiceUnavailable || !strings.HasPrefix(body, "not ready: ") {
			t.Errorf("/readyz answers %d %q", code, body)
		}
		if code, body, _ := get(t, addr, "/healthz"); code != http.StatusOK {
			t.Errorf("/healthz answers %d %q", code, body)
		}
	}
	for _, path := range []string{"/v1/config", "/v1/config/a", "/v1/explain/a", "/v1/watch"} {
		code, body, header := get(t, s.http, path)
		if code != http.StatusServiceUnavailable || !strings.Contains(body, "NOT_READY") || header.Get("Retry-After") == "" {
			t.Errorf("%s answers %d %q %v", path, code, body, header)
		}
		if host := strings.TrimPrefix(web.URL, "http://"); strings.Contains(body, host) {
			t.Errorf("%s tells where the store is: %q", path, body)
		}
	}
	if _, err := dial(t, s.grpc).Get(t.Context(), &configv1.GetRequest{Key: "a"}); status.Code(err) != codes.Unavailable {
		t.Errorf("Get answers %v", err)
	}
	s.stops(syscall.SIGTERM)
}

func unixSockets(t *testing.T, p *product) {
	p.etcd.Commit(t, servertest.Write{Namespace: "sockets", Environment: "test", Layer: configv1.Layer_SERVICE, Key: "a", JSON: `"over a socket"`})
	dir := shortDir(t)
	rest, rpc, ops := filepath.Join(dir, "http"), filepath.Join(dir, "grpc"), filepath.Join(dir, "ops")
	env := []string{
		"SERVICE_NAME=sockets", "ENVIRONMENT=test", "ETCD_ENDPOINTS=" + p.etcd.Endpoint,
		"CONFIG_HTTP_ADDR=unix:" + rest, "CONFIG_GRPC_ADDR=unix:" + rpc, "CONFIG_OPS_ADDR=unix:" + ops,
	}
	s := p.serve(t, env)
	p.ready(t, "unix:"+rpc)
	for _, path := range []string{rest, rpc, ops} {
		if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o660 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if code, body, _ := get(t, ops, "/readyz"); code != http.StatusOK {
		t.Errorf("/readyz answers %d %q", code, body)
	}
	if code, body, _ := get(t, rest, "/v1/config/a"); code != http.StatusOK || !strings.Contains(body, "over a socket") {
		t.Errorf("REST answers %d %q", code, body)
	}
	resp, err := dial(t, "unix:"+rpc).Get(t.Context(), &configv1.GetRequest{Key: "a"})
	if err != nil || resp.GetEntry().GetValue().GetStringValue() != "over a socket" {
		t.Errorf("gRPC answers %v, %v", resp, err)
	}
	s.stops(syscall.SIGTERM)
	for _, path := range []string{rest, rpc, ops} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind: %v", path, err)
		}
	}
}

// staleUnixSockets starts over the sockets that a killed process left.
func staleUnixSockets(t *testing.T, p *product) {
	dir := shortDir(t)
	env := []string{
		"ETCD_ENDPOINTS=" + p.etcd.Endpoint, "CONFIG_HTTP_ADDR=unix:" + dir + "/http",
		"CONFIG_GRPC_ADDR=unix:" + dir + "/grpc", "CONFIG_OPS_ADDR=unix:" + dir + "/ops",
	}
	first := p.serve(t, env)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.ended() // it was killed
	if _, err := os.Stat(dir + "/grpc"); err != nil {
		t.Fatalf("there is nothing to start over: %v", err)
	}
	second := p.serve(t, env)
	p.ready(t, "unix:"+dir+"/grpc")
	second.stops(syscall.SIGTERM)
}

// signalWithOpenWatch stops a sidecar that has readers: they are told why, and when to
// come back.
func signalWithOpenWatch(t *testing.T, p *product) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		s := p.serve(t, []string{"ETCD_ENDPOINTS=" + p.etcd.Endpoint}, freeAddresses...)
		p.ready(t, s.grpc)
		stream, err := dial(t, s.grpc).Watch(t.Context(), &configv1.WatchRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if first, err := stream.Recv(); err != nil || first.GetSnapshot() == nil {
			t.Fatalf("the first message is %v, %v", first, err)
		}
		s.stops(signal)
		for err = nil; err == nil; {
			_, err = stream.Recv()
		}
		st := status.Convert(err)
		var reason string
		var retry time.Duration
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				reason = d.GetReason()
			case *errdetails.RetryInfo:
				retry = d.GetRetryDelay().AsDuration()
			}
		}
		if st.Code() != codes.Unavailable || reason != configv1.ErrorReason_NOT_READY.String() || retry <= 0 {
			t.Errorf("%s: the stream ends with %v, reason %q, retry after %s", signal, st, reason, retry)
		}
	}
}

func signalWithoutStore(t *testing.T, p *product) {
	s := p.serve(t, []string{"ETCD_ENDPOINTS=" + servertest.FreeAddress(t)}, freeAddresses...)
	s.stops(syscall.SIGTERM)
}
