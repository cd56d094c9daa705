// Package replica is the in-memory copy of the store. One Source writes it, any
// number of calls read it. A change is applied and then announced: whoever hears of
// it finds it applied.
package replica

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// FreshFor is how long a proof of freshness holds after it was sent for.
const FreshFor = 15 * time.Second

// nudgeEvery is how often a caller who waits for a revision asks the Source for
// progress.
const nudgeEvery = 50 * time.Millisecond

// Errors of a read.
var (
	ErrNotLoaded = errors.New("no configuration is loaded yet")
	ErrNoGrant   = errors.New("read without a grant")
	ErrBehind    = errors.New("the wanted revision is not here yet")
)

// generation is the content at one revision. It never changes.
type generation struct {
	epoch    string // empty: nothing is loaded
	revision int64
	verified time.Time
	scopes   map[snapshot.ScopeID]*snapshot.Scope
	next     chan struct{} // closed when a later generation is current
}

// freshAt asks both clocks: the monotonic one stands still while a machine sleeps, the
// other one can be set back.
func (g *generation) freshAt(now time.Time) bool {
	return !g.verified.IsZero() && now.Sub(g.verified) <= FreshFor && now.Round(0).Sub(g.verified.Round(0)) <= FreshFor
}

// Replica holds the current generation. Replace and Advance are called by one
// goroutine; everything else is safe from any.
type Replica struct {
	now     func() time.Time
	current atomic.Pointer[generation]
	loaded  chan struct{}
	nudge   chan struct{}

	mu    sync.Mutex // guards slots
	slots map[snapshot.ScopeID]*slot
}

// slot caches the resolved configuration of one scope.
type slot struct {
	id         snapshot.ScopeID
	layers     [snapshot.LayerCount]snapshot.ScopeID
	superseded atomic.Pointer[chan struct{}]
	resolved   atomic.Pointer[resolved]
	mu         sync.Mutex // one resolves, the others wait for it
}

type resolved struct {
	generation *generation
	effective  *snapshot.Effective
}

// New returns an empty Replica.
func New(now func() time.Time) *Replica {
	r := &Replica{
		now:    now,
		loaded: make(chan struct{}),
		nudge:  make(chan struct{}, 1),
		slots:  map[snapshot.ScopeID]*slot{},
	}
	r.current.Store(&generation{next: make(chan struct{})})
	return r
}

// Loaded is closed when the first configuration is in.
func (r *Replica) Loaded() <-chan struct{} { return r.loaded }

// Nudges receives when someone waits for a revision: the Source is to ask the store
// how far it is.
func (r *Replica) Nudges() <-chan struct{} { return r.nudge }

// Replace takes over a complete listing. In the same epoch it keeps what did not
// change, and last good values; another epoch starts from nothing.
func (r *Replica) Replace(l snapshot.Listing) {
	old := r.current.Load()
	scopes := make(map[snapshot.ScopeID]*snapshot.Scope, len(l.Scopes))
	for id, listing := range l.Scopes {
		var was *snapshot.Scope
		if old.epoch == l.Epoch {
			was = old.scopes[id]
		}
		scopes[id] = was.Replace(listing)
	}
	r.publish(old, &generation{epoch: l.Epoch, revision: l.Revision, verified: l.Verified, scopes: scopes})
	if old.epoch == "" {
		close(r.loaded)
	}
}

// Advance takes over a step.
func (r *Replica) Advance(b snapshot.Batch) {
	old := r.current.Load()
	scopes := old.scopes
	if len(b.Changes) > 0 {
		scopes = maps.Clone(old.scopes)
		for id, changes := range b.Changes {
			scopes[id] = scopes[id].Apply(changes)
		}
	}
	verified := old.verified
	if b.Verified.After(verified) {
		verified = b.Verified
	}
	r.publish(old, &generation{epoch: old.epoch, revision: b.Revision, verified: verified, scopes: scopes})
}

// publish makes next current, and then wakes whom it concerns: the watchers of
// scopes with a changed layer, and all when the epoch changed or the copy became
// fresh. (That it became stale, each watcher sees on its own clock.)
func (r *Replica) publish(old, next *generation) {
	next.next = make(chan struct{})
	r.current.Store(next)
	now := r.now() // after the content: see View
	everyone := old.epoch != next.epoch || old.freshAt(now) != next.freshAt(now)

	r.mu.Lock()
	for _, s := range r.slots {
		if everyone || s.differs(old, next) {
			s.supersede()
		}
	}
	r.mu.Unlock()
	close(old.next)
}

func (s *slot) differs(a, b *generation) bool {
	for _, id := range s.layers {
		if a.scopes[id] != b.scopes[id] {
			return true
		}
	}
	return false
}

func (s *slot) supersede() {
	fresh := make(chan struct{})
	close(*s.superseded.Swap(&fresh))
}

func (r *Replica) slot(id snapshot.ScopeID) *slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slots[id]
	if s == nil {
		s = &slot{id: id, layers: snapshot.LayersOf(id)}
		open := make(chan struct{})
		s.superseded.Store(&open)
		r.slots[id] = s
	}
	return s
}

// Wait returns when the replica has reached a revision, or with the reason why not.
// It asks the store for progress, so that it does not wait for the next write.
func (r *Replica) Wait(ctx context.Context, revision int64) error {
	return r.WaitIn(ctx, "", revision)
}

// WaitIn waits for a revision of one epoch; empty means whichever there is. It returns
// as well when there is another epoch, in which the revision means nothing.
func (r *Replica) WaitIn(ctx context.Context, epoch string, revision int64) error {
	var again *time.Ticker
	for {
		g := r.current.Load()
		if g.epoch != "" && (g.revision >= revision || (epoch != "" && g.epoch != epoch)) {
			return nil
		}
		if again == nil {
			again = time.NewTicker(nudgeEvery)
			defer again.Stop()
		}
		select {
		case r.nudge <- struct{}{}:
		default:
		}
		select {
		case <-g.next:
		case <-again.C:
		case <-ctx.Done():
			if g.epoch == "" {
				return ErrNotLoaded
			}
			return ErrBehind
		}
	}
}
