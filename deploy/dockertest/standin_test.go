package dockertest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rootfs writes a file system as the archive that `docker import` reads. Its first fault stays.
type rootfs struct {
	archive *tar.Writer
	has     map[string]bool
	err     error
}

// file puts one in, under the name it is to have, with its mode.
func (r *rootfs) file(from, to string) {
	to = strings.TrimPrefix(to, "/")
	if r.err != nil || r.has[to] {
		return
	}
	r.has[to] = true
	r.err = r.write(from, to)
}

func (r *rootfs) write(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	header := &tar.Header{Name: to, Mode: int64(info.Mode().Perm() | 0o444), Size: info.Size(), ModTime: info.ModTime()}
	if err := r.archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(r.archive, f)
	return err
}

// folder puts an empty one in, that anybody may write into.
func (r *rootfs) folder(name string) {
	if r.err == nil {
		r.err = r.archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(name, "/") + "/", Mode: 0o1777})
	}
}

// tree puts a directory in; skip says what of it is left out.
func (r *rootfs) tree(from, to string, skip func(name string) bool) {
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || r.err != nil {
			return errors.Join(err, r.err)
		}
		rel, err := filepath.Rel(from, name)
		switch {
		case err != nil:
			return err
		case rel != "." && skip(rel) && entry.IsDir():
			return filepath.SkipDir
		case rel != "." && skip(rel) || entry.IsDir():
			return nil
		}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			r.file(name, path.Join(to, rel))
		}
		return nil
	})
	r.err = errors.Join(r.err, err)
}

var library = regexp.MustCompile(`(?m)(?:=> )?(/\S+) \(0x`)

// program puts one in with the libraries that it loads, each where it lies on this machine.
func (r *rootfs) program(from, to string) {
	r.file(from, to)
	out, err := exec.Command("ldd", from).Output()
	if err != nil {
		return // static
	}
	for _, found := range library.FindAllStringSubmatch(string(out), -1) {
		r.file(found[1], found[1])
	}
}

// standIn makes an image named by what it is made of, unless it is there, and returns its name.
func standIn(t testing.TB, kind, madeOf string, changes []string, fill func(*rootfs)) string {
	t.Helper()
	changes = append(changes, "LABEL "+mark())
	sum := sha256.Sum256([]byte(madeOf + strings.Join(changes, "\n")))
	name := "config-service-standin-" + kind + ":" + hex.EncodeToString(sum[:6])
	if exec.Command("docker", "image", "inspect", name).Run() == nil {
		return name
	}
	args := []string{"import"}
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	cmd := exec.Command("docker", append(args, "-", name)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &rootfs{archive: tar.NewWriter(in), has: map[string]bool{}}
	fill(r)
	if err := errors.Join(r.err, r.archive.Close(), in.Close(), cmd.Wait()); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, complaints.String())
	}
	return name
}

