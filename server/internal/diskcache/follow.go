package diskcache

import (
	"context"
	"log/slog"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// The pace of Follow.
const (
	settle  = 50 * time.Millisecond // after a change, so that a burst is one save
	apart   = time.Second           // between two saves of changes
	retry   = 10 * time.Second      // after a save that failed
	refresh = 5 * time.Minute       // of the revision and the verified time alone
)

// Following is what Follow works with.
type Following struct {
	// Current returns what is to be on disk, and a channel that is closed when there is
	// something newer.
	Current func() (snapshot.Content, <-chan struct{})
	// Saved is told of each try: when it ended, and why it failed, or nil.
	Saved func(at time.Time, err error)
	Log   *slog.Logger
	Now   func() time.Time
}

// Follow saves what is current: a change within about a second, the revision and the
// time of the last proof every few minutes, and everything when ctx ends. A save that
// fails is tried again, and is no concern of anybody else. Follow returns after the
// last save; until then the Cache is its own.
func (c *Cache) Follow(ctx context.Context, with Following) {
	f := follower{Following: with, cache: c, started: with.Now()}
	for {
		content, superseded := f.Current()
		wait, pending := f.wait(content)
		if pending && wait <= 0 {
			f.save(content)
			continue
		}
		if !f.changedAt.IsZero() {
			superseded = nil // it is due already; what comes until then comes along
		}
		if f.sleep(ctx, superseded, wait, pending) {
			break
		}
	}
	if content, _ := f.Current(); f.differs(content) || f.advanced(content) {
		f.save(content)
	}
}

// follower is the state of one Follow.
type follower struct {
	Following
	cache     *Cache
	started   time.Time
	changedAt time.Time // when a change that is not saved yet was first seen
	tried     time.Time // when the last save ended
	failure   string    // of the last save
}

// sleep waits until there is something to do. It says whether it is to stop.
func (f *follower) sleep(ctx context.Context, superseded <-chan struct{}, wait time.Duration, pending bool) (stop bool) {
	var due <-chan time.Time
	if pending {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return true
	case <-superseded:
	case <-due:
	}
	return false
}

// wait says how long until content is to be saved, if it is to be at all.
func (f *follower) wait(content snapshot.Content) (wait time.Duration, pending bool) {
	now := f.Now()
	differs := f.differs(content)
	if !differs {
		f.changedAt = time.Time{}
	} else if f.changedAt.IsZero() {
		f.changedAt = now
	}
	var due time.Time
	switch {
	case differs:
		due = latest(f.changedAt.Add(settle), f.tried.Add(apart))
	case f.advanced(content):
		due = latest(f.started, f.tried).Add(refresh)
	default:
		return 0, false
	}
	if f.failure != "" {
		due = f.tried.Add(retry)
	}
	return due.Sub(now), true
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// differs says whether content has something else to serve than what is on disk.
func (f *follower) differs(content snapshot.Content) bool {
	old := f.cache.newest
	if content.Epoch == "" {
		return false // nothing is loaded: that is no reason to forget
	}
	if content.Epoch != old.Epoch || content.Cluster != old.Cluster || content.Term != old.Term {
		return true
	}
	for _, id := range snapshot.LayersOf(f.cache.id) {
		was, is := old.Scopes[id], content.Scopes[id]
		if was != is && len(was.Items())+len(is.Items()) > 0 {
			return true
		}
	}
	return false
}

// advanced says whether what is on disk is now known to hold for longer.
func (f *follower) advanced(content snapshot.Content) bool {
	old := f.cache.newest
	return content.Epoch != "" && (content.Revision > old.Revision || content.Verified.After(old.Verified))
}

// save tries once. A failure is logged when it is new, and when it is over.
func (f *follower) save(content snapshot.Content) {
	err := f.cache.Save(content, f.Now())
	f.tried = f.Now()
	f.Saved(f.tried, err)
	if err != nil {
		if reason := err.Error(); reason != f.failure {
			f.Log.Warn("the last known good configuration is not saved; tried again every 10 s", "reason", reason)
			f.failure = reason
		}
		return
	}
	if f.failure != "" {
		f.Log.Info("the last known good configuration is saved again")
	}
	f.failure = ""
}
