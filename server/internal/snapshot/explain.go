package snapshot

import (
	"slices"
	"strings"
)

// Outcome says what became of a layer's candidate. The numbers are those of the wire.
type Outcome int32

// The outcomes.
const (
	Absent Outcome = 1 + iota
	InEffect
	Hidden
	Unusable
)

// Candidate is what one layer has for a key.
type Candidate struct {
	Layer   Layer
	Outcome Outcome
	Item    *Item  // nil when Absent
	HidBy   *Entry // with Hidden: the effective entry that hides it
}

// Explain returns the candidate of each layer for a key, strongest first.
func (f *Effective) Explain(key string) [LayerCount]Candidate {
	var out [LayerCount]Candidate
	hider := f.conflicting(key)
	for i, scope := range f.layers {
		c := Candidate{Layer: Layer(i + 1), Outcome: Absent, Item: scope.Find(key)}
		switch {
		case c.Item == nil:
		case hider == nil || hider.Key != key || hider.Layer != c.Layer:
			c.Outcome, c.HidBy = Hidden, hider
		case hider.Invalid():
			c.Outcome = Unusable
		default:
			c.Outcome = InEffect
		}
		out[i] = c
	}
	return out
}

// Hidden returns the candidates of the selected keys that another entry hides, in byte
// order of their keys, the stronger layer first.
func (f *Effective) Hidden(sel Selection) []Candidate {
	var out []Candidate
	for i, scope := range f.layers {
		layer := Layer(i + 1)
		for _, it := range scope.Items() {
			if !sel.Has(it.Key) {
				continue
			}
			hider := f.conflicting(it.Key)
			if hider.Key != it.Key || hider.Layer != layer {
				out = append(out, Candidate{Layer: layer, Outcome: Hidden, Item: it, HidBy: hider})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int { return strings.Compare(a.Item.Key, b.Item.Key) })
	return out
}

// conflicting returns the effective entry at, above or below the key: of those that
// a tree cannot hold beside it, the strongest. Nil when there is none; then no layer
// has the key.
func (f *Effective) conflicting(key string) *Entry {
	if e := f.Find(key); e != nil {
		return e
	}
	for i := range len(key) {
		if key[i] == '.' {
			if e := f.Find(key[:i]); e != nil {
				return e // nothing below it is effective
			}
		}
	}
	var found *Entry
	from, _ := slices.BinarySearchFunc(f.entries, key+".", compareEntry)
	for _, e := range f.entries[from:] {
		if !isBelow(e.Key, key) {
			break
		}
		if found == nil || e.Layer < found.Layer {
			found = e
		}
	}
	return found
}
