package replica

import (
	"time"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// State says what a View stands for.
type State struct {
	Scope    snapshot.ScopeID
	Epoch    string
	Revision int64
	Verified time.Time // zero: never
	Fresh    bool
	Live     bool // from the store; else from disk
}

// FreshUntil is when the state goes stale unless a new proof arrives.
func (s State) FreshUntil() time.Time { return s.Verified.Add(FreshFor) }

// View is the effective configuration of one scope as of one revision. It never
// changes; when there is a newer one, Superseded is closed.
type View struct {
	*snapshot.Effective
	State State
	// Superseded is closed when the scope's content, the epoch, the source, or the
	// freshness is another. It may be closed without a visible difference; it is never left open
	// with one, except that a View goes stale by the clock alone.
	Superseded <-chan struct{}
	// Changes counts the steps in which the scope's content changed. The difference
	// between two Views of one Replica is how many steps lie between them.
	Changes uint64
}

// View returns the current view of the granted scope.
func (r *Replica) View(g policy.Grant) (View, error) {
	if g.Namespace() == "" {
		return View{}, ErrNoGrant
	}
	s := r.slot(snapshot.ScopeID{Namespace: g.Namespace(), Environment: g.Environment()})
	// The clock is read before the content, and by publish after it: who sees the old
	// content go stale is woken by the proof that replaces it. The channel is taken
	// before the content too: a change between the two closes it.
	now := r.now()
	superseded := *s.superseded.Load()
	gen, effective, changes := r.resolve(s)
	if effective == nil {
		return View{Superseded: superseded}, ErrNotLoaded
	}
	return View{
		Effective:  effective,
		Superseded: superseded,
		Changes:    changes,
		State: State{
			Scope:    s.id,
			Epoch:    gen.Epoch,
			Revision: gen.Revision,
			Verified: gen.Verified,
			Fresh:    gen.freshAt(now),
			Live:     gen.live,
		},
	}, nil
}

// resolve returns a generation, the slot's configuration in it, from the cache when no
// layer changed since, and how many changes led there.
func (r *Replica) resolve(s *slot) (*generation, *snapshot.Effective, uint64) {
	gen := r.current.Load()
	if c := s.resolved.Load(); c != nil && c.generation == gen {
		return gen, c.effective, c.changes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.mu.Lock()
	gen, changes := r.current.Load(), s.changes // under the locks: never older than what is cached
	r.mu.Unlock()
	if !gen.loaded() {
		return gen, nil, 0
	}
	var previous *snapshot.Effective
	if c := s.resolved.Load(); c != nil && c.generation.Epoch == gen.Epoch {
		previous = c.effective
	}
	var layers [snapshot.LayerCount]*snapshot.Scope
	for i, id := range s.layers {
		layers[i] = gen.Scopes[id]
	}
	effective := previous
	if previous == nil || previous.Layers() != layers {
		effective = snapshot.Resolve(s.id, layers, gen.Revision, gen.since, previous)
	}
	s.resolved.Store(&resolved{gen, effective, changes})
	return gen, effective, changes
}

// Status is what operators see of the replica.
type Status struct {
	Loaded   bool
	Live     bool  // from the store; else from disk
	Applied  int64 // revision of the newest change in the content
	Revision int64 // that the content is confirmed to
	Verified time.Time
	Fresh    bool
	Keys     int
}

// Status returns the present status.
func (r *Replica) Status() Status {
	g := r.current.Load()
	st := Status{
		Loaded: g.loaded(), Live: g.live, Applied: g.applied, Revision: g.Revision,
		Verified: g.Verified, Fresh: g.freshAt(r.now()),
	}
	for _, s := range g.Scopes {
		st.Keys += len(s.Items())
	}
	return st
}
