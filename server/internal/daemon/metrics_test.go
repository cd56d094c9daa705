package daemon_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// series is one row of the table, and one family of /metrics.
type series struct{ kind, labels string }

// ofLibrary are families that every Go program has.
func ofLibrary(name string) bool {
	return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
}

func families(t *testing.T, s *servertest.Server) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := parser.TextToMetricFamilies(strings.NewReader(get(t, s.Ops+"/metrics")))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// exposed is what /metrics has, without the libraries' own.
func exposed(t *testing.T, s *servertest.Server) map[string]series {
	t.Helper()
	found := map[string]series{}
	for name, family := range families(t, s) {
		if ofLibrary(name) {
			continue
		}
		labels := map[string]bool{}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		found[name] = series{strings.ToLower(family.GetType().String()), strings.Join(slices.Sorted(maps.Keys(labels)), " ")}
	}
	return found
}

var tableRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (gauge|counter|histogram) \\| (.*?) \\| .+ \\|$")

// documented is what the table of ARCHITECTURE.md has.
func documented(t *testing.T) map[string]series {
	t.Helper()
	text, err := os.ReadFile("../../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]series{}
	for _, row := range tableRow.FindAllStringSubmatch(strings.ReplaceAll(string(text), "| | ", "|  | "), -1) {
		labels := strings.Fields(strings.ReplaceAll(row[3], "`", ""))
		slices.Sort(labels)
		rows[row[1]] = series{row[2], strings.Join(labels, " ")}
	}
	return rows
}

// call makes one call of each kind over each transport.
func call(t *testing.T, s *servertest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := s.Client(t).List(ctx, &configv1.ListRequest{}); err != nil {
		t.Fatal(err)
	}
	w, err := s.Client(t).Watch(ctx, &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Recv(); err != nil {
		t.Fatal(err)
	}
	get(t, s.URL+"/v1/config")
}

func TestTheTableOfMetricsIsTrue(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	call(t, s)
	have, want := exposed(t, s), documented(t)
	for name, row := range want {
		if got, ok := have[name]; !ok {
			t.Errorf("the table has %s, /metrics has not", name)
		} else if got != row {
			t.Errorf("%s is a %v in /metrics and a %v in the table", name, got, row)
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			t.Errorf("/metrics has %s, the table has not", name)
		}
	}
}

func TestMetricsAreNamedWell(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	call(t, s)
	problems, err := promlint.New(strings.NewReader(get(t, s.Ops+"/metrics"))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !ofLibrary(p.Metric) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// value is the value of a series, written as /metrics writes it.
func value(t *testing.T, s *servertest.Server, series string) string {
	t.Helper()
	for line := range strings.Lines(get(t, s.Ops+"/metrics")) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "none"
}

func TestRevisionsAndSource(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	own := s.Set(t, configv1.Layer_SERVICE, "a", "1")
	foreign := s.Etcd.Commit(t, servertest.Write{Namespace: "other", Environment: "development", Layer: configv1.Layer_SERVICE, Key: "a", JSON: "1"})
	get(t, s.URL+fmt.Sprintf("/v1/config/a?min_revision=%d", foreign))
	for series, want := range map[string]string{
		"configservice_applied_revision":                                                         fmt.Sprint(own),
		"configservice_confirmed_revision":                                                       fmt.Sprint(foreign),
		`configservice_source{source="live"}`:                                                    "1",
		`configservice_source{source="disk"}`:                                                    "0",
		"configservice_fresh":                                                                    "1",
		"configservice_loaded":                                                                   "1",
		"configservice_keys":                                                                     "1",
		"configservice_cache_age_seconds":                                                        "+Inf",
		`configservice_cache_writes_total{result="failed"}`:                                      "0",
		`configservice_store_relists_total{reason="first"}`:                                      "1",
		`configservice_store_relists_total{reason="compacted"}`:                                  "0",
		`configservice_store_restarts_total{reason="unavailable"}`:                               "0",
		`configservice_rest_request_duration_seconds_count{code="200",route="/v1/config/{key}"}`: "1",
	} {
		if got := value(t, s, series); got != want {
			t.Errorf("%s is %s, want %s", series, got, want)
		}
	}
}

func TestNeverVerifiedIsInfinitelyOld(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1"}})
	for series, want := range map[string]string{
		"configservice_verified_age_seconds":  "+Inf",
		"configservice_fresh":                 "0",
		"configservice_loaded":                "0",
		`configservice_source{source="live"}`: "0",
		`configservice_source{source="disk"}`: "0",
	} {
		if got := value(t, s, series); got != want {
			t.Errorf("%s is %s, want %s", series, got, want)
		}
	}
}

// hostility sends what makes up names: methods, services, paths, HTTP methods, keys,
// hosts and headers; each different for another round.
func hostility(t *testing.T, s *servertest.Server, round int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn := s.Conn(t)
	for i := range 30 {
		name := fmt.Sprintf("x%d-%d", round, i)
		for _, method := range []string{"/" + name + "/Get", "/configservice.v1.ConfigService/" + name, "/grpc.health.v1.Health/" + name} {
			_ = conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{}) // refused, whatever it is
		}
		if stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/"+name+"/Watch"); err == nil {
			_ = stream.RecvMsg(&emptypb.Empty{})
		}
		md := metadata.AppendToOutgoingContext(ctx, name, name, "user-agent", name)
		_, _ = s.Client(t).Get(md, &configv1.GetRequest{Key: name})
		_, _ = s.Client(t).Get(md, &configv1.GetRequest{Key: "a", Namespace: name})
		for _, path := range []string{"/" + name, "/v1/config/" + name, "/v1/explain/" + name, "/v1/config?" + name + "=1", "/v1/config/a/" + name, "/healthz/" + name, "/v1/watch/" + name, "/v1/config/%00" + name} {
			for _, method := range []string{http.MethodGet, http.MethodPost, strings.ToUpper(name)} {
				req, err := http.NewRequestWithContext(ctx, method, s.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("X-"+name, name)
				if i%2 == 1 {
					req.Host = name
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}
	}
}

// However many names callers make up, there are not more series.
func TestSeriesDoNotGrow(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	count := func() int {
		n := 0
		for _, family := range families(t, s) {
			n += len(family.GetMetric())
		}
		return n
	}
	hostility(t, s, 0)
	before := count()
	for round := range 5 {
		hostility(t, s, round+1)
	}
	if after := count(); after != before {
		t.Errorf("hostile calls made %d series of %d", after, before)
	}
	if text := get(t, s.Ops+"/metrics"); strings.Contains(text, "x0-") || strings.Contains(text, "X0-") {
		t.Error("a metric holds what a caller sent")
	}
}
