package endpoint

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// TLS is what the listeners show, and ask their clients for, at one time. It never
// changes.
type TLS struct{ rest, grpc *tls.Config }

// ParseTLS makes it of PEM texts. With authorities, clients show a certificate of one of
// them; those that show none are let in when there is other evidence of who they are.
func ParseTLS(certificate, key, authorities []byte, otherEvidence bool) (TLS, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return TLS{}, fmt.Errorf("certificate and key are not usable: %w; accepted: PEM of a certificate and of its key", err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	if authorities != nil {
		cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if otherEvidence {
			cfg.ClientAuth = tls.VerifyClientCertIfGiven
		}
		if !cfg.ClientCAs.AppendCertsFromPEM(authorities) {
			return TLS{}, errors.New("the client authorities hold no certificate; accepted: PEM")
		}
	}
	t := TLS{rest: cfg, grpc: cfg.Clone()}
	t.grpc.NextProtos = []string{"h2"}
	return t, nil
}

// Authorities are those that client certificates are checked with; nil: none is asked for.
func (t TLS) Authorities() *x509.CertPool { return t.rest.ClientCAs }

// Certificate is what the listeners show.
func (t TLS) Certificate() tls.Certificate { return t.rest.Certificates[0] }

// REST is what the REST listener speaks: each connection what is current when it begins.
func REST(current func() TLS) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return current().rest, nil }}
}

// GRPC is the same for the gRPC listener.
func GRPC(current func() TLS) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return current().grpc, nil }}
}
