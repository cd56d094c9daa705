package configclient_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/go/configclient"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// The first stream of each server breaks in its way, after a snapshot or without one. Nothing
// is lost, and the client comes back: at once to a stream that goes on.
func TestWhateverBreaksAStreamTheClientComesBack(t *testing.T) {
	t.Parallel()
	retry, err := status.New(codes.Unavailable, "starting").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]error{
		"no error":           nil,
		"UNAVAILABLE":        status.Error(codes.Unavailable, "x"),
		"with RetryInfo":     retry.Err(),
		"RESOURCE_EXHAUSTED": status.Error(codes.ResourceExhausted, "x"),
		"INTERNAL":           status.Error(codes.Internal, "x"),
		"UNIMPLEMENTED":      status.Error(codes.Unimplemented, "x"),
		"NOT_FOUND":          status.Error(codes.NotFound, "x"),
		"an unknown code":    status.Error(codes.Code(77), strings.Repeat("words ", 1000)),
	} {
		for _, before := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s after %d messages", name, before), func(t *testing.T) {
				t.Parallel()
				var streams atomic.Int32
				address := pretend(t, func(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
					if streams.Add(1) > 1 {
						return saying(snapshot(6, entry("a", 2, 6)))(r, stream)
					}
					for range before {
						if err := stream.Send(snapshot(5, entry("a", 1, 5))); err != nil {
							return err
						}
					}
					return broken
				})
				log := &lines{}
				c := open(t, configclient.WithAddress(address), log.option())
				until(t, "the next stream", func() bool { return configclient.Get(c, "a", 1) == 2 })
				reaches(t, c, configclient.Valid)
				if warned := log.count("level=WARN"); before == 1 && warned > 0 || before == 0 && warned != 1 || len(log.String()) > 2000 {
					t.Errorf("%d warnings:\n%s", warned, log)
				}
			})
		}
	}
}

// A refusal after values keeps them; a missing key may exist by now; a break clears it.
func TestARefusalKeepsTheValues(t *testing.T) {
	t.Parallel()
	answers, values := make(chan error), make(chan struct{}, 1)
	address := pretend(t, func(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		select {
		case <-values: // until then it stays refused
		case <-stream.Context().Done():
			return nil
		}
		if err := stream.Send(snapshot(5, entry("a", 1, 5))); err != nil {
			return err
		}
		select {
		case err := <-answers:
			return err
		case <-stream.Context().Done():
			return nil
		}
	})
	values <- struct{}{}
	c := open(t, configclient.WithAddress(address), configclient.WithPatience(patience, patience, 50*time.Millisecond))
	for _, code := range []codes.Code{codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied} {
		told := changes(t, c, "*")
		answers <- status.Error(code, "no")
		reaches(t, c, configclient.Denied)
		_, err := c.Get("b")
		var e *configclient.Error
		if !errors.Is(err, configclient.ErrDenied) || !errors.As(err, &e) || e.Reason != code.String() {
			t.Errorf("Get = %v", err)
		}
		if got, err := c.Int("a"); got != 1 || err != nil {
			t.Errorf("a is %d, %v", got, err)
		}
		values <- struct{}{}
		reaches(t, c, configclient.Valid)
		if len(told) > 0 {
			t.Errorf("told %v", <-told)
		}
	}
}

func TestGarbageOnThePort(t *testing.T) {
	t.Parallel()
	soon, late := 50*time.Millisecond, 2*patience
	connect := configclient.Options(configclient.WithConnectTimeout(soon), configclient.WithPatience(late, late, late))
	first := configclient.Options(configclient.WithConnectTimeout(soon), configclient.WithPatience(soon, late, late))
	const frame = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // empty settings of HTTP/2
	for name, one := range map[string]struct {
		says  string
		stays bool
		bound configclient.Option // which ends the attempt, if the server does not
	}{
		"an HTTP/1 server":     {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", false, first},
		"noise":                {strings.Repeat("\x00\xff", 1<<16), false, first},
		"half a frame":         {frame[:5], false, first},
		"closed at once":       {"", false, first},
		"silence":              {"", true, connect},
		"half a frame, open":   {frame[:5], true, connect},
		"HTTP/2, then silence": {frame, true, first},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var accepted atomic.Int32
			var served sync.WaitGroup
			serve := func(conn net.Conn) {
				defer conn.Close()
				_, _ = io.WriteString(conn, one.says) // to whom it may concern
				if one.stays {
					_, _ = io.Copy(io.Discard, conn)
				}
			}
			served.Go(func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					accepted.Add(1)
					served.Go(func() { serve(conn) })
				}
			})
			log := &lines{}
			c := open(t, configclient.WithAddress(l.Addr().String()), log.option(), configclient.WithTimeout(10*time.Millisecond), one.bound)
			until(t, "three attempts", func() bool { return accepted.Load() >= 3 })
			if c.Status() != configclient.Initializing || configclient.Get(c, "a", 7) != 7 {
				t.Errorf("%s", c.Status())
			}
			if warned := log.count("level="); warned != 1 {
				t.Errorf("%d lines:\n%s", warned, log)
			}
			c.Close()
			_ = l.Close()
			served.Wait()
		})
	}
}

