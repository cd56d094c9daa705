package opstest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/config-service/config-service/server/servertest"
)

// block is the commands of operations.md that stand under a name.
func block(t *testing.T, name string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)<!-- run: " + name + " -->\n```bash\n(.*?)```").FindStringSubmatch(read(t, "deploy/operations.md"))
	if m == nil {
		t.Fatalf("operations.md has no commands %q", name)
	}
	return m[1]
}

// site is a protected etcd, a control server and a sidecar, each a process, and a folder in
// which an operator works.
type site struct {
	t                     *testing.T
	dir                   string
	tools                 string // folder of etcd's programs and ours
	client, peer          string // addresses of etcd
	etcd                  *exec.Cmd
	sidecar, control, ops string // addresses; ops is the sidecar's
	env                   []string
}

// newSite starts all, with one service onboarded.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		t: t, dir: t.TempDir(), client: servertest.FreeAddress(t), peer: servertest.FreeAddress(t),
		sidecar: servertest.FreeAddress(t), control: servertest.FreeAddress(t), ops: servertest.FreeAddress(t),
	}
	s.build()
	s.env = []string{
		"PATH=" + s.tools + ":" + os.Getenv("PATH"), "ETCDCTL_ENDPOINTS=http://" + s.client, "ETCD_ENDPOINTS=http://" + s.client,
		"NAME=m1", "CLUSTER=m1=http://" + s.peer, "PEER_URL=http://" + s.peer, "DATA_DIR=" + filepath.Join(s.dir, "m1"),
		"CONFIG_SERVICE_ADDR=" + s.control, "CONFIG_SERVICE_TOKEN_FILE=admin.token",
	}
	s.startEtcd()
	s.run(`
		config-service bootstrap --root-token-file root.token --control-token-file control.token
		configctl token new --user admin --tokens-file tokens.yaml --token-out admin.token
		echo 'rules: [{who: ["user:admin"], may: [read, write, administer], namespaces: ["*"], environments: ["*"]}]' > policy.yaml`)
	password := strings.TrimSpace(s.run("cat root.token"))
	s.env = append(s.env, "ETCDCTL_USER=root", "ETCDCTL_PASSWORD="+password)
	s.serve("CONFIG_ROLE=control", "AUTH_TOKEN_FILE=control.token", "CONFIG_TOKENS_FILE=tokens.yaml", "CONFIG_POLICY_FILE=policy.yaml",
		"CONFIG_HTTP_ADDR=127.0.0.1:0", "CONFIG_GRPC_ADDR="+s.control, "CONFIG_OPS_ADDR=127.0.0.1:0")
	s.run(`
		config-service healthcheck --grpc-addr "$CONFIG_SERVICE_ADDR" --wait 60s
		configctl service register --service payment-service --environment production --token-out payment.token`)
	s.set(20)
	s.serve("SERVICE_NAME=payment-service", "ENVIRONMENT=production", "AUTH_TOKEN_FILE=payment.token",
		"CONFIG_HTTP_ADDR="+s.sidecar, "CONFIG_GRPC_ADDR=127.0.0.1:0", "CONFIG_OPS_ADDR="+s.ops)
	return s
}

// build makes etcd's programs, once, and ours.
func (s *site) build() {
	s.t.Helper()
	tools, err := filepath.Abs(filepath.Join(root, ".build/runbook"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.tools = tools
	for name, pkg := range map[string]string{"etcd": "go.etcd.io/etcd/server/v3", "etcdctl": "go.etcd.io/etcd/etcdctl/v3", "etcdutl": "go.etcd.io/etcd/etcdutl/v3"} {
		// As `make test-deploy` does, so that it is compiled once.
		must(s.t, filepath.Join(root, ".tools/etcd"), []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(tools, name), pkg)
	}
	must(s.t, root, nil, "go", "build", "-o", filepath.Join(tools, "config-service"), "./server")
	must(s.t, root, nil, "go", "build", "-o", filepath.Join(tools, "configctl"), "./clients/cli")
}

// run runs commands in the operator's folder, and returns what they say.
func (s *site) run(script string) string {
	s.t.Helper()
	out, err := s.try(script)
	if err != nil {
		s.t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return out
}

func (s *site) try(script string) (string, error) {
	return run(s.t, s.dir, s.env, "bash", "-euo", "pipefail", "-c", script)
}

func (s *site) start(program string, env []string, args ...string) *exec.Cmd {
	s.t.Helper()
	c := exec.Command(filepath.Join(s.tools, program), args...)
	c.Dir, c.Env = s.dir, append(append([]string{"GOMAXPROCS=2"}, s.env...), env...)
	log, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("%s-%d.log", program, time.Now().UnixNano())))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close() // the child has its own
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		end(c)
		if s.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			s.t.Logf("%s says at its end:\n%s", filepath.Base(log.Name()), text[max(0, len(text)-3000):])
		}
	})
	return c
}

// end ends a process, once.
func end(c *exec.Cmd) {
	if c.ProcessState == nil {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait() // how it ended is in its log
	}
}

