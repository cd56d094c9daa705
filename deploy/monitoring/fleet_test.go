package monitoring_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
	"go.uber.org/goleak"
	"google.golang.org/grpc/metadata"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 2 * time.Minute

// scraped are two scrapes of real servers and their etcd, as Prometheus would store them with
// the labels of the scrape examples, a minute apart.
type scraped struct {
	storage storage.Storage
	engine  *promql.Engine
	at      time.Time // of the second
	// series has the label names of each metric.
	series map[string]map[string]bool
}

// target is what is scraped, and the labels that the scrape examples give it.
type target struct {
	url    string
	labels map[string]string
}

// fleet starts a sidecar and a control server on one etcd, and makes calls of every kind, so
// that there is everything that can be there.
func fleet(t *testing.T) []target {
	t.Helper()
	etcd := servertest.StartEtcd(t)
	etcd.Commit(t, servertest.Write{Namespace: "payment-service", Environment: "development", Layer: configv1.Layer_SERVICE, Key: "database.pool_size", JSON: "20"})
	sidecar := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{"CONFIG_CACHE_DIR": t.TempDir()}})
	control := servertest.StartControl(t, servertest.Options{Etcd: etcd})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := sidecar.Client(t).Get(ctx, &configv1.GetRequest{Key: "database.pool_size"}); err != nil {
		t.Fatal(err)
	}
	watch, err := sidecar.Client(t).Watch(ctx, &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	fetch(t, sidecar.URL+"/v1/config")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	ready := func(s *servertest.Server) bool {
		return strings.Contains(fetch(t, s.Ops+"/metrics"), "\nconfigservice_ready 1\n")
	}
	for strings.Contains(fetch(t, sidecar.Ops+"/metrics"), "configservice_cache_age_seconds +Inf") || !ready(sidecar) || !ready(control) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the cache was never saved, or a server is not ready")
		}
	}
	admin := metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+servertest.AdminToken)
	if _, err := adminv1.NewConfigAdminServiceClient(control.Conn(t)).ListNamespaces(admin, &adminv1.ListNamespacesRequest{}); err != nil {
		t.Fatal(err)
	}
	server := func(s *servertest.Server, instance string) target {
		return target{s.Ops + "/metrics", map[string]string{
			"job": "config-service", "instance": instance, "environment": "development", "namespace": "shop", "pod": instance, "service": "payment-service",
		}}
	}
	return []target{
		server(sidecar, "sidecar"), server(control, "control"),
		{etcd.Endpoint + "/metrics", map[string]string{"job": "etcd", "instance": "etcd-0"}},
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(text)
}

// scrape reads every target twice, and stores that as a minute apart.
func scrape(t *testing.T, targets []target) *scraped {
	t.Helper()
	s := &scraped{
		storage: teststorage.New(t),
		engine:  promql.NewEngine(promql.EngineOpts{MaxSamples: 1e7, Timeout: patience, LookbackDelta: 5 * time.Minute, EnableAtModifier: true}),
		at:      time.Now(),
		series:  map[string]map[string]bool{},
	}
	t.Cleanup(func() { _ = s.engine.Close() })
	for _, at := range []time.Time{s.at.Add(-time.Minute), s.at} {
		for _, one := range targets {
			s.store(t, one, fetch(t, one.url), at)
		}
	}
	return s
}

func (s *scraped) store(t *testing.T, from target, text string, at time.Time) {
	t.Helper()
	app := s.storage.Appender(t.Context())
	add := func(of labels.Labels, value float64) {
		b := labels.NewBuilder(of)
		for name, v := range from.labels {
			b.Set(name, v)
		}
		of = b.Labels()
		if _, err := app.Append(0, of, at.UnixMilli(), value); err != nil {
			t.Fatalf("%s: %v", of, err)
		}
		names := s.series[of.Get(labels.MetricName)]
		if names == nil {
			names = map[string]bool{}
			s.series[of.Get(labels.MetricName)] = names
		}
		of.Range(func(l labels.Label) { names[l.Name] = true })
	}
	add(labels.FromStrings(labels.MetricName, "up"), 1)
	parser, err := textparse.New([]byte(text), "text/plain", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		entry, err := parser.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry == textparse.EntrySeries {
			var of labels.Labels
			_, _, value := parser.Series()
			parser.Labels(&of)
			add(of, value)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// ask evaluates a query at the time of the second scrape.
func (s *scraped) ask(t *testing.T, query string) (result string, empty bool, err error) {
	t.Helper()
	q, err := s.engine.NewInstantQuery(t.Context(), s.storage, nil, query, s.at)
	if err != nil {
		return "", false, err
	}
	defer q.Close()
	answer := q.Exec(t.Context())
	if answer.Err != nil {
		return "", false, answer.Err
	}
	text := answer.String()
	return text, strings.TrimSpace(text) == "", nil
}

func quoted(s string) string { return strconv.Quote(s) }
