package daemon_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// pair is a certificate and its key, in files.
type pair struct {
	cert, key string
	tls       tls.Certificate
}

// selfSigned makes a certificate that is its own authority.
func selfSigned(t *testing.T, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := pair{cert: filepath.Join(dir, name+".pem"), key: filepath.Join(dir, name+".key")}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})
	for path, data := range map[string][]byte{p.cert: certPEM, p.key: keyPEM} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p.tls, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	return p
}

// terminator is TLS with client certificates in front of a plaintext etcd.
func terminator(t *testing.T, etcd *servertest.Etcd, server, client pair) (endpoint string) {
	t.Helper()
	clients := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(client.tls.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	clients.AddCert(leaf)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{server.tls}, NextProtos: []string{"h2"},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
	})
	if err != nil {
		t.Fatal(err)
	}
	var pipes sync.WaitGroup
	pipes.Go(func() {
		for {
			down, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", strings.TrimPrefix(etcd.Endpoint, "http://"))
			if err != nil {
				down.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{down, up}, {up, down}} {
				pipes.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					way[0].Close()
					way[1].Close()
				})
			}
		}
	})
	t.Cleanup(func() { l.Close(); pipes.Wait() })
	return "https://" + l.Addr().String()
}

func TestEtcdOverTLS(t *testing.T) {
	etcd := servertest.StartEtcd(t)
	etcd.Commit(t, servertest.Write{Namespace: "payment-service", Environment: "development", Layer: configv1.Layer_SERVICE, Key: "a", JSON: "1"})
	authority, client, stranger := selfSigned(t, "server"), selfSigned(t, "client"), selfSigned(t, "stranger")
	endpoint := terminator(t, etcd, authority, client)

	server := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{
		"ETCD_ENDPOINTS": endpoint, "ETCD_CA_FILE": authority.cert, "ETCD_CERT_FILE": client.cert, "ETCD_KEY_FILE": client.key,
	}})
	if text := get(t, server.URL+"/v1/config/a"); !strings.Contains(text, `"LIVE"`) {
		t.Errorf("over TLS: %s", text)
	}

	for name, settings := range map[string]map[string]string{
		"an authority that etcd does not have":  {"ETCD_CA_FILE": stranger.cert, "ETCD_CERT_FILE": client.cert, "ETCD_KEY_FILE": client.key},
		"a certificate that etcd does not take": {"ETCD_CA_FILE": authority.cert, "ETCD_CERT_FILE": stranger.cert, "ETCD_KEY_FILE": stranger.key},
		"no certificate":                        {"ETCD_CA_FILE": authority.cert},
	} {
		t.Run(name, func(t *testing.T) {
			settings["ETCD_ENDPOINTS"] = endpoint
			server := servertest.Start(t, servertest.Options{Etcd: etcd, NoWait: true, Settings: settings})
			deadline := time.Now().Add(patience)
			for !refused.MatchString(get(t, server.Ops+"/metrics")) {
				if time.Now().After(deadline) {
					t.Fatal("the refusal was not counted")
				}
			}
			if text := get(t, server.URL+"/v1/config/a"); !strings.Contains(text, "NOT_READY") {
				t.Errorf("the answer is %s; want NOT_READY", text)
			}
		})
	}
}
