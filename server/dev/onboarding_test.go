package main_test

import (
	"context"
	"fmt"
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

// onboarding is what README prints under "Onboard a service", for bash.
func onboarding(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n## Onboard a service\n.*?```bash\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatal("README has no lines for bash under \"Onboard a service\"")
	}
	return string(found[1])
}

// changing is what README prints under "Change configuration", for somebody whom nobody can
// ask, and who knows that a difference is exit code 1.
func changing(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Change configuration\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var lines []string
	for _, found := range regexp.MustCompile("(?m)^    (configctl .*)$").FindAllStringSubmatch(section, -1) {
		line := found[1]
		switch {
		case strings.HasPrefix(line, "configctl set "), strings.HasPrefix(line, "configctl rollback "):
			line += " --yes"
		case strings.HasPrefix(line, "configctl diff "):
			line += " || test $? = 1"
		}
		lines = append(lines, line)
	}
	if len(lines) < 5 {
		t.Fatalf("README has %d lines under \"Change configuration\"", len(lines))
	}
	return strings.Join(lines, "\n") + "\n"
}

// tools builds what the lines use into a directory, which is the path of programs.
func tools(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, folder := range map[string]string{"config-service": "../../server", "configctl": "../../clients/cli"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), folder).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return dir
}

// TestOnboarding does what README says, line by line as printed but for the ports, on an
// etcd that is empty and takes everybody, gets to the first value, and changes it.
func TestOnboarding(t *testing.T) {
	etcd := startEtcd(t)
	var ports []string
	for range 6 {
		ports = append(ports, servertest.FreeAddress(t))
	}
	lines := strings.NewReplacer(
		"http://127.0.0.1:2379", "http://"+etcd,
		"127.0.0.1:8180", ports[0], "127.0.0.1:9180", ports[1], "127.0.0.1:9181", ports[2],
		"localhost:8080", ports[3],
	).Replace(onboarding(t))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", "trap 'kill $(jobs -p); wait' EXIT\n"+lines+changing(t))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(),
		"PATH="+tools(t)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"ETCD_ENDPOINTS=http://"+etcd,
		"CONFIG_HTTP_ADDR="+ports[3], "CONFIG_GRPC_ADDR="+ports[4], "CONFIG_OPS_ADDR="+ports[5],
	)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"key":"database.pool_size","value":20`) {
		t.Fatalf("the lines of README end with %v\n%s", err, out)
	}
	fmt.Printf("FIGURE onboarding: from an empty etcd to a first value, and through its changes, in %s (goal 5 m, with a person who reads)\n", time.Since(began).Round(100*time.Millisecond))
	for _, words := range []string{"at version 3", "more load", "no difference", "nothing to change"} {
		if !strings.Contains(string(out), words) {
			t.Errorf("what changes a value does not say %q:\n%s", words, out)
		}
	}
	for _, secret := range []string{"root.token", "control.token", "admin.token", "payment.token"} {
		info, err := os.Stat(filepath.Join(cmd.Dir, secret))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want a file for its owner alone", secret, info, err)
			continue
		}
		token, err := os.ReadFile(filepath.Join(cmd.Dir, secret))
		if err != nil || strings.Contains(string(out), strings.TrimSpace(string(token))) {
			t.Errorf("%s is printed, or cannot be read: %v", secret, err)
		}
	}
}

// startEtcd runs `dev etcd` until the test ends, and returns its address.
func startEtcd(t *testing.T) string {
	t.Helper()
	addr := servertest.FreeAddress(t)
	cmd := exec.Command(binary, "etcd", "--etcd-addr", addr)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("dev etcd ended with %v", err)
		}
	})
	var line [256]byte
	n, err := stdout.Read(line[:])
	if err != nil || !strings.Contains(string(line[:n]), "http://"+addr) {
		t.Fatalf("dev etcd says %q, %v", line[:n], err)
	}
	return addr
}
