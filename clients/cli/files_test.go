package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// A folder that is a link is refused: left out, its scopes would be pruned.
func TestFolderThatIsALink(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir, other := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "namespaces"), 0o755); err != nil {
		t.Fatal(err)
	}
	if exit, _, errs := at(t, nil, environment, "set", "a=1", "-m", "x", "--yes"); exit != 0 {
		t.Fatal(errs)
	}
	if exit, _, errs := at(t, nil, environment, "set", "b=1", "-m", "x", "--yes", "-n", "b-service"); exit != 0 {
		t.Fatal(errs)
	}
	if exit, _, errs := at(t, nil, environment, "export", "--dir", dir, "-n", "b-service"); exit != 0 {
		t.Fatal(errs)
	}
	if err := os.Symlink(other, filepath.Join(dir, "namespaces", "a-service")); err != nil {
		t.Skip(err)
	}
	servertest.WriteFile(t, filepath.Join(other, "production.yaml"), "a: 1\n")
	exit, _, errs := at(t, nil, environment, "apply", "-f", dir, "--prune", "-m", "x", "--yes")
	if exit != 2 || !strings.Contains(errs, "namespaces/a-service: is a link to a folder; accepted: a folder") {
		t.Errorf("exit %d %s", exit, errs)
	}
	if _, out, _ := at(t, nil, environment, "export"); out != "a: 1\n" {
		t.Errorf("the scope holds %q", out)
	}
}

// A scope that became empty does not live on in its file.
func TestExportOfWhatBecameEmpty(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	for _, args := range [][]string{
		{"set", "a=1", "-m", "x", "--yes"}, {"export", "--dir", dir}, {"unset", "a", "-m", "x", "--yes"}, {"export", "--dir", dir}, {"diff", "-f", dir, "--prune"},
	} {
		if exit, _, errs := at(t, nil, environment, args...); exit != 0 {
			t.Errorf("%v: exit %d %s", args, exit, errs)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "namespaces", "a-service", "production.yaml")); err != nil || string(text) != "{}\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}
