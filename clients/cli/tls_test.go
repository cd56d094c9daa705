package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/servertest"
)

// certificate makes one for loopback that is its own authority.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// Over TLS the server is checked, and who does not speak it, or does not trust it, is told
// what to do.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	_, stranger := certificate(t)
	strange, _ := certificate(t)
	secure := servertest.StartControl(t, servertest.Options{Settings: map[string]string{"CONFIG_TLS_CERT_FILE": cert, "CONFIG_TLS_KEY_FILE": key}})
	mutual := servertest.StartControl(t, servertest.Options{Etcd: secure.Etcd, Settings: map[string]string{
		"CONFIG_TLS_CERT_FILE": cert, "CONFIG_TLS_KEY_FILE": key, "CONFIG_TLS_CLIENT_CA_FILE": cert,
	}})
	plain := servertest.StartControl(t, servertest.Options{Etcd: secure.Etcd})
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(servertest.AdminToken), 0o600); err != nil {
		t.Fatal(err)
	}
	// Who is reached refuses the name, with exit code 2.
	for _, tt := range []struct {
		addr  string
		args  []string
		exit  int
		words []string
	}{
		{secure.GRPC, []string{"--ca-file", cert}, 2, []string{`environment "A"`}},
		{mutual.GRPC, []string{"--ca-file", cert, "--cert-file", cert, "--key-file", key}, 2, []string{`environment "A"`}},
		{plain.GRPC, nil, 2, []string{`environment "A"`}},
		{secure.GRPC, nil, 5, []string{"no config-service answers at " + secure.GRPC, "--ca-file or --tls"}},
		{secure.GRPC, []string{"--tls"}, 5, []string{"no trusted way to " + secure.GRPC, "signed by unknown authority", "--ca-file (CONFIG_SERVICE_CA_FILE)"}},
		{secure.GRPC, []string{"--ca-file", strange}, 5, []string{"no trusted way to"}},
		{plain.GRPC, []string{"--ca-file", cert}, 5, []string{plain.GRPC + " does not speak TLS", "leave out --tls"}},
		{secure.GRPC, []string{"--ca-file", cert, "--cert-file", cert, "--key-file", stranger}, 2, []string{"--cert-file", "private key does not match"}},
	} {
		environment := map[string]string{"CONFIG_SERVICE_ADDR": tt.addr, "CONFIG_SERVICE_TOKEN_FILE": token}
		exit, out, errs := configctl(t, false, "", environment, append([]string{"service", "list", "--environment", "A"}, tt.args...)...)
		if exit != tt.exit || out != "" {
			t.Errorf("%s %q: exit %d, want %d: %s%s", tt.addr, tt.args, exit, tt.exit, out, errs)
		}
		for _, words := range tt.words {
			if !strings.Contains(errs, words) {
				t.Errorf("%s %q does not say %q: %s", tt.addr, tt.args, words, errs)
			}
		}
		if strings.Contains(errs, servertest.AdminToken) {
			t.Errorf("%q shows the token: %s", tt.args, errs)
		}
	}
}
