// Package telemetry is what operators see: logs and metrics. No label and no log
// line ever holds a key's value.
package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the service's own metrics, in a registry of their own.
type Metrics struct {
	Registry *prometheus.Registry

	StoreConnected prometheus.Gauge
	StoreRestarts  *prometheus.CounterVec // by reason
	StoreRelists   *prometheus.CounterVec // by reason
	RejectedValues prometheus.Counter
	OpenWatches    prometheus.Gauge

	RefusedConnections *prometheus.CounterVec // by listener
	RESTRefused        *prometheus.CounterVec // by reason
}

// NewMetrics returns the metrics, registered, with those of the Go runtime and the
// process.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
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
			Help: "How often the whole configuration was read from the store, by reason: first, compacted, silent, epoch.",
		}, []string{"reason"}),
		RejectedValues: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "configservice_rejected_values_total",
			Help: "Stored values or key names that are unusable. The last good value is kept.",
		}),
		OpenWatches: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "configservice_open_watches",
			Help: "Watch streams that are open, over gRPC and REST.",
		}),
		RefusedConnections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_refused_connections_total",
			Help: "Connections beyond CONFIG_MAX_CONNECTIONS, by listener: rest, grpc, ops. They are closed, but for a few that are told why.",
		}, []string{"listener"}),
		RESTRefused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "configservice_rest_refused_total",
			Help: "REST requests that were refused before they became a call, by reason: host, origin, connections, body, path, method, accept, query, header.",
		}, []string{"reason"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "configservice_build_info",
		Help:        "Always 1; the label holds the version.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.Registry.MustRegister(
		m.StoreConnected, m.StoreRestarts, m.StoreRelists, m.RejectedValues, m.OpenWatches, m.RefusedConnections, m.RESTRefused, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Copy is what the metrics report of the in-memory copy.
type Copy struct {
	Loaded   bool
	Revision int64
	Verified time.Time
	Fresh    bool
	Keys     int
}

// ObserveCopy reports the state of the in-memory copy, asked for at every scrape.
func (m *Metrics) ObserveCopy(state func() Copy) {
	gauge := func(name, help string, value func(Copy) float64) {
		m.Registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return value(state()) }))
	}
	flag := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	gauge("configservice_loaded", "1 once a configuration is loaded.", func(c Copy) float64 { return flag(c.Loaded) })
	gauge("configservice_revision", "The revision that is served.", func(c Copy) float64 { return float64(c.Revision) })
	gauge("configservice_fresh", "1 while the store vouched for what is served within the last 15 s.", func(c Copy) float64 { return flag(c.Fresh) })
	gauge("configservice_keys", "Keys held in memory, over all layers.", func(c Copy) float64 { return float64(c.Keys) })
	gauge("configservice_verified_timestamp_seconds",
		"When the newest read that proved the copy current was sent, in Unix time; 0 when there was none.",
		func(c Copy) float64 {
			if c.Verified.IsZero() {
				return 0
			}
			return float64(c.Verified.UnixNano()) / 1e9
		})
}
