package dockertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/servertest"
)

// sidecarUser is who the images run as.
const sidecarUser = 65532

// platform is what a platform team runs: an etcd that speaks TLS and asks for credentials, and
// the control server. Its commands are those of the images.
type platform struct {
	t        testing.TB
	etcd     string // container
	endpoint string // as sidecars in containers reach it
	own      string // folder: the platform's files, and etcd's certificate
	control  string // address of the control server's gRPC
}

const policy = `rules:
  - {who: ["user:admin"], may: [read, write, administer], namespaces: ["*"], environments: ["*"]}
`

func newPlatform(t testing.TB) *platform {
	t.Helper()
	p := &platform{t: t, own: t.TempDir(), control: servertest.FreeAddress(t)}
	_, port, err := net.SplitHostPort(servertest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	// Containers on a network of their own reach another one by a port of the host.
	gateway := docker(t, "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "bridge")
	p.endpoint = "https://" + net.JoinHostPort(gateway, port)
	certify(t, p.own, net.ParseIP(gateway), net.IPv4(127, 0, 0, 1))
	p.etcd = docker(t, "run", "--detach", "--publish", gateway+":"+port+":2379", "--publish", "127.0.0.1:"+port+":2379",
		"--volume", p.own+":/tls:ro", etcdImage(t), "etcd", "--listen-client-urls=https://0.0.0.0:2379", "--advertise-client-urls="+p.endpoint,
		"--cert-file=/tls/etcd.pem", "--key-file=/tls/etcd.key", "--bcrypt-cost=4", "--log-level=error")
	t.Cleanup(func() { docker(t, "rm", "--force", "--volumes", p.etcd) })

	if err := errors.Join(os.WriteFile(filepath.Join(p.own, "policy.yaml"), []byte(policy), 0o644), os.Chown(p.own, sidecarUser, sidecarUser)); err != nil {
		t.Skipf("SKIP: only root gives a file away: %v", err)
	}
	eventually(t, "etcd is protected", func() error {
		_, err := p.run(target(t, "config-service"), "bootstrap", "--etcd-endpoints", p.endpoint, "--etcd-ca-file", "/platform/etcd-ca.pem",
			"--root-token-file", "/platform/root.token", "--control-token-file", "/platform/control.token")
		return err
	})
	p.configctl("token", "new", "--user", "admin", "--tokens-file", "/platform/tokens.yaml", "--token-out", "/platform/admin.token")
	p.startControl()
	return p
}

func (p *platform) startControl() {
	p.t.Helper()
	id := docker(p.t, "run", "--detach", "--network=host", "--read-only", "--volume", p.own+":/platform:ro",
		"--env=CONFIG_ROLE=control", "--env=ETCD_ENDPOINTS="+p.endpoint, "--env=ETCD_CA_FILE=/platform/etcd-ca.pem", "--env=ENVIRONMENT=production",
		"--env=AUTH_TOKEN_FILE=/platform/control.token", "--env=CONFIG_TOKENS_FILE=/platform/tokens.yaml", "--env=CONFIG_POLICY_FILE=/platform/policy.yaml",
		"--env=CONFIG_GRPC_ADDR="+p.control, "--env=CONFIG_HTTP_ADDR="+servertest.FreeAddress(p.t), "--env=CONFIG_OPS_ADDR="+servertest.FreeAddress(p.t),
		target(p.t, "config-service"))
	p.t.Cleanup(func() {
		if p.t.Failed() {
			out, _ := run("", nil, "docker", "logs", "--tail", "50", id) // what there is
			p.t.Logf("the control server:\n%s", out)
		}
		docker(p.t, "rm", "--force", "--volumes", id)
	})
	docker(p.t, "exec", id, "/config-service", "healthcheck", "--wait", "60s")
}

// run runs a command of an image on the platform's files.
func (p *platform) run(image string, args ...string) (string, error) {
	return run("", nil, "docker", append([]string{"run", "--rm", "--network=host", "--read-only", "--volume", p.own + ":/platform",
		"--env=CONFIG_SERVICE_ADDR=" + p.control, "--env=CONFIG_SERVICE_TOKEN_FILE=/platform/admin.token", image}, args...)...)
}

func (p *platform) configctl(args ...string) string {
	p.t.Helper()
	out, err := p.run(target(p.t, "configctl"), args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// set changes a value as a person would.
func (p *platform) set(key, value string) {
	p.t.Helper()
	p.configctl("set", "-n", "payment-service", "-e", "production", key, value, "--message", "test", "--yes")
}

// secrets makes the folder of a host, as the templates say, with the token in it that
// `configctl service register` wrote.
func (p *platform) secrets() string {
	p.t.Helper()
	folder := p.t.TempDir()
	token, err1 := os.ReadFile(filepath.Join(p.own, "payment.token"))
	authority, err2 := os.ReadFile(filepath.Join(p.own, "etcd-ca.pem"))
	file := filepath.Join(folder, "config-token")
	err := errors.Join(err1, err2, os.Chmod(folder, 0o755), os.WriteFile(file, token, 0o400), os.Chown(file, sidecarUser, sidecarUser),
		os.WriteFile(filepath.Join(folder, "etcd-ca.pem"), authority, 0o444))
	if err != nil {
		p.t.Fatal(err)
	}
	return folder
}

// crashEtcd ends etcd and returns what starts it again.
func (p *platform) crashEtcd() (again func()) {
	p.t.Helper()
	crash(p.t, p.etcd)
	return func() {
		p.t.Helper()
		docker(p.t, "start", p.etcd)
	}
}

// certify makes an authority of its own and a certificate of it for etcd.
func certify(t testing.TB, folder string, addresses ...net.IP) {
	t.Helper()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "platform"}, NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "etcd"}, NotAfter: authority.NotAfter, IPAddresses: addresses}
	authorityKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	leafKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	authorityDER, err1 := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	leafDER, err2 := x509.CreateCertificate(rand.Reader, leaf, authority, leafKey.Public(), authorityKey)
	keyDER, err3 := x509.MarshalPKCS8PrivateKey(leafKey)
	write := func(name, kind string, der []byte) error {
		return os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644)
	}
	if err := errors.Join(err1, err2, err3, os.Chmod(folder, 0o755), write("etcd-ca.pem", "CERTIFICATE", authorityDER), write("etcd.pem", "CERTIFICATE", leafDER), write("etcd.key", "PRIVATE KEY", keyDER)); err != nil {
		t.Fatal(err)
	}
}

// once replaces what has to be there exactly once.
func once(t testing.TB, text, from, to string) string {
	t.Helper()
	if n := strings.Count(text, from); n != 1 {
		t.Fatalf("%q is there %d times", from, n)
	}
	return strings.Replace(text, from, to, 1)
}
