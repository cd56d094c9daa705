package diskcache_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const inNamespace = "DISKCACHE_TEST_MOUNTS"

// TestFullDisk runs once more in a mount namespace of its own, where it may mount a
// disk of 1 MiB, and which takes the disk with it when it ends.
func TestFullDisk(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		fillDisk(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
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
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func fillDisk(t *testing.T) {
	dir := t.TempDir()
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { must(t, syscall.Unmount(dir, 0)) })
	c := open(t, dir, payment)
	t.Cleanup(func() { _ = c.Close() })
	save(t, c, small(1))

	failed := func(err error, revision int64) {
		t.Helper()
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Save on a full disk = %v", err)
		}
		if leftOver(dir) {
			t.Error("the temporary file keeps its space")
		}
		g, err := c.Load()
		if err := errors.Join(err, g.Refused); err != nil || g.Content.Revision != revision {
			t.Fatalf("revision %d is left of %d: %v", g.Content.Revision, revision, err)
		}
	}
	failed(c.Save(contentOf(payment, 2, 10_000, 100), start), 1)
	save(t, c, small(2))

	// Full at any page of a save.
	const page = 4 << 10
	revision, fails := int64(2), 0
	filler := filepath.Join(dir, "filler")
	for free := range 30 {
		must(t, os.WriteFile(filler, nil, 0o600))
		var disk syscall.Statfs_t
		must(t, syscall.Statfs(dir, &disk))
		must(t, os.WriteFile(filler, make([]byte, (int(disk.Bfree)-free)*page), 0o600))
		if err := c.Save(contentOf(payment, revision+1, 400, 100), start); err != nil {
			failed(err, revision)
			fails++
			continue
		}
		revision++
	}
	must(t, os.Remove(filler))
	t.Logf("%d saves failed, %d did not", fails, revision-2)
	if fails < 5 || revision < 5 {
		t.Errorf("%d saves failed and %d did not: this test tests nothing", fails, revision-2)
	}
	save(t, c, small(revision+1))
	must(t, c.Close())
	if refused := loads(t, dir, small(revision+1)); refused != nil {
		t.Error(refused)
	}
}
