package dockertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlatform runs what a team has: its sidecar on the platform's etcd, as production.yml and
// both templates have it.
func TestPlatform(t *testing.T) {
	p := newPlatform(t)
	p.configctl("service", "register", "--service", "payment-service", "--environment", "production", "--token-out", "/platform/payment.token")

	t.Run("production", func(t *testing.T) {
		team := newTeam(t, p, map[string]string{"production.yml": "compose/production.yml"},
			"COMPOSE_FILE=production.yml", "PAYMENT_SERVICE_IMAGE="+demoImage(t))
		team.publish("payment-service", "production.yml")
		team.lives("payment-service", "payment-service")
	})
	t.Run("template", func(t *testing.T) {
		team := newTeam(t, p, map[string]string{"sidecar-template.yml": "sidecar-template.yml", "compose.yml": "dockertest/testdata/app.yml"},
			"COMPOSE_FILE=compose.yml:sidecar-template.yml", "YOUR_SERVICE_NAME=payment-service", "PLATFORM_ENVIRONMENT=production", "APP_IMAGE="+demoImage(t))
		team.lives("app", "app")
	})
	t.Run("template of the shared network", func(t *testing.T) {
		team := newTeam(t, p, map[string]string{"sidecar-template-shared-network.yml": "sidecar-template-shared-network.yml", "compose.yml": "dockertest/testdata/app-shared-network.yml"},
			"COMPOSE_FILE=compose.yml:sidecar-template-shared-network.yml", "YOUR_SERVICE_NAME=payment-service", "PLATFORM_ENVIRONMENT=production", "APP_IMAGE="+demoImage(t))
		team.lives("app", "config-network")
		team.sharesLoopback()
	})
}

// team is a folder with the Compose files and the .env of a team.
type team struct {
	*project
	platform *platform
	poolSize int
}

// newTeam copies files of deploy/ into a folder, with the two lines that a host may differ in:
// where the secrets lie, and that etcd's certificate is from an authority of the platform's own.
func newTeam(t *testing.T, p *platform, files map[string]string, settings ...string) *team {
	t.Helper()
	folder, secrets := t.TempDir(), p.secrets()
	for name, from := range files {
		text, err := os.ReadFile(filepath.Join(repository(t), "deploy", from))
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), "\n      # - ETCD_CA_FILE=", "\n      - ETCD_CA_FILE=", 1)
		if name != "compose.yml" {
			changed = once(t, changed, "- /etc/secrets:/secrets:ro", "- "+secrets+":/secrets:ro")
			if !strings.Contains(changed, "\n      - ETCD_CA_FILE=/secrets/etcd-ca.pem\n") {
				t.Fatalf("no line for ETCD_CA_FILE in %s", from)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	settings = append(settings, "PLATFORM_ETCD_ENDPOINTS="+p.endpoint, "CONFIG_SERVICE_IMAGE="+target(t, "config-service"))
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(strings.Join(settings, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return &team{project: newProject(t, folder, nil), platform: p}
}

// publish adds the port that this test looks at.
func (m *team) publish(service, file string) {
	m.t.Helper()
	override := "services: {" + service + ": {ports: [\"127.0.0.1:0:3000\"]}}\n"
	if err := os.WriteFile(filepath.Join(m.dir, "ports.yml"), []byte(override), 0o644); err != nil {
		m.t.Fatal(err)
	}
	m.args = append(m.args, "-f", file, "-f", "ports.yml")
}

// changes sets another value and waits for it on the page, which is reached at a port of `at`.
func (m *team) changes(at string) {
	m.t.Helper()
	m.poolSize = m.poolSize%90 + 10
	m.platform.set("database.pool_size", fmt.Sprint(m.poolSize))
	m.shows(at, "VALID", float64(m.poolSize))
}

// lives goes through what a service meets in its life.
func (m *team) lives(app, at string) {
	m.t.Helper()
	m.platform.set("database.pool_size", "9")
	m.compose("up", "--detach", "--wait", "--wait-timeout", "300")
	if first := m.shows(at, "VALID", 9); first.Namespace != "payment-service" || first.Environment != "production" {
		m.t.Errorf("it is served %+v", first)
	}
	m.isConfined("config-service")
	m.changes(at)

	m.t.Log("the sidecar crashes: the app keeps its values, and the sidecar comes back")
	crash(m.t, m.container("config-service"))
	m.comesBack("config-service", 1)
	m.changes(at)

	m.t.Log("the app crashes: it finds the sidecar again")
	crash(m.t, m.container(app))
	m.comesBack(app, 1)
	m.shows(at, "VALID", float64(m.poolSize))
	m.changes(at)

	m.t.Log("etcd crashes: it keeps serving, also when the sidecar crashes meanwhile and the app is started anew")
	again := m.platform.crashEtcd()
	crash(m.t, m.container("config-service"))
	m.comesBack("config-service", 2)
	m.compose("restart", app)
	m.shows(at, "STALE", float64(m.poolSize))
	again()
	m.changes(at)
}

// sharesLoopback is what only the second template has: the network outlives both, and the app
// has the name of the service in it.
func (m *team) sharesLoopback() {
	m.t.Helper()
	if c := inspect(m.t, m.container("config-network")); c.RestartCount != 0 {
		m.t.Errorf("the owner of the network restarted %d times", c.RestartCount)
	}
	m.isConfined("config-network")
	m.compose("run", "--rm", "--no-deps", "neighbour", "python3", "-c",
		"import urllib.request; urllib.request.urlopen('http://payment-service:3000/', timeout=30).read()")
	// Nothing but the app reaches the sidecar.
	out, err := m.try("run", "--rm", "--no-deps", "neighbour", "python3", "-c",
		"import urllib.request; urllib.request.urlopen('http://payment-service:8080/readyz', timeout=30).read()")
	if err == nil || !strings.Contains(out, "Connection refused") {
		m.t.Errorf("a neighbour reaches the sidecar: %s", out)
	}
	m.t.Log("a new release: the network is made anew, and everybody is on it")
	m.environment = append(m.environment, "CONFIG_SERVICE_IMAGE="+relabelled(m.t))
	m.compose("up", "--detach", "--wait", "--wait-timeout", "300")
	m.changes("config-network")
}

// relabelled is another image with the same program.
func relabelled(t testing.TB) string {
	t.Helper()
	return target(t, "config-service", "--label", "again=1")
}
