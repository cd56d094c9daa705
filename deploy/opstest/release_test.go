package opstest

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// releasePatience is for compilers on a loaded machine that have nothing in their cache.
const releasePatience = 20 * time.Minute

func run(t *testing.T, dir string, env []string, command ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), releasePatience)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, dir string, env []string, command ...string) {
	t.Helper()
	if out, err := run(t, dir, env, command...); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

// committing makes the same commit wherever it is made.
var committing = []string{
	"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
	"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
}

// copied is a repository of its own with this source, as it is in the working tree.
func copied(t *testing.T, name string) (dir string) {
	t.Helper()
	needs(t, "git")
	dir = filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	must(t, here, nil, "bash", "-euo", "pipefail", "-c", `
		git ls-files -z -co --exclude-standard | while IFS= read -rd '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
			tar --null -T - -cf - | tar -xf - -C "$0"`, dir)
	must(t, dir, committing, "git", "init", "-q")
	must(t, dir, committing, "git", "add", "-A")
	must(t, dir, committing, "git", "commit", "-qm", "a release")
	return dir
}

// TestAReleaseIsTheSameBytesTwice builds the files of a release in two folders, by two users'
// habits. (They share what is compiled; the workflow of a release builds without that.)
func TestAReleaseIsTheSameBytesTwice(t *testing.T) {
	t.Parallel()
	var sums []string
	var first string
	source := copied(t, "source") // once: what others write in the tree meanwhile would be a difference
	for _, habit := range []struct {
		folder, umask string
		env           []string
	}{
		{"one", "022", []string{"TZ=UTC", "LC_ALL=C"}},
		{"a folder with a longer name", "077", []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "GOFLAGS=-buildvcs=false", "CGO_ENABLED=1"}},
	} {
		dir := filepath.Join(t.TempDir(), habit.folder)
		must(t, source, committing, "git", "clone", "-q", ".", dir)
		env := append(habit.env, "RELEASE_TARGETS=config-service:linux/amd64 configctl:linux/amd64")
		must(t, dir, env, "bash", "-c", "umask "+habit.umask+" && .tools/release/build v1.2.3 out")
		text, err := os.ReadFile(filepath.Join(dir, "out/SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
		if first == "" {
			first = filepath.Join(dir, "out")
		}
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != 4 {
		t.Errorf("the sums are\n%s\nand\n%s", sums[0], sums[1])
	}
	archive := filepath.Join(first, "config-service_1.2.3_linux_amd64.tar.gz")
	names, program := unpack(t, archive)
	if want := []string{"", "CHANGELOG.md", "LICENSE", "config-service", "systemd", "systemd/config-service.env", "systemd/config-service.service"}; !slices.Equal(names, want) {
		t.Errorf("the archive holds %q, want %q", names, want)
	}
	if out, err := run(t, ".", nil, program, "version"); err != nil || !strings.Contains(out, "v1.2.3") {
		t.Errorf("the program says it is %q, %v", out, err)
	}
	if out, err := run(t, ".", nil, "go", "version", "-m", program); err != nil || !strings.Contains(out, "vcs.revision=") || strings.Contains(out, "vcs.modified=true") {
		t.Errorf("the program is built of %s, %v", out, err)
	}
	checkBill(t, strings.TrimSuffix(archive, ".tar.gz")+".cdx.json")
}

// unpack returns the names in an archive, below its folder, and where its program is put.
func unpack(t *testing.T, archive string) (names []string, program string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
	for entries := tar.NewReader(unzipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return names, program
		}
		if err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(strings.TrimSuffix(entry.Name, "/"), folder)
		if !ok || entry.Uid != 0 || entry.Mode&0o022 != 0 {
			t.Errorf("the archive has %s of the user %d with the mode %o", entry.Name, entry.Uid, entry.Mode)
		}
		names = append(names, strings.TrimPrefix(name, "/"))
		if name == "/config-service" {
			program = filepath.Join(t.TempDir(), "config-service")
			text, err := io.ReadAll(entries)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(program, text, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// checkBill wants a bill of materials with what is surely in it.
func checkBill(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat    string
		SerialNumber string
		Metadata     struct {
			Timestamp string
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, PURL string }
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.BOMFormat != "CycloneDX" || bill.SerialNumber != "" || bill.Metadata.Timestamp != "" || bill.Metadata.Component.Version != "v1.2.3" {
		t.Errorf("it is of %s, %+v", bill.BOMFormat, bill.Metadata)
	}
	for _, module := range []string{"google.golang.org/grpc", "go.etcd.io/etcd/client/v3"} {
		if !slices.ContainsFunc(bill.Components, func(c struct{ Name, PURL string }) bool { return c.Name == module && c.PURL != "" }) {
			t.Errorf("%s is not in it", module)
		}
	}
}

// TestOtherSystemsCompile compiles the programs for systems that they are released for,
// without linking them.
func TestOtherSystemsCompile(t *testing.T) {
	t.Parallel()
	for platform, program := range map[string]string{
		"windows/amd64": "./clients/cli", "darwin/arm64": "./clients/cli", "linux/arm64": "./server",
	} {
		system, architecture, _ := strings.Cut(platform, "/")
		must(t, root, []string{"GOOS=" + system, "GOARCH=" + architecture, "CGO_ENABLED=0", "GOFLAGS=-trimpath -tags=grpcnotrace"}, "go", "list", "-deps", "-export", program)
	}
}

func TestWhatIsNotToBeReleased(t *testing.T) {
	t.Parallel()
	dir := copied(t, "source")
	refused := func(version, why string) {
		t.Helper()
		if out, err := run(t, dir, nil, ".tools/release/check", version); err == nil || !strings.Contains(out, why) {
			t.Errorf("%s: %v, %s; want %q", version, err, out, why)
		}
	}
	for _, version := range []string{"", "1.2.3", "v1.2", "v01.2.3", "v1.2.3-", "v1.2.3+x", "v1.2.3 --x", "vNext"} {
		refused(version, `accepted: a version such as VERSION=v1.2.3`)
	}
	refused("v987.6.5", `CHANGELOG.md has no section "## 987.6.5"`)
	changelog := filepath.Join(dir, "CHANGELOG.md")
	text, err := os.ReadFile(changelog)
	if err != nil {
		t.Fatal(err)
	}
	write := func(section string) {
		t.Helper()
		if err := os.WriteFile(changelog, []byte(strings.Replace(string(text), "## ", section+"## ", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("## 987.6.5 - 2026-01-02\n\n### Added\n\n")
	refused("v987.6.5", "not committed")
	must(t, dir, committing, "git", "commit", "-qam", "an empty section")
	refused("v987.6.5", "CHANGELOG.md has no section")
	write("## 987.6.5 - 2026-01-02\n\n### Added\n\n- Something.\n\n" + strings.Repeat("- Much.\n", 20_000))
	must(t, dir, committing, "git", "commit", "-qam", "a section")
	refused("v987.6.5", "what deploy/ hands out names the release(s)")
	must(t, dir, nil, "bash", "-c", `grep -rlE 'config-service:[0-9]|ersion: [0-9]|ref=v' deploy | xargs sed -Ei 's/(config-service:|ersion: |ref=v)[0-9]+\.[0-9]+\.[0-9]+/\1987.6.5/g'`)
	must(t, dir, committing, "git", "commit", "-qam", "what deploy/ hands out")
	for _, version := range []string{"v987.6.5", "v987.6.5-rc.1"} {
		must(t, dir, nil, ".tools/release/check", version)
		if out, err := run(t, dir, nil, ".tools/release/notes", version); err != nil || !strings.HasPrefix(out, "\n### Added\n\n- Something.\n") || strings.Contains(out, "Roles:") {
			t.Errorf("the notes of %s are %.200q, %v", version, out, err)
		}
	}
	refused("v987.6.50", "CHANGELOG.md has no section")
}
