package robust

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// MemberEnv is set for a child process: it is to run the Member it holds as JSON, until
// SIGTERM, and nothing else. The program that uses a Cluster looks for it first.
const MemberEnv = "CONFIG_SERVICE_ROBUST_MEMBER"

// Member is one member of a Cluster, as a child process is told to run it.
type Member struct {
	Name       string
	Dir        string
	ClientAddr string // HOST:PORT, the same after every start
	PeerListen string
	PeerURL    string
	Cluster    string
	LogFile    string
}

type member struct {
	Member
	proxy  *Proxy // that the other members reach it by
	client *clientv3.Client
	pid    atomic.Int64 // of child, or of the one before it

	mu     sync.Mutex
	child  *exec.Cmd
	exited chan struct{} // closed when child has ended
	frozen bool
}

// Start starts member i, which is not running, with the data it has. It does not wait
// until it is healthy.
func (c *Cluster) Start(i int) error {
	m := c.members[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.child != nil {
		return fmt.Errorf("member %d runs already", i)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	spec, err := json.Marshal(m.Member)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(m.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	child := exec.Command(self)
	child.Dir = c.dir // Unix sockets are named relative to it
	child.Env = append(os.Environ(), MemberEnv+"="+string(spec))
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = dieWithParent()
	if err := child.Start(); err != nil {
		return fmt.Errorf("start member %d: %w", i, err)
	}
	m.pid.Store(int64(child.Process.Pid))
	exited := make(chan struct{})
	m.child, m.exited, m.frozen = child, exited, false
	go func() {
		defer close(exited)
		_ = child.Wait() // how it ended is in its log
	}()
	return nil
}

// Kill ends member i with SIGKILL, and returns when it has ended.
func (c *Cluster) Kill(i int) error { return c.end(i, syscall.SIGKILL) }

// Stop ends member i with SIGTERM, as a rolling upgrade does, and returns when it has
// ended.
func (c *Cluster) Stop(i int) error { return c.end(i, syscall.SIGTERM) }

func (c *Cluster) end(i int, signal syscall.Signal) error {
	m := c.members[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.child == nil {
		return fmt.Errorf("member %d does not run", i)
	}
	if err := m.child.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end member %d: %w", i, err)
	}
	<-m.exited
	m.child = nil
	return nil
}

// Freeze stops member i with SIGSTOP: it keeps its connections and answers nothing.
func (c *Cluster) Freeze(i int) error { return c.freeze(i, syscall.SIGSTOP, true) }

// Thaw lets member i go on.
func (c *Cluster) Thaw(i int) error { return c.freeze(i, syscall.SIGCONT, false) }

func (c *Cluster) freeze(i int, signal syscall.Signal, frozen bool) error {
	m := c.members[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.child == nil {
		return fmt.Errorf("member %d does not run", i)
	}
	m.frozen = frozen
	return m.child.Process.Signal(signal)
}

// running says whether member i can answer.
func (c *Cluster) running(i int) bool {
	m := c.members[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.child != nil && !m.frozen
}
