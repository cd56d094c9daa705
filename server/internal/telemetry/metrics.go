// Package telemetry is what operators see: logs, metrics and traces. No label, no log
// line and no span ever holds a key's value.
package telemetry

import (
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the service's own metrics, in a registry of their own. ARCHITECTURE.md
// has the table of them; a test holds the two together. Labels have values that stand
// in this program, never what a caller or the store sends.
type Metrics struct {
	Registry *prometheus.Registry

	StoreConnected prometheus.Gauge
	StoreRestarts  *prometheus.CounterVec // by reason
	StoreRelists   *prometheus.CounterVec // by reason
	RejectedValues prometheus.Counter
	// CredentialRenewals counts by result: ok, failed.
	CredentialRenewals *prometheus.CounterVec
	OpenWatches        prometheus.Gauge
	CoalescedChanges   prometheus.Counter
	CacheWrites        *prometheus.CounterVec // by result: ok, failed
	CacheAge           *Age                   // of the newest last known good on disk
	// CacheGood is 1 until the last known good cannot be kept as it is set up.
	CacheGood prometheus.Gauge

	Authentications *prometheus.CounterVec // by evidence and result
	// KeyFetches counts by result: ok, failed.
	KeyFetches *prometheus.CounterVec

	RefusedConnections *prometheus.CounterVec // by listener
	RESTRefused        *prometheus.CounterVec // by reason
	AuditRecords       *prometheus.CounterVec // by decision
	AuditFailures      prometheus.Counter
	HistoryPrunes      *prometheus.CounterVec // by result: ok, failed
	ServiceSweeps      *prometheus.CounterVec // by result: ok, failed

	filesGood *prometheus.GaugeVec     // by files
	rest      *prometheus.HistogramVec // by route and code
	now       func() time.Time
}

// NewMetrics returns the metrics, registered, with those of the Go runtime and the
// process.
func NewMetrics(version string, now func() time.Time) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		now:      now,
		StoreConnected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "configservice_store_connected",
			Help: "1 while the watch on the store is open.",
		}),
		StoreRestarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_store_restarts_total",
			Help: "How often the connection to the store was given up and made anew, by reason.",
		}, []string{"reason"}),
		StoreRelists: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_store_relists_total",
			Help: "How often the whole configuration was read from the store, by reason.",
		}, []string{"reason"}),
		RejectedValues: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "configservice_rejected_values_total",
			Help: "Stored values or key names that are unusable. The last good value is kept.",
		}),
		CredentialRenewals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_credential_renewals_total",
			Help: "Tries of a credential that changed on disk, by result: ok (it is in use) or failed (the store refused it; the one before stays).",
		}, []string{"result"}),
		filesGood: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "configservice_files_good",
			Help: "1 while what is in use is what the files hold; 0 when they went bad and what they held before is used. By files: store_credential, tls, policy, tokens, jwks.",
		}, []string{"files"}),
		OpenWatches: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "configservice_open_watches",
			Help: "Streams of Watch and WatchHeads that are open, over gRPC and REST.",
		}),
		Authentications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_authentications_total",
			Help: "Looks at who calls, by evidence (token, jwt, certificate, unix_user, none) and result (ok, refused). Not where every caller is the one application of a sidecar.",
		}, []string{"evidence", "result"}),
		KeyFetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_jwks_fetches_total",
			Help: "Fetches of the keys of JSON Web Tokens from their URL, by result: ok or failed.",
		}, []string{"result"}),
		RefusedConnections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_refused_connections_total",
			Help: "Connections beyond CONFIG_MAX_CONNECTIONS, by listener: rest, grpc, ops. They are closed, but for a few that are told why.",
		}, []string{"listener"}),
		RESTRefused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_rest_refused_total",
			Help: "REST requests that were refused before they became a call, by reason: host, origin, connections, body, path, method, accept, query, header.",
		}, []string{"reason"}),
		AuditRecords: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_audit_records_total",
			Help: "Events that are audited, by decision: allowed, denied, failed. Those that a flood of refusals left out of the audit log are counted too.",
		}, []string{"decision"}),
		AuditFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "configservice_audit_failures_total",
			Help: "Audit records that CONFIG_AUDIT_FILE did not take. They are in the log instead.",
		}),
		HistoryPrunes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_history_prunes_total",
			Help: "Role control: looks for versions beyond what is kept, about every 30 min, by result: ok, or failed (they stay until the next look).",
		}, []string{"result"}),
		ServiceSweeps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_service_sweeps_total",
			Help: "Role control: looks for tokens whose time has come and for what was left half done, every 15 s, by result: ok, or failed (they go on until the next look).",
		}, []string{"result"}),
		CacheGood: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "configservice_cache_good",
			Help: "0 while CONFIG_CACHE_DIR cannot be used or the newest save failed; else 1, also where no cache is kept.",
		}),
		CoalescedChanges: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "configservice_coalesced_changes_total",
			Help: "Steps of the copy that a slow reader of a Watch got together with a later one, not one by one; summed over the streams.",
		}),
		CacheWrites: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_cache_writes_total",
			Help: "Writes of the last known good configuration to disk, by result.",
		}, []string{"result"}),
		rest: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "configservice_rest_request_duration_seconds",
			Help:    "How long REST requests took, by route and HTTP status; a watch until its end.",
			Buckets: []float64{.0005, .001, .005, .025, .1, 1},
		}, []string{"route", "code"}),
	}
	for _, result := range []string{"ok", "failed"} {
		m.CacheWrites.WithLabelValues(result)
		m.CredentialRenewals.WithLabelValues(result)
		m.KeyFetches.WithLabelValues(result)
		m.HistoryPrunes.WithLabelValues(result)
		m.ServiceSweeps.WithLabelValues(result)
	}
	m.CacheGood.Set(1)
	for _, decision := range []Decision{Allowed, Denied, Failed} {
		m.AuditRecords.WithLabelValues(string(decision))
	}
	for _, evidence := range []string{"token", "jwt", "certificate", "unix_user", "none"} {
		m.Authentications.WithLabelValues(evidence, "refused")
		if evidence != "none" {
			m.Authentications.WithLabelValues(evidence, "ok")
		}
	}
	for _, files := range []string{"store_credential", "tls", "policy", "tokens", "jwks"} {
		m.filesGood.WithLabelValues(files).Set(1)
	}
	m.Registry.MustRegister(
		m.StoreConnected, m.StoreRestarts, m.StoreRelists, m.RejectedValues, m.CredentialRenewals, m.filesGood, m.OpenWatches,
		m.CoalescedChanges, m.Authentications, m.KeyFetches, m.CacheWrites, m.rest, m.RefusedConnections, m.RESTRefused, m.AuditRecords, m.AuditFailures,
		m.HistoryPrunes, m.ServiceSweeps, m.CacheGood, buildInfo(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.CacheAge = m.age("configservice_cache_age_seconds",
		"Seconds since the last known good configuration on disk was written; +Inf when there is none.")
	return m
}

// FilesAre returns what says of certain files whether they are good.
func (m *Metrics) FilesAre(files string) func(good bool) {
	gauge := m.filesGood.WithLabelValues(files)
	return func(good bool) {
		if good {
			gauge.Set(1)
		} else {
			gauge.Set(0)
		}
	}
}

func buildInfo(version string) prometheus.Gauge {
	revision := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "configservice_build_info",
		Help:        "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version(), "revision": revision},
	})
	build.Set(1)
	return build
}

