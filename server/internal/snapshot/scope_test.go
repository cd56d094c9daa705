package snapshot_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// contents is a scope in the terms of the model.
func contents(s *snapshot.Scope) layer {
	l := layer{}
	for _, it := range s.Items() {
		l[it.Key] = stored{it.Value.JSON(), it.Revision, it.ModRevision(), it.Problem}
	}
	return l
}

var compareStored = cmp.AllowUnexported(stored{})

func TestApply(t *testing.T) {
	start := []snapshot.Change{put("a", 1, `"old"`), put("b", 2, `2`)}
	b := stored{json: `2`, revision: 2, newest: 2}
	for _, test := range []struct {
		name    string
		changes []snapshot.Change
		want    layer
	}{
		{"nothing", nil, layer{"a": {`"old"`, 1, 1, ""}, "b": b}},
		{"a new key", []snapshot.Change{put("c", 5, `3`)}, layer{"a": {`"old"`, 1, 1, ""}, "b": b, "c": {`3`, 5, 5, ""}}},
		{"a new value", []snapshot.Change{put("a", 5, `3`)}, layer{"a": {`3`, 5, 5, ""}, "b": b}},
		{"the same value again", []snapshot.Change{put("a", 5, `"old"`)}, layer{"a": {`"old"`, 5, 5, ""}, "b": b}},
		{"a delete", []snapshot.Change{del("a", 5)}, layer{"b": b}},
		{"a delete of what is not there", []snapshot.Change{del("c", 5)}, layer{"a": {`"old"`, 1, 1, ""}, "b": b}},
		{"the last write counts", []snapshot.Change{put("a", 5, `1`), del("a", 6), put("a", 7, `3`)}, layer{"a": {`3`, 7, 7, ""}, "b": b}},
		{"put, then delete", []snapshot.Change{put("a", 5, `1`), del("a", 6)}, layer{"b": b}},
		{"bad keeps the last good", []snapshot.Change{bad("a", 5)}, layer{"a": {`"old"`, 1, 5, "is bad"}, "b": b}},
		{"bad twice", []snapshot.Change{bad("a", 5), bad("a", 6)}, layer{"a": {`"old"`, 1, 6, "is bad"}, "b": b}},
		{"bad, then good", []snapshot.Change{bad("a", 5), put("a", 6, `3`)}, layer{"a": {`3`, 6, 6, ""}, "b": b}},
		{"good, then bad", []snapshot.Change{put("a", 5, `3`), bad("a", 6)}, layer{"a": {`3`, 5, 6, "is bad"}, "b": b}},
		{"good, bad, good, bad", []snapshot.Change{put("a", 5, `3`), bad("a", 6), put("a", 7, `4`), bad("a", 8)}, layer{"a": {`4`, 7, 8, "is bad"}, "b": b}},
		{"good, then bad twice", []snapshot.Change{put("a", 5, `3`), bad("a", 6), bad("a", 7)}, layer{"a": {`3`, 5, 7, "is bad"}, "b": b}},
		{"delete, then bad", []snapshot.Change{del("a", 5), bad("a", 6)}, layer{"a": {"", 0, 6, "is bad"}, "b": b}},
		{"bad, delete, bad", []snapshot.Change{bad("a", 5), del("a", 6), bad("a", 7)}, layer{"a": {"", 0, 7, "is bad"}, "b": b}},
		{"bad, then delete", []snapshot.Change{bad("a", 5), del("a", 6)}, layer{"b": b}},
		{"never good", []snapshot.Change{bad("c", 5)}, layer{"a": {`"old"`, 1, 1, ""}, "b": b, "c": {"", 0, 5, "is bad"}}},
		{"two keys, interleaved", []snapshot.Change{put("b", 5, `5`), put("a", 5, `6`), bad("a", 6), bad("b", 6)},
			layer{"a": {`6`, 5, 6, "is bad"}, "b": {`5`, 5, 6, "is bad"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var empty *snapshot.Scope
			before := empty.Apply(start)
			if diff := cmp.Diff(test.want, contents(before.Apply(test.changes)), compareStored); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(contents(empty.Apply(start)), contents(before), compareStored); diff != "" {
				t.Errorf("the scope before was changed:\n%s", diff)
			}
			// One at a time gives the same.
			one := before
			for _, c := range test.changes {
				one = one.Apply([]snapshot.Change{c})
			}
			if diff := cmp.Diff(test.want, contents(one), compareStored); diff != "" {
				t.Errorf("one change at a time:\n%s", diff)
			}
		})
	}
}

func TestNilScopeIsEmpty(t *testing.T) {
	var s *snapshot.Scope
	if s.Find("a") != nil || len(s.Items()) != 0 {
		t.Error("a nil Scope holds something")
	}
	if got := s.Replace(nil); got != s {
		t.Error("replacing nothing by nothing made another Scope")
	}
	if got := s.Apply([]snapshot.Change{put("a", 1, `1`)}); got.Find("a") == nil {
		t.Error("a nil Scope takes no change")
	}
}

func TestUnchangedItemsStayTheSame(t *testing.T) {
	before := scopeOf("a", "b", "c", "d")
	after := before.Apply([]snapshot.Change{put("b", 9, `2`), del("c", 9), put("bb", 9, `1`)})
	for _, key := range []string{"a", "d"} {
		if before.Find(key) != after.Find(key) {
			t.Errorf("%s is another Item though it did not change", key)
		}
	}
	if before.Find("b") == after.Find("b") {
		t.Error("b is the same Item though it changed")
	}
	// What the batch tells again, as after a reconnect, is no change.
	if again := after.Apply([]snapshot.Change{put("b", 9, `2`)}); again.Find("b") != after.Find("b") {
		t.Error("b is another Item after the same write")
	}
}

func TestReplace(t *testing.T) {
	var empty *snapshot.Scope
	before := empty.Apply([]snapshot.Change{put("a", 1, `1`), put("b", 2, `2`), bad("c", 3), put("d", 4, `4`), bad("d", 5)})
	same := []snapshot.Change{put("a", 1, `1`), put("b", 2, `2`), bad("c", 3), bad("d", 5)}
	if got := before.Replace(same); got != before {
		t.Errorf("the same listing made another Scope: %v", contents(got))
	}
	for _, test := range []struct {
		name    string
		listing []snapshot.Change
		want    layer
	}{
		{"everything gone", nil, layer{}},
		{"one gone, one new, one changed", []snapshot.Change{put("a", 7, `7`), bad("c", 3), put("e", 8, `8`)},
			layer{"a": {`7`, 7, 7, ""}, "c": {"", 0, 3, "is bad"}, "e": {`8`, 8, 8, ""}}},
		{"newly bad keeps the last good", []snapshot.Change{bad("a", 7)}, layer{"a": {`1`, 1, 7, "is bad"}}},
		{"still bad keeps the last good", []snapshot.Change{bad("d", 9)}, layer{"d": {`4`, 4, 9, "is bad"}}},
		{"good again", []snapshot.Change{put("c", 7, `7`), put("d", 8, `8`)}, layer{"c": {`7`, 7, 7, ""}, "d": {`8`, 8, 8, ""}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := before.Replace(test.listing)
			if diff := cmp.Diff(test.want, contents(got), compareStored, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if got == before {
				t.Error("it is the same Scope")
			}
		})
	}
	if got := before.Replace(append([]snapshot.Change{put("A", 9, `9`)}, same...)); got.Find("b") != before.Find("b") || got.Find("d") != before.Find("d") {
		t.Error("items that did not change are others")
	}
}

// TestScopeAgainstModel makes random changes, in random batches, and sometimes tells
// the whole state as a listing.
func TestScopeAgainstModel(t *testing.T) {
	rnd := rounds(t)
	for range 100 {
		var s *snapshot.Scope
		model := layer{}
		var revision int64
		for range 20 {
			before := contents(s)
			was := s
			var batch []snapshot.Change
			for range rnd.IntN(6) {
				revision++
				c := randomChange(rnd, revision)
				batch = append(batch, c)
				model.write(c)
			}
			s = s.Apply(batch)
			if diff := cmp.Diff(model, contents(s), compareStored); diff != "" {
				t.Fatalf("after %v:\n%s", batch, diff)
			}
			if diff := cmp.Diff(before, contents(was), compareStored); diff != "" {
				t.Fatalf("the scope before was changed:\n%s", diff)
			}
			ascending(t, keysOf(s.Items()))
			for key, want := range model {
				if it := s.Find(key); it == nil || it.ModRevision() != want.newest {
					t.Fatalf("Find(%q) = %v, want revision %d", key, it, want.newest)
				}
			}
			if got := s.Replace(listing(model)); got != s {
				t.Fatalf("the present state as a listing made another Scope:\n%v\n%v", contents(s), contents(got))
			}
			if diff := cmp.Diff(model, contents(was.Replace(listing(model))), compareStored); diff != "" && !forgets(model, before) {
				t.Fatalf("a listing instead of the changes %v:\n%s", batch, diff)
			}
		}
	}
}

// listing is what the store tells of a state: the newest write to each key.
func listing(l layer) []snapshot.Change {
	var out []snapshot.Change
	for key, s := range l {
		c := snapshot.Change{Key: key, Revision: s.newest, Problem: s.problem}
		if s.problem == "" {
			c.Value = value(s.json)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b snapshot.Change) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// forgets says whether a listing cannot tell the state: a good value, or a delete, in
// between was overwritten by a bad one.
func forgets(now, before layer) bool {
	for key, s := range now {
		if s.problem != "" && s.revision != before[key].revision {
			return true
		}
	}
	return false
}

func keysOf(items []*snapshot.Item) []string {
	keys := make([]string, len(items))
	for i, it := range items {
		keys[i] = it.Key
	}
	return keys
}

// ascending checks that keys are in byte order, each once.
func ascending(t *testing.T, keys []string) {
	t.Helper()
	for i := 1; i < len(keys); i++ {
		if keys[i-1] >= keys[i] {
			t.Fatalf("%q stands before %q", keys[i-1], keys[i])
		}
	}
}

// A key that was deleted and came back unusable between two listings has no last good
// value: the one from before belonged to a key that is gone.
func TestReplaceTellsARecreatedKey(t *testing.T) {
	good, err := snapshot.ParseValue([]byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	before := (*snapshot.Scope)(nil).Replace([]snapshot.Change{{Key: "a", Revision: 5, Created: 3, Value: good}})
	for created, kept := range map[int64]bool{3: true, 8: false} {
		after := before.Replace([]snapshot.Change{{Key: "a", Revision: 9, Created: created, Problem: "is bad"}})
		if got := !after.Find("a").Value.IsZero(); got != kept {
			t.Errorf("created at %d: the last good value is kept: %v, want %v", created, got, kept)
		}
	}
}
