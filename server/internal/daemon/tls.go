package daemon

import (
	"crypto/tls"
	"fmt"
	"net"

	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/watched"
)

const (
	tlsCertSetting  = "--tls-cert-file (CONFIG_TLS_CERT_FILE)"
	tlsKeySetting   = "--tls-key-file (CONFIG_TLS_KEY_FILE)"
	clientCASetting = "--tls-client-ca-file (CONFIG_TLS_CLIENT_CA_FILE)"
)

// openTLS reads what REST and gRPC speak TLS with; nil when no certificate is set.
func (d *Daemon) openTLS() (*watched.Files[endpoint.TLS], error) {
	s := d.settings
	if s.TLSCertFile == "" {
		return nil, nil
	}
	files := []watched.File{
		{Setting: tlsCertSetting, Path: s.TLSCertFile},
		{Setting: tlsKeySetting, Path: s.TLSKeyFile, Secret: true},
	}
	if s.TLSClientCAFile != "" {
		files = append(files, watched.File{Setting: clientCASetting, Path: s.TLSClientCAFile})
	}
	return watched.Open(watched.Config[endpoint.TLS]{
		Files: files,
		Parse: func(contents [][]byte) (endpoint.TLS, error) {
			var authorities []byte
			if len(contents) > 2 {
				authorities = contents[2]
			}
			t, err := endpoint.ParseTLS(contents[0], contents[1], authorities, s.TakesTokens())
			if err != nil {
				return t, fmt.Errorf("%s: %w", tlsCertSetting, err)
			}
			return t, nil
		},
		Report: d.metrics.FilesAre("tls"),
		Log:    d.log,
	})
}

func (d *Daemon) currentTLS() endpoint.TLS {
	t, _ := d.tls.Value()
	return t
}

// overTLS is what REST is served on. A socket needs no TLS: nobody is between.
func (d *Daemon) overTLS(l *endpoint.Listener) net.Listener {
	if d.tls == nil || settings.IsSocket(d.settings.HTTPAddr) {
		return l
	}
	return tls.NewListener(l, endpoint.REST(d.currentTLS))
}
