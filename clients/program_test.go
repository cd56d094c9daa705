package clients_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is an application of a user, as a process of its own.
type program struct {
	cmd    *exec.Cmd
	lines  chan string // what it prints; closed at its end
	stderr bytes.Buffer
	ended  func() error // waits for its end
}

// run starts a program. The end of the test kills it.
func run(t *testing.T, env []string, argv ...string) *program {
	t.Helper()
	// The channel is never full: no program here prints half as much.
	p := &program{cmd: exec.Command(argv[0], argv[1:]...), lines: make(chan string, 1000)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.lines <- lines.Text()
		}
	})
	p.ended = sync.OnceValue(func() error {
		reader.Wait()
		return p.cmd.Wait()
	})
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended, unless the test failed
		_ = p.ended()
	})
	return p
}

// runUntilAnswered starts a program and returns it with the first line it prints. On a
// machine so busy that the program gives up on its first read, which is a line with the
// end unanswered, it is started again.
func runUntilAnswered(t *testing.T, unanswered string, env []string, argv ...string) (p *program, first string) {
	t.Helper()
	for began := time.Now(); ; {
		p = run(t, env, argv...)
		if first = p.line(t); !strings.HasSuffix(first, unanswered) || time.Since(began) > patience {
			return p, first
		}
		_ = p.cmd.Process.Kill() // the next one follows
	}
}

// line returns the next line that the program prints.
func (p *program) line(t *testing.T) string {
	t.Helper()
	select {
	case line, more := <-p.lines:
		if !more {
			err := p.ended()
			t.Fatalf("the program ended with %v\n%s", err, p.stderr.String())
		}
		return line
	case <-time.After(patience):
		t.Fatal("the program prints nothing more")
	}
	return ""
}

// prints holds the next lines of the program against what they should be.
func (p *program) prints(t *testing.T, want ...string) {
	t.Helper()
	for _, line := range want {
		if got := p.line(t); got != line {
			t.Fatalf("the program prints %s, want %s", got, line)
		}
	}
}

// ends waits for the end of a program that was told to end, or ends by itself, and
// returns its exit code and what else it printed.
func (p *program) ends(t *testing.T) (code int, stdout, stderr string) {
	t.Helper()
	late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	for line := range p.lines {
		stdout += line + "\n"
	}
	_ = p.ended() // the exit code is looked at
	return p.cmd.ProcessState.ExitCode(), stdout, p.stderr.String()
}

func (p *program) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}
