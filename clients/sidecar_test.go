package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// patience bounds every wait of these tests; it is there against a hang.
const patience = 2 * time.Minute

const poolSize = "database.pool_size"

// sidecar is the product as a process of its own, on an etcd that outlives it. It can be
// stopped and started again on the same addresses.
type sidecar struct {
	binary     string
	etcd       *servertest.Etcd
	http, grpc string
	cache      string
	cmd        *exec.Cmd // nil: it is away
}

// build builds the product and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config-service")
	if out, err := exec.Command("go", "build", "-o", path, "../server").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// newSidecar makes one that is still away, and an etcd in which poolSize is 20.
func newSidecar(t *testing.T, binary, grpc string) *sidecar {
	t.Helper()
	s := &sidecar{binary: binary, etcd: servertest.StartEtcd(t), http: servertest.FreeAddress(t), grpc: grpc, cache: t.TempDir()}
	if s.grpc == "" {
		s.grpc = servertest.FreeAddress(t)
	}
	if err := os.Chmod(s.cache, 0o700); err != nil {
		t.Fatal(err)
	}
	s.set(t, poolSize, "20")
	return s
}

// start runs it until it is stopped or the test ends, and returns when it is FRESH.
func (s *sidecar) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.binary, "serve")
	s.cmd.Stderr = t.Output()
	s.cmd.Env = []string{
		"SERVICE_NAME=payment-service", "ENVIRONMENT=development", "ETCD_ENDPOINTS=" + s.etcd.Endpoint, "LOG_LEVEL=warn",
		"CONFIG_HTTP_ADDR=" + s.http, "CONFIG_GRPC_ADDR=" + s.grpc, "CONFIG_OPS_ADDR=127.0.0.1:0", "CONFIG_CACHE_DIR=" + s.cache,
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGKILL) })
	check := exec.Command(s.binary, "healthcheck", "--service", "freshness", "--wait", patience.String(), "--grpc-addr", s.grpc)
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("the sidecar does not become fresh: %v\n%s", err, out)
	}
}

// stop ends it by a signal, and returns when it has ended.
func (s *sidecar) stop(signal os.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(signal)
	_ = s.cmd.Wait() // how it ends is tested elsewhere
	s.cmd = nil
}

func (s *sidecar) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// set writes a key of the service, also while the sidecar is away.
func (s *sidecar) set(t *testing.T, key, json string) {
	t.Helper()
	s.etcd.Commit(t, entry(key, json))
}

func (s *sidecar) delete(t *testing.T, key string) {
	t.Helper()
	gone := entry(key, "")
	gone.Delete = true
	s.etcd.Commit(t, gone)
}

func entry(key, json string) servertest.Write {
	return servertest.Write{
		Namespace: "payment-service", Environment: "development", Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: key, JSON: json,
	}
}