// A stream that falls silent is dead, whatever the connection says: also one through a
// proxy that cut it without a word.
func TestASilentStreamIsDead(t *testing.T) {
	t.Parallel()
	var streams atomic.Int32
	address := pretend(t, func(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		n := streams.Add(1)
		if n == 1 {
			return saying(snapshot(5, entry("a", 1, 5)))(r, stream)
		}
		// On a busy machine the next stream falls silent too, after its checkpoint.
		if at := r.GetResume(); at.GetEpoch() != "e" || at.GetRevision() != 5 && (n == 2 || at.GetRevision() != 6) {
			return status.Errorf(codes.Internal, "resume is %v", at)
		}
		if err := stream.Send(checkpoint(6)); err != nil {
			return err
		}
		return saying(delta(6, 7, entry("a", 2, 7)))(r, stream)
	})
	c := open(t, configclient.WithAddress(address), configclient.WithPatience(patience, 100*time.Millisecond, patience))
	until(t, "the next stream", func() bool { return configclient.Get(c, "a", 0) == 2 })
}

// What does not begin where the state ends is not applied. The client asks for a snapshot.
func TestMessagesOutOfStep(t *testing.T) {
	t.Parallel()
	other := func(change func(*configv1.State), m *configv1.WatchResponse) *configv1.WatchResponse {
		change(m.State)
		return m
	}
	good := snapshot(5, entry("a", 1, 5), entry("b", 1, 5))
	for name, bad := range map[string]*configv1.WatchResponse{
		"a delta with a gap":             delta(6, 7, entry("a", 2, 7)),
		"a delta from before":            delta(4, 7, entry("a", 2, 7)),
		"a revision that goes back":      delta(5, 4, entry("a", 2, 4)),
		"a checkpoint that goes back":    checkpoint(4),
		"a snapshot that goes back":      snapshot(4, entry("a", 2, 4)),
		"a delta of another epoch":       other(func(s *configv1.State) { s.Epoch = "f" }, delta(5, 6, entry("a", 2, 6))),
		"a delta of another scope":       other(func(s *configv1.State) { s.Namespace = "other" }, delta(5, 6, entry("a", 2, 6))),
		"a snapshot of another scope":    other(func(s *configv1.State) { s.Environment = "other" }, snapshot(6, entry("a", 2, 6))),
		"no state":                       {Event: delta(5, 6, entry("a", 2, 6)).Event},
		"no event":                       {State: state(6)},
		"no epoch":                       other(func(s *configv1.State) { s.Epoch = "" }, checkpoint(6)),
		"an entry without a value":       delta(5, 6, entry("b", 2, 6), &configv1.Entry{Key: "a", Revision: 6}),
		"an entry without a kind":        delta(5, 6, entry("b", 2, 6), &configv1.Entry{Key: "a", Revision: 6, Value: &structpb.Value{}}),
		"an entry that is no number":     delta(5, 6, entry("b", 2, 6), &configv1.Entry{Key: "a", Revision: 6, Value: structpb.NewNumberValue(math.NaN())}),
		"an entry with no key":           delta(5, 6, entry("b", 2, 6), entry("a..b", 2, 6)),
		"a list with an absent value":    delta(5, 6, entry("b", 2, 6), &configv1.Entry{Key: "a", Value: structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{nil}})}),
		"a message of more than 8 MiB":   delta(5, 6, entry("a", strings.Repeat("x", 8<<20+1), 6)),
		"an invalid key that is none":    {State: state(6), Event: &configv1.WatchResponse_Delta{Delta: &configv1.Delta{FromRevision: 5, InvalidKeys: []string{"/"}}}},
		"a deleted key that is none":     {State: state(6), Event: &configv1.WatchResponse_Delta{Delta: &configv1.Delta{FromRevision: 5, DeletedKeys: []string{"b", "/"}}}},
		"a delta before the first state": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var streams atomic.Int32
			recovered := make(chan *configv1.WatchRequest, 1)
			proceed := make(chan struct{})
			address := pretend(t, func(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
				switch n := streams.Add(1); {
				case n == 1 && bad == nil:
					return saying(delta(5, 6, entry("a", 2, 6)))(r, stream)
				case n == 1:
					return saying(good, bad)(r, stream)
				case n == 2:
					recovered <- r
				}
				select {
				case <-proceed:
				case <-stream.Context().Done():
				}
				return saying(snapshot(8, entry("a", 3, 8), entry("b", 1, 5)))(r, stream)
			})
			c := open(t, configclient.WithAddress(address), configclient.WithTimeout(time.Second))
			r := next(t, recovered)
			if tooLong := strings.HasPrefix(name, "a message"); (r.GetResume() == nil) == tooLong {
				t.Errorf("came back with resume %v", r.GetResume())
			}
			if bad != nil && (configclient.Get(c, "a", 0) != 1 || configclient.Get(c, "b", 0) != 1 || c.Status() != configclient.Stale) {
				t.Errorf("a is %d, b is %d, %s", configclient.Get(c, "a", 0), configclient.Get(c, "b", 0), c.Status())
			}
			close(proceed)
			until(t, "the snapshot", func() bool { return configclient.Get(c, "a", 0) == 3 })
			reaches(t, c, configclient.Valid)
		})
	}
}

