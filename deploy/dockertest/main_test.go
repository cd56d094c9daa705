// Package dockertest runs the images and the Compose files of this repository in a real
// container engine: `make test-deploy`.
//
// No image is pulled. What the Dockerfiles name as base images is made here, from the Go and
// the Python of this machine, and given to them as the build arguments that they have for it;
// etcd is built from its source.
package dockertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain skips all, by name, where this cannot run: `make test-deploy` says what is missing,
// and with CI=true that is a failure.
func TestMain(m *testing.M) {
	if os.Getenv("DEPLOY_TEST_BUILD") == "" {
		fmt.Fprintln(os.Stderr, "SKIP: images and Compose files: run by make test-deploy")
		return
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "SKIP: images and Compose files: no Docker engine answers\n%s", out)
		if os.Getenv("CI") == "true" {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// repository is the root of the repository.
func repository(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// built is what `make test-deploy` built for these tests.
func built(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(os.Getenv("DEPLOY_TEST_BUILD"), name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
