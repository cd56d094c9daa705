package snapshot

import (
	"slices"
	"strings"
	"sync/atomic"
)

// Entry is one effective key. Entries never change, and one that stays effective
// stays the same Entry from one Effective to the next: pointers can be compared.
type Entry struct {
	Key   string
	Value Value // zero when the entry is invalid
	// Revision at which this effective entry last changed: its own write, or the
	// write or delete of another key that brought it into effect.
	Revision int64
	Layer    Layer

	// Masked says that there is a value, which is not in here.
	Masked bool

	itemRevision int64
	form         atomic.Value
	masked       atomic.Pointer[Entry]
}

// Invalid says that the stored value is unusable and there is no last good one.
func (e *Entry) Invalid() bool { return e.Value.IsZero() && !e.Masked }

// withoutValue returns the entry masked: the same one every time. An invalid one has
// nothing to mask.
func (e *Entry) withoutValue() *Entry {
	if e.Invalid() {
		return e
	}
	if m := e.masked.Load(); m != nil {
		return m
	}
	e.masked.CompareAndSwap(nil, &Entry{Key: e.Key, Revision: e.Revision, Layer: e.Layer, Masked: true, itemRevision: e.itemRevision})
	return e.masked.Load()
}

// Form returns the derived form of the entry that build makes, for instance its wire
// message. It is built at most a few times and then kept with the entry. There is
// one kind of form to an entry; build must be pure.
func (e *Entry) Form(build func(*Entry) any) any {
	if f := e.form.Load(); f != nil {
		return f
	}
	f := build(e)
	e.form.Store(f)
	return f
}

// removal is a key that ceased to be effective.
type removal struct {
	key      string
	revision int64
}

// maxRemovals bounds how many removals an Effective remembers one by one.
const maxRemovals = 1000

// Effective is the merged configuration of one scope. It never changes.
type Effective struct {
	id       ScopeID
	layers   [LayerCount]*Scope
	revision int64
	entries  []*Entry // sorted by key

	removals  []removal // the last ones, oldest first
	forgotten int64     // removals up to this revision are not in the list

	previous *identity // of the Effective this one follows
	self     *identity
	step     Step // from the previous one to this one, of everything
}

// identity tells one Effective from another without keeping it alive.
type identity struct{ _ byte }

// Resolve merges the layers of a scope into its effective configuration at a
// revision. previous is the Effective it follows in the same epoch, or nil: entries
// that stay are taken over from it, and what changed in between is dated. Without a
// previous one, what was removed up to the revision since is not known.
func Resolve(id ScopeID, layers [LayerCount]*Scope, revision, since int64, previous *Effective) *Effective {
	next := &Effective{id: id, layers: layers, revision: revision, forgotten: since, self: new(identity)}
	var old []*Entry
	if previous != nil {
		old = previous.entries
		next.removals, next.forgotten = previous.removals, previous.forgotten
		next.previous = previous.self
	}
	winners := mergeLayers(layers)
	next.entries = make([]*Entry, 0, len(winners))
	for _, w := range winners {
		for len(old) > 0 && old[0].Key < w.item.Key {
			next.step.Deleted = append(next.step.Deleted, old[0].Key)
			old = old[1:]
		}
		var was *Entry
		if len(old) > 0 && old[0].Key == w.item.Key {
			was, old = old[0], old[1:]
		}
		next.add(w, was, previous)
	}
	for _, e := range old {
		next.step.Deleted = append(next.step.Deleted, e.Key)
	}
	next.rememberRemovals()
	return next
}

func (f *Effective) add(w winner, was *Entry, previous *Effective) {
	e := &Entry{Key: w.item.Key, Value: w.item.Value, Revision: w.item.Revision, Layer: w.layer, itemRevision: w.item.Revision}
	if e.Invalid() {
		e.Revision = w.item.ProblemRevision
	}
	if was != nil && was.Layer == e.Layer && was.itemRevision == e.itemRevision && was.Invalid() == e.Invalid() {
		f.entries = append(f.entries, was)
		return
	}
	if previous != nil && e.Revision <= previous.revision {
		e.Revision = f.revision // an older write, brought into effect by another key's
	}
	f.entries = append(f.entries, e)
	f.step.add(e)
}

