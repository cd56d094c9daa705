package snapshot

import (
	"cmp"
	"slices"
	"strings"
)

// Item is one key of a scope as the store has it. Items never change.
type Item struct {
	Key string
	// Value is the newest usable value; zero when there never was one here.
	Value Value
	// Revision of the write that Value comes from; 0 with a zero Value.
	Revision int64
	// Problem says why the newest write is unusable; empty when it is usable.
	Problem string
	// ProblemRevision is the revision of the unusable write; 0 without Problem.
	ProblemRevision int64
}

// ModRevision is the revision of the newest write to the key, usable or not.
func (it *Item) ModRevision() int64 { return max(it.Revision, it.ProblemRevision) }

// Change is one write to a key of a scope.
type Change struct {
	Key      string
	Revision int64
	Created  int64 // the revision at which the key last came to be; 0 when unknown
	Deleted  bool
	Value    Value  // zero when Deleted or unusable
	Problem  string // why the value is unusable; else empty
}

// item makes the item a put leaves behind. An unusable value keeps the last good one,
// unless the key was deleted in between.
func (c Change) item(old *Item) *Item {
	if c.Problem == "" {
		return &Item{Key: c.Key, Value: c.Value, Revision: c.Revision}
	}
	it := &Item{Key: c.Key, Problem: c.Problem, ProblemRevision: c.Revision}
	if old != nil && c.Created <= old.ModRevision() {
		it.Value, it.Revision = old.Value, old.Revision
	}
	return it
}

// Scope is all keys of one namespace in one environment. Scopes never change; a nil
// Scope is an empty one.
type Scope struct {
	items []*Item // sorted by key
}

// Items returns the items in byte order of their keys. The slice is not to be
// written to.
func (s *Scope) Items() []*Item {
	if s == nil {
		return nil
	}
	return s.items
}

// Find returns the item of a key, or nil.
func (s *Scope) Find(key string) *Item {
	if i, ok := slices.BinarySearchFunc(s.Items(), key, compareItem); ok {
		return s.items[i]
	}
	return nil
}

func compareItem(it *Item, key string) int { return strings.Compare(it.Key, key) }

// Apply returns the scope after the changes, which are in the order they were
// written; of several to one key the last one counts.
func (s *Scope) Apply(changes []Change) *Scope {
	last := make(map[string]Change, len(changes))
	for _, c := range changes {
		if prev, ok := last[c.Key]; ok && c.Problem != "" && prev.Problem == "" {
			// What an unusable value leaves behind depends on the write before it: a
			// good one is the last good, and after a delete there is none.
			s = s.Apply([]Change{prev})
		}
		last[c.Key] = c
	}
	sorted := make([]Change, 0, len(last))
	for _, c := range last {
		sorted = append(sorted, c)
	}
	slices.SortFunc(sorted, func(a, b Change) int { return cmp.Compare(a.Key, b.Key) })
	return s.merge(sorted, true)
}

// Replace returns the scope that a complete listing describes: what is not listed is
// gone. Items that did not change are kept, and so are last good values. It returns
// s itself when nothing changed. The listing is sorted by key.
func (s *Scope) Replace(listing []Change) *Scope {
	next := s.merge(listing, false)
	if slices.Equal(next.items, s.Items()) {
		return s
	}
	return next
}

// merge walks the old items and the sorted changes side by side. Items without a
// change stay when keep is set.
func (s *Scope) merge(changes []Change, keep bool) *Scope {
	old := s.Items()
	next := make([]*Item, 0, len(old)+len(changes))
	for _, c := range changes {
		i, found := slices.BinarySearchFunc(old, c.Key, compareItem)
		if keep {
			next = append(next, old[:i]...)
		}
		old = old[i:]
		var was *Item
		if found {
			was, old = old[0], old[1:]
		}
		switch {
		case c.Deleted:
		case was != nil && was.ModRevision() == c.Revision:
			next = append(next, was)
		default:
			next = append(next, c.item(was))
		}
	}
	if keep {
		next = append(next, old...)
	}
	return &Scope{items: next}
}
