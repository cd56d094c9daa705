package configtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/clients/go/configtest"
)

// The code of the README does what it says, as it is printed.
func TestTheREADME(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split(string(data), "```go\n")[1:] {
		code, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, code)
	}
	if len(blocks) != 2 {
		t.Fatalf("the README has %d blocks of Go", len(blocks))
	}
	dir := t.TempDir()
	run := func(name, code string, args ...string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", append(args, path)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	server := configtest.Start(t, configtest.Values{"database.pool_size": 20})
	t.Setenv("CONFIG_SERVICE_ADDR", server.Addr)
	if out := run("main.go", blocks[0], "run"); out != "20\n" {
		t.Errorf("the quickstart prints %q", out)
	}
	run("app_test.go", blocks[1], "test", "-count=1")
}
