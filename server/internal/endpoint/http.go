package endpoint

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// NewHTTP returns an HTTP server for a listener made by Within.
func NewHTTP(h http.Handler, t Times, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: t.Header,
		IdleTimeout:       t.Idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, beneath(c))
		},
		ConnState: answered,
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// answered gives back what an answer took once it is sent: HTTP/1.1 sends one at a
// time. (The end of the connection gives it back as well.)
func answered(c net.Conn, state http.ConnState) {
	if state == http.StateIdle {
		beneath(c).settle()
	}
}

// beneath is the connection of the listener, which TLS may be on.
func beneath(c net.Conn) *conn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return c.(*conn)
}

// Bodiless answers requests without a body; one with a body is refused unread. A
// connection beyond the limit is answered and closed.
func Bodiless(h http.Handler, t Times) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsSpare(r.Context()) {
			w.Header().Set("Connection", "close")
		}
		if r.ContentLength != 0 {
			// net/http reads on before it closes.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(t.Header)) // unsupported only where there is no socket
			w.Header().Set("Connection", "close")
			http.Error(w, "no path here takes a body", http.StatusRequestEntityTooLarge)
			return
		}
		h.ServeHTTP(w, r)
	})
}
