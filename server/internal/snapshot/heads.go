package snapshot

import (
	"slices"
	"strings"
	"time"
)

// Head is where a scope stands. Heads never change, and one that stays the same stays the
// same Head from one Heads to the next: pointers can be compared.
type Head struct {
	Scope   ScopeID
	Version int64 // 0: no commit was made here yet
	Author  string
	Time    time.Time
	Keys    int
	Bytes   int64
	// Revision of the write of the head; 0: there is none, only entries that were written
	// past this service.
	Revision int64
}

// same says whether two heads say the same. Times are compared as points in time.
func (h *Head) same(o *Head) bool {
	a, b := *h, *o
	a.Time, b.Time = time.Time{}, time.Time{}
	return a == b && h.Time.Equal(o.Time)
}

// CompareScopes orders by namespace and then environment.
func CompareScopes(a, b ScopeID) int {
	if by := strings.Compare(a.Namespace, b.Namespace); by != 0 {
		return by
	}
	return strings.Compare(a.Environment, b.Environment)
}

// Heads is where all scopes stand: those that have a head, and those that have nothing but
// entries. It never changes.
type Heads struct {
	list []*Head // in the order of CompareScopes

	previous *identity // of the Heads this one follows
	self     *identity
	moved    HeadsStep // from the previous one to this one
}

// HeadsStep is what differs between two Heads.
type HeadsStep struct {
	Heads []*Head   // new or changed, in order
	Gone  []ScopeID // in order
}

// Empty says that nothing differs.
func (s HeadsStep) Empty() bool { return len(s.Heads)+len(s.Gone) == 0 }

// NewHeads makes Heads of what a complete listing has: the heads, and the scopes that have
// entries. What old, or nil, said just so is kept, and it is old itself when nothing differs.
func NewHeads(old *Heads, heads map[ScopeID]*Head, filled []ScopeID) *Heads {
	next := &Heads{self: new(identity)}
	add := func(h *Head) {
		if was := old.Find(h.Scope); was != nil && was.same(h) {
			h = was
		}
		next.list = append(next.list, h)
	}
	for _, h := range heads {
		add(h)
	}
	for _, id := range filled {
		if heads[id] == nil {
			add(&Head{Scope: id})
		}
	}
	slices.SortFunc(next.list, func(a, b *Head) int { return CompareScopes(a.Scope, b.Scope) })
	if old != nil && slices.Equal(old.list, next.list) {
		return old
	}
	return next
}

// Apply returns the Heads after a step: heads that were written, nil for one that is gone,
// and changes of entries. filled says whether a scope has entries after the step. It
// returns h itself when nothing differs.
func (h *Heads) Apply(written map[ScopeID]*Head, changes map[ScopeID][]Change, filled func(ScopeID) bool) *Heads {
	step := map[ScopeID]*Head{}
	look := func(id ScopeID) {
		was := h.Find(id)
		head, told := written[id]
		if !told && was != nil && was.Revision > 0 {
			return // entries alone move no head
		}
		if head == nil && filled(id) {
			if head = was; was == nil || was.Revision > 0 {
				head = &Head{Scope: id}
			}
		}
		if head != was {
			step[id] = head
		}
	}
	for id := range written {
		look(id)
	}
	for id := range changes {
		look(id)
	}
	return h.with(step)
}

// with merges a step, in which nil is a head that is gone, into the list.
func (h *Heads) with(step map[ScopeID]*Head) *Heads {
	if len(step) == 0 {
		return h
	}
	next := &Heads{previous: h.self, self: new(identity)}
	ids := make([]ScopeID, 0, len(step))
	for id := range step {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, CompareScopes)
	next.list = make([]*Head, 0, len(h.list)+len(ids))
	rest := h.list
	for _, id := range ids {
		at, found := find(rest, id)
		next.list = append(next.list, rest[:at]...)
		if rest = rest[at:]; found {
			rest = rest[1:]
		}
		if head := step[id]; head != nil {
			next.list = append(next.list, head)
			next.moved.Heads = append(next.moved.Heads, head)
		} else if found {
			next.moved.Gone = append(next.moved.Gone, id)
		}
	}
	next.list = append(next.list, rest...)
	return next
}

func find(list []*Head, id ScopeID) (int, bool) {
	return slices.BinarySearchFunc(list, id, func(h *Head, id ScopeID) int { return CompareScopes(h.Scope, id) })
}

// Find returns the head of a scope, or nil.
func (h *Heads) Find(id ScopeID) *Head {
	if h == nil {
		return nil
	}
	if at, ok := find(h.list, id); ok {
		return h.list[at]
	}
	return nil
}

// From returns the heads at a scope and behind it. The slice is not to be written to.
func (h *Heads) From(id ScopeID) []*Head {
	if h == nil {
		return nil
	}
	at, _ := find(h.list, id)
	return h.list[at:]
}

// DiffHeads returns the step from one Heads to a later one.
func DiffHeads(from, to *Heads) HeadsStep {
	switch {
	case from == to:
		return HeadsStep{}
	case from != nil && to.previous == from.self:
		return to.moved
	}
	var step HeadsStep
	old := from.From(ScopeID{})
	for _, head := range to.list {
		for len(old) > 0 && CompareScopes(old[0].Scope, head.Scope) < 0 {
			step.Gone = append(step.Gone, old[0].Scope)
			old = old[1:]
		}
		if len(old) > 0 && old[0].Scope == head.Scope {
			was := old[0]
			if old = old[1:]; was == head {
				continue
			}
		}
		step.Heads = append(step.Heads, head)
	}
	for _, was := range old {
		step.Gone = append(step.Gone, was.Scope)
	}
	return step
}
