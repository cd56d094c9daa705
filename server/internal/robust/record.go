// Package robust holds the service to its promises: clients that record what they
// see, an oracle that knows what is true, and checkers that compare the two. Nothing
// here uses the code it judges; the merge of the layers is written a second time.
package robust

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// Kind is the kind of a message.
type Kind string

// The kinds.
const (
	Snapshot   Kind = "snapshot"
	Delta      Kind = "delta"
	Checkpoint Kind = "checkpoint"
)

// Entry is an effective entry as a client saw it.
type Entry struct {
	Value    string `json:"value"` // canonical JSON
	Revision int64  `json:"revision"`
	Layer    int32  `json:"layer"`
}

// Message is one message of a watch as a client saw it.
type Message struct {
	Kind     Kind             `json:"kind"`
	Epoch    string           `json:"epoch"`
	Revision int64            `json:"revision"`
	From     int64            `json:"from,omitempty"`
	Entries  map[string]Entry `json:"entries,omitempty"`
	Deleted  []string         `json:"deleted,omitempty"`
	Fresh    bool             `json:"fresh,omitempty"`
	Verified time.Time        `json:"verified,omitzero"`
	At       time.Duration    `json:"at,omitempty"` // received, since the campaign began
}

// Point is where a client resumes.
type Point struct {
	Epoch    string `json:"epoch"`
	Revision int64  `json:"revision"`
}

// Leg is one connection of a watch: from where it resumed, and what it got.
type Leg struct {
	Resume   *Point    `json:"resume,omitempty"`
	Messages []Message `json:"messages"`
}

// Selection is what a watch asked for.
type Selection struct {
	Prefix string   `json:"prefix,omitempty"`
	Keys   []string `json:"keys,omitempty"`
}

// Has says whether the key is selected.
func (s Selection) Has(key string) bool {
	if s.Prefix == "" && len(s.Keys) == 0 {
		return true
	}
	if s.Prefix != "" && (key == s.Prefix || strings.HasPrefix(key, s.Prefix+".")) {
		return true
	}
	for _, k := range s.Keys {
		if k == key {
			return true
		}
	}
	return false
}

// Record is everything one client saw.
type Record struct {
	Client    string    `json:"client"`
	Selection Selection `json:"selection"`
	Legs      []Leg     `json:"legs"`
}

// Last returns where the client stands; nil before its first message.
func (r *Record) Last() *Point {
	for i := len(r.Legs) - 1; i >= 0; i-- {
		if n := len(r.Legs[i].Messages); n > 0 {
			m := r.Legs[i].Messages[n-1]
			return &Point{m.Epoch, m.Revision}
		}
	}
	return nil
}

// messageOf takes down a message of the wire.
func messageOf(w *configv1.WatchResponse) (Message, error) {
	m := Message{Epoch: w.GetState().GetEpoch(), Revision: w.GetState().GetRevision()}
	m.Fresh = w.GetState().GetFreshness() == configv1.State_FRESH
	if v := w.GetState().GetVerifiedTime(); v != nil {
		m.Verified = v.AsTime()
	}
	var entries []*configv1.Entry
	switch ev := w.GetEvent().(type) {
	case *configv1.WatchResponse_Snapshot:
		m.Kind, entries = Snapshot, ev.Snapshot.GetEntries()
	case *configv1.WatchResponse_Delta:
		m.Kind, entries = Delta, ev.Delta.GetEntries()
		m.Deleted, m.From = ev.Delta.GetDeletedKeys(), ev.Delta.GetFromRevision()
	case *configv1.WatchResponse_Checkpoint:
		m.Kind = Checkpoint
	default:
		return m, fmt.Errorf("a message without event at revision %d", m.Revision)
	}
	m.Entries = make(map[string]Entry, len(entries))
	for _, e := range entries {
		value, err := json.Marshal(e.GetValue().AsInterface())
		if err != nil {
			return m, fmt.Errorf("key %q: %w", e.GetKey(), err)
		}
		if _, twice := m.Entries[e.GetKey()]; twice {
			return m, fmt.Errorf("key %q twice in one message", e.GetKey())
		}
		m.Entries[e.GetKey()] = Entry{string(value), e.GetRevision(), int32(e.GetLayer())}
	}
	return m, nil
}
