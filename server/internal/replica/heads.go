package replica

import (
	"iter"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// HeadsView is where the scopes stand that the holder of a grant may read, as of one
// revision, and what they hold. It never changes; when scopes stand elsewhere, Superseded
// is closed. The zero HeadsView has none.
type HeadsView struct {
	State      State // of no scope
	Superseded <-chan struct{}

	grant      policy.Grant
	generation *generation
}

// Heads returns the current view of a grant to read, which may be open. ErrNotLoaded says
// that the store has not been listed yet, or that heads are not followed.
func (r *Replica) Heads(g policy.Grant) (HeadsView, error) {
	if g.Action() != policy.Read {
		return HeadsView{}, ErrNoGrant
	}
	now := r.now() // before the content; see View
	gen := r.current.Load()
	if !gen.live || gen.Heads == nil {
		return HeadsView{Superseded: gen.moved}, ErrNotLoaded
	}
	return HeadsView{
		State:      State{Epoch: gen.Epoch, Revision: gen.Revision, Verified: gen.Verified, Fresh: gen.freshAt(now), Live: true},
		Superseded: gen.moved,
		grant:      g,
		generation: gen,
	}, nil
}

func (v HeadsView) may(id snapshot.ScopeID) bool {
	_, err := v.grant.In(id.Namespace, id.Environment)
	return err == nil
}

func (v HeadsView) heads() *snapshot.Heads {
	if v.generation == nil {
		return nil
	}
	return v.generation.Heads
}

// From are the heads at a scope and behind it, by namespace and then environment.
func (v HeadsView) From(id snapshot.ScopeID) iter.Seq[*snapshot.Head] {
	return func(yield func(*snapshot.Head) bool) {
		for _, h := range v.heads().From(id) {
			if v.may(h.Scope) && !yield(h) {
				return
			}
		}
	}
}

func (v HeadsView) any() bool {
	for range v.From(snapshot.ScopeID{}) {
		return true
	}
	return false
}

// Denied says whether nothing may be read any more of what an earlier view, with another
// grant, had.
func (v HeadsView) Denied(old HeadsView) bool { return v.grant != old.grant && old.any() && !v.any() }

// Since returns what differs from an earlier view: with another grant also what may be
// read now and might not, or the other way around.
func (v HeadsView) Since(old HeadsView) snapshot.HeadsStep {
	if v.grant == old.grant {
		return v.readable(snapshot.DiffHeads(old.heads(), v.heads()))
	}
	var step snapshot.HeadsStep
	for h := range v.From(snapshot.ScopeID{}) {
		if old.heads().Find(h.Scope) != h || !old.may(h.Scope) {
			step.Heads = append(step.Heads, h)
		}
	}
	for h := range old.From(snapshot.ScopeID{}) {
		if v.heads().Find(h.Scope) == nil || !v.may(h.Scope) {
			step.Gone = append(step.Gone, h.Scope)
		}
	}
	return step
}

func (v HeadsView) readable(all snapshot.HeadsStep) (step snapshot.HeadsStep) {
	for _, h := range all.Heads {
		if v.may(h.Scope) {
			step.Heads = append(step.Heads, h)
		}
	}
	for _, id := range all.Gone {
		if v.may(id) {
			step.Gone = append(step.Gone, id)
		}
	}
	return step
}

// Scope is what a scope of the view holds; nil: nothing, or it may not be read.
func (v HeadsView) Scope(id snapshot.ScopeID) *snapshot.Scope {
	if v.generation == nil || !v.may(id) {
		return nil
	}
	return v.generation.Scopes[id]
}

// Schema is that of a namespace as of the same revision, for deciding what of its scopes is
// told; nil: it has none. known is false where schemas are not followed, or may not be read.
func (v HeadsView) Schema(namespace string) (d *snapshot.Document, known bool) {
	if v.generation == nil || v.generation.Schemas == nil {
		return nil, false
	}
	return v.generation.Schemas[namespace], true
}