func TestAnAnswerForAnotherScopeIsNotTaken(t *testing.T) {
	t.Parallel()
	address := pretend(t, saying(snapshot(5, entry("a", 1, 5))))
	log := &lines{}
	c := open(t, configclient.WithAddress(address), configclient.WithNamespace("other"), configclient.WithTimeout(10*time.Millisecond), log.option())
	until(t, "a warning", func() bool { return log.count("payment-service/production") > 0 })
	if c.Status() != configclient.Initializing {
		t.Error(c.Status())
	}
}

// An epoch may change by a snapshot in the stream, and freshness by a checkpoint.
func TestFreshnessAndEpochsWithinAStream(t *testing.T) {
	t.Parallel()
	stale, restored := checkpoint(6), snapshot(2, entry("a", 2, 2))
	stale.State.Freshness = configv1.State_STALE
	stale.State.Source = configv1.State_DISK
	restored.State.Epoch = "f"
	messages := make(chan *configv1.WatchResponse)
	address := pretend(t, following(messages))
	go func() { messages <- snapshot(5, entry("a", 1, 5)) }()
	client := open(t, configclient.WithAddress(address))
	reaches(t, client, configclient.Valid)
	messages <- stale
	reaches(t, client, configclient.Stale)
	if d := configclient.GetDetail(client, "a", 0); d.Source != configclient.Disk || d.Value != 1 || d.Age < 0 {
		t.Errorf("%+v", d)
	}
	messages <- restored
	until(t, "the new epoch", func() bool { return configclient.Get(client, "a", 0) == 2 })
	reaches(t, client, configclient.Valid)
}

