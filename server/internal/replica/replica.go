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
	snapshot.Content
	live  bool  // the content comes from the store, not from disk
	since int64 // what was removed up to this revision is not known
	// applied is the revision of the newest change in the content: at most Revision.
	applied int64
	next    chan struct{} // closed when a later generation is current
	moved   chan struct{} // closed when a later one with other heads, or of another source, is
}

func (g *generation) loaded() bool { return g.Epoch != "" }

// freshAt asks both clocks: the monotonic one stands still while a machine sleeps, the
// other one can be set back.
func (g *generation) freshAt(now time.Time) bool {
	return g.live && !g.Verified.IsZero() && now.Sub(g.Verified) <= FreshFor && now.Round(0).Sub(g.Verified.Round(0)) <= FreshFor
}

// Replica holds the current generation. Restore, Replace and Advance are called by
// one goroutine at a time; everything else is safe from any.
type Replica struct {
	now     func() time.Time
	current atomic.Pointer[generation]
	loaded  chan struct{}
	live    chan struct{}
	nudge   chan struct{}

	mu    sync.RWMutex // guards slots
	slots map[snapshot.ScopeID]*slot
}

// slot caches the resolved configuration of one scope.
type slot struct {
	id         snapshot.ScopeID
	layers     [snapshot.LayerCount]snapshot.ScopeID
	superseded atomic.Pointer[chan struct{}]
	resolved   atomic.Pointer[resolved]
	mu         sync.Mutex // one resolves, the others wait for it
	changes    uint64     // how often a layer changed; guarded by the Replica's mu
	derived    [derivedCount]derived
}

type resolved struct {
	generation *generation
	effective  *snapshot.Effective
	schema     *snapshot.Document
	changes    uint64 // of the slot, up to the generation

	stated [2]atomic.Pointer[any] // see View.StateForm: of the stale state, of the fresh one

	mu     sync.Mutex // guards what is shared; held while it is made
	key    any
	shared any
}

// New returns an empty Replica.
func New(now func() time.Time) *Replica {
	r := &Replica{
		now:    now,
		loaded: make(chan struct{}),
		live:   make(chan struct{}),
		nudge:  make(chan struct{}, 1),
		slots:  map[snapshot.ScopeID]*slot{},
	}
	r.current.Store(&generation{next: make(chan struct{}), moved: make(chan struct{})})
	return r
}

// Loaded is closed when the first configuration is in, from the store or from disk.
func (r *Replica) Loaded() <-chan struct{} { return r.loaded }

// Live is closed when the first configuration from the store is in.
func (r *Replica) Live() <-chan struct{} { return r.live }

// Content returns what is held now, and a channel that is closed when there is
// something newer.
func (r *Replica) Content() (snapshot.Content, <-chan struct{}) {
	g := r.current.Load()
	return g.Content, g.next
}

// Nudges receives when someone waits for a revision: the Source is to ask the store
// how far it is.
func (r *Replica) Nudges() <-chan struct{} { return r.nudge }

// Restore takes over the last known good configuration, before anything else is in.
func (r *Replica) Restore(c snapshot.Content) {
	r.publish(r.current.Load(), &generation{Content: c, since: c.Revision, applied: newest(c.Scopes)})
}

// Replace takes over a complete listing. In the same epoch it keeps what did not
// change, and last good values; another epoch starts from nothing.
func (r *Replica) Replace(l snapshot.Listing) {
	old := r.current.Load()
	scopes := make(map[snapshot.ScopeID]*snapshot.Scope, len(l.Scopes))
	for id, listing := range l.Scopes {
		var was *snapshot.Scope
		if old.Epoch == l.Epoch {
			was = old.Scopes[id]
		}
		scopes[id] = was.Replace(listing)
	}
	next := &generation{live: true, applied: newest(scopes), Content: snapshot.Content{
		Epoch: l.Epoch, Cluster: l.Cluster, Term: l.Term, Index: l.Index,
		Revision: l.Revision, Verified: l.Verified, Scopes: scopes,
	}}
	var schemas snapshot.Schemas
	if old.Epoch == l.Epoch {
		schemas = old.Schemas
	}
	next.Schemas = schemas.Follow(l.Schemas, l.Revision)
	switch {
	case old.Epoch != l.Epoch: // it begins here: nobody asks for what was before
	case old.live:
		next.since = old.since
	default:
		next.since = l.Revision
	}
	if old.Epoch == l.Epoch {
		next.applied = max(next.applied, old.applied) // what was deleted is not listed
	}
	if l.Heads != nil { // what did not change is kept in another epoch too: they are compared by what they say
		next.Heads = snapshot.NewHeads(old.Heads, l.Heads, filled(scopes))
	}
	r.publish(old, next)
}

