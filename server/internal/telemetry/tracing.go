package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// flushTimeout is how long the last spans may take to leave when the server stops.
const flushTimeout = 2 * time.Second

// repeatEvery is how often a trouble that goes on is worth another line.
const repeatEvery = 10 * time.Second

// Protocols of OTLP; the second is the default of the OpenTelemetry specification.
const (
	protocolGRPC = "grpc"
	protocolHTTP = "http/protobuf"
)

// Tracing sends a span for every call of ConfigService to an OpenTelemetry collector.
// Nil is a Tracing that is off: it installs nothing.
//
// Spans wait in a bounded queue and leave in the background; with a full queue they
// are dropped. No call waits for a collector.
type Tracing struct {
	protocol   string
	provider   *sdktrace.TracerProvider
	exporter   *exporter
	propagator propagation.TextMapPropagator
}

// TracingConfig is what StartTracing needs.
type TracingConfig struct {
	Getenv      func(string) string // os.Getenv
	Version     string
	Namespace   string
	Environment string
	Log         *slog.Logger
}

// StartTracing returns nil when the standard OTEL_ variables do not ask for traces.
// Which ask is decided here; headers, certificates, timeouts, sampler, limits and
// resource attributes are read by the OpenTelemetry libraries themselves, from the
// environment of the process.
func StartTracing(ctx context.Context, cfg TracingConfig) (*Tracing, error) {
	protocol, err := tracingProtocol(cfg.Getenv)
	if protocol == "" || err != nil {
		return nil, err
	}
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", "config-service"),
			attribute.String("service.version", cfg.Version),
			attribute.String("configservice.namespace", cfg.Namespace),
			attribute.String("configservice.environment", cfg.Environment),
		),
		resource.WithFromEnv(), // the last one wins
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otlp, err := newExporter(ctx, protocol)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_*: %w", err)
	}
	e := &exporter{SpanExporter: otlp, log: cfg.Log, rarely: NewRarely(repeatEvery, time.Now)}
	e.running, e.cut = context.WithCancel(context.WithoutCancel(ctx))
	return &Tracing{
		protocol:   protocol,
		exporter:   e,
		propagator: propagation.TraceContext{},
		provider:   sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithBatcher(e)),
	}, nil
}

func newExporter(ctx context.Context, protocol string) (sdktrace.SpanExporter, error) {
	if protocol == protocolGRPC {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

// tracingProtocol returns by which protocol traces leave; empty when they do not.
func tracingProtocol(getenv func(string) string) (string, error) {
	first := func(names ...string) (name, value string) {
		for _, name = range names {
			if value = strings.TrimSpace(getenv(name)); value != "" {
				break
			}
		}
		return name, value
	}
	endpointName, endpoint := first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	_, kind := first("OTEL_TRACES_EXPORTER")
	_, disabled := first("OTEL_SDK_DISABLED")
	switch {
	case strings.EqualFold(disabled, "true") || kind == "none" || (kind == "" && endpoint == ""):
		return "", nil
	case kind != "" && kind != "otlp":
		return "", fmt.Errorf("OTEL_TRACES_EXPORTER is %.100q; accepted: otlp, none", kind)
	}
	name, protocol := first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	switch protocol {
	case "":
		protocol = protocolHTTP
	case protocolGRPC, protocolHTTP:
	default:
		return "", fmt.Errorf("%s is %.100q; accepted: %s, %s", name, protocol, protocolGRPC, protocolHTTP)
	}
	if endpoint != "" {
		if err := checkCollector(endpoint); err != nil {
			return "", fmt.Errorf("%s %w", endpointName, err)
		}
	}
	return protocol, nil
}

// checkCollector refuses what the exporters would take for another address without a
// word. The value can hold a password and is not repeated.
func checkCollector(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("is no address of a collector; accepted: http://HOST:PORT, https://HOST:PORT")
	}
	return nil
}

// Protocol names how traces leave, or says off.
func (t *Tracing) Protocol() string {
	if t == nil {
		return "off"
	}
	return "otlp " + t.protocol
}

// ServerOptions returns what a gRPC server needs to trace the methods that are worth
// it; none when tracing is off.
func (t *Tracing) ServerOptions(worth func(method string) bool) []grpc.ServerOption {
	if t == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(t.provider),
		otelgrpc.WithMeterProvider(noop.NewMeterProvider()),
		otelgrpc.WithPropagators(t.propagator),
		otelgrpc.WithFilter(func(info *stats.RPCTagInfo) bool { return worth(info.FullMethodName) }),
	))}
}

// HTTP returns a handler that traces the requests for which route returns a template,
// or next itself when tracing is off. Of the request only the template and the method
// become part of a span: its path holds a key. (otelhttp would put it there, and makes
// the binary 1.6 MB larger.)
func (t *Tracing) HTTP(next http.Handler, route func(path string) string) http.Handler {
	if t == nil {
		return next
	}
	tracer := t.provider.Tracer("github.com/config-service/config-service/rest")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		template := route(r.URL.Path)
		if template == "" {
			next.ServeHTTP(w, r)
			return
		}
		name, method := r.Method, r.Method
		if method != http.MethodGet && method != http.MethodHead {
			name, method = "HTTP", "_OTHER" // a caller can make one up
		}
		ctx, span := tracer.Start(
			t.propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header)),
			name+" "+template,
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(
				attribute.String("http.request.method", method),
				attribute.String("http.route", template),
				attribute.String("url.scheme", "http"),
			))
		defer span.End()
		answer := &answerWriter{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(answer, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", answer.code))
		if answer.code >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// Stop sends what is left, for at most 2 s and not beyond ctx, and ends the
// background work.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	spared := context.AfterFunc(ctx, t.exporter.cut)
	defer spared()
	// Not with ctx: it would return while the background work goes on. What it waits
	// for ends when the exporter is cut.
	_ = t.provider.Shutdown(context.WithoutCancel(ctx)) // the exporter has logged it
	t.exporter.cut()
}

// exporter is the one of a library, with its failures in our log.
type exporter struct {
	sdktrace.SpanExporter
	log     *slog.Logger
	rarely  *Rarely
	running context.Context // of everything it sends
	cut     context.CancelFunc
}

func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.running, cancel)()
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		if skipped, ok := e.rarely.Pass(); ok {
			e.log.Warn("traces were lost: the collector did not take them", "error", err, "more_since_last", skipped)
		}
	}
	return nil // a library would print it
}
