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

	sidecarImage, configctlImage string
}

const policy = `rules:
  - {who: ["user:admin"], may: [read, write, administer], namespaces: ["*"], environments: ["*"]}
`

func newPlatform(t testing.TB) *platform {
	t.Helper()
	p := &platform{t: t, own: t.TempDir(), control: servertest.FreeAddress(t), sidecarImage: target(t, "config-service"), configctlImage: target(t, "configctl")}
	_, port, err := net.SplitHostPort(servertest.FreeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	// Containers on a network of their own reach another one by a port of the host.
	network := unique(t)
	docker(t, "network", "create", network)
	t.Cleanup(func() { docker(t, "network", "rm", network) })
	gateway := docker(t, "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", network)
	p.endpoint = "https://" + net.JoinHostPort(gateway, port)
	certify(t, p.own, net.ParseIP(gateway), net.IPv4(127, 0, 0, 1))
	p.etcd = docker(t, "run", "--detach", "--network", network, "--publish", gateway+":"+port+":2379", "--publish", "127.0.0.1:"+port+":2379",
		"--volume", p.own+":/tls:ro", etcdImage(t), "etcd", "--listen-client-urls=https://0.0.0.0:2379", "--advertise-client-urls="+p.endpoint,
		"--cert-file=/tls/etcd.pem", "--key-file=/tls/etcd.key", "--bcrypt-cost=4", "--log-level=error")
	t.Cleanup(func() { docker(t, "rm", "--force", "--volumes", p.etcd) })

	if err := errors.Join(os.WriteFile(filepath.Join(p.own, "policy.yaml"), []byte(policy), 0o644), os.Chown(p.own, sidecarUser, sidecarUser)); err != nil {
		t.Skipf("SKIP: only root gives a file away: %v", err)
	}
	eventually(t, "etcd is protected", func() error {
		_, err := p.run(p.sidecarImage, "bootstrap", "--etcd-endpoints", p.endpoint, "--etcd-ca-file", "/platform/etcd-ca.pem",
			"--root-token-file", "/platform/root.token", "--control-token-file", "/platform/control.token")
		return err
	})
	p.configctl(t, "token", "new", "--user", "admin", "--tokens-file", "/platform/tokens.yaml", "--token-out", "/platform/admin.token")
	p.startControl()
	return p
}

func (p *platform) startControl() {
	p.t.Helper()
	id := docker(p.t, "run", "--detach", "--network=host", "--read-only", "--volume", p.own+":/platform:ro",
		"--env=CONFIG_ROLE=control", "--env=ETCD_ENDPOINTS="+p.endpoint, "--env=ETCD_CA_FILE=/platform/etcd-ca.pem", "--env=ENVIRONMENT=production",
		"--env=AUTH_TOKEN_FILE=/platform/control.token", "--env=CONFIG_TOKENS_FILE=/platform/tokens.yaml", "--env=CONFIG_POLICY_FILE=/platform/policy.yaml",
		"--env=CONFIG_GRPC_ADDR="+p.control, "--env=CONFIG_HTTP_ADDR="+servertest.FreeAddress(p.t), "--env=CONFIG_OPS_ADDR="+servertest.FreeAddress(p.t),
		p.sidecarImage)
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

// configctl runs it with the platform's credential.
func (p *platform) configctl(t testing.TB, args ...string) {
	t.Helper()
	if _, err := p.run(p.configctlImage, args...); err != nil {
		t.Fatal(err)
	}
}

// secrets makes the folder of a host as the templates say, with a new service's token in it.
func (p *platform) secrets(t testing.TB, service string) string {
	t.Helper()
	p.configctl(t, "service", "register", "--service", service, "--environment", "production", "--token-out", "/platform/"+service+".token")
	folder := t.TempDir()
	authority, err := os.ReadFile(filepath.Join(p.own, "etcd-ca.pem"))
	if err := errors.Join(err, os.Chmod(folder, 0o755), os.WriteFile(filepath.Join(folder, "etcd-ca.pem"), authority, 0o444)); err != nil {
		t.Fatal(err)
	}
	p.install(t, service, folder)
	return folder
}

// install puts a service's token in place, as `install -o 65532 -g 65532 -m 0400` does, or in
// place of the one that is there.
func (p *platform) install(t testing.TB, service, folder string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(p.own, service+".token"))
	fresh := filepath.Join(folder, "config-token.new")
	if err := errors.Join(err, os.WriteFile(fresh, token, 0o400), os.Chown(fresh, sidecarUser, sidecarUser), os.Rename(fresh, filepath.Join(folder, "config-token"))); err != nil {
		t.Fatal(err)
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
