package endpoint_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/gateway"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// big is a ConfigService with one answer of 1 MiB.
type big struct {
	configv1.UnimplementedConfigServiceServer
}

func (big) Get(context.Context, *configv1.GetRequest) (*configv1.GetResponse, error) {
	return &configv1.GetResponse{Entry: &configv1.Entry{Key: "a", Value: structpb.NewNumberValue(1)}, State: &configv1.State{}}, nil
}

func (big) List(context.Context, *configv1.ListRequest) (*configv1.ListResponse, error) {
	var entries []*configv1.Entry
	for range 8 {
		entries = append(entries, &configv1.Entry{Key: "a", Value: structpb.NewStringValue(strings.Repeat("x", 128<<10))})
	}
	return &configv1.ListResponse{Entries: entries, State: &configv1.State{}}, nil
}

// crowd is a server of big answers with room for three of them over gRPC.
type crowd struct {
	grpc, rest string
	client     configv1.ConfigServiceClient
}

// serveBig runs the real listeners, chain, gRPC server and gateway in front of big.
func serveBig(t *testing.T, times endpoint.Times) *crowd {
	t.Helper()
	log, metrics := telemetry.NewLogger(&journal{}, "info", "json"), telemetry.NewMetrics("test", time.Now)
	chain := endpoint.Chain{
		Log:       log,
		Metrics:   telemetry.NewCalls(),
		Identify:  identity.Pin("payment-service", "development"),
		Authorize: policy.Sidecar,
		Streams:   endpoint.NewStreams(10, 10),
		Answers:   endpoint.NewAnswers(3<<20+512<<10, times),
	}
	rpc := endpoint.NewServer(chain, times)
	configv1.RegisterConfigServiceServer(rpc, big{})
	g, err := gateway.New(gateway.Config{
		Service: big{}, Unary: chain.Unary(), Stream: chain.Stream(), Health: http.NotFoundHandler(),
		IsSpare: endpoint.IsSpare, UnixPeer: endpoint.UnixPeerOf, Log: log, Metrics: metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	web := endpoint.NewHTTP(g, times, log)
	within := func(name string) net.Listener {
		return endpoint.Within(listen(t, "127.0.0.1:0"), endpoint.Limit{
			Name: name, Max: 100, Stall: times.Stall, Beyond: metrics.RefusedConnections.WithLabelValues(name), Log: log,
		})
	}
	onGRPC, onHTTP := within("grpc"), within("rest")
	served := make(chan error, 2)
	go func() { served <- rpc.Serve(onGRPC) }()
	go func() { served <- web.Serve(onHTTP) }()
	conn, err := grpc.NewClient(onGRPC.Addr().String(), dialOptions...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		rpc.Stop()
		web.Close()
		<-served
		<-served
	})
	return &crowd{onGRPC.Addr().String(), "http://" + onHTTP.Addr().String(), configv1.NewConfigServiceClient(conn)}
}

// wantAnswers wants the server to answer, over both transports, again and again: what
// is read makes room.
func (c *crowd) wantAnswers(t *testing.T) {
	t.Helper()
	for i := range 10 {
		if resp, err := c.client.List(deadline(t), &configv1.ListRequest{}); err != nil || len(resp.GetEntries()) != 8 {
			t.Fatalf("answer %d over gRPC: %v", i, err)
		}
		l := dialLine(t, c.rest)
		for range 2 {
			if code, _, body := l.ask(t, "/v1/config"); code != http.StatusOK || len(body) < 1<<20 {
				t.Fatalf("answer %d over REST: %d %.200s", i, code, body)
			}
		}
		l.Close()
	}
}

// unread asks for answers and does not read them.
func (c *crowd) unread(t *testing.T, calls int) *peer {
	t.Helper()
	p := connectWith(t, c.grpc, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for range calls {
		p.open(t, listPath, everything)
	}
	return p
}

// Large answers that nobody takes share their room. When it is full the next call
// waits and is told so in the end; a small answer needs no room.
func TestAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	c := serveBig(t, endpoint.DefaultTimes())
	c.wantAnswers(t)
	p := c.unread(t, 3)
	var got refusal
	until(t, "the room is full", func() bool {
		_, err := c.client.List(deadline(t), &configv1.ListRequest{})
		got = refusalOf(err)
		return err != nil
	})
	if got.reason != "NOT_READY" || !strings.Contains(got.message, "wait for their readers") {
		t.Errorf("over gRPC: %v", got)
	}
	if code, header, body := dialLine(t, c.rest).ask(t, "/v1/config"); code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(body, "wait for their readers") {
		t.Errorf("over REST: %d %v %.200s", code, header, body)
	}
	if _, err := c.client.Get(deadline(t), &configv1.GetRequest{Key: "a"}); err != nil {
		t.Errorf("a small answer: %v", err)
	}
	p.Close()
	c.wantAnswers(t)
}

// Calls that are given up make room.
func TestAnswersThatAreGivenUp(t *testing.T) {
	t.Parallel()
	c := serveBig(t, endpoint.DefaultTimes())
	p := c.unread(t, 0)
	for range 200 {
		if err := p.framer.WriteRSTStream(p.open(t, listPath, everything), http2.ErrCodeCancel); err != nil {
			t.Fatal(err)
		}
	}
	c.wantAnswers(t)
}

// Those who have not read for long are closed when others wait for the room, also when
// they are alive.
func TestUnreadAnswersMakeRoomInTheEnd(t *testing.T) {
	t.Parallel()
	c := serveBig(t, endpoint.DefaultTimes().Sooner(hurry))
	p := c.unread(t, 4)
	closed := make(chan error, 1)
	go func() { closed <- p.answerPings() }()
	c.wantAnswers(t)
	if err := <-closed; err == nil {
		t.Error("the connection that does not read is open")
	}
}

// answerPings does nothing else, and returns nil when the connection stays open.
func (p *peer) answerPings() error {
	for {
		frame, err := p.framer.ReadFrame()
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			return nil
		}
		if err != nil {
			return err
		}
		if ping, ok := frame.(*http2.PingFrame); ok && !ping.IsAck() {
			_ = p.framer.WritePing(true, ping.Data) // reading tells when it is closed
		}
	}
}
