package replica

import (
	"strconv"
	"sync"
	"time"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// State says what a View stands for.
type State struct {
	Scope    snapshot.ScopeID
	Epoch    string // of what is answered; see View.Masked
	History  string // the epoch that revisions are of
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
	// between two Views of one Replica, of a scope that was kept since the first, is how
	// many steps lie between them.
	Changes uint64
	// Schema is that of the namespace as of the same revision; nil: it has none, or
	// SchemasKnown is false. (A sidecar's may be some minutes old.)
	Schema       *snapshot.Document
	SchemasKnown bool

	resolved  *resolved
	slot      *slot
	sensitive func(key string) bool // nil: nothing is masked
}

// Share returns what make makes for the key, a comparable value. All who ask for it on
// the same view, masked or not, get the same, and wait while it is made. The view keeps it
// for the last two keys only, as of who may see all and who may not: it is for what many
// need at the same moment.
func (v View) Share(key any, make func() any) any {
	v.resolved.mu.Lock()
	defer v.resolved.mu.Unlock()
	for i := range v.resolved.shared {
		if s := &v.resolved.shared[i]; s.key == key {
			return s.made
		}
	}
	s := &v.resolved.shared[v.resolved.oldest]
	v.resolved.oldest = (v.resolved.oldest + 1) % len(v.resolved.shared)
	s.key, s.made = key, make()
	return s.made
}

// StateForm returns what build makes of the view's state, for instance its wire message. It is made at most a few times
// and then kept for as long as the state is the same. There is one kind of form; build must be pure.
func (v View) StateForm(build func(State) any) any {
	if v.sensitive != nil {
		return build(v.State) // of an epoch of its own
	}
	kept := &v.resolved.stated[0]
	if v.State.Fresh {
		kept = &v.resolved.stated[1]
	}
	if form := kept.Load(); form != nil {
		return *form
	}
	form := build(v.State)
	kept.Store(&form)
	return form
}

// Of a configuration and a schema together the slot keeps what is derived, one of each kind,
// until one of the two is another.
const (
	masking = iota
	judging
	judgingMasked
	derivedCount
)

type derived struct {
	mu   sync.Mutex // held while it is made
	from *snapshot.Effective
	by   *snapshot.Document
	made any
}

// Judged returns what make makes of the view's configuration and schema. It is made once, of
// what is masked apart, and kept until one of these is another.
func (v View) Judged(make func() any) any {
	if v.sensitive != nil {
		return v.derive(judgingMasked, make)
	}
	return v.derive(judging, make)
}

func (v View) derive(kind int, make func() any) any {
	d := &v.slot.derived[kind]
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from != v.Effective || d.by != v.Schema {
		d.from, d.by, d.made = v.Effective, v.Schema, make()
	}
	return d.made
}

// Masked returns the view without the values of keys for which sensitive, which the schema
// decides, says so. It is of an epoch of its own for every schema: what somebody has of the
// configuration with more values, or fewer, is nothing to go on from.
func (v View) Masked(sensitive func(key string) bool) View {
	v.Effective = v.derive(masking, func() any { return v.Effective.Masked(sensitive) }).(*snapshot.Effective)
	v.State.Epoch += "-m" + strconv.FormatInt(v.Schema.Revision, 10)
	v.sensitive = sensitive
	return v
}

// Masks says whether the view tells no value of a key, in whatever layer.
func (v View) Masks(key string) bool { return v.sensitive != nil && v.sensitive(key) }

// Told returns the entries, and apart those of which the view tells no value.
func (v View) Told() (told, masked []*snapshot.Entry) {
	all := v.Select(snapshot.Selection{})
	if v.sensitive == nil {
		return all, nil
	}
	for _, e := range all {
		if e.Masked {
			masked = append(masked, e)
		} else {
			told = append(told, e)
		}
	}
	return told, masked
}

// granted returns the scope that a grant lets be read.
func granted(g policy.Grant) (snapshot.ScopeID, error) {
	if g.Action() != policy.Read || g.Namespace() == "" || g.Environment() == "" {
		return snapshot.ScopeID{}, ErrNoGrant
	}
	return snapshot.ScopeID{Namespace: g.Namespace(), Environment: g.Environment()}, nil
}

// View returns the current view of the granted scope.
func (r *Replica) View(g policy.Grant) (View, error) {
	id, err := granted(g)
	if err != nil {
		return View{}, err
	}
	s := r.slot(id)
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
		Schema:     c.schema,
		resolved:   c,
		slot:       s,

		SchemasKnown: gen.Schemas != nil,
		State: State{
			Scope:    s.id,
			Epoch:    gen.Epoch,
			History:  gen.Epoch,
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
		since := gen.since
		if s.again { // what was removed before is not known any more
			since = gen.Revision
		}
		effective = snapshot.Resolve(s.id, layers, gen.Revision, since, previous)
	}
	c = &resolved{generation: gen, effective: effective, schema: gen.Schemas[s.id.Namespace], changes: changes}
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
