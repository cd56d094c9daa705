package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// Decision is how an audited event ended.
type Decision string

// The decisions.
const (
	Allowed Decision = "allowed"
	Denied  Decision = "denied"
	Failed  Decision = "failed" // allowed or not, it did not come about
)

// Event is what an audit record says. It holds no value, no key of the configuration and
// no secret; what a caller sent is bounded and quoted by who makes the event.
type Event struct {
	Who        string // the name that rules know; empty: nobody, or this process itself
	Evidence   string
	Credential string
	Action     string
	Method     string
	Namespace  string
	// Environment is empty where Namespace is: the event is about none, or about all.
	Environment string
	Decision    Decision
	Reason      string // of what did not come about
	RequestID   string
	Peer        string
	// DryRun says that nothing was to be done: it was asked what would be.
	DryRun bool
}

// Records of what is refused are written so many a second at most, and so many at once:
// who asks again and again does not fill a disk. The others are counted.
const (
	refusalsPerSecond = 100
	refusalsAtOnce    = 200
)

// Audit writes audit records. It is safe for concurrent use; the nil Audit writes none.
type Audit struct {
	out     slog.Handler
	instead slog.Handler // nil: there is no other
	log     *slog.Logger
	rarely  *Rarely
	count   *prometheus.CounterVec
	now     func() time.Time

	denied, failed, nobody *rate.Limiter
	skipped                atomic.Int64
}

// NewAudit returns what writes records to file as JSON lines; where that fails, and when
// file is nil, to log, whatever its level.
func NewAudit(file io.Writer, log *slog.Logger, count *prometheus.CounterVec, now func() time.Time) *Audit {
	a := &Audit{
		out: log.Handler(), log: log, rarely: NewRarely(repeatEvery, now), count: count, now: now,
		denied: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce),
		failed: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce),
		nobody: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce),
	}
	if file != nil {
		a.out, a.instead = slog.NewJSONHandler(file, nil), a.out
	}
	return a
}

func (a *Audit) passes(e *Event, now time.Time) bool {
	switch {
	case e.Decision == Denied && e.Who == "": // apart: it takes no credential to be denied so
		return a.nobody.AllowN(now, 1)
	case e.Decision == Denied:
		return a.denied.AllowN(now, 1)
	case e.Decision == Failed: // it may have been malformed, which is said before who may do it
		return a.failed.AllowN(now, 1)
	}
	return true
}

// Write writes the record of an event.
func (a *Audit) Write(ctx context.Context, e Event) {
	if a == nil {
		return
	}
	a.count.WithLabelValues(string(e.Decision)).Inc()
	now := a.now()
	if !a.passes(&e, now) {
		a.skipped.Add(1)
		return
	}
	r := slog.NewRecord(now, slog.LevelInfo, "audit", 0)
	for _, f := range []struct{ name, text string }{
		{"who", e.Who}, {"evidence", e.Evidence}, {"credential", e.Credential},
		{"action", e.Action}, {"method", e.Method}, {"namespace", e.Namespace}, {"environment", e.Environment},
		{"decision", string(e.Decision)}, {"reason", e.Reason}, {"request_id", e.RequestID}, {"peer", e.Peer},
	} {
		r.AddAttrs(slog.String(f.name, harmless(f.text)))
	}
	if e.DryRun {
		r.AddAttrs(slog.Bool("dry_run", true))
	}
	if n := a.skipped.Swap(0); n > 0 {
		r.AddAttrs(slog.Int64("more_since_last", n))
	}
	// Not by the logger, which asks for the level.
	err := a.out.Handle(ctx, r)
	if err == nil || a.instead == nil {
		return // a log that cannot be written can be told to nobody
	}
	_ = a.instead.Handle(ctx, r)
	if skipped, ok := a.rarely.Pass(); ok {
		a.log.ErrorContext(ctx, "the audit file cannot be written; its records are in this log instead", "error", err, "more_since_last", skipped)
	}
}

// maxField is how many bytes of a field a record has.
const maxField = 1024

// harmless is a text without what could move the cursor of who reads it: as it is, or
// with escapes.
func harmless(s string) string {
	if len(s) > maxField {
		s = s[:maxField] + "..."
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		quoted := strconv.QuoteToASCII(s)
		return quoted[1 : len(quoted)-1]
	}
	return s
}
