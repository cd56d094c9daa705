package robust

import (
	"maps"
	"slices"
)

// Bug is a planted fault: it turns a true record into what a faulty service would
// have shown. It returns false when the record offers no place for it.
type Bug struct {
	Name  string
	Plant func(*Record) bool
}

// Bugs are the faults that Check has to find.
var Bugs = []Bug{
	{"a delta is lost", onMessage(Delta, func(leg *Leg, i int) bool {
		if i+1 >= len(leg.Messages) {
			return false // as if the connection had ended before it
		}
		leg.Messages = slices.Delete(leg.Messages, i, i+1)
		return true
	})},
	{"a delta comes twice", onMessage(Delta, func(leg *Leg, i int) bool {
		leg.Messages = slices.Insert(leg.Messages, i, leg.Messages[i])
		return true
	})},
	{"two deltas are swapped", onMessage(Delta, func(leg *Leg, i int) bool {
		if i+1 >= len(leg.Messages) || leg.Messages[i+1].Kind != Delta {
			return false
		}
		leg.Messages[i], leg.Messages[i+1] = leg.Messages[i+1], leg.Messages[i]
		return true
	})},
	{"a transaction is split", onMessage(Delta, func(leg *Leg, i int) bool {
		m := &leg.Messages[i]
		if len(m.Entries) < 2 {
			return false
		}
		second := *m
		second.Deleted, second.Entries, second.From = nil, map[string]Entry{}, m.Revision
		for key, e := range m.Entries {
			second.Entries[key] = e
			delete(m.Entries, key)
			break
		}
		leg.Messages = slices.Insert(leg.Messages, i+1, second)
		return true
	})},
	{"a checkpoint runs ahead of its data", onMessage(Delta, func(leg *Leg, i int) bool {
		m := &leg.Messages[i]
		early := Message{Kind: Checkpoint, Epoch: m.Epoch, Revision: m.Revision}
		m.From = m.Revision
		leg.Messages = slices.Insert(leg.Messages, i, early)
		return true
	})},
	{"a resumed stream skips what it missed", func(r *Record) bool {
		for i := range r.Legs {
			leg := &r.Legs[i]
			if leg.Resume == nil || len(leg.Messages) == 0 || leg.Messages[0].Kind != Snapshot || !hasNewer(leg.Messages[0], leg.Resume.Revision) {
				continue
			}
			leg.Messages[0] = Message{Kind: Checkpoint, Epoch: leg.Messages[0].Epoch, Revision: leg.Messages[0].Revision}
			return true
		}
		return false
	}},
	{"another service's key is shown", onMessage(Snapshot, func(leg *Leg, i int) bool {
		m := &leg.Messages[i]
		if len(m.Entries) == 0 {
			return false
		}
		m.Entries["canary"] = Entry{Value: `"foreign"`, Revision: m.Revision, Layer: 1}
		return true
	})},
	{"a delete is lost", onMessage(Delta, func(leg *Leg, i int) bool {
		m := &leg.Messages[i]
		if len(m.Deleted) == 0 || len(m.Entries) == 0 {
			return false
		}
		m.Deleted = nil
		return true
	})},
	{"the revision goes back after a new listing", onMessage(Delta, func(leg *Leg, i int) bool {
		if i < 2 {
			return false
		}
		leg.Messages = slices.Insert(leg.Messages, i+1, Message{
			Kind: Checkpoint, Epoch: leg.Messages[i].Epoch, Revision: leg.Messages[i].From - 1,
		})
		return true
	})},
	{"the revision is ahead of the data", onMessage(Delta, func(leg *Leg, i int) bool {
		if i+1 >= len(leg.Messages) || leg.Messages[i+1].Kind != Delta {
			return false
		}
		leg.Messages[i].Revision = leg.Messages[i+1].Revision
		leg.Messages[i+1].From = leg.Messages[i].Revision
		return true
	})},
	{"a snapshot is empty by accident", onMessage(Snapshot, func(leg *Leg, i int) bool {
		if len(leg.Messages[i].Entries) == 0 {
			return false
		}
		leg.Messages[i].Entries = nil
		return true
	})},
	{"a weaker layer wins", onMessage(Snapshot, func(leg *Leg, i int) bool {
		for key, e := range leg.Messages[i].Entries {
			e.Layer++
			leg.Messages[i].Entries[key] = e
			return true
		}
		return false
	})},
	{"the stream stops before the end", func(r *Record) bool {
		leg := &r.Legs[len(r.Legs)-1]
		if len(leg.Messages) < 2 {
			return false
		}
		last := leg.Messages[len(leg.Messages)-1].Revision
		for n := len(leg.Messages); n > 0 && leg.Messages[n-1].Revision == last; n-- {
			leg.Messages = leg.Messages[:n-1]
		}
		return true
	}},
}

// hasNewer says whether a message holds an entry that changed after a revision.
func hasNewer(m Message, revision int64) bool {
	for _, e := range m.Entries {
		if e.Revision > revision {
			return true
		}
	}
	return false
}

// onMessage plants at the first message of a kind where that is possible.
func onMessage(kind Kind, plant func(*Leg, int) bool) func(*Record) bool {
	return func(r *Record) bool {
		for l := range r.Legs {
			for i := range r.Legs[l].Messages {
				if r.Legs[l].Messages[i].Kind == kind && plant(&r.Legs[l], i) {
					return true
				}
			}
		}
		return false
	}
}

// Clone returns a copy of the record that can be changed.
func (r *Record) Clone() *Record {
	out := *r
	out.Legs = slices.Clone(r.Legs)
	for i := range out.Legs {
		leg := &out.Legs[i]
		leg.Messages = slices.Clone(leg.Messages)
		for j := range leg.Messages {
			leg.Messages[j].Entries = maps.Clone(leg.Messages[j].Entries)
			leg.Messages[j].Deleted = slices.Clone(leg.Messages[j].Deleted)
		}
	}
	return &out
}
