package endpoint

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/config-service/config-service/server/internal/telemetry"
)

// Limit is what a listener takes.
type Limit struct {
	Name string // of the listener, for the log
	// Max is how many connections may be open.
	Max int
	// Spare is how many more are taken and marked, so that a server can tell them
	// what is the matter, or let a probe through; see IsSpare. Those beyond are closed
	// as soon as they are there: in the backlog they would hang.
	Spare int
	// Stall is how long a client may take nothing of what is written to it.
	Stall time.Duration
	// Beyond counts the connections beyond Max.
	Beyond prometheus.Counter
	Log    *slog.Logger
}

// refusalsLogged is how often a line about refused connections is written at most.
const refusalsLogged = 10 * time.Second

// Listener is a listener with a Limit.
type Listener struct {
	net.Listener
	limit Limit
	log   *telemetry.Rarely

	mu     sync.Mutex // guards the rest
	open   map[*conn]struct{}
	closed bool
}

// Within returns l with a limit. Its connections count until they are closed.
func Within(l net.Listener, limit Limit) *Listener {
	return &Listener{
		Listener: l,
		limit:    limit,
		log:      telemetry.NewRarely(refusalsLogged, time.Now),
		open:     map[*conn]struct{}{},
	}
}

func (l *Listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c, err := l.admit(accepted)
		if err != nil {
			_ = accepted.Close() // nothing was sent on it
			return nil, err
		}
		if c == nil || c.spare {
			l.beyond()
		}
		if c != nil {
			return c, nil
		}
		_ = accepted.Close() // as above
	}
}

// beyond keeps account of a connection beyond the limit.
func (l *Listener) beyond() {
	l.limit.Beyond.Inc()
	if skipped, ok := l.log.Pass(); ok {
		l.limit.Log.Warn("connection refused: as many are open as CONFIG_MAX_CONNECTIONS allows",
			"listener", l.limit.Name, "limit", l.limit.Max, "more_since_last", skipped)
	}
}

// admit returns the connection as one that counts, or nil when there is no place.
func (l *Listener) admit(accepted net.Conn) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, net.ErrClosed
	case len(l.open) >= l.limit.Max+l.limit.Spare:
		return nil, nil
	}
	c := newConn(accepted, l, len(l.open) >= l.limit.Max)
	l.open[c] = struct{}{}
	return c, nil
}

// gone is called once when a connection is closed.
func (l *Listener) gone(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// Open is how many connections are open.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// Close ends listening, and the connections on which nothing was ever sent: a server
// that stops would wait for what will not come.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.closeConns(func(c *conn) bool { return !c.used.Load() })
	return err
}

// Cut closes every connection.
func (l *Listener) Cut() { l.closeConns(func(*conn) bool { return true }) }

func (l *Listener) closeConns(which func(*conn) bool) {
	l.mu.Lock()
	l.closed = true
	var cut []*conn
	for c := range l.open {
		if which(c) {
			cut = append(cut, c)
		}
	}
	l.mu.Unlock()
	for _, c := range cut {
		_ = c.Close() // there is nobody to tell
	}
}
