package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Content is everything a replica holds at one revision, with what tells its history
// from another one. Contents never change.
type Content struct {
	Epoch    string // empty: nothing is loaded
	Cluster  uint64 // id of the store's cluster
	Term     uint64 // newest raft term that was seen; it never goes back within a history
	Index    uint64 // raft index at Revision, at least; 0: none was told
	Revision int64
	Verified time.Time // when the newest read that proved it current was sent; zero: never
	Scopes   map[ScopeID]*Scope
	Schemas  Schemas // of a sidecar: of its own service at most
}

// NewScope makes a scope of items, which have to be in strict byte order of their
// keys, with names that can be asked for. The scope owns the slice from then on.
func NewScope(items []*Item) (*Scope, error) {
	for i, it := range items {
		if err := CheckKey(it.Key); err != nil {
			return nil, fmt.Errorf("key %w", err)
		}
		if i > 0 && items[i-1].Key >= it.Key {
			return nil, fmt.Errorf("key %s does not come after %s; accepted: keys in byte order, each once", Quote(it.Key), Quote(items[i-1].Key))
		}
	}
	return &Scope{items: items}, nil
}

// CanonicalValue takes back the text of a Value that was parsed before. It does not
// judge it again: the canonical text of a value may be longer than what was stored.
func CanonicalValue(text string) (Value, error) {
	if !plainText(text) && (!utf8.ValidString(text) || !json.Valid([]byte(text))) {
		return Value{}, errors.New("value is not JSON in UTF-8; accepted: the text of a Value")
	}
	return Value{json: text}, nil
}

// plainText knows most values at a glance, which makes many of them load in much less
// time: a JSON text of ASCII without escapes.
func plainText(text string) bool {
	last := len(text) - 1
	if last < 1 || text[0] != '"' || text[last] != '"' {
		return false
	}
	for i := 1; i < last; i++ {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
