package snapshot_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/config-service/config-service/server/internal/snapshot"
)

var everything = snapshot.NewSelection("", nil)

// told is an entry as a client has it.
type told struct {
	json     string
	revision int64
	layer    snapshot.Layer
}

func state(f *snapshot.Effective, sel snapshot.Selection) map[string]told {
	out := map[string]told{}
	for _, e := range f.Select(sel) {
		out[e.Key] = told{e.Value.JSON(), e.Revision, e.Layer}
	}
	return out
}

// apply does to a client's state what a step says.
func apply(t *testing.T, have map[string]told, s snapshot.Step) map[string]told {
	t.Helper()
	out := map[string]told{}
	for k, v := range have {
		out[k] = v
	}
	for _, key := range s.Deleted {
		if _, ok := out[key]; !ok {
			t.Fatalf("%q is deleted though it was not there", key)
		}
		delete(out, key)
	}
	for _, entries := range [][]*snapshot.Entry{s.Entries, s.Invalid} {
		for _, e := range entries {
			now := told{e.Value.JSON(), e.Revision, e.Layer}
			if was, ok := have[e.Key]; ok && was == now {
				t.Fatalf("%q is told again though it did not change: %v", e.Key, now)
			}
			out[e.Key] = now
		}
	}
	return out
}

// inForm checks what must hold of every step: byte order, each key once, unusable
// entries apart.
func inForm(t *testing.T, s snapshot.Step) {
	t.Helper()
	seen := map[string]bool{}
	var lists [3][]string
	for _, e := range s.Entries {
		lists[0] = append(lists[0], e.Key)
		if e.Invalid() {
			t.Fatalf("%q is unusable and among the usable ones", e.Key)
		}
	}
	for _, e := range s.Invalid {
		lists[1] = append(lists[1], e.Key)
		if !e.Invalid() {
			t.Fatalf("%q is usable and among the unusable ones", e.Key)
		}
	}
	lists[2] = s.Deleted
	for _, keys := range lists {
		ascending(t, keys)
		for _, k := range keys {
			if seen[k] {
				t.Fatalf("%q is in the step twice", k)
			}
			seen[k] = true
		}
	}
	if s.Empty() != (len(seen) == 0) {
		t.Fatalf("Empty is %t with %d keys", s.Empty(), len(seen))
	}
}

// TestChain follows random histories, resolved at every revision, and compares every
// step with the model.
func TestChain(t *testing.T) {
	rnd := rounds(t)
	for range 60 {
		h := newHistory()
		chain := []*snapshot.Effective{snapshot.Resolve(testScope, h.scopes, 0, 0, nil)}
		dated := map[string]told{}
		before := map[string]effective{}
		for range 30 {
			h.advance(rnd, 1)
			last := chain[len(chain)-1]
			next := snapshot.Resolve(testScope, h.scopes, h.revision, 0, last)
			chain = append(chain, next)

			want := merge(h.layers)
			if diff := cmp.Diff(want, merged(t, next), compareEffective); diff != "" {
				t.Fatalf("revision %d:\n%s", h.revision, diff)
			}
			dated = date(dated, before, want, h.revision)
			if diff := cmp.Diff(dated, state(next, everything), cmp.AllowUnexported(told{})); diff != "" {
				t.Fatalf("revision %d, as told:\n%s", h.revision, diff)
			}
			for key, now := range dated {
				if stays := now.revision < h.revision; stays != (last.Find(key) == next.Find(key)) {
					t.Fatalf("revision %d: %q is the same Entry: %t, want %t", h.revision, key, !stays, stays)
				}
			}
			before = want
		}
		for range 40 {
			diffs(t, rnd, chain)
		}
	}
}

// date says what a client is told: an entry that is another than before, in value,
// layer or write, carries the present revision.
func date(dated map[string]told, before, now map[string]effective, revision int64) map[string]told {
	out := map[string]told{}
	for key, e := range now {
		was, ok := before[key]
		if ok && was.layer == e.layer && was.json == e.json && was.revision == e.revision {
			out[key] = dated[key]
		} else {
			out[key] = told{e.json, revision, e.layer}
		}
	}
	return out
}

