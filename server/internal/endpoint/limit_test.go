package endpoint_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// line is a bare connection.
type line struct {
	net.Conn
	in *bufio.Reader
}

func dialLine(t *testing.T, addr string) *line {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(addr, "http://"), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &line{conn, bufio.NewReader(conn)}
}

// ask sends a request and reads the answer; 0 is a closed connection.
func (l *line) ask(t *testing.T, path string) (code int, header http.Header, body string) {
	t.Helper()
	// The server may close before it has read.
	_, _ = io.WriteString(l, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
	resp, err := http.ReadResponse(l.in, nil)
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatalf("%s: neither an answer nor a closed connection", path)
		}
		return 0, nil, ""
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(all)
}

func (l *line) isClosed() bool {
	_, err := l.in.ReadByte()
	ne, ok := err.(net.Error)
	return err != nil && (!ok || !ne.Timeout())
}

// until asks again and again.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); !ok(); <-again.C {
		if time.Now().After(end) {
			t.Fatalf("it does not come to pass: %s", what)
		}
	}
}

// metric reads one sample. The connection it takes is its own.
func metric(t *testing.T, s *servertest.Server, name string) string {
	t.Helper()
	l := dialLine(t, s.Ops)
	defer l.Close()
	_, _, body := l.ask(t, "/metrics")
	for text := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(text, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// The connections of each listener are counted for themselves. Beyond the limit REST
// says what is the matter, probes and scrapes are answered, and nobody is left to
// wait.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	log := &journal{}
	s := servertest.Start(t, servertest.Options{
		Settings: map[string]string{"CONFIG_MAX_CONNECTIONS": "3"}, Log: telemetry.NewLogger(log, "info", "json"),
	})
	until(t, "the server is ready", func() bool { return metric(t, s, "configservice_ready") == "1" })
	began := time.Now()
	var rest []*line
	for range 3 {
		l := dialLine(t, s.URL)
		if code, _, _ := l.ask(t, "/v1/config"); code != http.StatusOK {
			t.Fatalf("within the limit: %d", code)
		}
		rest = append(rest, l)
	}
	l := dialLine(t, s.URL)
	code, header, body := l.ask(t, "/v1/config")
	if got := webRefusal(t, body); code != http.StatusServiceUnavailable || got.reason != "NOT_READY" || !strings.Contains(got.message, "CONFIG_MAX_CONNECTIONS") {
		t.Errorf("beyond the limit: %d %v", code, got)
	}
	if header.Get("Retry-After") == "" || header.Get("X-Request-Id") == "" || !l.isClosed() {
		t.Errorf("beyond the limit: %v, and the connection has to be closed", header)
	}
	l = dialLine(t, s.URL)
	if code, _, _ := l.ask(t, "/readyz"); code != http.StatusOK || !l.isClosed() {
		t.Errorf("a probe beyond the limit is answered %d, and the connection has to be closed", code)
	}

	// The places beyond the limit are few. One more is closed at once, unasked.
	for range 32 {
		dialLine(t, s.URL)
	}
	if l := dialLine(t, s.URL); !l.isClosed() {
		t.Error("a connection that cannot be served is left to wait")
	}

	var rpc []*peer
	for range 3 {
		p := connect(t, s)
		if o := p.call(t, []byte{0, 0, 0, 0, 0}, request("/configservice.v1.ConfigService/List")...); o.code() != codes.OK {
			t.Fatalf("gRPC, within the limit: %v", o)
		}
		rpc = append(rpc, p)
	}
	if l := dialLine(t, s.GRPC); !l.isClosed() {
		t.Error("gRPC: a connection beyond the limit is left to wait")
	}

	for range 3 {
		dialLine(t, s.Ops).ask(t, "/healthz")
	}
	for listener, want := range map[string]string{"rest": "35", "grpc": "1"} {
		if got := metric(t, s, `configservice_refused_connections_total{listener="`+listener+`"}`); got != want {
			t.Errorf("%s: %s connections were counted, want %s", listener, got, want)
		}
	}
	// One a listener, and again when it takes long.
	most := 3 * (1 + int(time.Since(began)/(10*time.Second)))
	if n := strings.Count(log.text(), "connection refused"); n < 3 || n > most {
		t.Errorf("there are %d lines: %s", n, log.text())
	}

	// What is closed makes room.
	rest[0].Close()
	rpc[0].Close()
	until(t, "a place at REST", func() bool { code, _, _ := dialLine(t, s.URL).ask(t, "/v1/config"); return code == http.StatusOK })
	until(t, "a place at gRPC", func() bool {
		_, err := s.Client(t).List(deadline(t), &configv1.ListRequest{})
		return err == nil
	})
}

// watching opens a Watch stream and returns its first answer.
func watching(ctx context.Context, c configv1.ConfigServiceClient) error {
	w, err := c.Watch(ctx, &configv1.WatchRequest{})
	if err == nil {
		_, err = w.Recv()
	}
	return err
}

func wantTooMany(t *testing.T, what string, err error, setting string) {
	t.Helper()
	got := refusalOf(err)
	var delay time.Duration
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			delay = info.GetRetryDelay().AsDuration()
		}
	}
	if got.code != codes.ResourceExhausted || got.reason != "TOO_MANY_STREAMS" || !strings.Contains(got.message, setting+" ") || delay <= 0 {
		t.Errorf("%s: %v, come back after %s, want TOO_MANY_STREAMS for %s", what, got, delay, setting)
	}
}

