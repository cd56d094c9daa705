package replica

import (
	"sync"
	"sync/atomic"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// maxIdle is how many slots come before those of scopes that hold nothing themselves and
// that nobody follows are let go: each can be as large as what all services share.
const maxIdle = 500

// slot caches the resolved configuration of one scope.
type slot struct {
	id         snapshot.ScopeID
	layers     [snapshot.LayerCount]snapshot.ScopeID
	superseded atomic.Pointer[chan struct{}]
	resolved   atomic.Pointer[resolved]
	mu         sync.Mutex // one resolves, the others wait for it
	changes    uint64     // how often a layer changed; guarded by the Replica's mu, as kept
	kept       int        // by how many who follow it
	again      bool       // there may have been one of the same scope before, which was let go
	derived    [derivedCount]derived
}

type resolved struct {
	generation *generation
	effective  *snapshot.Effective
	schema     *snapshot.Document
	changes    uint64 // of the slot, up to the generation

	stated [2]atomic.Pointer[any] // see View.StateForm: of the stale state, of the fresh one

	mu     sync.Mutex // guards what is shared; held while it is made
	shared [2]struct{ key, made any }
	oldest int // of what is shared
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
	return r.slotLocked(id)
}

func (r *Replica) slotLocked(id snapshot.ScopeID) *slot {
	s := r.slots[id]
	if s == nil {
		if len(r.slots) >= r.room {
			r.letGo()
		}
		s = &slot{id: id, layers: snapshot.LayersOf(id), again: r.letSome}
		open := make(chan struct{})
		s.superseded.Store(&open)
		r.slots[id] = s
	}
	return s
}

// letGo forgets the slots of scopes that hold nothing and that nobody follows: whoever may
// read everything can make up names without end. Views of these are superseded.
func (r *Replica) letGo() {
	held := r.current.Load().Scopes
	for id, s := range r.slots {
		if s.kept == 0 && len(held[id].Items()) == 0 {
			delete(r.slots, id)
			close(*s.superseded.Load()) // and it stays closed: nobody supersedes it any more
		}
	}
	r.room, r.letSome = len(r.slots)+maxIdle, true
}

// Keep keeps what is known of the granted scope, which is how its Views follow one another,
// for somebody who follows it. It returns what ends that.
func (r *Replica) Keep(g policy.Grant) (release func(), err error) {
	id, err := granted(g)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slotLocked(id)
	s.kept++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		s.kept--
	}, nil
}
