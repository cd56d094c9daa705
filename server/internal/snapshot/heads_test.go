package snapshot_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/config-service/config-service/server/internal/snapshot"
)

func randomScope(rnd *rand.Rand) snapshot.ScopeID {
	return snapshot.ScopeID{Namespace: []string{"_shared", "pay", "pay-a", "pays"}[rnd.IntN(4)], Environment: []string{"_all", "p", "t"}[rnd.IntN(3)]}
}

// headsModel is where scopes stand, written as simply as it can be.
type headsModel struct {
	versions map[snapshot.ScopeID]int64
	filled   map[snapshot.ScopeID]bool
}

func (m *headsModel) flat() []string {
	var out []string
	all := maps.Clone(m.filled)
	for id := range m.versions {
		all[id] = true
	}
	for id, is := range all {
		if is {
			out = append(out, fmt.Sprintf("%s %d", id, m.versions[id]))
		}
	}
	slices.Sort(out)
	return out
}

func flatHeads(h *snapshot.Heads) []string {
	var out []string
	for _, head := range h.From(snapshot.ScopeID{}) {
		out = append(out, fmt.Sprintf("%s %d", head.Scope, head.Version))
	}
	slices.Sort(out)
	return out
}

// TestHeadsAgainstModel applies random steps, and holds what comes of them and of the
// differences, one by one and over several, against the model.
func TestHeadsAgainstModel(t *testing.T) {
	rnd := rounds(t)
	for range 300 {
		m := &headsModel{map[snapshot.ScopeID]int64{}, map[snapshot.ScopeID]bool{}}
		heads := snapshot.NewHeads(nil, map[snapshot.ScopeID]*snapshot.Head{}, nil)
		told, far := map[snapshot.ScopeID]*snapshot.Head{}, map[snapshot.ScopeID]*snapshot.Head{}
		before := heads
		for revision := range int64(30) {
			written, changes := map[snapshot.ScopeID]*snapshot.Head{}, map[snapshot.ScopeID][]snapshot.Change{}
			for range rnd.IntN(4) {
				id := randomScope(rnd)
				switch rnd.IntN(4) {
				case 0:
					written[id] = nil
					delete(m.versions, id)
				case 1:
					written[id] = &snapshot.Head{Scope: id, Version: revision + 1, Revision: revision + 1}
					m.versions[id] = revision + 1
				default:
					changes[id] = []snapshot.Change{{Key: "a"}}
					m.filled[id] = rnd.IntN(2) == 0
				}
			}
			next := heads.Apply(written, changes, func(id snapshot.ScopeID) bool { return m.filled[id] })
			if got, want := flatHeads(next), m.flat(); !slices.Equal(got, want) {
				t.Fatalf("after %v and %v: %v, want %v", written, changes, got, want)
			}
			if !slices.IsSortedFunc(next.From(snapshot.ScopeID{}), func(a, b *snapshot.Head) int { return snapshot.CompareScopes(a.Scope, b.Scope) }) {
				t.Fatalf("out of order: %v", flatHeads(next))
			}
			take(t, told, heads, next)
			if rnd.IntN(3) == 0 {
				take(t, far, before, next)
				before = next
			}
			heads = next
		}
		// A listing that says the same changes nothing.
		listed := map[snapshot.ScopeID]*snapshot.Head{}
		var filled []snapshot.ScopeID
		for id, version := range m.versions {
			listed[id] = &snapshot.Head{Scope: id, Version: version, Revision: version}
		}
		for id, is := range m.filled {
			if is {
				filled = append(filled, id)
			}
		}
		if again := snapshot.NewHeads(heads, listed, filled); again != heads {
			t.Fatalf("%v became %v", flatHeads(heads), flatHeads(again))
		}
	}
}

// take gives a reader the step between two Heads, after which it has the later one.
func take(t *testing.T, has map[snapshot.ScopeID]*snapshot.Head, from, to *snapshot.Heads) {
	t.Helper()
	step := snapshot.DiffHeads(from, to)
	for _, h := range step.Heads {
		if has[h.Scope] == h {
			t.Fatalf("%s is told again", h.Scope)
		}
		has[h.Scope] = h
	}
	for _, id := range step.Gone {
		if has[id] == nil {
			t.Fatalf("%s is gone, and was not there", id)
		}
		delete(has, id)
	}
	var got []*snapshot.Head
	for _, h := range has {
		got = append(got, h)
	}
	slices.SortFunc(got, func(a, b *snapshot.Head) int { return snapshot.CompareScopes(a.Scope, b.Scope) })
	if !slices.Equal(got, to.From(snapshot.ScopeID{})) {
		t.Fatalf("the reader has %v, want %v", got, flatHeads(to))
	}
}

// TestHiddenAgainstExplain: what a list hides is what Explain calls hidden, of each key.
func TestHiddenAgainstExplain(t *testing.T) {
	rnd := rounds(t)
	for range 1000 {
		model, scopes := randomLayers(rnd)
		f := snapshot.Resolve(testScope, scopes, 100, 0, nil)
		sel := randomSelection(rnd)
		if rnd.IntN(3) == 0 {
			sel = snapshot.NewSelection("", nil)
		}
		keys := map[string]bool{}
		for _, l := range model {
			for key := range l {
				keys[key] = sel.Has(key)
			}
		}
		var want []snapshot.Candidate
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			for _, c := range f.Explain(key) {
				if keys[key] && c.Outcome == snapshot.Hidden {
					want = append(want, c)
				}
			}
		}
		if got := f.Hidden(sel); !slices.Equal(got, want) {
			t.Fatalf("%v hides %v, want %v", model, got, want)
		}
	}
}
