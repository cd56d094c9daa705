package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
)

// serving is the line by which a process says where it listens.
type serving struct {
	Msg  string `json:"msg"`
	GRPC string `json:"grpc,omitempty"`
	HTTP string `json:"http,omitempty"`
	Ops  string `json:"ops,omitempty"` // of etcd: its clients' address
}

// child is a server under test. Who started it stops it.
type child struct {
	serving
	name    string
	started time.Time // just before exec
	cmd     *exec.Cmd
	said    *tail
	read    chan struct{} // closed at the end of its stderr
}

// startChild runs a program until stop, and returns when it says where it listens.
func startChild(name string, program string, args []string, env ...string) (*child, error) {
	c := &child{name: name, cmd: exec.Command(program, args...), said: &tail{}, read: make(chan struct{})}
	c.cmd.Env = append(append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cores)), env...)
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	c.started = time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	found := make(chan serving, 1)
	go c.listen(stderr, found)
	select {
	case c.serving = <-found:
		return c, nil
	case <-c.read:
		err = fmt.Errorf("%s ended before it served:\n%s", name, c.said.text())
	case <-time.After(startTimeout):
		err = fmt.Errorf("%s does not serve after %s:\n%s", name, startTimeout, c.said.text())
	}
	_ = c.stop() // err says more
	return nil, err
}

// listen reads what the child says to its end.
func (c *child) listen(stderr io.Reader, found chan<- serving) {
	defer close(c.read)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var s serving
		if json.Unmarshal(lines.Bytes(), &s) == nil && s.Msg == "serving" {
			found <- s
			continue
		}
		c.said.add(lines.Text())
	}
}

// stop ends the child as an operator would, and returns when it has ended.
func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	late := time.AfterFunc(stopTimeout, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	<-c.read
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%s ended with %w:\n%s", c.name, err, c.said.text())
	}
	return nil
}

// ready waits until the child's readiness passes, asking each millisecond.
func (c *child) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		if get(ctx, client, "http://"+c.Ops+"/readyz", io.Discard) == nil {
			return nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w\n%s", c.name, ctx.Err(), c.said.text())
		}
	}
}

// tick is the unit of processor time in /proc.
const tick = 10 * time.Millisecond

// processor reads how much processor time the child has used. Other work on the
// machine hardly moves it.
func (c *child) processor() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("processor time of %s: %w", c.name, err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before can hold anything but this
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("processor time of %s: /proc has %q", c.name, stat)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err, err2)
}

// processorSince is what the child has used since an earlier reading: a tick at least,
// as less cannot be seen.
func (c *child) processorSince(before time.Duration) (time.Duration, error) {
	now, err := c.processor()
	return max(tick, now-before), err
}

// memory reads a figure of the child's memory in bytes, as VmRSS or VmHWM.
func (c *child) memory(field string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory of %s: %w", c.name, err)
	}
	for line := range strings.Lines(string(status)) {
		if kB, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kB), "kB")), 64)
			return n * 1024, err
		}
	}
	return 0, fmt.Errorf("memory of %s: /proc has no %s", c.name, field)
}
