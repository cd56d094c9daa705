package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// observe lets operators see what the parts are like, once the listeners are open.
func (d *Daemon) observe() {
	d.metrics.Observe(telemetry.Watched{
		Role:           d.settings.Role,
		Roles:          []string{settings.RoleSidecar, settings.RoleShared, settings.RoleControl},
		Ready:          d.health.isReady,
		UnusableKeys:   d.replica.Unusable,
		MaxWatches:     d.settings.MaxStreams,
		MaxConnections: d.settings.MaxConnections,
		OpenConnections: map[string]func() int{
			"rest": d.onHTTP.Open, "grpc": d.onGRPC.Open, "ops": d.onOps.Open,
		},
		Certificates: map[string]func() time.Time{"listener": d.listenerCertificateEnds, "store_client": d.storeCertificateEnds},
	})
}

func (d *Daemon) listenerCertificateEnds() time.Time {
	if d.tls == nil {
		return time.Time{}
	}
	return ends(d.currentTLS().Certificate())
}

func (d *Daemon) storeCertificateEnds() time.Time {
	if d.access == nil {
		return time.Time{}
	}
	access, _ := d.access.Value()
	if access.TLS == nil || len(access.TLS.Certificates) == 0 {
		return time.Time{}
	}
	return ends(access.TLS.Certificates[0])
}

// ends is when the first certificate of a chain ends.
func ends(chain tls.Certificate) (first time.Time) {
	for _, der := range chain.Certificate {
		c, err := x509.ParseCertificate(der)
		if err == nil && (first.IsZero() || c.NotAfter.Before(first)) { // who shows it would be told of the error
			first = c.NotAfter
		}
	}
	return first
}

// counted returns what counts results.
func counted(by *prometheus.CounterVec) func(error) {
	return func(err error) {
		if err != nil {
			by.WithLabelValues("failed").Inc()
			return
		}
		by.WithLabelValues("ok").Inc()
	}
}
