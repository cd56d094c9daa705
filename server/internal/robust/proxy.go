package robust

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// Proxy stands between a client and a server of this machine and does to their
// connections what networks do. It is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	network  string
	source   func(net.Conn) int // who a client is; nil: nobody asks
	wg       sync.WaitGroup

	mu      sync.Mutex
	change  *sync.Cond // of all below, and of the queues of the links
	target  string
	links   map[*link]struct{}
	apart   bool
	parted  map[int]bool // sources that are cut off
	hole    bool         // nothing is forwarded
	drop    bool         // the kernel drops what clients send
	delay   time.Duration
	closed  bool
	changed int         // counts connections that have come or gone
	held    int         // counts pieces that were forwarded late
	dials   []time.Time // of clients, refused ones too
}

// NewProxy returns a running proxy to a HOST:PORT.
func NewProxy(target string) (*Proxy, error) { return NewProxyAt("127.0.0.1:0", target) }

// NewProxyAt returns a running proxy that listens at one HOST:PORT for another.
func NewProxyAt(listen, target string) (*Proxy, error) { return newProxy("tcp", listen, target, nil) }

func newProxy(network, listen, target string, source func(net.Conn) int) (*Proxy, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // it takes no filters
	l, err := config.Listen(context.Background(), network, listen)
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		listener: l, network: network, source: source, target: target,
		links: map[*link]struct{}{}, parted: map[int]bool{},
	}
	p.change = sync.NewCond(&p.mu)
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// newest is when the newest of the connections was made that clients hold; zero when
// they hold none. That a client is gone is not seen while packets are dropped.
func (p *Proxy) newest() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	var newest time.Time
	for l := range p.links {
		if !l.left && l.since.After(newest) {
			newest = l.since
		}
	}
	return newest
}

// Changed counts connections that have come or gone.
func (p *Proxy) Changed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Dials are the times at which clients have connected, refused ones included.
func (p *Proxy) Dials() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.dials)
}

// Cut resets all connections, and takes new ones at once.
func (p *Proxy) Cut() { p.set(func() { p.cut(func(*link) bool { return true }) }) }

// Held counts pieces of data that Delay held back.
func (p *Proxy) Held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// Part resets all connections and refuses new ones until Join.
func (p *Proxy) Part() {
	p.set(func() {
		p.apart = true
		p.cut(func(*link) bool { return true })
	})
}

// Join lets connections through again.
func (p *Proxy) Join() { p.set(func() { p.apart = false }) }

// partFrom is Part for one source.
func (p *Proxy) partFrom(source int) {
	p.set(func() {
		p.parted[source] = true
		p.cut(func(l *link) bool { return l.source == source })
	})
}

func (p *Proxy) joinFrom(source int) { p.set(func() { delete(p.parted, source) }) }

// BlackHole accepts and keeps connections, and forwards nothing until Heal. What was
// sent meanwhile arrives then, as after TCP's retransmission.
func (p *Proxy) BlackHole() { p.set(func() { p.hole = true }) }

// Drop makes the kernel drop every packet that clients send, a SYN included, until
// Heal: nothing is acknowledged. It needs Linux; see DropAvailable.
func (p *Proxy) Drop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole, p.drop = true, true
	return p.filter(true)
}

// Delay holds each byte back for d in both directions, until Heal.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// Heal ends BlackHole, Drop and Delay.
func (p *Proxy) Heal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.drop {
		err = p.filter(false)
	}
	p.hole, p.drop, p.delay = false, false, 0
	p.change.Broadcast()
	return err
}

// filter drops packets at the listener and at all connections of clients, or no longer.
func (p *Proxy) filter(on bool) error {
	err := dropPackets(p.listener, on)
	for l := range p.links {
		if l.left {
			continue // its socket is closed
		}
		if failed := dropPackets(l.down, on); err == nil {
			err = failed
		}
	}
	return err
}

// Retarget cuts all connections and leads new ones to another server.
func (p *Proxy) Retarget(target string) {
	p.set(func() {
		p.target = target
		p.cut(func(*link) bool { return true })
	})
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.set(func() {
		p.apart, p.closed = true, true
		p.cut(func(*link) bool { return true })
	})
	p.wg.Wait()
}

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.change.Broadcast()
}

func (p *Proxy) cut(which func(*link) bool) {
	for l := range p.links {
		if which(l) {
			p.end(l)
		}
	}
}

// end resets both sides of a link. The lock is held.
func (p *Proxy) end(l *link) {
	if l.ended {
		return
	}
	l.ended = true
	p.changed++
	delete(p.links, l)
	reset(l.down)
	if l.up != nil {
		reset(l.up)
	}
	p.change.Broadcast()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func (p *Proxy) accept() {
	for {
		down, err := p.listener.Accept()
		if err != nil {
			return
		}
		l := &link{proxy: p, down: down, source: -1, since: time.Now()}
		if p.source != nil {
			l.source = p.source(down)
		}
		p.mu.Lock()
		p.dials = append(p.dials, l.since)
		refused := p.apart || p.parted[l.source]
		if refused {
			reset(down)
		} else {
			p.links[l] = struct{}{}
			p.changed++
			p.wg.Go(l.run)
		}
		p.mu.Unlock()
	}
}
