package dockertest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What an image of the sidecar may weigh at most.
const largestImage = 22_000_000

// What an idle sidecar with 1,000 keys may take at most.
const largestIdle = 30 << 20

// How soon a sidecar with 1,000 keys should be ready. It is measured and printed: on a machine
// that does other things as well it is no reason to fail.
const readyGoal = 300 * time.Millisecond

// target builds a target of the Dockerfile as it is, on what stands for its base image.
func target(t testing.TB, name string, args ...string) string {
	t.Helper()
	tag := imageName(t, name, args...)
	docker(t, append(append([]string{"build", "--force-rm", "--label", mark(), "--target", name, "--tag", tag, "--build-arg", "BUILD_IMAGE=" + goImage(t),
		"--build-arg", "VERSION=1.2.3", "--build-arg", "REVISION=0123abc"}, args...), repository(t))...)
	return tag
}

// imageName is the same in every run in this folder, so that one with DEPLOY_TEST_KEEP=1 is found
// by the next, and another one in another folder.
func imageName(t testing.TB, name string, args ...string) string {
	sum := sha256.Sum256([]byte(repository(t) + strings.Join(args, " ")))
	return "config-service-test-" + name + ":" + hex.EncodeToString(sum[:6])
}

// content lists the files of an image, and the bytes of one of them.
func content(t testing.TB, image, wanted string) (names []string, bytesOf []byte) {
	t.Helper()
	id := docker(t, "create", image)
	defer docker(t, "rm", id)
	exported, err := exec.Command("docker", "export", id).Output()
	if err != nil {
		t.Fatal(err)
	}
	for all := tar.NewReader(bytes.NewReader(exported)); ; {
		header, err := all.Next()
		if errors.Is(err, io.EOF) {
			return names, bytesOf
		} else if err != nil {
			t.Fatal(err)
		}
		if !madeByEngine(header.Name) {
			names = append(names, fmt.Sprintf("%s %d %04o", header.Name, header.Uid, header.Mode&0o7777))
		}
		if header.Name == wanted {
			if bytesOf, err = io.ReadAll(all); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// madeByEngine says whether every container has it, whatever its image.
func madeByEngine(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{".dockerenv", "dev", "proc", "sys"}, first) ||
		slices.Contains([]string{"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}, name)
}

type imageConfig struct {
	Architecture string
	Size         int64
	Config       struct {
		User, WorkingDir string
		Entrypoint, Cmd  []string
		Labels           map[string]string
		ExposedPorts     map[string]struct{}
		Healthcheck      struct{ Test []string }
	}
}

func inspectImage(t testing.TB, image string) imageConfig {
	t.Helper()
	var all []imageConfig
	if err := json.Unmarshal([]byte(docker(t, "image", "inspect", image)), &all); err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestImages(t *testing.T) {
	for name, want := range map[string]struct {
		files []string
		cmd   []string
	}{
		"config-service": {[]string{"config-service 0 0755", "etc/ 0 0755", "etc/ssl/ 0 0755", "etc/ssl/certs/ 0 0755",
			"etc/ssl/certs/ca-certificates.crt 0 0644", "var/ 0 0755", "var/cache/ 65532 0755", "var/cache/config-service/ 65532 0700"}, []string{"serve"}},
		"configctl": {[]string{"configctl 0 0755", "etc/ 0 0755", "etc/ssl/ 0 0755", "etc/ssl/certs/ 0 0755",
			"etc/ssl/certs/ca-certificates.crt 0 0644"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			image := target(t, name)
			files, _ := content(t, image, "")
			slices.Sort(files)
			if !slices.Equal(files, want.files) {
				t.Errorf("it holds\n%s\nand not\n%s", strings.Join(files, "\n"), strings.Join(want.files, "\n"))
			}
			c := inspectImage(t, image)
			t.Logf("%s: %.1f MB", name, float64(c.Size)/1e6)
			if c.Size > largestImage {
				t.Errorf("%d bytes; at most %d", c.Size, largestImage)
			}
			if c.Config.User != "65532:65532" || !slices.Equal(c.Config.Entrypoint, []string{"/" + name}) || !slices.Equal(c.Config.Cmd, want.cmd) {
				t.Errorf("user %q, entrypoint %q, command %q", c.Config.User, c.Config.Entrypoint, c.Config.Cmd)
			}
			for label, value := range map[string]string{"title": name, "version": "1.2.3", "revision": "0123abc", "licenses": "Apache-2.0",
				"source": "https://github.com/config-service/config-service"} {
				if got := c.Config.Labels["org.opencontainers.image."+label]; got != value {
					t.Errorf("label %s is %q, not %q", label, got, value)
				}
			}
			if c.Config.Labels["org.opencontainers.image.description"] == "" {
				t.Error("no description")
			}
			if out := docker(t, "run", "--rm", "--read-only", "--cap-drop=ALL", "--network=none", image, "version"); !strings.HasPrefix(out, name+" 1.2.3 ") {
				t.Errorf("version: %s", out)
			}
		})
	}
}

func TestNothingNamedIsTheSidecar(t *testing.T) {
	tag, base := unique(t), "BASE_IMAGE="+emptyImage(t, runtime.GOARCH)
	docker(t, "build", "--label", mark(), "--tag", tag, "--build-arg", base, "--build-arg", "BUILD_IMAGE="+goImage(t), "--build-arg", "VERSION=1.2.3", "--build-arg", "REVISION=0123abc", repository(t))
	if got, want := docker(t, "image", "inspect", "-f", "{{.Id}}", tag), docker(t, "image", "inspect", "-f", "{{.Id}}", target(t, "config-service", "--build-arg", base)); got != want {
		t.Errorf("without a target the image is %s, and config-service is %s", got, want)
	}
}

// TestImageForArm64 builds as the head of the Dockerfile says for the older builder.
func TestImageForArm64(t *testing.T) {
	empty := emptyImage(t, "arm64")
	image := target(t, "config-service", "--build-arg", "TARGETARCH=arm64", "--build-arg", "BASE_IMAGE="+empty)
	if got := inspectImage(t, image).Architecture; got != "arm64" {
		t.Errorf("the image is for %s", got)
	}
	_, program := content(t, image, "config-service")
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != elf.EM_AARCH64 {
		t.Errorf("the program is for %v", f.Machine)
	}
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) != 0 {
		t.Errorf("it is not static: %v, %v", libraries, err)
	}
}

// What the sidecar takes in a container as the templates have it, with 1,000 keys.
func TestIdleSidecar(t *testing.T) {
	network := unique(t)
	docker(t, "network", "create", network)
	t.Cleanup(func() { docker(t, "network", "rm", network) })
	etcd := docker(t, "run", "--detach", "--network", network, "--network-alias", "etcd", etcdImage(t),
		"etcd", "--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://etcd:2379", "--log-level=error")
	t.Cleanup(func() { docker(t, "rm", "--force", "--volumes", etcd) })
	fill(t, etcd)

	image := target(t, "config-service")
	best, rss := time.Hour, int64(0)
	for range 5 {
		func() {
			id := docker(t, "run", "--detach", "--network", network, "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--memory=128m",
				"--env=SERVICE_NAME=payment-service", "--env=ENVIRONMENT=production", "--env=ETCD_ENDPOINTS=http://etcd:2379", "--env=ETCD_ALLOW_PLAINTEXT=true",
				"--env=CONFIG_HTTP_ADDR=:8080", "--env=CONFIG_ALLOW_UNAUTHENTICATED=true", "--env=GOMEMLIMIT=115MiB", image)
			defer docker(t, "rm", "--force", "--volumes", id)
			address := docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id)
			ready := waitReady(t, address)
			best = min(best, ready.Sub(inspect(t, id).State.StartedAt))
			if uid := docker(t, "top", id, "-eo", "pid,uid"); !strings.HasSuffix(uid, "65532") {
				t.Errorf("it runs as %q", uid)
			}
			docker(t, "exec", id, "/config-service", "healthcheck", "--wait", "60s")
			if err := exec.Command("docker", "exec", id, "sh", "-c", "true").Run(); err == nil {
				t.Error("it has a shell")
			}
			eventually(t, "memory of the idle sidecar", func() (err error) {
				if rss, err = residentSize(docker(t, "top", id, "-eo", "pid,rss")); err == nil && rss > largestIdle {
					err = fmt.Errorf("%.1f MiB; at most %d MiB", float64(rss)/(1<<20), largestIdle>>20)
				}
				return err
			})
		}()
	}
	t.Logf("with 1,000 keys: ready %v after the container's process began, %.1f MiB resident", best.Round(time.Millisecond), float64(rss)/(1<<20))
	if best > readyGoal {
		t.Logf("that is above the goal of %v", readyGoal)
	}
}

// residentSize reads what ps said, in KiB.
func residentSize(out string) (int64, error) {
	lines := strings.Fields(out)
	kib, err := strconv.ParseInt(lines[len(lines)-1], 10, 64)
	return kib << 10, err
}

// waitReady returns when the sidecar was ready.
func waitReady(t testing.TB, address string) time.Time {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	request, err := http.NewRequest(http.MethodGet, "http://"+address+":8080/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "localhost"
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if resp, err := client.Do(request); err == nil {
			_ = resp.Body.Close() // the status is all
			if resp.StatusCode == http.StatusOK {
				return time.Now()
			}
		}
	}
	t.Fatal("it did not become ready")
	return time.Time{}
}

// fill puts in 1,000 keys, in transactions as large as etcd takes by default.
func fill(t testing.TB, etcd string) {
	t.Helper()
	eventually(t, "etcd", func() error { return exec.Command("docker", "exec", etcd, "etcdctl", "endpoint", "health").Run() })
	for part := range 10 {
		var puts strings.Builder
		puts.WriteString("\n")
		for i := range 100 {
			fmt.Fprintf(&puts, "put /config-service/v1/entries/production/payment-service/group%d.key%d \"\\\"%s\\\"\"\n", part, i, strings.Repeat("x", 100))
		}
		puts.WriteString("\n\n")
		cmd := exec.Command("docker", "exec", "--interactive", etcd, "etcdctl", "txn")
		cmd.Stdin = strings.NewReader(puts.String())
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "SUCCESS") {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestCredentialFile is what a team gets wrong, and what it is told.
func TestCredentialFile(t *testing.T) {
	image := target(t, "config-service")
	for name, c := range map[string]struct {
		owner int
		mode  os.FileMode
		says  string
	}{
		"of root":             {0, 0o600, "user 65532, may not read"},
		"that anybody writes": {65532, 0o666, "any user may write"},
		"that is not there":   {-1, 0, "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			secrets := t.TempDir()
			if err := os.Chmod(secrets, 0o755); err != nil {
				t.Fatal(err)
			}
			token := filepath.Join(secrets, "config-token")
			if c.owner >= 0 {
				if err := errors.Join(os.WriteFile(token, []byte("secret"), 0o600), os.Chown(token, c.owner, c.owner), os.Chmod(token, c.mode)); err != nil {
					t.Skipf("SKIP: only root gives a file away: %v", err)
				}
			}
			out, err := run(secrets, nil, "docker", "run", "--rm", "--volume", secrets+":/secrets:ro", "--env=AUTH_TOKEN_FILE=/secrets/config-token",
				"--env=ENVIRONMENT=production", image)
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v; it should say %q", err, c.says)
			}
		})
	}
}
