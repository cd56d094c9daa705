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

// limited is a listener with a Limit.
type limited struct {
	net.Listener
	limit Limit
	log   *telemetry.Rarely

	mu     sync.Mutex // guards the rest
	open   int
	unused map[*conn]struct{} // those whose client has sent nothing yet
	closed bool
}

// Within returns l with a limit. Its connections count until they are closed. To close
// it closes the connections that were never used as well, so that nobody waits for
// what will not come.
func Within(l net.Listener, limit Limit) net.Listener {
	return &limited{
		Listener: l,
		limit:    limit,
		log:      telemetry.NewRarely(refusalsLogged, time.Now),
		unused:   map[*conn]struct{}{},
	}
}

func (l *limited) Accept() (net.Conn, error) {
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
func (l *limited) beyond() {
	l.limit.Beyond.Inc()
	if skipped, ok := l.log.Pass(); ok {
		l.limit.Log.Warn("connection refused: as many are open as CONFIG_MAX_CONNECTIONS allows",
			"listener", l.limit.Name, "limit", l.limit.Max, "more_since_last", skipped)
	}
}

// admit returns the connection as one that counts, or nil when there is no place.
func (l *limited) admit(accepted net.Conn) (*conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, net.ErrClosed
	case l.open >= l.limit.Max+l.limit.Spare:
		return nil, nil
	}
	l.open++
	c := newConn(accepted, l, l.open > l.limit.Max)
	l.unused[c] = struct{}{}
	return c, nil
}

// used is called when the first bytes of a connection arrive.
func (l *limited) used(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.unused, c)
}

// gone is called once when a connection is closed.
func (l *limited) gone(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.unused, c)
	l.open--
}

func (l *limited) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	l.closed = true
	var unused []*conn
	for c := range l.unused {
		unused = append(unused, c)
	}
	l.mu.Unlock()
	for _, c := range unused {
		_ = c.Close() // nothing was sent on it
	}
	return err
}
