// Package dockertest runs the images and the Compose files of this repository in a real
// container engine: `make test-deploy`.
//
// No image is pulled. What the Dockerfiles name as base images is made here, from the Go and
// the Python of this machine, and given to them as the build arguments that they have for it;
// etcd is built from its source.
package dockertest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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
	code := m.Run()
	if os.Getenv("DEPLOY_TEST_KEEP") == "" {
		if err := removeImages(); err != nil {
			fmt.Fprintf(os.Stderr, "what was built stays in the engine: %v\n", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// mark is the label of all images that are built for these tests in this folder; what is built on
// one of them inherits it. So a build that leaves stages behind is given a base that has it.
var mark = sync.OnceValue(func() string {
	root, err := filepath.Abs("../..")
	if err != nil {
		panic(err) // there is no working directory
	}
	sum := sha256.Sum256([]byte(root))
	return "config-service-test=" + hex.EncodeToString(sum[:6])
})

// removeImages removes them, and nothing that others have in the engine. Layers that are in use by
// nothing else go with them: the next run compiles with what .build has.
func removeImages() error {
	images := func(args ...string) (string, error) {
		return run("", nil, "docker", append([]string{"image"}, args...)...)
	}
	named, err := images("ls", "--filter", "label="+mark(), "--filter", "dangling=false", "--format", "{{.Repository}}:{{.Tag}}")
	if err != nil {
		return err
	}
	if names := strings.Fields(named); len(names) > 0 {
		if _, err := images(append([]string{"rm"}, names...)...); err != nil {
			return err
		}
	}
	if _, err := images("prune", "--force", "--filter", "label="+mark()); err != nil {
		return err
	}
	left, err := images("ls", "--all", "--filter", "label="+mark())
	if err == nil && strings.Count(left, "\n") > 1 { // below the heads
		err = errors.New(left)
	}
	return err
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