// diffs checks the step between two states of a chain, whatever lies between.
func diffs(t *testing.T, rnd *rand.Rand, chain []*snapshot.Effective) {
	t.Helper()
	i := rnd.IntN(len(chain))
	j := i + rnd.IntN(len(chain)-i)
	if rnd.IntN(2) == 0 {
		j = min(i+1, len(chain)-1)
	}
	from, to, sel := chain[i], chain[j], randomSelection(rnd)
	step := snapshot.Diff(from, to, sel)
	inForm(t, step)
	if diff := cmp.Diff(state(to, sel), apply(t, state(from, sel), step), cmp.AllowUnexported(told{})); diff != "" {
		t.Fatalf("from state %d to %d:\n%s", i, j, diff)
	}
	if i == j && !step.Empty() {
		t.Fatalf("state %d differs from itself by %+v", i, step)
	}
}

// TestChangedRevision compares with the naive answer: the last revision at which the
// selected content was another than the one before.
func TestChangedRevision(t *testing.T) {
	rnd := rounds(t)
	for range 60 {
		h := newHistory()
		f := snapshot.Resolve(testScope, h.scopes, 0, 0, nil)
		var selections []snapshot.Selection
		for range 8 {
			selections = append(selections, randomSelection(rnd))
		}
		last := make([]int64, len(selections))
		for range 30 {
			h.advance(rnd, 1)
			next := snapshot.Resolve(testScope, h.scopes, h.revision, 0, f)
			for i, sel := range selections {
				if !cmp.Equal(state(f, sel), state(next, sel), cmp.AllowUnexported(told{})) {
					last[i] = h.revision
				}
				if got := next.ChangedRevision(sel); got != last[i] {
					t.Fatalf("revision %d: ChangedRevision = %d, want %d", h.revision, got, last[i])
				}
			}
			f = next
		}
	}
}

// TestChangedRevisionOfBatches resolves only after several revisions, as a replica
// does that is read seldom. The exact revision of a change is then not always known,
// but whoever was shown another content is told that it changed.
func TestChangedRevisionOfBatches(t *testing.T) {
	rnd := rounds(t)
	for range 60 {
		h := newHistory()
		chain := []*snapshot.Effective{snapshot.Resolve(testScope, h.scopes, 0, 0, nil)}
		revisions := []int64{0}
		for range 15 {
			h.advance(rnd, 1+rnd.IntN(4))
			next := snapshot.Resolve(testScope, h.scopes, h.revision, 0, chain[len(chain)-1])
			chain, revisions = append(chain, next), append(revisions, h.revision)
			sel := randomSelection(rnd)
			now := state(next, sel)
			changed := next.ChangedRevision(sel)
			if changed > h.revision {
				t.Fatalf("ChangedRevision = %d at revision %d", changed, h.revision)
			}
			for i, f := range chain {
				if same := cmp.Equal(state(f, sel), now, cmp.AllowUnexported(told{})); !same && changed <= revisions[i] {
					t.Fatalf("ChangedRevision = %d at revision %d, but the content was another at %d", changed, h.revision, revisions[i])
				}
			}
			if diff := cmp.Diff(merge(h.layers), merged(t, next), compareEffective); diff != "" {
				t.Fatalf("revision %d:\n%s", h.revision, diff)
			}
		}
		for range 20 {
			diffs(t, rnd, chain)
		}
	}
}

