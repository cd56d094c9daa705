package robust_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/servertest"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.pem, _, a.key = a.sign(template, nil)
	block, _ := pem.Decode(a.pem)
	var err error
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a certificate; by itself without a signer.
func (a *authority) sign(template *x509.Certificate, by *authority) (cert, key []byte, private *ecdsa.PrivateKey) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := template, private
	if by != nil {
		parent, signer = by.cert, by.key
	}
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<60))
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), private
}

// issue makes a certificate for a server on loopback, or for a client of this name.
func (a *authority) issue(name string) (cert, key []byte) {
	a.t.Helper()
	cert, key, _ = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a)
	return cert, key
}

// papers are files with certificates.
type papers struct {
	t   *testing.T
	dir string
}

func (p papers) path(name string) string { return filepath.Join(p.dir, name) }

// write replaces files, each at once.
func (p papers) write(files map[string][]byte) {
	p.t.Helper()
	for name, content := range files {
		path := p.path(name)
		if err := errors.Join(os.WriteFile(path+".next", content, 0o600), os.Rename(path+".next", path)); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p papers) issued(a *authority, name, to string) {
	p.t.Helper()
	cert, key := a.issue(name)
	p.write(map[string][]byte{to + ".pem": cert, to + ".key": key})
}

// TestCertificatesRotate changes a sidecar's client certificate again and again, and half
// way the authorities of both sides, while it is read and what it serves is written.
func TestCertificatesRotate(t *testing.T) {
	shared(t)
	before, after := newAuthority(t, "before"), newAuthority(t, "after")
	p := papers{t, t.TempDir()}
	both := append(append([]byte{}, before.pem...), after.pem...)
	p.write(map[string][]byte{"clients.pem": both, "ca.pem": before.pem})
	p.issued(before, "etcd", "server")
	p.issued(before, service, "client")

	cert, key := before.issue("nobody")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(both)
	r := registered(t, servertest.EtcdOptions{
		Cert: p.path("server.pem"), Key: p.path("server.key"), ClientCA: p.path("clients.pem"),
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{pair}},
	})
	if _, err := r.root.UserAddWithOptions(r.ctx, service, "", &clientv3.UserAddOptions{NoPassword: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.root.UserGrantRole(r.ctx, service, "config-service."+environment+"."+service); err != nil {
		t.Fatal(err)
	}
	r.serve(map[string]string{"ETCD_CA_FILE": p.path("ca.pem"), "ETCD_CERT_FILE": p.path("client.pem"), "ETCD_KEY_FILE": p.path("client.key")})
	r.load()
	rotations, by, renewed := pick(4, 20), before, 0
	next := func() { renewed++; r.used(renewed) }
	for n := range rotations {
		if n == rotations/2 {
			p.write(map[string][]byte{"ca.pem": both})
			next()
			p.issued(after, "etcd", "server") // etcd reads it for every connection
			by = after
		}
		p.issued(by, service, "client")
		next()
	}
	p.write(map[string][]byte{"ca.pem": after.pem})
	next()
	r.stop()
	t.Logf("FIGURES rotation of certificates: %d certificates and a change of the authorities under %d Gets and %d writes: %d Gets failed, %d were STALE; the watch saw every last value, at most %.2f s late",
		rotations, r.gets.Load(), r.writes.Load(), r.failed.Load(), r.stale.Load(), time.Duration(r.late.Load()).Seconds())
	if r.failed.Load() > 0 || r.gets.Load() == 0 || r.writes.Load() == 0 {
		t.Errorf("%d of %d Gets failed while %d writes were done", r.failed.Load(), r.gets.Load(), r.writes.Load())
	}
}
