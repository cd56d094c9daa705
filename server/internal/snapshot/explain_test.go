package snapshot_test

import (
	"testing"

	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestExplain(t *testing.T) {
	var empty *snapshot.Scope
	layers := [snapshot.LayerCount]*snapshot.Scope{
		scopeOf("a.b"),
		scopeOf("a", "x"),
		scopeOf("a.b", "a.c", "x.y"),
		empty.Apply([]snapshot.Change{bad("z", 1)}),
	}
	f := snapshot.Resolve(testScope, layers, 10, 0, nil)
	type hidden struct {
		key   string
		layer snapshot.Layer
	}
	const (
		absent   = snapshot.Absent
		inEffect = snapshot.InEffect
		isHidden = snapshot.Hidden
		unusable = snapshot.Unusable
	)
	for _, test := range []struct {
		key   string
		want  [snapshot.LayerCount]snapshot.Outcome
		hider hidden
	}{
		{"a.b", [4]snapshot.Outcome{inEffect, absent, isHidden, absent}, hidden{"a.b", snapshot.ServiceEnvironment}},
		{"a", [4]snapshot.Outcome{absent, isHidden, absent, absent}, hidden{"a.b", snapshot.ServiceEnvironment}},
		{"a.c", [4]snapshot.Outcome{absent, absent, inEffect, absent}, hidden{}},
		{"x", [4]snapshot.Outcome{absent, inEffect, absent, absent}, hidden{}},
		{"x.y", [4]snapshot.Outcome{absent, absent, isHidden, absent}, hidden{"x", snapshot.Service}},
		{"z", [4]snapshot.Outcome{absent, absent, absent, unusable}, hidden{}},
		{"nothing", [4]snapshot.Outcome{absent, absent, absent, absent}, hidden{}},
		{"a.b.c", [4]snapshot.Outcome{absent, absent, absent, absent}, hidden{}}, // though a.b would hide it
	} {
		for i, c := range f.Explain(test.key) {
			if c.Layer != snapshot.Layer(i+1) || c.Outcome != test.want[i] {
				t.Errorf("%s: candidate %d is %d of layer %s, want %d", test.key, i, c.Outcome, c.Layer, test.want[i])
			}
			if c.Outcome == isHidden && (c.HidBy == nil || c.HidBy.Key != test.hider.key || c.HidBy.Layer != test.hider.layer) {
				t.Errorf("%s: layer %s is hidden by %+v, want %v", test.key, c.Layer, c.HidBy, test.hider)
			}
		}
	}
}

// TestExplainAgainstModel explains every key that a layer has, and some that none has,
// in random configurations.
func TestExplainAgainstModel(t *testing.T) {
	rnd := rounds(t)
	for range 2000 {
		model, scopes := randomLayers(rnd)
		f := snapshot.Resolve(testScope, scopes, 100, 0, nil)
		want := merge(model)
		keys := map[string]bool{}
		for _, l := range model {
			for key := range l {
				keys[key] = true
			}
		}
		for range 5 {
			keys[randomKey(rnd)] = true
		}
		for key := range keys {
			explains(t, f, model, want, key)
		}
	}
}

func explains(t *testing.T, f *snapshot.Effective, model [snapshot.LayerCount]layer, want map[string]effective, key string) {
	t.Helper()
	won := 0
	for i, c := range f.Explain(key) {
		s, has := model[i][key]
		e, isEffective := want[key]
		isWinner := isEffective && e.layer == snapshot.Layer(i+1)
		outcome := snapshot.Hidden
		switch {
		case !has:
			outcome = snapshot.Absent
		case isWinner && s.json == "":
			outcome = snapshot.Unusable
		case isWinner:
			outcome = snapshot.InEffect
		}
		if isWinner {
			won++
		}
		if c.Layer != snapshot.Layer(i+1) || c.Outcome != outcome {
			t.Fatalf("Explain(%q) of %v: layer %s is %d, want %d", key, model, c.Layer, c.Outcome, outcome)
		}
		if (c.Item != nil) != has || (has && c.Item.Value.JSON() != s.json) {
			t.Fatalf("Explain(%q) of %v: layer %s has the item %+v, want %+v", key, model, c.Layer, c.Item, s)
		}
		if (c.HidBy != nil) != (outcome == snapshot.Hidden) {
			t.Fatalf("Explain(%q) of %v: layer %s is %d and hidden by %+v", key, model, c.Layer, c.Outcome, c.HidBy)
		}
		if h := c.HidBy; h != nil && (f.Find(h.Key) != h || !conflict(h.Key, key) || h.Layer > c.Layer) {
			t.Fatalf("Explain(%q) of %v: %s of layer %s cannot hide it in layer %s", key, model, h.Key, h.Layer, c.Layer)
		}
	}
	if (won == 1) != (f.Find(key) != nil) || won > 1 {
		t.Fatalf("Explain(%q) of %v: %d winners; Find says %+v", key, model, won, f.Find(key))
	}
}
