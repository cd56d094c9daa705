package conformance

import (
	"fmt"
	"net"
	"os"
	"sync"
)

// Ports that are given back and taken again lie below those that systems hand out, and
// apart from those of other tests; and another process of this test has others.
const (
	firstPort       = 10000
	portsPerProcess = 100
)

// ports hands out addresses of loopback that stay free while nobody listens. It is safe
// for concurrent use.
type ports struct {
	mu    sync.Mutex
	next  int
	taken map[string]bool
}

func newPorts() *ports { return &ports{taken: map[string]bool{}} }

func (p *ports) take() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range portsPerProcess {
		p.next = (p.next + 1) % portsPerProcess
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+os.Getpid()%portsPerProcess*portsPerProcess+p.next)
		l, err := net.Listen("tcp", addr)
		if err != nil || p.taken[addr] {
			if err == nil {
				_ = l.Close() // somebody's who does not listen now
			}
			continue
		}
		p.taken[addr] = true
		return addr, l.Close()
	}
	return "", fmt.Errorf("no port is free")
}

func (p *ports) giveBack(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, addr)
}
