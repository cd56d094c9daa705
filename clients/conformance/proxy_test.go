package conformance

import (
	"fmt"
	"net"
	"sync"
)

// What a proxy does with connections.
const (
	through  = "restore"  // forwards; refuses while there is no sidecar
	refuse   = "refuse"   // refuses
	resets   = "reset"    // accepts and resets
	hole     = "hole"     // accepts, and says nothing for good, also on connections there are
	garbage  = "garbage"  // answers nonsense
	truncate = "truncate" // ends a connection after so many bytes of answers
)

// proxy stands between the client and the sidecar, at an address that stays. It is safe
// for concurrent use.
type proxy struct {
	addr   string
	target string // path of a Unix socket
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	mode     string
	limit    int // of truncate
	up       bool
	dials    int // connections since the last set
	links    map[*link]struct{}
	closed   bool
}

// link is one connection through a proxy, whose lock guards it.
type link struct {
	down, up net.Conn
	silent   bool
	left     int // bytes of answers that may still pass; negative: any number
}

// newProxy returns a proxy at an address that refuses connections until there is a
// sidecar.
func newProxy(addr, target string) *proxy {
	return &proxy{addr: addr, target: target, mode: through, links: map[*link]struct{}{}}
}

// set changes what happens to connections. All but hole and restore end those there are.
func (p *proxy) set(mode string, limit int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.limit, p.dials = mode, limit, 0
	for l := range p.links {
		switch mode {
		case through:
		case hole:
			l.silent = true
		default:
			p.end(l)
		}
	}
	return p.listen()
}

// cut ends the connections there are; new ones come through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials = 0
	for l := range p.links {
		p.end(l)
	}
}

// serve says whether there is a sidecar behind the proxy.
func (p *proxy) serve(up bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = up
	return p.listen()
}

// dialed returns how many connections there were since the last set or cut.
func (p *proxy) dialed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	_ = p.listen() // closing does not fail
	for l := range p.links {
		p.end(l)
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// listen opens or closes the listener, as mode and sidecar want it. The lock is held. A
// child process that is just being started holds a closed listener open for a moment.
func (p *proxy) listen() error {
	wanted := !p.closed && p.mode != refuse && (p.up || (p.mode != through && p.mode != truncate))
	switch {
	case wanted && p.listener == nil:
		var l net.Listener
		err := until(hang, func() (err error) {
			l, err = net.Listen("tcp", p.addr)
			return err
		})
		if err != nil {
			return fmt.Errorf("the client's way to the sidecar: %w", err)
		}
		p.listener = l
		p.wg.Go(func() { p.accept(l) })
	case !wanted && p.listener != nil:
		_ = p.listener.Close() // it only listens
		p.listener = nil
	}
	return nil
}

func (p *proxy) accept(listener net.Listener) {
	for {
		down, err := listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.dials++
		p.take(&link{down: down, left: -1})
		p.mu.Unlock()
	}
}

// take begins a connection. The lock is held.
func (p *proxy) take(l *link) {
	p.links[l] = struct{}{}
	switch p.mode {
	case refuse, resets:
		p.end(l)
		return
	case garbage:
		_, _ = l.down.Write([]byte("\x00\xffneither HTTP nor gRPC\r\n{]\n\n")) // a test of the other side
		p.end(l)
		return
	case hole:
		l.silent = true
		p.wg.Go(func() { p.pump(l, l.down, nil) })
		return
	case truncate:
		l.left = p.limit
	}
	up, err := net.Dial("unix", p.target)
	if err != nil {
		p.end(l)
		return
	}
	l.up = up
	p.wg.Go(func() { p.pump(l, l.down, up) })
	p.wg.Go(func() { p.pump(l, up, l.down) })
}

// pump forwards one direction until it ends. What a silent connection hears is lost.
func (p *proxy) pump(l *link, from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		silent, data, over := l.silent, buffer[:n], false
		if from == l.up && l.left >= 0 {
			data = data[:min(n, l.left)]
			l.left -= len(data)
			over = l.left == 0
		}
		p.mu.Unlock()
		if !silent && len(data) > 0 {
			_, failed := to.Write(data)
			over = over || failed != nil
		}
		if err == nil && !over {
			continue
		}
		p.mu.Lock()
		// A silent connection does not tell the client that the sidecar has gone.
		if !l.silent || from == l.down {
			p.end(l)
		}
		p.mu.Unlock()
		return
	}
}

// end closes both sides: of the client's connection it looks like a reset where one was
// asked for, else like an end. The lock is held.
func (p *proxy) end(l *link) {
	delete(p.links, l)
	if tcp, ok := l.down.(*net.TCPConn); ok && p.mode == resets {
		_ = tcp.SetLinger(0)
	}
	_ = l.down.Close()
	if l.up != nil {
		_ = l.up.Close()
	}
}
