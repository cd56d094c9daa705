package dockertest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take on a loaded machine.
const patience = 2 * time.Minute

// The classic builder is what every engine has.
var engineEnvironment = append(os.Environ(), "DOCKER_BUILDKIT=0", "COMPOSE_PROGRESS=plain", "COMPOSE_MENU=false")

// run runs a program and returns its output, both streams.
func run(dir string, environment []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(engineEnvironment, environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), errors.New(name + " " + strings.Join(args, " ") + ": " + err.Error() + "\n" + string(out))
	}
	return string(out), nil
}

// docker runs the command line of the engine, which has to succeed; it returns standard output.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Env = engineEnvironment
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, out, complaints.String())
	}
	return strings.TrimSpace(string(out))
}

// eventually asks until nothing is wrong any more.
func eventually(t testing.TB, what string, wrong func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		err := wrong()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
	}
}

// container is what the engine knows of a container, as far as it is looked at here.
type container struct {
	ID           string `json:"Id"`
	RestartCount int
	State        struct {
		Pid       int
		Running   bool
		StartedAt time.Time
		Health    struct{ Status string }
	}
	Config     struct{ User string }
	HostConfig struct {
		ReadonlyRootfs bool
		CapDrop        []string
		SecurityOpt    []string
		Memory         int64
		RestartPolicy  struct{ Name string }
		NetworkMode    string
	}
}

func inspect(t testing.TB, id string) container {
	t.Helper()
	var all []container
	if err := json.Unmarshal([]byte(docker(t, "container", "inspect", id)), &all); err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// crash ends a container's process as a fault would. `docker kill` is no fault: what a person
// stops stays stopped.
func crash(t testing.TB, id string) {
	t.Helper()
	process, err := os.FindProcess(inspect(t, id).State.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); errors.Is(err, os.ErrPermission) {
		t.Skip("SKIP: a container's process can only be killed by root, on the machine of the engine")
	} else if err != nil {
		t.Fatal(err)
	}
}

// project is a Compose project. It is taken down when the test ends. The images that it built go when all
// tests have ended: the engine fails when two that share layers are removed at once.
type project struct {
	t           testing.TB
	dir         string
	args        []string // -p and -f
	environment []string
}

func newProject(t testing.TB, dir string, environment []string, files ...string) *project {
	t.Helper()
	p := &project{t: t, dir: dir, environment: environment, args: []string{"-p", unique(t)}}
	for _, f := range files {
		p.args = append(p.args, "-f", f)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := p.try("logs", "--no-color") // what there is
			t.Logf("logs:\n%s", logs)
		}
		if out, err := p.try("down", "--volumes", "--timeout", "5"); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	return p
}

func (p *project) try(args ...string) (string, error) {
	return run(p.dir, p.environment, built(p.t, "compose/docker-compose"), append(append([]string{}, p.args...), args...)...)
}

func (p *project) compose(args ...string) string {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// container returns the id of a service's only container.
func (p *project) container(service string) string {
	p.t.Helper()
	id := p.compose("ps", "--all", "--quiet", service)
	if id == "" || strings.Contains(id, "\n") {
		p.t.Fatalf("containers of %s: %q", service, id)
	}
	return id
}

// unique is a name for what a test makes in an engine that others use, too.
func unique(t testing.TB) string {
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	return "cst-" + name + "-" + strings.ToLower(rand.Text()[:6])
}