func (f *Effective) rememberRemovals() {
	if len(f.step.Deleted) == 0 {
		return
	}
	f.removals = slices.Clone(f.removals)
	for _, key := range f.step.Deleted {
		f.removals = append(f.removals, removal{key, f.revision})
	}
	if over := len(f.removals) - maxRemovals; over > 0 {
		f.forgotten = f.removals[over-1].revision
		f.removals = f.removals[over:]
	}
}

// Masked returns the configuration without the values of keys for which sensitive says so.
// All else is the same, the dates of its entries too. Layers still have the values: what
// comes of them is to be masked by whoever tells it.
func (f *Effective) Masked(sensitive func(key string) bool) *Effective {
	out := &Effective{id: f.id, layers: f.layers, revision: f.revision, removals: f.removals, forgotten: f.forgotten, self: new(identity)}
	out.entries = make([]*Entry, len(f.entries))
	for i, e := range f.entries {
		if sensitive(e.Key) {
			e = e.withoutValue()
		}
		out.entries[i] = e
	}
	return out
}

// ID is the scope.
func (f *Effective) ID() ScopeID { return f.id }

// Layers are the scopes it was resolved from, strongest first.
func (f *Effective) Layers() [LayerCount]*Scope { return f.layers }

// Find returns the entry of a key, or nil.
func (f *Effective) Find(key string) *Entry {
	if i, ok := slices.BinarySearchFunc(f.entries, key, compareEntry); ok {
		return f.entries[i]
	}
	return nil
}

func compareEntry(e *Entry, key string) int { return strings.Compare(e.Key, key) }

// Select returns the selected entries in byte order. The slice is not to be written
// to.
func (f *Effective) Select(sel Selection) []*Entry {
	if sel.All() {
		return f.entries
	}
	var out []*Entry
	for _, e := range f.entries {
		if sel.Has(e.Key) {
			out = append(out, e)
		}
	}
	return out
}

// ChangedRevision is the last revision that changed the selection, removals
// included; 0 when there was none. It may be later than the true one when more than
// maxRemovals keys were removed, never earlier.
func (f *Effective) ChangedRevision(sel Selection) int64 {
	last := f.forgotten
	for _, e := range f.entries {
		if e.Revision > last && sel.Has(e.Key) {
			last = e.Revision
		}
	}
	for _, r := range f.removals {
		if r.revision > last && sel.Has(r.key) {
			last = r.revision
		}
	}
	return last
}

// Step is what differs between two states of a selection.
type Step struct {
	Entries []*Entry // new or changed, in byte order
	Invalid []*Entry // became unusable, in byte order
	Deleted []string // gone, in byte order
}

// Empty says that nothing differs.
func (s Step) Empty() bool { return len(s.Entries)+len(s.Invalid)+len(s.Deleted) == 0 }

func (s *Step) add(e *Entry) {
	if e.Invalid() {
		s.Invalid = append(s.Invalid, e)
	} else {
		s.Entries = append(s.Entries, e)
	}
}

// Diff returns the step from one Effective to a later one of the same scope.
func Diff(from, to *Effective, sel Selection) Step {
	if from == to {
		return Step{}
	}
	if to.previous == from.self {
		return to.step.filter(sel)
	}
	var step Step
	old := from.entries
	for _, e := range to.entries {
		for len(old) > 0 && old[0].Key < e.Key {
			step.Deleted = append(step.Deleted, old[0].Key)
			old = old[1:]
		}
		if len(old) > 0 && old[0].Key == e.Key {
			was := old[0]
			old = old[1:]
			if was == e {
				continue
			}
		}
		step.add(e)
	}
	for _, e := range old {
		step.Deleted = append(step.Deleted, e.Key)
	}
	return step.filter(sel)
}

func (s Step) filter(sel Selection) Step {
	if sel.All() {
		return s
	}
	var out Step
	for _, e := range s.Entries {
		if sel.Has(e.Key) {
			out.Entries = append(out.Entries, e)
		}
	}
	for _, e := range s.Invalid {
		if sel.Has(e.Key) {
			out.Invalid = append(out.Invalid, e)
		}
	}
	for _, k := range s.Deleted {
		if sel.Has(k) {
			out.Deleted = append(out.Deleted, k)
		}
	}
	return out
}
