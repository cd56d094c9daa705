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

	resolved *resolved
}

// Share returns what make makes for the key, a comparable value. All who ask for it on
// the same view get the same, and wait while it is made. The view keeps it for the
// last key only: it is for what many need at the same moment.
func (v View) Share(key any, make func() any) any {
	v.resolved.mu.Lock()
	defer v.resolved.mu.Unlock()
	if v.resolved.key != key {
		v.resolved.key, v.resolved.shared = key, make()
	}
	return v.resolved.shared
}

// View returns the current view of the granted scope.
func (r *Replica) View(g policy.Grant) (View, error) {
	if g.Action() != policy.Read || g.Namespace() == "" || g.Environment() == "" {
		return View{}, ErrNoGrant
	}
	s := r.slot(snapshot.ScopeID{Namespace: g.Namespace(), Environment: g.Environment()})
	// The clock is read before the content, and by publish after it: who sees the old
	// content go stale is woken by the proof that replaces it. The channel is taken
	// before the content too: a change between the two closes it.
	now := r.now()
	superseded := *s.superseded.Load()
	c := r.resolve(s)
	if c == nil {
		return View{Superseded: superseded}, ErrNotLoaded
	}
	gen := c.generation
	return View{
		Effective:  c.effective,
		Superseded: superseded,
		Changes:    c.changes,
		resolved:   c,
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

// resolve returns the slot's configuration in the current generation, from the cache
// when it did not change since; nil when nothing is loaded.
func (r *Replica) resolve(s *slot) *resolved {
	gen := r.current.Load()
	if c := s.resolved.Load(); c != nil && c.generation == gen {
		return c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.mu.RLock()
	gen, changes := r.current.Load(), s.changes // under the locks: never older than what is cached
	r.mu.RUnlock()
	c := s.resolved.Load()
	switch {
	case !gen.loaded():
		return nil
	case c != nil && c.generation == gen:
		return c // somebody else did it meanwhile
	}
	var previous *snapshot.Effective
	if c != nil && c.generation.Epoch == gen.Epoch {
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
	c = &resolved{generation: gen, effective: effective, changes: changes}
	s.resolved.Store(c)
	return c
}

// Unusable counts the keys whose newest stored value is unusable.
func (r *Replica) Unusable() (n int) {
	for _, s := range r.current.Load().Scopes {
		for _, it := range s.Items() {
			if it.Problem != "" {
				n++
			}
		}
	}
	return n
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
