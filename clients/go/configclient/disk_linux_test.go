package configclient_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/config-service/config-service/clients/go/configclient"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// TestFullAndReadOnlyDisk runs once more in a mount namespace of its own, where it may
// mount a small disk, and which takes the disk with it when it ends.
func TestFullAndReadOnlyDisk(t *testing.T) {
	if os.Getenv(asChild) != "" {
		spoilDisk(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullAndReadOnlyDisk$", "-test.v")
	cmd.Env = append(os.Environ(), asChild+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs a mount namespace: %v", err)
		}
		t.Skipf("needs a mount namespace: %v", err)
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
}

func spoilDisk(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	must(syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"))
	t.Cleanup(func() { must(syscall.Unmount(dir, 0)) })
	path := filepath.Join(dir, "cache.json")
	messages := make(chan *configv1.WatchResponse)
	address := pretend(t, following(messages))
	go func() { messages <- snapshot(1, entry("a", "small", 1)) }()
	log := &lines{}
	c := open(t, configclient.WithAddress(address), configclient.WithCacheFile(path), log.option())
	saved := func(text string) func() bool {
		return func() bool { data, _ := os.ReadFile(path); return strings.Contains(string(data), text) }
	}
	until(t, "the file", saved("small"))

	messages <- delta(1, 2, entry("a", strings.Repeat("large", 20_000), 2))
	until(t, "a warning", func() bool { return log.count("no space left") == 1 })
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || !saved("small")() {
		t.Errorf("left are %v, %v", left, err)
	}
	messages <- delta(2, 3, entry("a", "fits", 3))
	until(t, "the file", saved("fits"))

	must(syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	messages <- delta(3, 4, entry("a", "last", 4))
	until(t, "a warning", func() bool { return log.count("read-only") == 1 })
	if got := configclient.Get(c, "a", ""); got != "last" || c.Status() != configclient.Valid || log.count("level=") != 2 {
		t.Errorf("a is %s, %s:\n%s", got, c.Status(), log)
	}
	c.Close()
}