// filled are the scopes that have entries.
func filled(scopes map[snapshot.ScopeID]*snapshot.Scope) []snapshot.ScopeID {
	var ids []snapshot.ScopeID
	for id, s := range scopes {
		if len(s.Items()) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// newest returns the revision of the newest write that is there.
func newest(scopes map[snapshot.ScopeID]*snapshot.Scope) int64 {
	var revision int64
	for _, s := range scopes {
		for _, it := range s.Items() {
			revision = max(revision, it.ModRevision())
		}
	}
	return revision
}

// Advance takes over a step.
func (r *Replica) Advance(b snapshot.Batch) {
	old := r.current.Load()
	next := &generation{Content: old.Content, live: true, since: old.since, applied: old.applied}
	next.Revision = b.Revision
	next.Term, next.Index = max(old.Term, b.Term), max(old.Index, b.Index)
	if len(b.Changes) > 0 {
		next.Scopes = maps.Clone(old.Scopes)
		for id, changes := range b.Changes {
			next.Scopes[id] = next.Scopes[id].Apply(changes)
			for _, c := range changes {
				next.applied = max(next.applied, c.Revision)
			}
		}
	}
	if next.Schemas = old.Schemas.With(b.Schemas); b.Unknown {
		next.Schemas = nil
	}
	if next.Heads != nil {
		next.Heads = next.Heads.Apply(b.Heads, b.Changes, func(id snapshot.ScopeID) bool { return len(next.Scopes[id].Items()) > 0 })
	}
	if b.Verified.After(old.Verified) {
		next.Verified = b.Verified
	}
	r.publish(old, next)
}

// publish makes next current, and then wakes whom it concerns: the watchers of
// scopes with a changed layer, and all when the epoch or the source changed or the
// copy became fresh. (That it became stale, each watcher sees on its own clock.)
func (r *Replica) publish(old, next *generation) {
	next.next, next.moved = make(chan struct{}), old.moved
	if moves := old.Heads != next.Heads || old.live != next.live; moves {
		next.moved = make(chan struct{})
		defer close(old.moved) // it is current then
	}
	r.mu.Lock() // so that resolve sees the content and the count of changes together
	r.current.Store(next)
	for _, s := range r.slots {
		if s.differs(old, next) {
			s.changes++
		}
	}
	r.mu.Unlock()
	now := r.now() // after the content: see View
	everyone := old.Epoch != next.Epoch || old.live != next.live || old.freshAt(now) != next.freshAt(now)

	r.mu.RLock()
	for _, s := range r.slots {
		if everyone || s.differs(old, next) || s.judgedOtherwise(old, next) {
			s.supersede()
		}
	}
	r.mu.RUnlock()
	close(old.next)
	if next.live && !old.live {
		close(r.live)
	}
	if !old.loaded() { // after live: who hears of it knows where from
		close(r.loaded)
	}
}

func (s *slot) differs(a, b *generation) bool {
	for _, id := range s.layers {
		if a.Scopes[id] != b.Scopes[id] {
			return true
		}
	}
	return false
}

// judgedOtherwise says whether the schema is another, or another thing is known of it.
func (s *slot) judgedOtherwise(a, b *generation) bool {
	return a.Schemas[s.id.Namespace] != b.Schemas[s.id.Namespace] || (a.Schemas == nil) != (b.Schemas == nil)
}

func (s *slot) supersede() {
	fresh := make(chan struct{})
	close(*s.superseded.Swap(&fresh))
}

func (r *Replica) slot(id snapshot.ScopeID) *slot {
	r.mu.RLock()
	s := r.slots[id]
	r.mu.RUnlock()
	if s != nil {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s = r.slots[id]; s == nil {
		s = &slot{id: id, layers: snapshot.LayersOf(id)}
		open := make(chan struct{})
		s.superseded.Store(&open)
		r.slots[id] = s
	}
	return s
}

// Wait returns when the replica has reached a revision of an epoch (empty: of whichever
// there is), or with the reason why not. It returns as well when there is another epoch,
// in which the revision means nothing. It asks the store for progress, so that it does
// not wait for the next write.
func (r *Replica) Wait(ctx context.Context, epoch string, revision int64) error {
	var again *time.Ticker
	for {
		g := r.current.Load()
		if g.loaded() && (g.Revision >= revision || (epoch != "" && g.Epoch != epoch)) {
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
			if !g.loaded() {
				return ErrNotLoaded
			}
			return ErrBehind
		}
	}
}