func TestMaxStreams(t *testing.T) {
	t.Parallel()
	socket := "unix:" + filepath.Join(shortDir(t), "s")
	for name, addr := range map[string]string{"TCP": "127.0.0.1:0", "a Unix socket": socket} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, servertest.Options{Settings: map[string]string{
				"CONFIG_GRPC_ADDR": addr, "CONFIG_MAX_STREAMS": "4", "CONFIG_MAX_STREAMS_PER_CONNECTION": "2",
			}})
			if name != "TCP" {
				s.GRPC = addr
			}
			testMaxStreams(t, s)
		})
	}
}

func testMaxStreams(t *testing.T, s *servertest.Server) {
	const perConnection, ofProcess = "CONFIG_MAX_STREAMS_PER_CONNECTION", "CONFIG_MAX_STREAMS"
	var conns [3]*grpc.ClientConn
	var clients [3]configv1.ConfigServiceClient
	for i := range conns {
		conn, err := grpc.NewClient(s.GRPC, dialOptions...)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i], clients[i] = conn, configv1.NewConfigServiceClient(conn)
	}
	ctx := deadline(t)
	first, closeFirst := context.WithCancel(ctx)
	for i, on := range []context.Context{first, ctx} {
		if err := watching(on, clients[0]); err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
	}
	wantTooMany(t, "the third on a connection", watching(ctx, clients[0]), perConnection)
	wantTooMany(t, "a Watch of health on the same connection", healthWatch(ctx, conns[0]), perConnection)
	if _, err := clients[0].List(ctx, &configv1.ListRequest{}); err != nil {
		t.Errorf("a call that is no stream suffers: %v", err)
	}
	if err := watching(ctx, clients[1]); err != nil {
		t.Fatalf("on another connection: %v", err)
	}
	web := dialLine(t, s.URL)
	if _, err := io.WriteString(web, "GET /v1/watch HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(web.in, nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("over REST: %v %v", resp, err)
	}
	wantTooMany(t, "the fifth", watching(ctx, clients[1]), ofProcess)
	code, header, body := dialLine(t, s.URL).ask(t, "/v1/watch")
	if got := webRefusal(t, body); code != http.StatusTooManyRequests || got.reason != "TOO_MANY_STREAMS" || !strings.Contains(got.message, ofProcess+" ") || header.Get("Retry-After") != "5" {
		t.Errorf("the fifth, over REST: %d %v %v", code, got, header)
	}
	if strings.Contains(body, `"error"`) {
		t.Errorf("an error before the first message is wrapped: %s", body)
	}
	if err := healthWatch(ctx, conns[2]); err != nil {
		t.Errorf("a Watch of health: %v", err)
	}

	// What ends makes room: a stream, and one over REST with its connection.
	closeFirst()
	until(t, "a place after a stream ended", func() bool { return watching(ctx, clients[0]) == nil })
	wantTooMany(t, "the third on a connection", watching(ctx, clients[0]), perConnection)
	web.Close()
	until(t, "a place after a connection ended", func() bool { return watching(ctx, clients[1]) == nil })
	wantTooMany(t, "the fifth", watching(ctx, clients[2]), ofProcess)
}