// Keys called invalid keep the value that is there, over a snapshot too; without one they are
// neither there nor not.
func TestInvalidKeysKeepTheirValue(t *testing.T) {
	t.Parallel()
	messages := make(chan *configv1.WatchResponse)
	address := pretend(t, following(messages))
	go func() { messages <- snapshot(5, entry("a", 1, 5), entry("mark", 0, 5)) }()
	c := open(t, configclient.WithAddress(address))
	say := func(mark int, m *configv1.WatchResponse) {
		t.Helper()
		messages <- m
		until(t, "the message", func() bool { return configclient.Get(c, "mark", 0) == mark })
	}
	spoiled := delta(5, 6, entry("mark", 1, 6))
	spoiled.GetDelta().InvalidKeys = []string{"a", "never"}
	say(1, spoiled)
	if got, err := c.Int("a"); got != 1 || err != nil {
		t.Errorf("a is %d, %v", got, err)
	}
	if _, err := c.Get("never"); !errors.Is(err, configclient.ErrUnavailable) || !strings.Contains(err.Error(), "unusable") {
		t.Errorf("Get = %v", err)
	}
	again := snapshot(7, entry("mark", 2, 7))
	again.State.Epoch = "f"
	again.GetSnapshot().InvalidKeys = []string{"a", "never"}
	say(2, again)
	if got, err := c.Int("a"); got != 1 || err != nil {
		t.Errorf("a is %d, %v", got, err)
	}
	gone := delta(7, 8, entry("mark", 3, 8))
	gone.State.Epoch = "f"
	gone.GetDelta().DeletedKeys = []string{"a", "never"}
	say(3, gone)
	for _, key := range []string{"a", "never"} {
		if _, err := c.Get(key); !errors.Is(err, configclient.ErrKeyMissing) {
			t.Errorf("Get %s = %v", key, err)
		}
	}
}

// TLS is a dial option; then a token may be sent to other machines, too.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "secret\n")
	address := pretend(t, func(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		if md, _ := metadata.FromIncomingContext(stream.Context()); !slices.Equal(md.Get("authorization"), []string{"Bearer secret"}) {
			return status.Error(codes.Unauthenticated, "who?")
		}
		return saying(snapshot(1))(r, stream)
	}, grpc.Creds(credentials.NewServerTLSFromCert(&certified.TLS.Certificates[0])))
	secure := configclient.WithDialOptions(grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})))
	for name, one := range map[string]struct {
		options []configclient.Option
		want    configclient.Status
	}{
		"with the token":    {[]configclient.Option{secure, configclient.WithTokenFile(file)}, configclient.Valid},
		"without the token": {[]configclient.Option{secure}, configclient.Denied},
	} {
		c := open(t, append(one.options, configclient.WithAddress(address))...)
		if c.Status() != one.want {
			t.Errorf("%s: %s", name, c.Status())
		}
	}
}

// The token is read again at every connection. One that became unusable is said once, and
// the last good one is used.
func TestTheTokenIsReadAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-secret\n")
	sent, end := make(chan string), make(chan struct{})
	address := pretend(t, func(_ *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		md, _ := metadata.FromIncomingContext(stream.Context())
		if err := stream.Send(snapshot(1)); err != nil {
			return err
		}
		select {
		case sent <- strings.Join(md.Get("authorization"), ","):
		case <-stream.Context().Done():
			return nil
		}
		select {
		case <-end:
		case <-stream.Context().Done():
		}
		return nil
	})
	log := &lines{}
	open(t, configclient.WithAddress(address), configclient.WithTokenFile(file), log.option())
	for _, one := range []struct{ content, want string }{
		{"second-secret", "first-secret"}, {"\n", "second-secret"}, {"a\nb", "second-secret"}, {"third-secret", "second-secret"}, {"", "third-secret"},
	} {
		if got := next(t, sent); got != "Bearer "+one.want {
			t.Errorf("sent %q, want that with %s", got, one.want)
		}
		write(one.content)
		end <- struct{}{}
	}
	next(t, sent)
	if warned := log.count("level=WARN"); warned != 2 || strings.Contains(log.String(), "secret") {
		t.Errorf("%d warnings, want one for each time it became unusable:\n%s", warned, log)
	}
}

// A sidecar that was started anew for a service without any values goes on as any other.
func TestAnotherScopeWithoutValues(t *testing.T) {
	t.Parallel()
	elsewhere := func(m *configv1.WatchResponse) *configv1.WatchResponse {
		m.State.Namespace = "other-service"
		return m
	}
	var streams atomic.Int32
	log := &lines{}
	c := open(t, log.option(), configclient.WithAddress(pretend(t, func(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		if streams.Add(1) == 1 {
			return saying(snapshot(5, entry("a", 1, 5)), elsewhere(snapshot(6)))(r, stream)
		}
		return saying(elsewhere(snapshot(6)), elsewhere(delta(6, 7, entry("b", 2, 7))))(r, stream)
	})))
	until(t, "the value of the delta", func() bool { return configclient.Get(c, "b", 0) == 2 || log.count("the watch failed") > 0 })
	if log.count("the watch failed") > 0 {
		t.Error(log)
	}
}
