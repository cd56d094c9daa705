package daemon

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/config-service/config-service/server/internal/settings"
)

// etcdTLS returns how etcd is reached by TLS, or nil for plaintext.
func etcdTLS(s *settings.Settings) (*tls.Config, error) {
	if !s.EtcdTLS() {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.EtcdCAFile != "" {
		pem, err := os.ReadFile(s.EtcdCAFile)
		if err != nil {
			return nil, fmt.Errorf("--etcd-ca-file (ETCD_CA_FILE): %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("--etcd-ca-file (ETCD_CA_FILE) holds no certificate; accepted: PEM")
		}
	}
	if s.EtcdCertFile != "" {
		// Read for every handshake, so that a renewed certificate is taken up.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(s.EtcdCertFile, s.EtcdKeyFile)
			return &cert, err
		}
		if _, err := cfg.GetClientCertificate(nil); err != nil {
			return nil, fmt.Errorf("--etcd-cert-file (ETCD_CERT_FILE): %w", err)
		}
	}
	return cfg, nil
}

// tokenPrefix begins a token made by this service: cs_<id>_<secret>.
const tokenPrefix = "cs_"

// maxToken is above any token or password.
const maxToken = 4 << 10

// credentials reads the etcd user and password from the token file. A token
// cs_<id>_<secret> means the user <namespace>.<environment>.<id>; any other content is
// the password of the user <namespace>.
func credentials(s *settings.Settings) func() (user, password string, err error) {
	return func() (string, string, error) {
		raw, err := os.ReadFile(s.AuthTokenFile)
		if err != nil {
			return "", "", fmt.Errorf("the token file cannot be read: %w", err)
		}
		token := string(bytes.TrimSpace(raw))
		if token == "" || len(token) > maxToken {
			return "", "", fmt.Errorf("the token file has %d bytes; accepted: one token", len(raw))
		}
		if rest, ok := strings.CutPrefix(token, tokenPrefix); ok {
			if id, secret, ok := strings.Cut(rest, "_"); ok && id != "" && secret != "" {
				return s.ServiceName + "." + s.Environment + "." + id, secret, nil
			}
		}
		return s.ServiceName, token, nil
	}
}