func healthWatch(ctx context.Context, conn *grpc.ClientConn) error {
	w, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err == nil {
		_, err = w.Recv()
	}
	return err
}

// Streams that fill their limit leave room for calls beside them: as many as HTTP/2
// grants beyond.
func TestCallsBesideStreams(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{Settings: map[string]string{"CONFIG_MAX_STREAMS_PER_CONNECTION": "5"}})
	ctx := deadline(t)
	for range 5 {
		if err := watching(ctx, s.Client(t)); err != nil {
			t.Fatal(err)
		}
	}
	// One wait takes 5 s. On a machine so busy that the last call begins later than that after
	// the first, they are made again; calls that are queued would always begin so late.
	const rounds = 5
	for round := 1; callsAtATime(ctx, t, s, round) > 0; round++ {
		if round == rounds {
			t.Fatal("calls had always ended before the last of them began")
		}
	}
}

// callsAtATime makes calls that wait for a revision that is not there, all at the same time
// and for the so manieth time, and returns how many had ended before the last of them began.
func callsAtATime(ctx context.Context, t *testing.T, s *servertest.Server, round int) (early int) {
	t.Helper()
	const calls = 100
	ended := make(chan error, calls)
	for range calls {
		go func() {
			_, err := s.Client(t).Get(ctx, &configv1.GetRequest{Key: "a", MinRevision: 1 << 60})
			ended <- err
		}()
	}
	const gets = `{grpc_method="Get",grpc_service="configservice.v1.ConfigService",grpc_type="unary"}`
	until(t, "all calls are under way, and none is queued", func() bool {
		return metric(t, s, "grpc_server_started_total"+gets) == fmt.Sprint(calls*round)
	})
	early = len(ended)
	for range calls {
		if got := refusalOf(<-ended); got.reason != "NOT_READY" {
			t.Errorf("a call beside streams: %v", got)
		}
	}
	return early
}

// Headers byte by byte: a connection gets so long for them and no longer, however many
// there are.
func TestSlowloris(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	finish := bystander(t, s)
	const sockets = 200
	for name, addr := range map[string]string{"REST": s.URL, "gRPC": s.GRPC, "ops": s.Ops} {
		var lines []*line
		for range sockets {
			lines = append(lines, dialLine(t, addr))
		}
		text := "GET /v1/config HTTP/1.1\r\nHost: localhost\r\n"
		if name == "gRPC" {
			text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"
		}
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			pace := time.NewTicker(40 * time.Millisecond)
			defer pace.Stop()
			for i := range 1000 {
				next := "x"
				if i < len(text) {
					next = text[i : i+1]
				} else if name == "gRPC" {
					return // one more would be an error
				}
				for _, l := range lines {
					_, _ = io.WriteString(l, next) // fails on those that are closed
				}
				select {
				case <-stop:
					return
				case <-pace.C:
				}
			}
		}()
		began := time.Now()
		for i, l := range lines {
			_ = l.SetReadDeadline(began.Add(patience))
			if _, err := io.Copy(io.Discard, l.in); err != nil {
				if ne, ok := err.(net.Error); ok && ne.Timeout() {
					t.Fatalf("%s: connection %d is still open after %s", name, i, time.Since(began))
				}
			}
		}
		close(stop)
		<-done
	}
	finish()
	if got := fmt.Sprint(metric(t, s, `configservice_refused_connections_total{listener="rest"}`)); got != "0" {
		t.Errorf("%s connections were refused", got)
	}
}

// shortDir is a directory whose path leaves room for the name of a Unix socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
