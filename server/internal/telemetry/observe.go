package telemetry

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Copy is what operators see of the in-memory copy.
type Copy struct {
	Loaded    bool
	Disk      bool  // loaded from disk, and the store was not reached since
	Applied   int64 // revision of the newest change in the content
	Confirmed int64 // revision that every range is confirmed to
	Verified  time.Time
	Fresh     bool
	Keys      int
}

// Source names where the content is from.
func (c Copy) Source() string {
	switch {
	case !c.Loaded:
		return "none"
	case c.Disk:
		return "disk"
	}
	return "live"
}

// ObserveCopy reports the state of the in-memory copy, asked for at every scrape.
func (m *Metrics) ObserveCopy(state func() Copy) {
	gauge := func(name, help string, value func(Copy) float64) {
		m.gauge(name, help, func() float64 { return value(state()) })
	}
	gauge("configservice_loaded", "1 once a configuration is loaded.",
		func(c Copy) float64 { return flag(c.Loaded) })
	gauge("configservice_applied_revision", "Revision of the newest change in what is served.",
		func(c Copy) float64 { return float64(c.Applied) })
	gauge("configservice_confirmed_revision", "Revision that every range is confirmed to: the one that answers carry.",
		func(c Copy) float64 { return float64(c.Confirmed) })
	gauge("configservice_fresh", "1 while the store vouched for what is served within the last 15 s.",
		func(c Copy) float64 { return flag(c.Fresh) })
	gauge("configservice_verified_age_seconds",
		"Seconds since the newest read that proved the copy current was sent; +Inf when there was none.",
		func(c Copy) float64 { return Seconds(m.now(), c.Verified) })
	gauge("configservice_keys", "Keys held in memory, over all layers.",
		func(c Copy) float64 { return float64(c.Keys) })
	for _, source := range []string{"live", "disk"} {
		m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "configservice_source",
			Help:        "1 for where what is served is from: the store, or the disk until the store is reached.",
			ConstLabels: prometheus.Labels{"source": source},
		}, func() float64 { return flag(state().Source() == source) }))
	}
}

// Watched is what else is asked for at every scrape. Each function is safe for concurrent use.
type Watched struct {
	Role  string   // what this process is
	Roles []string // all there are
	Ready func() bool
	// UnusableKeys counts the keys whose newest stored value is unusable.
	UnusableKeys func() int

	MaxWatches, MaxConnections int
	OpenConnections            map[string]func() int // by listener

	// Certificates say when each ends, by what it is for; the zero time: there is none.
	Certificates map[string]func() time.Time
}

// Observe reports the rest of what operators see. It is called once.
func (m *Metrics) Observe(w Watched) {
	labelled := func(name, help, label, value string, read func() float64) {
		m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: name, Help: help, ConstLabels: prometheus.Labels{label: value},
		}, read))
	}
	for _, role := range w.Roles {
		labelled("configservice_role", "1 for the role of this process.", "role", role, func() float64 { return flag(role == w.Role) })
	}
	m.gauge("configservice_ready", "1 while readiness passes.", func() float64 { return flag(w.Ready()) })
	m.gauge("configservice_unusable_keys",
		"Keys whose newest stored value is unusable: the last good one is served, or VALUE_INVALID where there is none.",
		func() float64 { return float64(w.UnusableKeys()) })
	m.gauge("configservice_max_watches", "Watch streams that may be open: CONFIG_MAX_STREAMS.",
		func() float64 { return float64(w.MaxWatches) })
	m.gauge("configservice_max_connections", "Connections that each listener takes: CONFIG_MAX_CONNECTIONS.",
		func() float64 { return float64(w.MaxConnections) })
	for listener, open := range w.OpenConnections {
		labelled("configservice_open_connections", "Connections that are open, by listener: rest, grpc, ops.",
			"listener", listener, func() float64 { return float64(open()) })
	}
	for certificate, ends := range w.Certificates {
		labelled("configservice_certificate_expiry_timestamp_seconds",
			"When the certificate in use ends, or one that it depends on in its file; +Inf: there is none. By certificate: listener (shown to clients of REST and gRPC), store_client (shown to etcd).",
			"certificate", certificate, func() float64 { return expiry(ends()) })
	}
}

func expiry(ends time.Time) float64 {
	if ends.IsZero() {
		return math.Inf(1)
	}
	return float64(ends.Unix())
}
