package dockertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlatform runs what teams have: their sidecars on the platform's etcd, as production.yml and
// both templates have it. They live beside each other; etcd crashes for all of them at once.
func TestPlatform(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	app := demoImage(t)
	production := newTeam(t, p, "payment-service", map[string]string{"production.yml": "compose/production.yml"},
		"COMPOSE_FILE=production.yml:ports.yml", "PAYMENT_SERVICE_IMAGE="+app)
	production.app, production.at = "payment-service", "payment-service"
	production.write("ports.yml", "services: {payment-service: {ports: [\"127.0.0.1:0:3000\"]}}\n")
	private := newTeam(t, p, "orders", map[string]string{"sidecar-template.yml": "sidecar-template.yml", "compose.yml": "dockertest/testdata/app.yml"},
		"COMPOSE_FILE=compose.yml:sidecar-template.yml", "YOUR_SERVICE_NAME=orders", "PLATFORM_ENVIRONMENT=production", "APP_IMAGE="+app)
	shared := newTeam(t, p, "stock", map[string]string{"sidecar-template-shared-network.yml": "sidecar-template-shared-network.yml", "compose.yml": "dockertest/testdata/app-shared-network.yml"},
		"COMPOSE_FILE=compose.yml:sidecar-template-shared-network.yml", "YOUR_SERVICE_NAME=stock", "PLATFORM_ENVIRONMENT=production", "APP_IMAGE="+app)
	shared.at = "config-network"
	teams := []*team{production, private, shared}

	each(t, "starts", teams, (*team).starts)
	each(t, "crashes", teams, (*team).crashes)
	crash(t, p.etcd)
	each(t, "is without etcd", teams, (*team).isWithoutStore)
	docker(t, "start", p.etcd)
	each(t, "goes on", teams, (*team).changes)
	each(t, "gets another token", []*team{private}, (*team).getsAnotherToken)
	each(t, "shares its loopback", []*team{shared}, (*team).sharesLoopback)
}

// team is a folder with the Compose files and the .env of a team.
type team struct {
	*project
	platform *platform
	service  string
	secrets  string
	app, at  string // the containers of the application, and of its port
	poolSize int
}

// each does one thing with every team at the same time.
func each(t *testing.T, what string, teams []*team, do func(*team)) {
	t.Helper()
	ok := t.Run(what, func(t *testing.T) {
		for _, m := range teams {
			t.Run(m.service, func(t *testing.T) {
				t.Parallel()
				m.t = t
				do(m)
			})
		}
	})
	for _, m := range teams {
		m.t = t
	}
	if !ok {
		t.FailNow()
	}
}

// newTeam copies files of deploy/ into a folder, with the two lines that a host may differ in:
// where the secrets lie, and that etcd's certificate is from an authority of the platform's own.
func newTeam(t *testing.T, p *platform, service string, files map[string]string, settings ...string) *team {
	t.Helper()
	m := &team{project: newProject(t, t.TempDir(), nil), platform: p, service: service, secrets: p.secrets(t, service), app: "app", at: "app"}
	for name, from := range files {
		text, err := os.ReadFile(filepath.Join(repository(t), "deploy", from))
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), "\n      # - ETCD_CA_FILE=", "\n      - ETCD_CA_FILE=", 1)
		if name != "compose.yml" {
			changed = once(t, changed, "- /etc/secrets:/secrets:ro", "- "+m.secrets+":/secrets:ro")
			if !strings.Contains(changed, "\n      - ETCD_CA_FILE=/secrets/etcd-ca.pem\n") {
				t.Fatalf("no line for ETCD_CA_FILE in %s", from)
			}
		}
		m.write(name, changed)
	}
	settings = append(settings, "PLATFORM_ETCD_ENDPOINTS="+p.endpoint, "CONFIG_SERVICE_IMAGE="+p.sidecarImage)
	m.write(".env", strings.Join(settings, "\n")+"\n")
	return m
}

func (m *team) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// changes sets another value, as a person would, and waits for it on the page.
func (m *team) changes() {
	m.t.Helper()
	m.poolSize += 7
	eventually(m.t, "a commit", func() error { return m.set(m.poolSize) })
	m.keeps("VALID")
}

func (m *team) set(poolSize int) error {
	_, err := m.platform.run(m.platform.configctlImage, "set", "-n", m.service, "-e", "production", "database.pool_size", fmt.Sprint(poolSize), "--message", "test", "--yes")
	return err
}

// keeps waits for the newest value on the page, with a status.
func (m *team) keeps(status string) page {
	m.t.Helper()
	return m.shows(m.at, status, float64(m.poolSize))
}

// starts has a configuration before its first start, and is confined.
func (m *team) starts() {
	m.t.Helper()
	if err := m.set(m.poolSize); err != nil {
		m.t.Fatal(err)
	}
	m.compose("up", "--detach", "--wait", "--wait-timeout", "300")
	if first := m.keeps("VALID"); first.Namespace != m.service || first.Environment != "production" {
		m.t.Errorf("it is served %+v", first)
	}
	m.isConfined("config-service")
	m.changes()
}

// crashes: the app outlives its sidecar, the sidecar its app, and they find each other again.
func (m *team) crashes() {
	m.t.Helper()
	crash(m.t, m.container("config-service"))
	m.comesBack("config-service", 1)
	m.changes()
	crash(m.t, m.container(m.app))
	m.comesBack(m.app, 1)
	m.keeps("VALID")
	m.changes()
}

// isWithoutStore: it keeps serving, also when the sidecar crashes meanwhile and the app is
// started anew.
func (m *team) isWithoutStore() {
	m.t.Helper()
	m.keeps("STALE")
	crash(m.t, m.container("config-service"))
	m.comesBack("config-service", 2)
	m.compose("restart", "--timeout", "1", m.app)
	m.keeps("STALE")
}

// getsAnotherToken: it takes the place of the one before, which ends at once, and is taken up by
// the sidecar that runs.
func (m *team) getsAnotherToken() {
	m.t.Helper()
	eventually(m.t, "another token", func() error {
		_, err := m.platform.run(m.platform.configctlImage, "service", "rotate", "--service", m.service, "--environment", "production",
			"--overlap", "0s", "--token-out", "/platform/"+m.service+".token")
		return err
	})
	m.platform.install(m.t, m.service, m.secrets)
	eventually(m.t, "it is taken up", func() error {
		logs, err := m.try("logs", "--no-color", "config-service")
		if err == nil && !strings.Contains(logs, "the renewed credential opens the store") {
			err = errors.New(logs)
		}
		return err
	})
	m.changes()
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
		"import urllib.request; urllib.request.urlopen('http://stock:3000/', timeout=30).read()")
	// Nothing but the app reaches the sidecar.
	out, err := m.try("run", "--rm", "--no-deps", "neighbour", "python3", "-c",
		"import urllib.request; urllib.request.urlopen('http://stock:8080/readyz', timeout=30).read()")
	if err == nil || !strings.Contains(out, "Connection refused") {
		m.t.Errorf("a neighbour reaches the sidecar: %s", out)
	}
	// A new release makes the network anew, and everybody comes along.
	m.environment = append(m.environment, "CONFIG_SERVICE_IMAGE="+target(m.t, "config-service", "--label", "again=1"))
	before := m.container("config-network")
	m.compose("up", "--detach", "--wait", "--wait-timeout", "300")
	if m.container("config-network") == before {
		m.t.Error("it is still on the network of the release before")
	}
	m.changes()
}
