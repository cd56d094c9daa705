package configclient_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/leaktest"
)

// asChild is set in a process of these tests that runs one of them with a disk of its own.
const asChild = "CONFIGCLIENT_TEST_CHILD"

// patience bounds what should take no time: it only stands against a hang.
const patience = time.Minute

func TestMain(m *testing.M) {
	for _, name := range []string{"CONFIG_SERVICE_ADDR", "SERVICE_NAME", "ENVIRONMENT", "CONFIG_SERVICE_TOKEN_FILE", "CONFIG_SERVICE_CACHE_FILE"} {
		_ = os.Unsetenv(name) // the machine's are not the tests'
	}
	if os.Getenv(asChild) != "" {
		os.Exit(m.Run()) // leaks are its parent's affair
	}
	leaktest.Main(withSidecar{m})
}

// sidecar is what the examples talk to, and standing what it runs in.
var (
	sidecar  *configtest.Server
	standing = &stand{}
)

// withSidecar runs the tests beside a sidecar for the examples, which have no *testing.T.
type withSidecar struct{ tests *testing.M }

func (w withSidecar) Run() int {
	defer standing.end()
	sidecar = configtest.Start(standing, configtest.Values{
		"database.pool_size": 20, "database.timeout": "1m30s", "database.replicas": []string{"db-1", "db-2"}, "log.level": "warn",
	})
	if err := os.Setenv("CONFIG_SERVICE_ADDR", sidecar.Addr); err != nil {
		panic(err)
	}
	return w.tests.Run()
}

// stand is a testing.TB outside a test. What fails ends the process.
type stand struct {
	testing.TB
	cleanups []func()
}

func (s *stand) Helper()                      {}
func (s *stand) Cleanup(f func())             { s.cleanups = append(s.cleanups, f) }
func (s *stand) Fatal(args ...any)            { panic(fmt.Sprint(args...)) }
func (s *stand) Errorf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }
func (s *stand) TempDir() string {
	dir, err := os.MkdirTemp("", "configclient-test-")
	if err != nil {
		panic(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (s *stand) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// open opens a client until the test ends.
func open(t testing.TB, options ...configclient.Option) *configclient.Client {
	t.Helper()
	c, err := configclient.Open(t.Context(), append([]configclient.Option{
		configclient.WithTimeout(patience), configclient.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// until waits for a condition.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func reaches(t testing.TB, c *configclient.Client, want configclient.Status) {
	t.Helper()
	until(t, "status "+string(want), func() bool { return c.Status() == want })
}

// next takes from a channel.
func next[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing within %s", patience)
		panic("not reached")
	}
}

// changes lets a listener send what it is told.
func changes(t testing.TB, c *configclient.Client, pattern string) <-chan configclient.Change {
	t.Helper()
	told := make(chan configclient.Change, 1000)
	if _, err := c.OnChange(pattern, func(change configclient.Change) { told <- change }); err != nil {
		t.Fatal(err)
	}
	return told
}

// lines are log lines.
type lines struct {
	mu   sync.Mutex // guards the rest
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) count(words string) int { return strings.Count(l.String(), words) }

func (l *lines) option() configclient.Option {
	return configclient.WithLogger(slog.New(slog.NewTextHandler(l, nil)))
}

// script is what a server does with a Watch.
type script func(*configv1.WatchRequest, grpc.ServerStreamingServer[configv1.WatchResponse]) error

type fakeServer struct {
	configv1.UnimplementedConfigServiceServer
	watch script
}

func (f *fakeServer) Watch(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
	return f.watch(r, stream)
}

// pretend runs a server that does what the script says: what no real sidecar does.
func pretend(t testing.TB, watch script, options ...grpc.ServerOption) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	configv1.RegisterConfigServiceServer(server, &fakeServer{watch: watch})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func state(revision int64) *configv1.State {
	return &configv1.State{
		Epoch: "e", Revision: revision, Freshness: configv1.State_FRESH, Source: configv1.State_LIVE,
		Namespace: "payment-service", Environment: "production",
	}
}

func entry(key string, value any, revision int64) *configv1.Entry {
	v, err := structpb.NewValue(value)
	if err != nil {
		panic(fmt.Sprintf("%T is no JSON", value))
	}
	return &configv1.Entry{Key: key, Value: v, Revision: revision, Layer: configv1.Layer_SERVICE}
}

func snapshot(revision int64, entries ...*configv1.Entry) *configv1.WatchResponse {
	return &configv1.WatchResponse{State: state(revision), Event: &configv1.WatchResponse_Snapshot{Snapshot: &configv1.Snapshot{Entries: entries}}}
}

func delta(from, revision int64, entries ...*configv1.Entry) *configv1.WatchResponse {
	return &configv1.WatchResponse{State: state(revision), Event: &configv1.WatchResponse_Delta{Delta: &configv1.Delta{FromRevision: from, Entries: entries}}}
}

func checkpoint(revision int64) *configv1.WatchResponse {
	return &configv1.WatchResponse{State: state(revision), Event: &configv1.WatchResponse_Checkpoint{Checkpoint: &configv1.Checkpoint{}}}
}

// saying is a script that sends messages and then stays.
func saying(messages ...*configv1.WatchResponse) script {
	return func(_ *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		for _, m := range messages {
			if err := stream.Send(m); err != nil {
				return err
			}
		}
		return stay(stream.Context())
	}
}

func stay(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// following is a script that sends what comes from a channel, one stream after the other.
func following(messages <-chan *configv1.WatchResponse) script {
	return func(_ *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		for {
			select {
			case m, ok := <-messages:
				if !ok {
					return stay(stream.Context())
				}
				if err := stream.Send(m); err != nil {
					return err
				}
			case <-stream.Context().Done():
				return stream.Context().Err()
			}
		}
	}
}
