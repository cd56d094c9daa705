package telemetry

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/config-service/config-service/server/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestOwnMetricsPassTheLinter(t *testing.T) {
	m := NewMetrics("v1", time.Now)
	m.ObserveCopy(func() Copy { return Copy{} })
	m.StoreRestarts.WithLabelValues("timeout")
	m.StoreRelists.WithLabelValues("first")
	problems, err := testutil.GatherAndLint(m.Registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestSeconds(t *testing.T) {
	now := time.Now()
	wall := now.Round(0)
	for _, test := range []struct {
		name    string
		now, at time.Time
		want    float64
	}{
		{"never", now, time.Time{}, math.Inf(1)},
		{"a while ago", now, now.Add(-3 * time.Second), 3},
		{"a clock that was set back", now, now.Add(time.Second), 0},
		{"from a file", now, wall.Add(-time.Minute), 60},
	} {
		if got := Seconds(test.now, test.at); math.Abs(got-test.want) > 1e-6 && got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestCacheAge(t *testing.T) {
	now := time.Unix(1000, 0)
	m := NewMetrics("v1", func() time.Time { return now })
	age := func() float64 {
		families, err := m.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "configservice_cache_age_seconds" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return math.NaN()
	}
	if got := age(); !math.IsInf(got, 1) {
		t.Errorf("without a cache its age is %v", got)
	}
	m.CacheAge.Since(now.Add(-time.Minute))
	if got := age(); got != 60 {
		t.Errorf("its age is %v", got)
	}
}

func TestWhichVariablesAskForTraces(t *testing.T) {
	for _, test := range []struct{ env, protocol, problem string }{
		{"", "", ""},
		{"OTEL_SERVICE_NAME=a OTEL_TRACES_SAMPLER=always_on", "", ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "http/protobuf", ""},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://c:4318/v1/traces", "http/protobuf", ""},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c:4318", "", ""},
		{"OTEL_TRACES_EXPORTER=otlp", "http/protobuf", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "grpc", ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf", "http/protobuf", ""},
		{"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "", ""},
		{"OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "", ""},
		{"OTEL_SDK_DISABLED=TRUE OTEL_TRACES_EXPORTER=otlp", "", ""},
		{"OTEL_SDK_DISABLED=false OTEL_TRACES_EXPORTER=otlp", "http/protobuf", ""},
		{"OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_ENDPOINT=nonsense", "", ""},
		{"OTEL_TRACES_EXPORTER=zipkin", "", `OTEL_TRACES_EXPORTER is "zipkin"; accepted: otlp, none`},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "", `OTEL_EXPORTER_OTLP_PROTOCOL is "http/json"; accepted: grpc, http/protobuf`},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=x", "", `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is "x"; accepted: `},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "", "OTEL_EXPORTER_OTLP_ENDPOINT is no address of a collector; accepted: "},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://u:secret@c", "", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no address"},
	} {
		env := map[string]string{}
		for _, pair := range strings.Fields(test.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		protocol, err := tracingProtocol(func(name string) string { return env[name] })
		if protocol != test.protocol || (err == nil) != (test.problem == "") {
			t.Errorf("%s: %q, %v; want %q, %q", test.env, protocol, err, test.protocol, test.problem)
		}
		if err != nil && (!strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", test.env, err)
		}
	}
}

// Tracing that is off installs nothing: neither a handler nor a wrapper.
func TestTracingOffCostsNothing(t *testing.T) {
	off, err := StartTracing(t.Context(), TracingConfig{Getenv: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler)})
	if off != nil || err != nil {
		t.Fatalf("without variables there is %v, %v", off, err)
	}
	mux := http.NewServeMux()
	if got := off.HTTP(mux, func(string) string { return "x" }); got != http.Handler(mux) {
		t.Errorf("a handler becomes %T", got)
	}
	if got := off.ServerOptions(func(string) bool { return true }); len(got) != 0 {
		t.Errorf("a server gets %d options", len(got))
	}
	if got := off.Protocol(); got != "off" {
		t.Errorf("it is said to be %q", got)
	}
	off.Stop(context.Background())
}
