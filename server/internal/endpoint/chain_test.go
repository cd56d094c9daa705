package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
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

// faulty is a ConfigService with a fault in every handler, chosen by the key or prefix.
type faulty struct {
	configv1.UnimplementedConfigServiceServer
}

func fail(how string) error {
	switch how {
	case "panic":
		panic("a fault with " + canary)
	case "panic-error":
		panic(errors.New(canary))
	case "panic-nil":
		var nothing *configv1.Entry
		_ = nothing.Key
	case "error":
		return fmt.Errorf("read %s: %w", canary, io.ErrUnexpectedEOF)
	case "wrapped":
		return fmt.Errorf("read %s: %w", canary, status.Error(codes.Unavailable, "gone"))
	}
	return nil
}

func (faulty) Get(_ context.Context, req *configv1.GetRequest) (*configv1.GetResponse, error) {
	return &configv1.GetResponse{}, fail(req.GetKey())
}

func (faulty) Watch(req *configv1.WatchRequest, _ grpc.ServerStreamingServer[configv1.WatchResponse]) error {
	return fail(req.GetPrefix())
}

// serveFaulty runs the real chain, gRPC server and gateway in front of faulty.
func serveFaulty(t *testing.T) (client configv1.ConfigServiceClient, rest string, log *journal) {
	t.Helper()
	log = &journal{}
	chain := endpoint.Chain{
		Log:       telemetry.NewLogger(log, "info", "json"),
		Metrics:   telemetry.NewCalls(),
		Identify:  identity.Pin("payment-service", "development"),
		Authorize: policy.Sidecar,
		Streams:   endpoint.NewStreams(1000, 250),
		Answers:   endpoint.NewAnswers(1<<20, endpoint.DefaultTimes()),
	}
	server := endpoint.NewServer(chain, endpoint.DefaultTimes())
	configv1.RegisterConfigServiceServer(server, faulty{})
	l, err := endpoint.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Service: faulty{}, Unary: chain.Unary(), Stream: chain.Stream(), Health: http.NotFoundHandler(),
		IsSpare: endpoint.IsSpare, UnixPeer: endpoint.UnixPeerOf, Log: chain.Log, Metrics: telemetry.NewMetrics("test", time.Now),
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(g)
	t.Cleanup(func() {
		web.Close()
		conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return configv1.NewConfigServiceClient(conn), web.URL, log
}

// A fault of ours ends one call, and tells the caller nothing but where to look; the
// log has all of it, once.
func TestFaultsStayInside(t *testing.T) {
	t.Parallel()
	client, rest, log := serveFaulty(t)
	for _, how := range []string{"panic", "panic-error", "panic-nil", "error"} {
		var header metadata.MD
		_, err := client.Get(deadline(t), &configv1.GetRequest{Key: how}, grpc.Header(&header))
		wantInternal(t, "Get "+how, refusalOf(err), header.Get("x-request-id"))

		w, err := client.Watch(deadline(t), &configv1.WatchRequest{Prefix: how})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Recv()
		header, _ = w.Header() // as empty as it may be
		wantInternal(t, "Watch "+how, refusalOf(err), header.Get("x-request-id"))

		for _, path := range []string{"/v1/config/" + how, "/v1/watch?prefix=" + how} {
			resp, err := http.Get(rest + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusInternalServerError {
				t.Errorf("GET %s: %d %v", path, resp.StatusCode, err)
			}
			wantInternal(t, "GET "+path, webRefusal(t, string(body)), resp.Header.Values("X-Request-Id"))
		}
	}
	for msg, want := range map[string]int{"panic": 12, "internal error": 4} {
		if got := strings.Count(log.text(), `"msg":"`+msg+`"`); got != want {
			t.Errorf("there are %d lines %q, want %d", got, msg, want)
		}
	}
	if _, err := client.Get(deadline(t), &configv1.GetRequest{Key: "fine"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	for line := range strings.Lines(log.text()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["level"] != "ERROR" || fields["request_id"] == nil {
			t.Errorf("%.200q: %v", line, err)
		}
		if cause, _ := fields["error"].(string); fields["msg"] == "internal error" && !strings.Contains(cause, "unexpected EOF") {
			t.Errorf("the line does not say the cause: %s", line)
		}
		if stack, _ := fields["stack"].(string); fields["msg"] == "panic" && !strings.Contains(stack, "chain_test.go") {
			t.Errorf("the line does not say where: %s", line)
		}
	}
}

func wantInternal(t *testing.T, call string, got refusal, ids []string) {
	t.Helper()
	if got.code != codes.Internal || got.reason != "INTERNAL" || len(ids) != 1 || !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(ids[0]) {
		t.Errorf("%s: %v with the request ids %q", call, got, ids)
		return
	}
	for _, secret := range []string{canary, "nil pointer", "goroutine", ".go:", "EOF"} {
		if strings.Contains(got.raw, secret) {
			t.Errorf("%s: the answer tells %q: %s", call, secret, got.raw)
		}
	}
	if strings.Contains(call, "panic") && !strings.Contains(got.message, ids[0]) {
		t.Errorf("%s: the message does not say the request id %s: %s", call, ids[0], got.message)
	}
}

// A status of a library keeps its code, and loses the words around it.
func TestWrappedStatus(t *testing.T) {
	t.Parallel()
	client, _, _ := serveFaulty(t)
	_, err := client.Get(deadline(t), &configv1.GetRequest{Key: "wrapped"})
	if got := refusalOf(err); got.code != codes.Unavailable || got.reason != "NOT_READY" || strings.Contains(got.raw, canary) {
		t.Errorf("answered %v", got)
	}
}