// goImage stands for golang: the toolchain of this machine, the modules as a proxy of files,
// and what `make test-deploy` compiled of them before, so that a build takes seconds.
func goImage(t testing.TB) string {
	t.Helper()
	root := goEnv(t, "GOROOT")
	sums, err := os.ReadFile(filepath.Join(repository(t), "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	changes := []string{
		"ENV PATH=/usr/local/go/bin:/usr/bin:/bin", "ENV GOPATH=/go", "ENV GOCACHE=/gocache", "ENV GOTOOLCHAIN=local",
		"ENV GOPROXY=file:///proxy", "ENV GOSUMDB=off", "ENV GOFLAGS=-buildvcs=false",
	}
	return standIn(t, "go", goEnv(t, "GOVERSION")+" for amd64 and arm64\n"+string(sums), changes, func(r *rootfs) {
		r.tree(root, "/usr/local/go", func(name string) bool {
			return name == "test" || name == "api" || name == "doc" || strings.Contains(name, "testdata") || strings.HasSuffix(name, "_test.go")
		})
		for _, name := range []string{"sh", "install"} {
			from, err := exec.LookPath(name)
			r.err = errors.Join(r.err, err)
			r.program(from, "/bin/"+name)
		}
		r.file("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt")
		r.tree(built(t, "dockertest/gocache"), "/gocache", func(string) bool { return false })
		modules(t, r)
		r.folder("/tmp")
	})
}

// modules puts in what `go mod download` asks a proxy for.
func modules(t testing.TB, r *rootfs) {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json")
	cmd.Dir = repository(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod download: %v", err)
	}
	cache := filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download")
	for all := json.NewDecoder(strings.NewReader(string(out))); ; {
		var m struct{ Info, GoMod, Zip string }
		if err := all.Decode(&m); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{m.Info, m.GoMod, m.Zip} {
			rel, err := filepath.Rel(cache, name)
			r.err = errors.Join(r.err, err)
			r.file(name, path.Join("/proxy", rel))
		}
	}
	// Modules that are only looked at to choose versions have nothing but this.
	r.tree(cache, "/proxy", func(name string) bool {
		extension := path.Ext(name)
		return name == "sumdb" || extension != "" && strings.Contains(name, "/@v/") && extension != ".mod"
	})
}

func goEnv(t testing.TB, name string) string {
	t.Helper()
	cmd := exec.Command("go", "env", name)
	cmd.Dir = repository(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// pythonImage stands for python: the interpreter and the standard library of this machine.
func pythonImage(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("python3", "-c",
		"import os, sys, sysconfig; print(os.path.realpath(sys.executable), sysconfig.get_paths()['stdlib'], sys.version_info[:3])").Output()
	if err != nil {
		t.Fatal(err)
	}
	what := strings.SplitN(strings.TrimSpace(string(out)), " ", 3)
	program, standard := what[0], what[1]
	changes := []string{"ENV PATH=" + filepath.Dir(program), `CMD ["python3"]`}
	return standIn(t, "python", string(out), changes, func(r *rootfs) {
		r.program(program, program)
		r.program(program, filepath.Join(filepath.Dir(program), "python3"))
		r.tree(standard, standard, func(name string) bool {
			first, _, _ := strings.Cut(name, "/")
			switch first {
			case "site-packages", "dist-packages", "test", "idlelib", "ensurepip", "lib2to3", "tkinter":
				return true
			}
			return strings.HasPrefix(first, "config-") || path.Base(name) == "__pycache__"
		})
		extensions, err := filepath.Glob(filepath.Join(standard, "lib-dynload", "*.so"))
		r.err = errors.Join(r.err, err)
		for _, name := range extensions {
			r.program(name, name)
		}
	})
}

// etcdImage stands for the image that etcd is released as: its two programs, no shell.
func etcdImage(t testing.TB) string {
	t.Helper()
	var madeOf strings.Builder
	for _, name := range []string{"server", "etcdctl"} {
		info, err := os.Stat(built(t, "etcd/"+name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&madeOf, name, info.Size(), info.ModTime())
	}
	return standIn(t, "etcd", madeOf.String(), []string{"ENV PATH=/usr/local/bin", `CMD ["/usr/local/bin/etcd"]`}, func(r *rootfs) {
		r.file(built(t, "etcd/server"), "/usr/local/bin/etcd")
		r.file(built(t, "etcd/etcdctl"), "/usr/local/bin/etcdctl")
	})
}

// emptyImage makes one of no files, for an architecture.
func emptyImage(t testing.TB, architecture string) string {
	t.Helper()
	name := imageName(t, "empty", architecture)
	label, value, _ := strings.Cut(mark(), "=")
	var layer, image bytes.Buffer
	if err := tar.NewWriter(&layer).Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(layer.Bytes())
	config := fmt.Sprintf(`{"architecture": %q, "os": "linux", "config": {"Labels": {%q: %q}}, "rootfs": {"type": "layers", "diff_ids": ["sha256:%x"]}}`, architecture, label, value, sum)
	archive := tar.NewWriter(&image)
	put := func(name string, content []byte) error {
		err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))})
		_, err2 := archive.Write(content)
		return errors.Join(err, err2)
	}
	manifest := fmt.Sprintf(`[{"Config": "config.json", "RepoTags": [%q], "Layers": ["layer.tar"]}]`, name)
	if err := errors.Join(put("config.json", []byte(config)), put("layer.tar", layer.Bytes()), put("manifest.json", []byte(manifest)), archive.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("docker", "load")
	cmd.Stdin = &image
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return name
}
