package endpoint

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/mem"

	"github.com/config-service/config-service/server/internal/identity"
)

// conn is a connection that counts in its listener, and whose client has to take what
// is written to it.
type conn struct {
	net.Conn
	raw      syscall.RawConn // of Conn; nil where there is none
	listener *Listener
	spare    bool
	peer     *peerAddr
	began    time.Time

	used, closed atomic.Bool
	renewed      atomic.Int64 // when the write deadline was set last, since began; 0: it is not

	answers atomic.Pointer[Answers] // nil: never any
	held    map[*held]struct{}      // guarded by Answers
}

// peerAddr is the address of a client. grpc-go hands it to every call of a connection,
// so what belongs to the connection stands beside it.
type peerAddr struct {
	net.Addr
	conn    *conn
	unix    *identity.UnixPeer // nil: of no Unix socket, or not known
	streams atomic.Int64       // open ones; see Streams
}

// UnixPeer is what identity looks for in the address of a gRPC call.
func (a *peerAddr) UnixPeer() *identity.UnixPeer { return a.unix }

// UnixPeerOf returns the process at the other end of the connection of an HTTP request;
// nil: it came over no Unix socket, or this system does not tell.
func UnixPeerOf(ctx context.Context) *identity.UnixPeer {
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		return c.peer.unix
	}
	return nil
}

func newConn(c net.Conn, l *Listener, spare bool) *conn {
	out := &conn{Conn: c, listener: l, spare: spare, began: time.Now()}
	out.peer = &peerAddr{Addr: c.RemoteAddr(), conn: out}
	if s, ok := c.(syscall.Conn); ok {
		out.raw, _ = s.SyscallConn() // fails on a closed connection, and the next read says so
	}
	if _, ok := c.(*net.UnixConn); ok && out.raw != nil {
		out.peer.unix = unixPeer(out.raw)
	}
	return out
}

func (c *conn) RemoteAddr() net.Addr { return c.peer }

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.note(n)
	return n, err
}

// note notes that the client has sent something.
func (c *conn) note(n int) {
	if n > 0 && !c.used.Load() {
		c.used.Store(true)
	}
}

// ReadOnReady is what grpc-go looks for in a connection: to read without holding a
// buffer while there is nothing to read.
func (c *conn) ReadOnReady(size int, pool mem.BufferPool) (*[]byte, int, error) {
	buf, n, err := readOnReady(c, size, pool)
	c.note(n)
	return buf, n, err
}

// readWaiting is ReadOnReady where that cannot be had.
func (c *conn) readWaiting(size int, pool mem.BufferPool) (*[]byte, int, error) {
	buf := pool.Get(size)
	n, err := c.Conn.Read(*buf)
	if n == 0 && err != nil {
		pool.Put(buf)
		return nil, 0, err
	}
	return buf, n, err
}

// tries is how often a write is tried before the client is given up.
const tries = 2

// Write gives up when the client takes nothing for the listener's Stall: then it does
// not read, or is not there any more. A client that is slow is waited for. The
// deadline is Write's own; one that is set from outside does not hold.
//
// It tries twice in that time: a full socket tells that it takes more only when much of
// what it holds has gone, but takes something when asked.
func (c *conn) Write(p []byte) (n int, err error) {
	for vain := 0; ; {
		c.renew()
		m, err := c.Conn.Write(p[n:])
		n += m
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		vain++
		if m > 0 {
			vain = 0
		}
		if vain == tries {
			_ = c.Close() // grpc-go relies on its reader to notice that writing failed
			return n, err
		}
		c.renewed.Store(0)
	}
}

// renew sets the write deadline, unless it was set lately: the clock is cheaper.
func (c *conn) renew() {
	now := time.Since(c.began) + 1 // never 0
	last := time.Duration(c.renewed.Load())
	stall := c.listener.limit.Stall
	if last != 0 && now-last < stall/8 {
		return
	}
	c.renewed.Store(int64(now))
	_ = c.Conn.SetWriteDeadline(time.Now().Add(stall / tries)) // fails on a closed connection, and the write says so
}

// SetDeadline is SetReadDeadline: see Write.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline does nothing: see Write.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// CloseWrite is what net/http looks for in a connection: so that a client that is
// still sending can read why it was refused.
func (c *conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	if c.closed.CompareAndSwap(false, true) {
		c.listener.gone(c)
		c.settle()
	}
	return err
}

// hold notes an answer that the connection has to carry. Answers calls it.
func (c *conn) hold(a *Answers, h *held) {
	if c.held == nil {
		c.held = map[*held]struct{}{}
		c.answers.Store(a)
	}
	c.held[h] = struct{}{}
}

// settle gives back what the answers of the connection took.
func (c *conn) settle() {
	if a := c.answers.Load(); a != nil {
		a.releaseAll(c)
	}
}

// connKey finds the connection in the context of an HTTP request.
type connKey struct{}

// IsSpare says whether an HTTP request came on a connection beyond the limit.
func IsSpare(ctx context.Context) bool {
	c, ok := ctx.Value(connKey{}).(*conn)
	return ok && c.spare
}