// Age is a gauge of the seconds since something happened; +Inf before it ever did, so
// that an alert on a large age sees that too. It is safe for concurrent use.
type Age struct{ since atomic.Pointer[time.Time] }

// Since says when it happened last. The zero time means never.
func (a *Age) Since(t time.Time) { a.since.Store(&t) }

func (m *Metrics) age(name, help string) *Age {
	a := &Age{}
	m.gauge(name, help, func() float64 {
		if t := a.since.Load(); t != nil {
			return Seconds(m.now(), *t)
		}
		return math.Inf(1)
	})
	return a
}

// Seconds is how long t was before now, by the clock that says more: the monotonic one
// stands still while a machine sleeps. It is +Inf for the zero time.
func Seconds(now, t time.Time) float64 {
	if t.IsZero() {
		return math.Inf(1)
	}
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)), 0).Seconds()
}

func (m *Metrics) gauge(name, help string, value func() float64) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// ObserveRequired reports how many keys that a schema requires are missing, asked for at every
// scrape.
func (m *Metrics) ObserveRequired(missing func() (n int, known bool)) {
	m.gauge("configservice_required_keys_missing",
		"Of a sidecar: keys that its service's schema requires and nobody has set. NaN: that is not known; always so in the other roles.",
		func() float64 {
			if n, known := missing(); known {
				return float64(n)
			}
			return math.NaN()
		})
}

// REST returns next, with its requests measured. route returns the template of a path,
// one of a fixed set; never the path itself.
func (m *Metrics) REST(next http.Handler, route func(path string) string) http.Handler {
	type labels struct {
		route string
		code  int
	}
	var known sync.Map // of prometheus.Observer, by labels
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := m.now()
		answer := &answerWriter{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(answer, r)
		l := labels{route(r.URL.Path), answer.code}
		seconds, ok := known.Load(l)
		if !ok {
			seconds, _ = known.LoadOrStore(l, m.rest.WithLabelValues(l.route, strconv.Itoa(l.code)))
		}
		seconds.(prometheus.Observer).Observe(m.now().Sub(began).Seconds())
	})
}

// answerWriter remembers the status. Everything but writing goes through Unwrap.
type answerWriter struct {
	http.ResponseWriter
	code    int
	decided bool
}

func (w *answerWriter) WriteHeader(code int) {
	if !w.decided && code >= http.StatusOK {
		w.code, w.decided = code, true
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.decided = true
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController: flushing and deadlines.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
