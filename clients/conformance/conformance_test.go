// Package conformance holds every client to clients/SPEC.md, with scenarios that do not
// know its language. README.md tells how.
package conformance

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/config-service/config-service/server/servertest"
)

// atOnce is how many runs go on at the same time: they wait more than they work.
const atOnce = "12"

func TestMain(m *testing.M) {
	if lie := os.Getenv(lieEnv); lie != "" {
		os.Exit(tellLies(lie, os.Getenv(honestEnv)))
	}
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		if err := flag.Set(parallel.Name, atOnce); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// client is one client with the command that runs its driver.
type client struct {
	name     string
	command  []string
	env      []string
	missing  string        // the tool that it lacks here
	patience time.Duration // how long what is expected eventually may take
}

// driverEnv is a command line that runs the driver of one more client, which is then
// played alone.
const driverEnv = "CONFORMANCE_DRIVER"

// clients returns the clients. The driver of the Go client is built into the folder.
func clients(t *testing.T, folder string) []client {
	t.Helper()
	if command := strings.Fields(os.Getenv(driverEnv)); len(command) > 0 {
		return []client{{name: "driver", command: command, patience: hang}}
	}
	goDriver := filepath.Join(folder, "godriver")
	build(t, goDriver, "./clients/conformance/godriver")
	all := []client{
		{name: "go", command: []string{goDriver}},
		{name: "python", command: []string{"python3", "../python/conformance/driver.py"}},
		{name: "python-async", command: []string{"python3", "../python/conformance/driver.py", "--async"}},
	}
	for i := range all {
		all[i].patience = hang
		if _, err := exec.LookPath(all[i].command[0]); err != nil {
			all[i].missing = all[i].command[0]
		}
	}
	return all
}

func build(t *testing.T, binary, pkg string) {
	t.Helper()
	c := exec.Command("go", "build", "-o", binary, pkg)
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

// lab is what all runs share.
type lab struct {
	scenarios []*scenario
	binary    string // of the sidecar
	etcd      *servertest.Etcd
	clients   []client
	plays     atomic.Int64
}

func newLab(t *testing.T) *lab {
	t.Helper()
	scenarios, err := load("scenarios")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	l := &lab{scenarios: scenarios, binary: filepath.Join(folder, "config-service"), clients: clients(t, folder)}
	build(t, l.binary, "./server")
	l.etcd = servertest.StartEtcd(t)
	return l
}

// play plays one scenario with one client, in a world of its own.
func (l *lab) play(t *testing.T, s *scenario, c client) error {
	etcd := l.etcd
	if s.needsOwnEtcd() {
		etcd = servertest.StartEtcdAt(t, servertest.FreeAddress(t))
	}
	w := newWorld(t, etcd, l.binary, fmt.Sprint(l.plays.Add(1)), servertest.FreeAddress(t), servertest.FreeAddress(t))
	err := play(t, s, c, w)
	if err != nil {
		err = fmt.Errorf("%w\nthe sidecar said:\n%s", err, w.sidecarLog())
	}
	return err
}

// TestConformance plays every scenario with every client, and finds lies beside it.
func TestConformance(t *testing.T) {
	l := newLab(t)
	t.Run("clients", l.playAll)
	t.Run("lies", l.findLies)
}

// playAll plays every scenario with every client, and prints what became of it.
func (l *lab) playAll(t *testing.T) {
	t.Parallel()
	var results table
	began := time.Now()
	t.Cleanup(func() {
		results.print(os.Stdout, l.scenarios, l.clients)
		fmt.Printf("took %s\n", time.Since(began).Round(time.Second))
	})
	for _, s := range l.scenarios {
		for _, c := range l.clients {
			t.Run(s.Name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				t.Cleanup(func() { results.put(s.Name, c.name, outcome(t)) })
				if c.missing != "" {
					skip(t, c)
				}
				if err := l.play(t, s, c); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func outcome(t *testing.T) string {
	switch {
	case t.Failed():
		return failed
	case t.Skipped():
		return skipped
	}
	return passed
}

// skip ends the test of a client that cannot run here; in CI it fails.
func skip(t *testing.T, c client) {
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %s is not installed", c.name, c.missing)
	}
	t.SkipNow()
}

// TestScenariosHoldTheSpec: what a scenario says it holds stands in clients/SPEC.md.
func TestScenariosHoldTheSpec(t *testing.T) {
	scenarios, err := load("scenarios")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	spec := words(string(content))
	for _, s := range scenarios {
		for _, passage := range s.Holds {
			if !strings.Contains(spec, words(passage)) {
				t.Errorf("%s: %q: clients/SPEC.md does not say %q", s.file, s.Name, passage)
			}
		}
	}
}

// words is a text on one line.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
