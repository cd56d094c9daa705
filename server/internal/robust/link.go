package robust

import (
	"net"
	"time"
)

// maxHeld bounds what one direction of a link holds back.
const maxHeld = 4 << 20

// link is one connection through a Proxy, whose lock guards it.
type link struct {
	proxy    *Proxy
	source   int
	down, up net.Conn
	since    time.Time // the client has connected
	left     bool      // the client has closed its side
	ended    bool
}

// queue is one direction of a link: what was read and not yet written.
type queue struct {
	chunks []chunk
	held   int
	ended  bool // no more will be read
}

type chunk struct {
	data []byte
	read time.Time
}

// run connects the link and forwards until one side ends. In a black hole the
// connection onwards is made only after it.
func (l *link) run() {
	p := l.proxy
	var in, out queue
	p.wg.Go(func() { l.read(l.down, &in) })
	p.mu.Lock()
	for p.hole && !l.ended {
		p.change.Wait()
	}
	target, ended := p.target, l.ended
	p.mu.Unlock()
	if ended {
		return
	}
	up, err := net.Dial(p.network, target)
	p.mu.Lock()
	if err == nil && l.ended {
		reset(up)
	}
	if err != nil || l.ended {
		p.end(l)
		p.mu.Unlock()
		return
	}
	l.up = up
	p.mu.Unlock()
	p.wg.Go(func() { l.read(up, &out) })
	p.wg.Go(func() { l.write(l.down, &out) })
	l.write(up, &in)
}

// read takes what one side sends, whether or not it may be forwarded: that is how a
// client that gives up in a black hole is seen.
func (l *link) read(from net.Conn, q *queue) {
	p := l.proxy
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		if n > 0 {
			q.chunks = append(q.chunks, chunk{append([]byte(nil), buffer[:n]...), time.Now()})
			q.held += n
		}
		if err != nil {
			q.ended = true
			l.left = l.left || from == l.down
			p.changed++
		}
		p.change.Broadcast()
		for q.held > maxHeld && !l.ended {
			p.change.Wait()
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// write hands on what was read, when it may be. The end of one side is the end of
// both.
func (l *link) write(to net.Conn, q *queue) {
	p := l.proxy
	for {
		p.mu.Lock()
		for !l.ended && (p.hole || (len(q.chunks) == 0 && !q.ended)) {
			p.change.Wait()
		}
		if l.ended || len(q.chunks) == 0 {
			p.end(l)
			p.mu.Unlock()
			return
		}
		next, delay := q.chunks[0], p.delay
		q.chunks = q.chunks[1:]
		p.mu.Unlock()
		if wait := delay - time.Since(next.read); wait > 0 {
			time.Sleep(wait)
		}
		_, err := to.Write(next.data)
		p.mu.Lock()
		q.held -= len(next.data)
		if delay > 0 {
			p.held++
		}
		if err != nil {
			p.end(l)
		}
		p.change.Broadcast()
		p.mu.Unlock()
	}
}
