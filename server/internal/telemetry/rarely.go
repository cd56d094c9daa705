package telemetry

import (
	"sync"
	"time"
)

// Rarely keeps a log line from being written for every one of many events: it lets one
// through in an interval. It is safe for concurrent use.
type Rarely struct {
	every time.Duration
	now   func() time.Time

	mu      sync.Mutex // guards the rest
	last    time.Time  // zero: none yet
	skipped int        // since then
}

// NewRarely returns a Rarely that lets one event through in every.
func NewRarely(every time.Duration, now func() time.Time) *Rarely {
	return &Rarely{every: every, now: now}
}

// Pass says whether this event is let through, and how many were not since the last
// that was.
func (r *Rarely) Pass() (skipped int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if !r.last.IsZero() && now.Sub(r.last) < r.every {
		r.skipped++
		return 0, false
	}
	skipped, r.last, r.skipped = r.skipped, now, 0
	return skipped, true
}
