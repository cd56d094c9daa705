package opstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/leaktest"
)

// root is the folder of the repository.
const root = "../.."

const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	lookAtEverything()
	leaktest.Main(m)
}

// lookAtEverything lets go know that these tests are of all files: what they ran, it does not
// see, and would take an earlier result for the present one.
func lookAtEverything() {
	list, err := exec.Command("git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard").Output()
	if err != nil {
		return // no repository: the tests that need one say so
	}
	for name := range strings.SplitSeq(string(list), "\x00") {
		_, _ = os.Stat(filepath.Join(root, name)) // looked at, and that is all
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// needs skips a test, by name, where a program is missing; not in CI, which has it.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
}

// build makes one of the programs.
func build(t *testing.T, pkg string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), filepath.Base(pkg))
	build := exec.Command("go", "build", "-o", program, pkg)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return program
}