// TestManyRemovals goes past the number of removals that are remembered one by one.
func TestManyRemovals(t *testing.T) {
	const keys = 1500
	var scopes [snapshot.LayerCount]*snapshot.Scope
	var fill []snapshot.Change
	for i := range keys {
		fill = append(fill, put(fmt.Sprintf("k%04d", i), 1, `1`))
	}
	scopes[0] = scopes[0].Apply(append(fill, put("kept", 2, `1`)))
	f := snapshot.Resolve(testScope, scopes, 2, 0, nil)
	kept := snapshot.NewSelection("kept", nil)
	for i := range keys {
		revision := int64(3 + i)
		key := fmt.Sprintf("k%04d", i)
		scopes[0] = scopes[0].Apply([]snapshot.Change{del(key, revision)})
		f = snapshot.Resolve(testScope, scopes, revision, 0, f)
		if got := f.ChangedRevision(snapshot.NewSelection(key, nil)); got != revision {
			t.Fatalf("ChangedRevision of %s = %d, want %d", key, got, revision)
		}
		if got := f.ChangedRevision(kept); (i < 1000 && got != 2) || got < 2 || got > revision {
			t.Fatalf("ChangedRevision of what did not change = %d after %d removals", got, i+1)
		}
		first := snapshot.NewSelection("k0000", nil)
		if got := f.ChangedRevision(first); (i < 1000 && got != 3) || got < 3 {
			t.Fatalf("ChangedRevision of k0000 = %d after %d removals, want 3 or later", got, i+1)
		}
	}
	// All at once, in one step.
	f = snapshot.Resolve(testScope, [snapshot.LayerCount]*snapshot.Scope{scopeOf("kept")}, 5000, 0, f)
	scopes = [snapshot.LayerCount]*snapshot.Scope{scopes[1].Apply(fill)}
	g := snapshot.Resolve(testScope, scopes, 6000, 0, f)
	h := snapshot.Resolve(testScope, [snapshot.LayerCount]*snapshot.Scope{}, 7000, 0, g)
	if got := h.ChangedRevision(snapshot.NewSelection("", []string{"k0000", "k1499"})); got != 7000 {
		t.Errorf("ChangedRevision after %d removals in one step = %d, want 7000", keys, got)
	}
}

// TestEntryRevision states the rules one by one.
func TestEntryRevision(t *testing.T) {
	at := func(revision int64, previous *snapshot.Effective, layers ...*snapshot.Scope) *snapshot.Effective {
		var all [snapshot.LayerCount]*snapshot.Scope
		copy(all[:], layers)
		return snapshot.Resolve(testScope, all, revision, 0, previous)
	}
	var none *snapshot.Scope
	weak := none.Apply([]snapshot.Change{put("a", 3, `"weak"`)})
	strong := none.Apply([]snapshot.Change{put("a", 5, `"strong"`)})
	first := at(5, nil, strong, weak)
	for _, test := range []struct {
		name string
		got  *snapshot.Effective
		want int64
	}{
		{"its own write", first, 5},
		{"nothing happened", at(9, first, strong, weak), 5},
		{"another write to it", at(9, first, strong.Apply([]snapshot.Change{put("a", 8, `1`)}), weak), 8},
		{"a delete brought the weaker one into effect", at(9, first, none, weak), 9},
		{"an unusable write after a good one changes nothing", at(9, first, strong.Apply([]snapshot.Change{bad("a", 8)}), weak), 5},
		{"an unusable write after a delete", at(9, first, strong.Apply([]snapshot.Change{del("a", 7), bad("a", 8)}), weak), 8},
		{"a stronger one hides it", at(9, at(5, nil, none, weak), none.Apply([]snapshot.Change{put("a", 8, `1`)}), weak), 8},
		{"a new epoch knows only the write", at(9, nil, none, weak), 3},
	} {
		if e := test.got.Find("a"); e == nil || e.Revision != test.want {
			t.Errorf("%s: %+v, want revision %d", test.name, e, test.want)
		}
	}
}

func TestFormIsKept(t *testing.T) {
	e := snapshot.Resolve(testScope, [snapshot.LayerCount]*snapshot.Scope{scopeOf("a")}, 1, 0, nil).Find("a")
	build := func(e *snapshot.Entry) any { return &struct{ key string }{e.Key} }
	if e.Form(build) != e.Form(build) {
		t.Error("the form was built twice")
	}
}
