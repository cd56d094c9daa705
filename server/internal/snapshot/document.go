package snapshot

import (
	"maps"
	"sync/atomic"
)

// Document is the schema of a namespace as it is stored, or that there is none any more.
// Documents never change: pointers can be compared.
type Document struct {
	Text     string // as stored; empty: it was deleted
	Revision int64  // of the write, or at which it was found to be gone

	form atomic.Value
}

// Deleted says that there is no schema.
func (d *Document) Deleted() bool { return d == nil || d.Text == "" }

// Form is as Entry.Form.
func (d *Document) Form(build func(*Document) any) any {
	if f := d.form.Load(); f != nil {
		return f
	}
	f := build(d)
	d.form.Store(f)
	return f
}

// Schemas are documents by namespace. Nil: it is not known which there are. They never
// change.
type Schemas map[string]*Document

// Follow returns the schemas after a listing at a revision; nil when that does not know
// them. A document that is the same stays the same; one that is gone is kept as deleted, so
// that its end has a date.
func (s Schemas) Follow(listed Schemas, revision int64) Schemas {
	if listed == nil {
		return nil
	}
	next := make(Schemas, len(listed))
	for namespace, d := range listed {
		if was := s[namespace]; was != nil && was.Revision == d.Revision && was.Text == d.Text {
			d = was
		}
		next[namespace] = d
	}
	for namespace, was := range s {
		switch {
		case next[namespace] != nil:
		case was.Deleted():
			next[namespace] = was
		default:
			next[namespace] = &Document{Revision: revision}
		}
	}
	return next
}

// With returns the schemas after some were written or deleted.
func (s Schemas) With(changed Schemas) Schemas {
	if len(changed) == 0 {
		return s
	}
	next := maps.Clone(s)
	if next == nil {
		next = Schemas{}
	}
	maps.Copy(next, changed)
	return next
}
