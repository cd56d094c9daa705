package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// driver is a client's driver: a process that is asked line by line. It belongs to one
// goroutine.
type driver struct {
	process *exec.Cmd
	in      io.WriteCloser
	answers chan map[string]any // closed at the end of its output
	waiting int                 // requests that were not answered yet
	stderr  *sink
	read    sync.WaitGroup
}

// sink keeps what is written to it. It is safe for concurrent use.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// errHung is a client that does not answer.
var errHung = errors.New("the client did not answer within " + hang.String())

// startDriver starts a driver with nothing in its environment but what it needs to run,
// and what is given.
func startDriver(c client, env map[string]string) (*driver, error) {
	p := exec.Command(c.command[0], c.command[1:]...)
	p.Env = append(slices.Clone(c.env), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		p.Env = append(p.Env, name+"="+env[name])
	}
	d := &driver{process: p, answers: make(chan map[string]any, 16), stderr: &sink{}}
	p.Stderr = d.stderr
	p.SysProcAttr = dieWithParent()
	in, err := p.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("start the driver: %w", err)
	}
	d.in = in
	d.read.Go(func() { d.receive(out) })
	return d, nil
}

func (d *driver) receive(out io.Reader) {
	defer close(d.answers)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		v, err := parse(lines.Bytes())
		answer, ok := v.(map[string]any)
		if err != nil || !ok {
			answer = map[string]any{"error": "BadAnswer", "message": lines.Text()}
		}
		d.answers <- answer
	}
}

// parse reads JSON, and keeps its numbers as they are written.
func parse(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// send sends a request and does not wait.
func (d *driver) send(request map[string]any) error {
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	d.waiting++
	if _, err := d.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the driver ended: %w\n%s", err, tail(d.stderr.String()))
	}
	return nil
}

// answer waits for the answer to the oldest request.
func (d *driver) answer() (map[string]any, error) {
	d.waiting--
	select {
	case answer, ok := <-d.answers:
		if !ok {
			return nil, fmt.Errorf("the driver ended\n%s", tail(d.stderr.String()))
		}
		return answer, nil
	case <-time.After(hang):
		return nil, never{errHung}
	}
}

// do sends a request and waits for its answer.
func (d *driver) do(request map[string]any) (map[string]any, error) {
	if d.waiting > 0 {
		return nil, never{errors.New("the scenario has not taken an earlier answer")}
	}
	if err := d.send(request); err != nil {
		return nil, never{err}
	}
	return d.answer()
}

// end ends the driver's input, as the end of a program does, and says whether it ends.
func (d *driver) end() error {
	_ = d.in.Close() // it may have ended
	return d.wait(hang)
}

func (d *driver) kill() {
	_ = d.process.Process.Kill() // it may have ended
	_ = d.wait(0)                // killed is how it ends
}

func (d *driver) wait(bound time.Duration) error {
	t := time.AfterFunc(bound, func() { _ = d.process.Process.Kill() })
	for range d.answers { // nobody waits for them any more
	}
	d.read.Wait()
	err := d.process.Wait()
	if !t.Stop() {
		return fmt.Errorf("the program did not end within %s of its end of input", bound)
	}
	if err != nil {
		return fmt.Errorf("the program ended with %w\n%s", err, tail(d.stderr.String()))
	}
	return nil
}
