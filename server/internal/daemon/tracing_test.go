package daemon_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// collector is an OTLP receiver.
type collector struct {
	coltracepb.UnimplementedTraceServiceServer
	mu  sync.Mutex
	got []*tracepb.ResourceSpans
}

func (c *collector) Export(_ context.Context, r *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, r.GetResourceSpans()...)
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var m coltracepb.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &m) != nil {
		http.Error(w, "not OTLP", http.StatusBadRequest)
		return
	}
	_, _ = c.Export(r.Context(), &m)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// spans returns what arrived, and all of it as text.
func (c *collector) spans() (spans []*tracepb.Span, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.got {
		text += prototext.Format(r)
		for _, scope := range r.GetScopeSpans() {
			spans = append(spans, scope.GetSpans()...)
		}
	}
	return spans, text
}

// collect starts a receiver for a protocol and points the environment to it.
func collect(t *testing.T, protocol string) *collector {
	t.Helper()
	c := &collector{}
	switch protocol {
	case "grpc":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		coltracepb.RegisterTraceServiceServer(server, c)
		var running sync.WaitGroup
		running.Go(func() { _ = server.Serve(l) })
		t.Cleanup(func() { server.Stop(); running.Wait() })
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String())
	default:
		server := httptest.NewServer(c)
		t.Cleanup(server.Close)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	return c
}

const (
	canary     = "CANARY-91ce"
	parentID   = "0af7651916cd43dd8448eb211c80319c"
	traceState = "00-" + parentID + "-b7ad6b7169203331-01"
)

// traced makes calls over both transports, with a trace of the caller's around each.
func traced(t *testing.T, s *servertest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	revision := s.Set(t, configv1.Layer_SERVICE, "the.key", `"`+canary+`"`)
	ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", traceState, "authorization", "Bearer "+canary, "user-agent", canary)
	if _, err := s.Client(t).Get(ctx, &configv1.GetRequest{Key: "the.key", MinRevision: revision}); err != nil {
		t.Fatal(err)
	}
	_, _ = s.Client(t).Get(ctx, &configv1.GetRequest{Key: "the.absent.key"})
	_ = s.Conn(t).Invoke(ctx, "/made.up.Service/"+canary, &emptypb.Empty{}, &emptypb.Empty{})
	if _, err := healthpb.NewHealthClient(s.Conn(t)).Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/config/the.key", "/v1/config/the.absent.key", "/v1/config?prefix=" + canary, "/v1/config?" + canary + "=1", "/healthz", "/readyz", "/openapi.json", "/" + canary} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Traceparent", traceState)
		req.Header.Set("Authorization", "Bearer "+canary)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

func TestTracesArrive(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			c := collect(t, protocol)
			s := servertest.Start(t, servertest.Options{})
			traced(t, s)
			s.Stop(t) // which sends what is left
			spans, text := c.spans()
			var names []string
			for _, span := range spans {
				names = append(names, span.GetName())
				if got := hex.EncodeToString(span.GetTraceId()); got != parentID {
					t.Errorf("%s is of the trace %s, not of the caller's", span.GetName(), got)
				}
				if span.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
					t.Errorf("%s is a %s", span.GetName(), span.GetKind())
				}
			}
			slices.Sort(names)
			want := []string{
				"GET /v1/config", "GET /v1/config", "GET /v1/config/{key}", "GET /v1/config/{key}",
				"configservice.v1.ConfigService/Get", "configservice.v1.ConfigService/Get",
			}
			if !slices.Equal(names, want) {
				t.Errorf("the spans are %q, want %q", names, want)
			}
			for _, secret := range []string{canary, "the.key", "the.absent.key"} {
				if strings.Contains(text, secret) {
					t.Errorf("the spans hold %q: %s", secret, text)
				}
			}
			for _, word := range []string{`"config-service"`, `"configservice.namespace"`, `"payment-service"`, `"http.route"`} {
				if !strings.Contains(text, word) {
					t.Errorf("the spans do not hold %s", word)
				}
			}
		})
	}
}

func TestSamplerAndNameAreThoseOfTheEnvironment(t *testing.T) {
	c := collect(t, "grpc")
	t.Setenv("OTEL_SERVICE_NAME", "my-sidecar")
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
	s := servertest.Start(t, servertest.Options{})
	get(t, s.URL+"/v1/config") // has no parent
	traced(t, s)               // has a sampled one
	s.Stop(t)
	spans, text := c.spans()
	if len(spans) != 6 || !strings.Contains(text, `"my-sidecar"`) || strings.Contains(text, `"config-service"`) {
		t.Errorf("%d spans arrive: %s", len(spans), text)
	}
}

// A collector that takes connections and never answers, and one that is not there:
// calls do not notice, and the log has one line every 10 s.
func TestAnUnreachableCollectorIsNoTrouble(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // its backlog takes the connection
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for name, at := range map[string]string{"silent": silent.Addr().String(), "gone": gone.Addr().String()} {
		for _, protocol := range []string{"grpc", "http/protobuf"} {
			t.Run(name+" "+protocol, func(t *testing.T) {
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+at)
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
				t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", "500")
				t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
				t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
				t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
				var log journal
				began := time.Now()
				s := servertest.Start(t, servertest.Options{Log: telemetry.NewLogger(&log, "info", "json")})
				for range 200 { // far more than the queue holds
					get(t, s.URL+"/v1/config")
				}
				becomes(t, "the log", "1", func() string {
					if len(log.records(t, "traces were lost")) > 0 {
						return "1"
					}
					return "0"
				})
				s.Stop(t)
				if lines := log.records(t, "traces were lost"); len(lines) > 2+int(time.Since(began)/(10*time.Second)) {
					t.Errorf("%d lines say that traces are lost", len(lines))
				}
			})
		}
	}
}

// With a collector that takes a connection and never answers, and whatever timeouts of
// OpenTelemetry (10 s and 30 s by itself), the stop ends after 2 s.
func TestTheStopDoesNotWaitForACollector(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+silent.Addr().String())
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", ms(2*patience))
			t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", ms(2*patience))
			s := servertest.Start(t, servertest.Options{})
			get(t, s.URL+"/v1/config")
			began := time.Now()
			s.Stop(t)
			if took := time.Since(began); took > patience {
				t.Errorf("the stop took %s", took)
			}
		})
	}
}

func ms(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// BenchmarkGet shows what a call costs without and with traces.
func BenchmarkGet(b *testing.B) {
	for name, set := range map[string]string{"tracing=off": "", "tracing=on": "http://127.0.0.1:1"} {
		b.Run(name, func(b *testing.B) {
			b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", set)
			s := servertest.Start(b, servertest.Options{})
			revision := s.Set(b, configv1.Layer_SERVICE, "a", "1")
			if _, err := s.Client(b).Get(b.Context(), &configv1.GetRequest{Key: "a", MinRevision: revision}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Client(b).Get(b.Context(), &configv1.GetRequest{Key: "a"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
