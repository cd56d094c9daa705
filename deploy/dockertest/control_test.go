package dockertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestControl is what README.md says of the control server, with an etcd to try it with: from
// nothing to the first value.
func TestControl(t *testing.T) {
	t.Parallel()
	c := newControl(t)
	for range 2 { // it can run again
		c.compose("run", "--rm", "bootstrap")
	}
	c.compose("up", "--detach", "--wait", "--wait-timeout", "300")
	c.isConfined("control")
	if info, err := os.Stat(filepath.Join(c.root, "root.token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password of root: %v, %v", info, err)
	}
	if out, err := c.try("exec", "etcd", "etcdctl", "--endpoints=https://localhost:2379", "--cacert=/control/etcd-ca.pem", "get", "--prefix", "/"); err == nil {
		t.Errorf("etcd asks nobody who he is:\n%s", out)
	}

	c.configctl("service", "register", "--service", "payment-service", "--environment", "production", "--token-out", filepath.Join(c.home, "payment.token"))
	c.configctl("set", "-n", "payment-service", "-e", "production", "database.pool_size", "20", "--message", "first value", "--yes")
	crash(t, c.container("control"))
	c.comesBack("control", 1)
	if got := c.configctl("get", "-n", "payment-service", "-e", "production", "database.pool_size"); got != "20" {
		t.Errorf("the value is %q", got)
	}

	t.Log("down and up: etcd has kept it, without another bootstrap")
	c.compose("down", "--timeout", "5")
	c.compose("up", "--detach", "--wait", "--wait-timeout", "300")
	if got := c.configctl("get", "-n", "payment-service", "-e", "production", "database.pool_size"); got != "20" {
		t.Errorf("the value is %q", got)
	}
}

// aControl is the control server, with the folders of its host.
type aControl struct {
	*project
	files, root, home string
}

// newControl makes the files as README.md says, in other folders.
func newControl(t *testing.T) *aControl {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIP: only root gives a file away")
	}
	c := &aControl{files: t.TempDir(), root: t.TempDir(), home: t.TempDir()}
	readme, err := os.ReadFile(filepath.Join(repository(t), "deploy/compose/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(readme), "\n## The control server\n")
	_, lines, _ = strings.Cut(lines, "\n```bash\n")
	lines, _, ok := strings.Cut(lines, "\n```\n")
	if !ok {
		t.Fatal("README.md has no lines for the control server")
	}
	if err := os.Symlink(built(t, "dockertest/cli"), filepath.Join(c.home, "configctl")); err != nil {
		t.Fatal(err)
	}
	lines = strings.NewReplacer("/etc/config-service-control", c.files, "/etc/config-service-root", c.root).Replace(lines)
	if _, err := run(c.home, []string{"HOME=" + c.home, "PATH=" + c.home + ":" + os.Getenv("PATH")}, "bash", "-euc", lines); err != nil {
		t.Fatal(err)
	}
	c.project = newProject(t, repository(t), []string{
		"CONFIG_SERVICE_IMAGE=" + target(t, "config-service"), "ETCD_IMAGE=" + etcdImage(t), "PLATFORM_ETCD_ENDPOINTS=https://etcd:2379", "CONTROL_HOSTS=localhost",
		"CONTROL_FILES=" + c.files, "ROOT_FILES=" + c.root, "CONTROL_HTTP_PORT=0", "CONTROL_GRPC_PORT=0", "ETCD_PORT=0",
	}, "deploy/compose/control.yml", "deploy/compose/etcd-try.yml")
	return c
}

// configctl runs it on the host, as somebody with the first token, and returns what it prints.
func (c *aControl) configctl(args ...string) string {
	c.t.Helper()
	_, port, ok := strings.Cut(c.compose("port", "control", "9080"), ":")
	if !ok {
		c.t.Fatal("the control server has no port")
	}
	out, err := run("", []string{
		"CONFIG_SERVICE_ADDR=localhost:" + port, "CONFIG_SERVICE_CA_FILE=" + filepath.Join(c.files, "tls.crt"), "CONFIG_SERVICE_TOKEN_FILE=" + filepath.Join(c.home, "admin.token"),
	}, built(c.t, "dockertest/cli"), args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}
