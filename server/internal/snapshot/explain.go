package snapshot

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

// conflicting returns the effective entry at, above or below the key: of those that
// a tree cannot hold beside it, the strongest. Nil when there is none; then no layer
// has the key.
func (f *Effective) conflicting(key string) *Entry {
	if e := f.Find(key); e != nil {
		return e
	}
	var found *Entry
	for _, e := range f.entries {
		if (isBelow(key, e.Key) || isBelow(e.Key, key)) && (found == nil || e.Layer < found.Layer) {
			found = e
		}
	}
	return found
}
