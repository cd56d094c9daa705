package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/servertest"
)

func bootstrap(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := bootstrapCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(ctx)
	return out.String(), err
}

func TestBootstrap(t *testing.T) {
	etcd, dir := servertest.StartEtcd(t), t.TempDir()
	root, control, shared := filepath.Join(dir, "root"), filepath.Join(dir, "control"), filepath.Join(dir, "shared")
	args := []string{"--etcd-endpoints", etcd.Endpoint, "--root-token-file", root, "--control-token-file", control, "--shared-token-file", shared}
	first, err := bootstrap(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{root, control, shared} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() < 26 {
			t.Errorf("%s: %v, %v; want mode 0600 and a secret", path, info, err)
		}
		secret, err := os.ReadFile(path)
		if err != nil || strings.Contains(first, strings.TrimSpace(string(secret))) {
			t.Errorf("%v, or the output shows a secret", err)
		}
	}
	again, err := bootstrap(t, args...)
	if err != nil || !strings.Contains(again, "was there already") || strings.Contains(again, "made") {
		t.Errorf("again: %v\n%s", err, again)
	}
	for _, want := range []string{"authentication: done", "user config-service-control: done", "user config-service-shared: done", "finding: ", "etcd is protected"} {
		if !strings.Contains(first, want) {
			t.Errorf("the output has no %q:\n%s", want, first)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("there is left %v, %v", left, err)
	}
}

func TestBootstrapSaysWhatIsWrong(t *testing.T) {
	t.Setenv("CONFIG_ROLE", "nonsense") // is not its affair
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, nowhere := file("good", "a password\n", 0o600), filepath.Join(dir, "none")
	etcd := servertest.StartEtcd(t).Endpoint
	for name, test := range map[string]struct {
		args  []string
		words []string
	}{
		"no file for root":    {[]string{"--etcd-endpoints", etcd, "--control-token-file", good}, []string{"--root-token-file", "is not set", "accepted"}},
		"no file for control": {[]string{"--etcd-endpoints", etcd, "--root-token-file", good}, []string{"--control-token-file", "is not set", "accepted"}},
		"one file for two":    {[]string{"--etcd-endpoints", etcd, "--root-token-file", good, "--control-token-file", good}, []string{"--control-token-file", "the same file", "accepted"}},
		"another machine":     {[]string{"--etcd-endpoints", "etcd.example:2379"}, []string{"--etcd-endpoints (ETCD_ENDPOINTS)", "plaintext", "accepted"}},
		"half a certificate":  {[]string{"--etcd-endpoints", "https://127.0.0.1:1", "--etcd-cert-file", good}, []string{"ETCD_KEY_FILE", "accepted"}},
		"an empty file":       {[]string{"--etcd-endpoints", etcd, "--root-token-file", file("empty", "", 0o600), "--control-token-file", nowhere}, []string{"--root-token-file", "is empty"}},
		"a file of all":       {[]string{"--etcd-endpoints", etcd, "--root-token-file", file("loose", "canary", 0o602), "--control-token-file", nowhere}, []string{"--root-token-file", "any user may write", "chmod 600"}},
		"no directory":        {[]string{"--etcd-endpoints", etcd, "--root-token-file", filepath.Join(nowhere, "root"), "--control-token-file", nowhere}, []string{"--root-token-file", "no such file or directory"}},
		"no etcd":             {[]string{"--etcd-endpoints", "127.0.0.1:1", "--root-token-file", nowhere, "--control-token-file", nowhere + "2"}, []string{"cannot be reached", "127.0.0.1:1"}},
	} {
		_, err := bootstrap(t, test.args...)
		if err == nil {
			t.Errorf("%s: it went on", name)
			continue
		}
		for _, word := range test.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v; without %q", name, err, word)
			}
		}
		if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v: it is more than a line, or tells a secret", name, err)
		}
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("a file was made although nothing came of it")
	}
}
