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
	gen, effective := r.resolve(s)
	if effective == nil {
		return View{Superseded: superseded}, ErrNotLoaded
	}
	return View{
		Effective:  effective,
		Superseded: superseded,
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

// resolve returns a generation and the slot's configuration in it, from the cache
// when no layer changed since.
func (r *Replica) resolve(s *slot) (*generation, *snapshot.Effective) {
	gen := r.current.Load()
	if c := s.resolved.Load(); c != nil && c.generation == gen {
		return gen, c.effective
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	gen = r.current.Load() // under the lock: never older than what is cached
	if !gen.loaded() {
		return gen, nil
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
	s.resolved.Store(&resolved{gen, effective})
	return gen, effective
}

// Status is what operators see of the replica.
type Status struct {
	Loaded   bool
	Revision int64
	Verified time.Time
	Fresh    bool
	Keys     int
}

// Status returns the present status.
func (r *Replica) Status() Status {
	g := r.current.Load()
	st := Status{Loaded: g.loaded(), Revision: g.Revision, Verified: g.Verified, Fresh: g.freshAt(r.now())}
	for _, s := range g.Scopes {
		st.Keys += len(s.Items())
	}
	return st
}
