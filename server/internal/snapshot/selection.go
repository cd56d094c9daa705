package snapshot

import "fmt"

// MaxSelectedKeys is how many keys a Selection may name.
const MaxSelectedKeys = 1000

// Selection is a set of keys: everything, or the union of a prefix and single keys.
// It never changes.
type Selection struct {
	prefix string
	keys   map[string]struct{}
}

// NewSelection makes a Selection. An empty prefix and no keys select everything; a
// prefix `a` selects `a` and what lies below it. Names are to be checked before.
func NewSelection(prefix string, keys []string) Selection {
	s := Selection{prefix: prefix}
	if len(keys) > 0 {
		s.keys = make(map[string]struct{}, len(keys))
		for _, k := range keys {
			s.keys[k] = struct{}{}
		}
	}
	return s
}

// CheckSelectedKeys says why there are too many keys for one Selection, or nil.
func CheckSelectedKeys(n int) error {
	if n > MaxSelectedKeys {
		return fmt.Errorf("has %d keys; accepted: at most %d, or a prefix", n, MaxSelectedKeys)
	}
	return nil
}

// All says whether everything is selected.
func (s Selection) All() bool { return s.prefix == "" && s.keys == nil }

// Has says whether the key is selected.
func (s Selection) Has(key string) bool {
	if s.All() || key == s.prefix {
		return true
	}
	if s.prefix != "" && isBelow(key, s.prefix) {
		return true
	}
	_, ok := s.keys[key]
	return ok
}
