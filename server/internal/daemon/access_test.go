package daemon_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/pflag"

	"github.com/config-service/config-service/server/internal/daemon"
	"github.com/config-service/config-service/server/internal/settings"
)

// TestFilesThatDoNotOpenTheStore: a process does not start with them, and says which
// setting named them.
func TestFilesThatDoNotOpenTheStore(t *testing.T) {
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mine, other, missing := selfSigned(t, "mine"), selfSigned(t, "other"), filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		settings map[string]string
		words    []string
	}{
		"token file that is missing":   {map[string]string{"AUTH_TOKEN_FILE": missing}, []string{"--auth-token-file (AUTH_TOKEN_FILE)", missing, "does not exist"}},
		"token file that is a folder":  {map[string]string{"AUTH_TOKEN_FILE": t.TempDir()}, []string{"AUTH_TOKEN_FILE", "a directory"}},
		"token of white space":         {map[string]string{"AUTH_TOKEN_FILE": file(" \n\n")}, []string{"AUTH_TOKEN_FILE", "nothing but white space", "accepted: "}},
		"token with a byte order mark": {map[string]string{"AUTH_TOKEN_FILE": file("\ufeffcanary")}, []string{"AUTH_TOKEN_FILE", "byte order mark", "accepted: "}},
		"two tokens":                   {map[string]string{"AUTH_TOKEN_FILE": file("canary\ncanary\n")}, []string{"AUTH_TOKEN_FILE", "several lines", "accepted: "}},
		"token that is too long":       {map[string]string{"AUTH_TOKEN_FILE": file(strings.Repeat("canary", 1000))}, []string{"AUTH_TOKEN_FILE", "6000 bytes", "accepted: "}},
		"CA file that is missing":      {map[string]string{"ETCD_ENDPOINTS": "https://127.0.0.1:1", "ETCD_CA_FILE": missing}, []string{"ETCD_CA_FILE", "does not exist"}},
		"CA file without certificate":  {map[string]string{"ETCD_ENDPOINTS": "https://127.0.0.1:1", "ETCD_CA_FILE": file("canary")}, []string{"ETCD_CA_FILE", "no certificate", "accepted: PEM"}},
		"another certificate's key":    {map[string]string{"ETCD_ENDPOINTS": "https://127.0.0.1:1", "ETCD_CERT_FILE": mine.cert, "ETCD_KEY_FILE": other.key}, []string{"ETCD_CERT_FILE", "ETCD_KEY_FILE", "accepted: PEM"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.settings["ENVIRONMENT"], test.settings["CONFIG_HTTP_ADDR"] = "e", "127.0.0.1:0"
			err := startWith(t, test.settings)
			if err == nil {
				t.Fatal("the daemon starts")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v; without %q", err, word)
				}
			}
			if strings.Contains(err.Error(), "canary") || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%q quotes the file, or is not one line", err)
			}
		})
	}
}

// startWith makes a daemon of settings that it cannot start with.
func startWith(t *testing.T, environment map[string]string) error {
	t.Helper()
	var s settings.Settings
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.AddFlags(flags)
	if err := s.Load(flags, func(name string) (string, bool) { v, ok := environment[name]; return v, ok }); err != nil {
		t.Fatal(err)
	}
	_, err := daemon.New(t.Context(), &s, slog.New(slog.DiscardHandler), "test")
	return err
}

// swap replaces a file's content at once.
func swap(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".next", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

// record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}
