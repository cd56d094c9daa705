package replica_test

import (
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// schemas is a step that changes the schema of a service.
func schemas(revision int64, namespace, text string) snapshot.Batch {
	return snapshot.Batch{Revision: revision, Schemas: snapshot.Schemas{namespace: {Text: text, Revision: revision}}}
}

func withSchemas(l snapshot.Listing, s snapshot.Schemas) snapshot.Listing {
	l.Schemas = s
	return l
}

// A view has the schema as of its revision, and whoever it concerns is woken by another one,
// though the content is the same.
func TestASchemaBelongsToAView(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(withSchemas(listing("e1", 7, start, payment, put(t, "a", `1`, 5)), snapshot.Schemas{}))
	p, o := view(r, payment), view(r, orders)
	if !p.SchemasKnown || !p.Schema.Deleted() {
		t.Errorf("before there is a schema: %+v", p.Schema)
	}
	r.Advance(schemas(8, payment.Namespace, "{}"))
	if !isClosed(p.Superseded) || isClosed(o.Superseded) {
		t.Errorf("heard by payment: %t, by orders: %t", isClosed(p.Superseded), isClosed(o.Superseded))
	}
	q := view(r, payment)
	if q.Schema == nil || q.Schema.Text != "{}" || q.Effective != p.Effective || q.Changes != p.Changes || !p.Schema.Deleted() {
		t.Errorf("the view has the schema %+v, the one before %+v", q.Schema, p.Schema)
	}
	r.Advance(batch(payment, put(t, "b", `1`, 9)))
	if view(r, payment).Schema != q.Schema {
		t.Error("a change of the content changed the schema")
	}
	// A listing that has the same keeps it, and dates the end of one that is gone.
	r.Replace(withSchemas(listing("e1", 10, start, payment), snapshot.Schemas{payment.Namespace: {Text: "{}", Revision: 8}}))
	if view(r, payment).Schema != q.Schema {
		t.Error("the same schema of a listing is another")
	}
	r.Replace(withSchemas(listing("e1", 11, start, payment), snapshot.Schemas{}))
	if d := view(r, payment).Schema; !d.Deleted() || d.Revision != 11 {
		t.Errorf("after it was deleted unseen: %+v", d)
	}
	r.Replace(listing("e1", 12, start, payment)) // by a credential that may not read them any more
	if v := view(r, payment); v.SchemasKnown || v.Schema != nil {
		t.Errorf("what is not known is %+v", v.Schema)
	}
	before := view(r, payment)
	r.Advance(schemas(13, payment.Namespace, "{}"))
	r.Advance(snapshot.Batch{Revision: 13, Unknown: true})
	if view(r, payment).SchemasKnown || !isClosed(before.Superseded) {
		t.Error("a schema that may not be read any more is known")
	}
}

// What is masked has no value, keeps its dates, and is a view of its own: never taken for the
// other by epoch or by what is shared.
func TestAMaskedView(t *testing.T) {
	r := replica.New(newClock().now)
	l := listing("e1", 7, start, payment, put(t, "open", `"o"`, 5), put(t, "secret", `"s"`, 6))
	r.Replace(withSchemas(l, snapshot.Schemas{payment.Namespace: {Text: "{}", Revision: 4}}))
	asked := 0
	sensitive := func(key string) bool { asked++; return strings.HasPrefix(key, "secret") }
	v := view(r, payment)
	m := v.Masked(sensitive)
	e := m.Find("secret")
	if e == nil || !e.Masked || !e.Value.IsZero() || e.Invalid() || e.Revision != v.Find("secret").Revision || m.Find("open") != v.Find("open") {
		t.Errorf("masked is %+v", e)
	}
	if m.State.Epoch != "e1-m4" || m.State.History != "e1" || v.State.Epoch != "e1" || !m.Masks("secret.x") || m.Masks("open") || v.Masks("secret") {
		t.Errorf("the states are %+v and %+v", m.State, v.State)
	}
	n := asked
	if again := view(r, payment).Masked(sensitive); again.Effective != m.Effective || asked != n {
		t.Error("it was made again")
	}
	r.Advance(batch(payment, put(t, "secret", `"t"`, 8)))
	next := view(r, payment).Masked(sensitive)
	if step := snapshot.Diff(m.Effective, next.Effective, snapshot.Selection{}); len(step.Entries) != 1 || !step.Entries[0].Masked || step.Entries[0].Revision != 8 {
		t.Errorf("a change of what is masked is %+v", step)
	}
	r.Advance(batch(payment, put(t, "other", `1`, 9)))
	last := view(r, payment).Masked(sensitive)
	if step := snapshot.Diff(next.Effective, last.Effective, snapshot.Selection{}); len(step.Entries) != 1 || step.Entries[0].Key != "other" {
		t.Errorf("a change of another key is %+v", step)
	}
}
