package robust

import (
	"fmt"
	"maps"
	"slices"
)

// Check holds a record against the truth and returns every violation of the contract
// of Watch. final is the revision that the client had to reach.
func Check(r *Record, truth *Truth, final int64) []string {
	c := &checker{record: r, truth: truth}
	for i := range r.Legs {
		c.leg = i
		c.checkLeg(&r.Legs[i])
	}
	if c.revision < final {
		c.fail("ended at revision %d; the last write is %d", c.revision, final)
	}
	return c.violations
}

type checker struct {
	record     *Record
	truth      *Truth
	leg        int
	violations []string

	epoch    string
	revision int64
	state    map[string]Entry
	compared int64 // the revision that compare looked at last
}

func (c *checker) fail(format string, args ...any) {
	c.violations = append(c.violations, fmt.Sprintf("%s leg %d: ", c.record.Client, c.leg)+fmt.Sprintf(format, args...))
}

func (c *checker) checkLeg(leg *Leg) {
	resumed := leg.Resume != nil
	if !resumed && len(leg.Messages) > 0 {
		c.epoch, c.revision, c.state = "", 0, nil
	}
	for i, m := range leg.Messages {
		if m.Epoch == c.epoch && m.Revision < c.revision {
			c.fail("message %d goes back from revision %d to %d", i, c.revision, m.Revision)
		}
		if m.Epoch != c.epoch && m.Kind != Snapshot {
			c.fail("message %d is a %s of another epoch", i, m.Kind)
		}
		if i == 0 && (m.Kind == Delta || (m.Kind == Checkpoint && !resumed)) {
			c.fail("the first message is a %s", m.Kind)
		}
		c.apply(i, m)
		c.epoch, c.revision = m.Epoch, m.Revision
		c.compare(i, m)
	}
}

func (c *checker) apply(i int, m Message) {
	switch m.Kind {
	case Snapshot:
		c.state = maps.Clone(m.Entries)
	case Delta:
		c.applyDelta(i, m)
	case Checkpoint:
		if len(m.Entries)+len(m.Deleted) > 0 {
			c.fail("message %d is a checkpoint with content", i)
		}
	}
	for key := range m.Entries {
		if !c.record.Selection.Has(key) {
			c.fail("message %d has %q, which was not selected", i, key)
		}
	}
}

func (c *checker) applyDelta(i int, m Message) {
	if m.From != c.revision {
		c.fail("message %d is a delta from %d, after revision %d", i, m.From, c.revision)
	}
	if len(m.Entries)+len(m.Deleted) == 0 {
		c.fail("message %d is an empty delta", i)
	}
	next := maps.Clone(c.state)
	if next == nil {
		next = map[string]Entry{}
	}
	for key, e := range m.Entries {
		if was, ok := next[key]; ok && was == e {
			c.fail("message %d repeats %q", i, key)
		}
		if e.Revision <= m.From || e.Revision > m.Revision {
			c.fail("message %d has %q of revision %d, outside %d..%d", i, key, e.Revision, m.From, m.Revision)
		}
		next[key] = e
	}
	for _, key := range m.Deleted {
		if _, ok := next[key]; !ok {
			c.fail("message %d deletes %q, which was not there", i, key)
		}
		if _, both := m.Entries[key]; both {
			c.fail("message %d sets and deletes %q", i, key)
		}
		delete(next, key)
	}
	c.state = next
}

// compare holds the client's state against the truth at its revision. This is what
// finds a lost or early change, half a transaction and foreign data. Within a leg only
// that is looked at which changed since the message before, there or here.
func (c *checker) compare(i int, m Message) {
	keys := map[string]bool{}
	add := func(all []string) {
		for _, key := range all {
			keys[key] = true
		}
	}
	if i == 0 || m.Kind == Snapshot || m.Revision < c.compared {
		add(c.truth.keys())
		add(slices.Collect(maps.Keys(c.state)))
	} else {
		add(c.truth.changed(c.compared, m.Revision))
		add(slices.Collect(maps.Keys(m.Entries)))
		add(m.Deleted)
	}
	for key := range keys {
		if c.record.Selection.Has(key) {
			c.compareKey(i, m, key)
		}
	}
	c.compared = m.Revision
}

func (c *checker) compareKey(i int, m Message, key string) {
	want, is := c.truth.Find(key, m.Revision)
	got, ok := c.state[key]
	switch {
	case !is && ok:
		c.fail("message %d (%s) at revision %d has %q, which is not there", i, m.Kind, m.Revision, key)
	case !is:
	case !ok:
		c.fail("message %d (%s) at revision %d lacks %q", i, m.Kind, m.Revision, key)
	case got.Value != want.Value || got.Layer != want.Layer:
		c.fail("message %d (%s) at revision %d has %q = %s of layer %d; it is %s of layer %d",
			i, m.Kind, m.Revision, key, got.Value, got.Layer, want.Value, want.Layer)
	case got.Revision < want.Revision || got.Revision > m.Revision:
		c.fail("message %d at revision %d dates %q at %d; its write is at %d", i, m.Revision, key, got.Revision, want.Revision)
	}
}
