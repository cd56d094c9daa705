package configclient

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"weak"
)

// Value is one value that is decoded when it changes, and read as often as it takes. Make
// it once, with NewValue or Bind, and keep it. It is safe for concurrent use.
type Value[T any] struct {
	client  *Client
	key     string
	below   bool // bound from all keys below key
	def     T
	invalid error // the key can never exist

	now atomic.Pointer[decoded[T]]

	mu   sync.Mutex // guards the rest, and writes to now
	seen []*stored  // what the last decoding read
	good bool       // now has a good value of a key that is still there
}

// decoded is what Get and Err answer for a content. It never changes.
type decoded[T any] struct {
	content *content
	value   T
	err     error
}

// NewValue follows a key. Get answers its value as Get of the package does, but remembers
// the last good value of T itself, and Err says what is wrong with the present one. The
// fields of a struct that the value, an object, does not name are those of the default.
func NewValue[T any](c *Client, key string, def T) *Value[T] {
	return follow(&Value[T]{client: c, key: key, def: def})
}

// Bind follows all keys below a prefix, as one T: `database.pool_size` is what
// Bind(c, "database", T{...}) puts into the field with the tag `json:"pool_size"`, and
// `database.pool.size` into that field of a struct field `json:"pool"`. A key `database`
// that holds an object counts too. Prefix "" stands for everything.
//
// What Get answers is always of one moment, whole: when one of the keys has a wrong type, it
// stays as it was, and Err names the key. Fields without a key are those of the default.
func Bind[T any](c *Client, prefix string, def T) *Value[T] {
	return follow(&Value[T]{client: c, key: prefix, below: true, def: def})
}

func follow[T any](v *Value[T]) *Value[T] {
	v.now.Store(&decoded[T]{value: v.def})
	if !isKey(v.key) && !(v.below && v.key == "") {
		v.client.reportInvalid(v.key)
		v.invalid = invalidKey(v.key)
		v.now.Store(&decoded[T]{value: v.def, err: v.invalid})
	}
	v.client.look() // making it is a read
	v.client.add(followerOf(v))
	v.refresh()
	return v
}

func followerOf[T any](v *Value[T]) *follower {
	ref := weak.Make(v)
	return &follower{func() bool {
		v := ref.Value()
		if v != nil {
			v.refresh()
		}
		return v != nil
	}}
}

// Get answers the value. Everyone gets the same T; what it points to, a slice or a map, is
// not to be changed.
func (v *Value[T]) Get() T { return v.current().value }

// Err is nil, or why Get does not answer the present value: ErrWrongType, or ErrInvalidKey. That
// there is no value is no error; Get answers the default.
func (v *Value[T]) Err() error { return v.current().err }

// current is what was decoded already, but in the moment in which a change is published:
// no read goes behind another one.
func (v *Value[T]) current() *decoded[T] {
	now := v.now.Load()
	if now.content != v.client.now.Load().content() {
		v.refresh()
		now = v.now.Load()
	}
	return now
}

// refresh decodes what the client has now, if that is another than last time.
func (v *Value[T]) refresh() {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, last := v.client.now.Load(), v.now.Load()
	next := &decoded[T]{content: p.content()}
	if next.content == last.content {
		return
	}
	found := v.find(next.content)
	switch {
	case slices.Equal(found, v.seen):
		next.value, next.err = last.value, last.err
	case len(found) == 0:
		if !v.below {
			v.client.reportAbsent(p, v.key)
		}
		next.value, next.err, v.good = v.def, v.invalid, false
	default:
		var err error
		if next.value, err = v.decode(found); err == nil {
			v.good = true
			break
		}
		next.err = &Error{Kind: ErrWrongType, Key: v.key, Scope: p.scope(v.client.set), text: fmt.Sprintf("%s %s", quote(v.key), err)}
		if v.good {
			next.value = last.value
		}
	}
	v.seen = found
	v.now.Store(next)
}

// find returns the entries that the value is made of, in order of their keys.
func (v *Value[T]) find(c *content) []*stored {
	if !v.below {
		if s := c.entries[v.key]; s != nil {
			return []*stored{s}
		}
		return nil
	}
	var found []*stored
	for key, s := range c.entries {
		if v.key == "" || key == v.key || isBelow(key, v.key) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *stored) int { return strings.Compare(a.Key, b.Key) })
	return found
}

// decode returns the value; with an error what to answer when there never was a good one.
func (v *Value[T]) decode(found []*stored) (T, error) {
	if !v.below {
		value, _, err := suited(v.client, found[0], v.def)
		return value, err
	}
	value, err := decode(tree(v.key, found), v.def)
	if err != nil {
		v.client.warnOnce(v.key, err)
		return v.def, err
	}
	return value, nil
}

// tree makes one object of the entries at and below a prefix; of a single entry at the
// prefix it is the value. Entries are in order of their keys: what lies deeper comes later,
// and wins.
func tree(prefix string, found []*stored) any {
	var root any = map[string]any{}
	for _, s := range found {
		rest := strings.TrimPrefix(strings.TrimPrefix(s.Key, prefix), ".")
		if rest == "" {
			root = copied(s.Value)
			continue
		}
		path := strings.Split(rest, ".")
		node := asObject(&root)
		for _, name := range path[:len(path)-1] {
			below := node[name]
			node[name] = asObject(&below)
			node = below.(map[string]any)
		}
		node[path[len(path)-1]] = copied(s.Value)
	}
	return root
}

// asObject makes an object of what is none.
func asObject(at *any) map[string]any {
	node, ok := (*at).(map[string]any)
	if !ok {
		node = map[string]any{}
		*at = node
	}
	return node
}
