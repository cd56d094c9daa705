package snapshot_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// merged is an Effective in the terms of the model, with what must hold of any.
func merged(t *testing.T, f *snapshot.Effective) map[string]effective {
	t.Helper()
	out := map[string]effective{}
	var keys []string
	layers := f.Layers()
	for _, e := range f.Select(snapshot.NewSelection("", nil)) {
		keys = append(keys, e.Key)
		it := layers[e.Layer-1].Find(e.Key)
		out[e.Key] = effective{e.Layer, stored{e.Value.JSON(), it.Revision, it.ModRevision(), it.Problem}}
		if e.Invalid() != (e.Value.JSON() == "") {
			t.Fatalf("%s: Invalid is %t with the value %q", e.Key, e.Invalid(), e.Value.JSON())
		}
		if f.Find(e.Key) != e {
			t.Fatalf("Find(%q) finds another entry", e.Key)
		}
	}
	ascending(t, keys)
	isTree(t, keys)
	return out
}

// isTree checks that no key is both a value and the parent of others.
func isTree(t *testing.T, keys []string) {
	t.Helper()
	has := map[string]bool{}
	for _, k := range keys {
		has[k] = true
	}
	for _, k := range keys {
		for i, c := range k {
			if c == '.' && has[k[:i]] {
				t.Fatalf("%q and %q are both effective", k[:i], k)
			}
		}
	}
}

var compareEffective = cmp.AllowUnexported(effective{}, stored{})

// TestMerge states the cases that a reader of the contract would ask about. A layer is
// a list of keys; the result lists the effective ones with the number of their layer.
func TestMerge(t *testing.T) {
	for _, test := range []struct {
		name   string
		layers [snapshot.LayerCount]string
		want   string
	}{
		{"nothing", [4]string{}, ""},
		{"one layer", [4]string{"", "", "b a", ""}, "a=3 b=3"},
		{"all layers add", [4]string{"a", "b", "c", "d"}, "a=1 b=2 c=3 d=4"},
		{"the strongest wins", [4]string{"a", "a b", "a b c", "a b c d"}, "a=1 b=2 c=3 d=4"},
		{"a parent hides weaker children", [4]string{"a", "a.b a.c.d x", "", ""}, "a=1 x=2"},
		{"a child hides a weaker parent", [4]string{"a.b", "a x", "", ""}, "a.b=1 x=2"},
		{"a deep child hides all its weaker parents", [4]string{"a.b.c", "a", "a.b", "x"}, "a.b.c=1 x=4"},
		{"siblings live beside each other", [4]string{"a.b", "a.c", "a.b.c", "a.d"}, "a.b=1 a.c=2 a.d=4"},
		{"within a layer the child wins", [4]string{"a a.b", "", "", ""}, "a.b=1"},
		{"within a layer the deepest wins", [4]string{"a a.b a.b.c", "", "", ""}, "a.b.c=1"},
		{"a hidden key hides nothing", [4]string{"a.b", "a", "a.c", ""}, "a.b=1 a.c=3"},
		{"a key its own layer hides hides nothing weaker", [4]string{"a a.b", "a.c", "", ""}, "a.b=1 a.c=2"},
		{"no child of a name that only begins alike", [4]string{"a", "ab a-b a_b", "", ""}, "a=1 a-b=2 a_b=2 ab=2"},
		{"a name that sorts between parent and child", [4]string{"a", "a-b a.b", "", ""}, "a=1 a-b=2"},
		{"the same in one layer", [4]string{"a a-b a.b", "", "", ""}, "a-b=1 a.b=1"},
		{"a name with a dash that is a parent too", [4]string{"a a-", "a-.b a.b", "", ""}, "a=1 a-=1"},
		{"capitals are other names", [4]string{"a", "A.b", "", ""}, "A.b=2 a=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var layers [snapshot.LayerCount]*snapshot.Scope
			for i, keys := range test.layers {
				layers[i] = scopeOf(strings.Fields(keys)...)
			}
			f := snapshot.Resolve(testScope, layers, 100, 0, nil)
			merged(t, f)
			var got []string
			for _, e := range f.Select(snapshot.NewSelection("", nil)) {
				got = append(got, e.Key+"="+strconv.Itoa(int(e.Layer)))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			if f.ID() != testScope || f.Layers() != layers {
				t.Error("it does not say what it was resolved from")
			}
		})
	}
}

func TestUnusableValuesHideToo(t *testing.T) {
	var empty *snapshot.Scope
	layers := [snapshot.LayerCount]*snapshot.Scope{
		empty.Apply([]snapshot.Change{bad("a", 5), bad("b.c", 6)}),
		empty.Apply([]snapshot.Change{put("a", 1, `1`), put("b", 2, `2`), put("a.x", 3, `3`)}),
	}
	f := snapshot.Resolve(testScope, layers, 10, 0, nil)
	for key, revision := range map[string]int64{"a": 5, "b.c": 6} {
		if e := f.Find(key); e == nil || !e.Invalid() || e.Layer != snapshot.ServiceEnvironment || e.Revision != revision {
			t.Errorf("Find(%q) = %+v, want an invalid entry of the strongest layer at %d", key, e, revision)
		}
	}
	for _, key := range []string{"b", "a.x"} {
		if e := f.Find(key); e != nil {
			t.Errorf("%s steps in for an unusable value", key)
		}
	}
}

func TestMergeAgainstModel(t *testing.T) {
	rnd := rounds(t)
	for range 5000 {
		model, scopes := randomLayers(rnd)
		got := merged(t, snapshot.Resolve(testScope, scopes, 100, 0, nil))
		if diff := cmp.Diff(merge(model), got, compareEffective); diff != "" {
			t.Fatalf("layers %v:\n%s", model, diff)
		}
	}
}

// randomLayers fills four layers, some of them empty.
func randomLayers(rnd *rand.Rand) (model [snapshot.LayerCount]layer, scopes [snapshot.LayerCount]*snapshot.Scope) {
	for i := range model {
		model[i] = layer{}
		var batch []snapshot.Change
		for n := range rnd.IntN(7) {
			c := put(randomKey(rnd), int64(n+1), strconv.Itoa(i))
			if rnd.IntN(6) == 0 {
				c = bad(c.Key, c.Revision)
			}
			batch = append(batch, c)
			model[i].write(c)
		}
		scopes[i] = scopes[i].Apply(batch)
	}
	return model, scopes
}
