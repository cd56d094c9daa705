//go:build linux || darwin

package diskcache_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// The environment of a child process, which saves in a directory until it is killed.
const (
	childDir  = "DISKCACHE_TEST_DIR"  // where
	childStep = "DISKCACHE_TEST_STEP" // the step of a save before which it kills itself
	childLast = "DISKCACHE_TEST_LAST" // of which revision
)

// generation is what the child saves at a revision.
func generation(revision int64) snapshot.Content { return contentOf(payment, revision, 400, 200) }

// saveForever is the child. It goes on from what it finds, and tells each revision that
// is saved.
func saveForever() {
	c, err := diskcache.Open(os.Getenv(childDir), payment)
	var revision int64
	if err == nil {
		var g diskcache.Generation
		if g, err = c.Load(); errors.Is(err, diskcache.ErrEmpty) {
			err = nil
		}
		err = errors.Join(err, g.Refused)
		revision = g.Content.Revision
	}
	for err == nil {
		revision++
		c.OnStep(func(step string) {
			if step == os.Getenv(childStep) && fmt.Sprint(revision) == os.Getenv(childLast) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		})
		if err = c.Save(generation(revision), start); err == nil {
			_, err = fmt.Println(revision)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// child is such a process.
type child struct {
	cmd   *exec.Cmd
	out   *bufio.Scanner
	saved int64 // the last revision it told
}

func startChild(t *testing.T, dir string, env ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), append(env, childDir+"="+dir)...)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	c.out = bufio.NewScanner(out)
	return c
}

// next waits until one more revision is saved; false: the child is dead.
func (c *child) next(t *testing.T) bool {
	t.Helper()
	if !c.out.Scan() {
		return false
	}
	revision, err := strconv.ParseInt(c.out.Text(), 10, 64)
	must(t, err)
	c.saved = revision
	return true
}

// dies takes in what the child still tells, and checks that it was killed.
func (c *child) dies(t *testing.T) {
	t.Helper()
	for c.next(t) {
	}
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child ended with %v, not by SIGKILL", err)
	}
}

func leftOver(dir string) bool {
	_, err := os.Lstat(path(dir, payment, "last-known-good.new"))
	return err == nil
}

func TestACrashBeforeEachStep(t *testing.T) {
	for _, test := range []struct {
		step  string
		saved bool // the generation that was under way
		left  bool // the temporary file
	}{
		{"create", false, false}, {"write", false, true}, {"sync", false, true}, {"rename", false, true},
		{"sync directory", true, false}, {"done", true, false},
	} {
		for last := int64(1); last <= 3; last++ {
			t.Run(fmt.Sprintf("%s of %d", test.step, last), func(t *testing.T) {
				dir := t.TempDir()
				c := startChild(t, dir, childStep+"="+test.step, childLast+"="+fmt.Sprint(last))
				c.dies(t)
				if c.saved != last-1 {
					t.Fatalf("the child told of revision %d", c.saved)
				}
				if leftOver(dir) != test.left {
					t.Errorf("a temporary file is left: %v", !test.left)
				}
				want := last
				if !test.saved {
					want--
				}
				if want > 0 {
					if refused := loads(t, dir, generation(want)); refused != nil {
						t.Error(refused)
					}
				} else if _, err := open(t, dir, payment).Load(); !errors.Is(err, diskcache.ErrEmpty) {
					t.Errorf("Load = %v, want ErrEmpty", err)
				}
			})
		}
	}
}

// TestKilledAtAnyMoment kills a process that saves without end, again and again in one
// directory: what it told is there, or the generation after it, and whole.
func TestKilledAtAnyMoment(t *testing.T) {
	kills := 40
	if os.Getenv("SOAK") == "1" {
		kills = 200
	}
	rnd := seeded(t)
	dir := t.TempDir()
	during, beyond := 0, 0
	var last int64
	for range kills {
		c := startChild(t, dir)
		for range 1 + rnd.IntN(5) {
			if !c.next(t) {
				t.Fatal("the child died by itself")
			}
		}
		<-time.After(time.Duration(rnd.IntN(5000)) * time.Microsecond) // any moment of a save
		must(t, c.cmd.Process.Kill())
		c.dies(t)
		if leftOver(dir) {
			during++
		}
		cache := open(t, dir, payment)
		g, err := cache.Load()
		must(t, errors.Join(err, g.Refused, cache.Close()))
		if g.Content.Revision == c.saved+1 {
			beyond++
		} else if g.Content.Revision != c.saved || c.saved <= last {
			t.Fatalf("revision %d is there after %d was saved and %d before", g.Content.Revision, c.saved, last)
		}
		last = g.Content.Revision
		loads(t, dir, generation(last))
		if leftOver(dir) {
			t.Fatal("the temporary file stayed")
		}
	}
	t.Logf("%d kills: %d while a file was written, %d after it had its name", kills, during, beyond)
	if during == 0 {
		t.Error("no kill met a save: this test tests nothing")
	}
}

// TestTwoProcesses has another process save while this one, started later, only loads;
// when the other one is gone, this one saves.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	other := startChild(t, dir)
	if !other.next(t) {
		t.Fatal("the child died by itself")
	}
	c := open(t, dir, payment)
	var last int64
	for range 200 {
		g, err := c.Load()
		must(t, errors.Join(err, g.Refused))
		if g.Content.Revision < last {
			t.Fatalf("revision %d after %d", g.Content.Revision, last)
		}
		last = g.Content.Revision
		if err := c.Save(generation(last+1), start); !errors.Is(err, diskcache.ErrBusy) {
			t.Fatalf("Save beside another process: %v", err)
		}
	}
	for other.saved < last+5 { // it was not disturbed
		if !other.next(t) {
			t.Fatal("the other process died by itself")
		}
	}
	must(t, other.cmd.Process.Kill())
	other.dies(t)
	// What this one has is older than what the other one left behind.
	says(t, c.Save(generation(last), start), fmt.Sprintf("has revision %d; accepted: at least", last))
	must(t, c.Save(generation(other.saved+2), start))
	must(t, c.Close())
	loads(t, dir, generation(other.saved+2))
}

func TestTheLockIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	first, second := open(t, dir, payment), open(t, dir, payment)
	if err := second.Save(small(1), start); !errors.Is(err, diskcache.ErrBusy) {
		t.Fatalf("Save = %v, want ErrBusy", err)
	}
	save(t, first, small(1))
	save(t, open(t, dir, orders), contentOf(orders, 1, 4, 0)) // another scope is no concern of theirs
	must(t, first.Close())
	save(t, second, small(2))
	must(t, second.Close())
	if refused := loads(t, dir, small(2)); refused != nil {
		t.Error(refused)
	}
}
