package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/identity"
)

// NewToken makes a token of a service, and its line for CONFIG_TOKENS_FILE.
func NewToken(t testing.TB, namespace, environment string) (token, line string) {
	t.Helper()
	token, id, digest, err := identity.NewToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return token, `- {id: ` + id + `, digest: "` + digest + `", service: ` + namespace + `, environment: ` + environment + "}\n"
}

// WriteFile makes a text the content of a file, at once, as a server that reads it again
// has to find it.
func WriteFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".next", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

// Authority issues certificates for the length of a test.
type Authority struct {
	File string // its own certificate, PEM
	Pool *x509.CertPool
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Certificate is a certificate with its key, also in files.
type Certificate struct {
	File, KeyFile string // PEM
	TLS           tls.Certificate
}

// NewAuthority makes an authority.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{Pool: x509.NewCertPool(), dir: t.TempDir()}
	made := a.issue(t, "authority", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.File = made.File
	a.Pool.AddCert(a.cert)
	return a
}

// Server issues a certificate for a server on loopback.
func (a *Authority) Server(t testing.TB) Certificate {
	t.Helper()
	return a.issue(t, "server", &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// Client issues a certificate for a client, with DNS names and URIs.
func (a *Authority) Client(t testing.TB, dns []string, uris ...string) Certificate {
	t.Helper()
	template := &x509.Certificate{DNSNames: dns, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	return a.issue(t, "client", template)
}

// issue signs a certificate; the first one, which is the authority's own, by itself.
func (a *Authority) issue(t testing.TB, name string, template *x509.Certificate) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject.CommonName = serial, name
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.KeyUsage |= x509.KeyUsageDigitalSignature
	if a.key == nil {
		a.cert, a.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert == template {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(a.dir, name+serial.String())
	c := Certificate{File: base + ".pem", KeyFile: base + ".key"}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})
	WriteFile(t, c.File, string(certPEM))
	WriteFile(t, c.KeyFile, string(keyPEM))
	if c.TLS, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	return c
}