// serve starts a server of ours.
func (s *site) serve(env ...string) { s.start("config-service", env, "serve") }

func (s *site) startEtcd() {
	s.t.Helper()
	s.etcd = s.start("etcd", nil, "--name=m1", "--data-dir="+filepath.Join(s.dir, "m1"), "--unsafe-no-fsync", "--bcrypt-cost=4",
		"--quota-backend-bytes=16777216", "--listen-client-urls=http://"+s.client, "--advertise-client-urls=http://"+s.client,
		"--listen-peer-urls=http://"+s.peer, "--initial-advertise-peer-urls=http://"+s.peer, "--initial-cluster=m1=http://"+s.peer, "--log-level=error")
	s.becomes("etcd is healthy", func() bool {
		_, err := s.try("etcdctl endpoint health")
		return err == nil
	})
}

func (s *site) set(value int) {
	s.t.Helper()
	s.run(fmt.Sprintf(`configctl set -n payment-service -e production database.pool_size %d --message test --yes`, value))
}

// answer is what the sidecar says of the key.
type answer struct {
	Entry struct{ Value int }
	State struct{ Epoch, Freshness string }
}

func (s *site) ask() (a answer) {
	resp, err := http.Get("http://" + s.sidecar + "/v1/config/database.pool_size")
	if err != nil {
		return a // it is not there yet
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(&a) // an error is no answer
	return a
}

func (s *site) becomes(what string, is func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("never: %s", what)
		}
	}
}

func (s *site) shows(value int, freshness string) answer {
	s.t.Helper()
	var a answer
	s.becomes(fmt.Sprintf("the sidecar shows %d, %s", value, freshness), func() bool {
		a = s.ask()
		return a.Entry.Value == value && a.State.Freshness == freshness
	})
	return a
}

// TestOperationsAsWritten follows the sections of operations.md that say they are tested, by
// their own commands.
func TestOperationsAsWritten(t *testing.T) {
	t.Parallel()
	needs(t, "bash")
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	s := newSite(t)
	s.shows(20, "FRESH")
	s.fillUp()
	s.run(block(t, "nospace"))
	if alarms := s.run("etcdctl alarm list"); strings.Contains(alarms, "NOSPACE") {
		t.Errorf("after that there is %s", alarms)
	}
	s.set(21)
	s.run(block(t, "defrag"))

	before := s.shows(21, "FRESH")
	s.run(block(t, "backup"))
	s.set(99)
	// To a token that the backup does not know. With an overlap it is taken up beside the old one.
	s.run("configctl service rotate --service payment-service --environment production --overlap 1h --token-out payment.token")
	s.metric(`configservice_credential_renewals_total{result="ok"} 1`)
	s.shows(99, "FRESH")

	end(s.etcd)
	s.run(`mv m1 aside`)
	s.shows(99, "STALE")
	s.run(block(t, "restore"))
	s.startEtcd()
	s.run(block(t, "healthy"))
	s.metric(`configservice_store_restarts_total{reason="revoked"} `, " 0")
	s.becomes("the control server has the restored store", func() bool {
		out, err := s.try(`configctl list -n payment-service -e production`)
		return err == nil && strings.Contains(out, "21")
	})
	if a := s.ask(); a.Entry.Value != 99 || a.State.Freshness != "STALE" {
		t.Errorf("a sidecar whose token the backup does not know shows %+v", a)
	}
	s.becomes("the control server makes tokens again", func() bool {
		_, err := s.try(block(t, "rotate"))
		return err == nil
	})
	after := s.shows(21, "FRESH")
	if after.State.Epoch == before.State.Epoch {
		t.Errorf("the epoch is still %s", after.State.Epoch)
	}
	s.set(22)
	s.shows(22, "FRESH")
}

// metric waits until the sidecar's metrics have a line that begins so, and does not end so.
func (s *site) metric(begins string, notEnds ...string) {
	s.t.Helper()
	s.becomes("the sidecar's metrics have "+begins, func() bool {
		resp, err := http.Get("http://" + s.ops + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, begins) && (len(notEnds) == 0 || !strings.HasSuffix(line, notEnds[0])) {
				return true
			}
		}
		return false
	})
}

// fillUp writes past the service until etcd takes no more.
func (s *site) fillUp() {
	s.t.Helper()
	s.run(`head -c 500000 /dev/zero | tr '\0' x > filler`)
	s.becomes("etcd is full", func() bool {
		out, err := s.try(`etcdctl put filler < filler`)
		return err != nil && strings.Contains(out, "database space exceeded")
	})
	s.becomes("etcd has the alarm", func() bool {
		alarms, err := s.try("etcdctl alarm list")
		return err == nil && strings.Contains(alarms, "NOSPACE")
	})
	out, err := s.try(`configctl set -n payment-service -e production database.pool_size 1 --message test --yes`)
	if err == nil || !strings.Contains(out, "STORE_UNAVAILABLE") {
		s.t.Errorf("a commit to a full etcd: %v, %s", err, out)
	}
	s.shows(20, "FRESH")
}
