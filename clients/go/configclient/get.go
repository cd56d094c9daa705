package configclient

import (
	"fmt"
	"time"
)

// Get answers the value of a key as the type of its default, and the default when there
// is no value. It never fails and never waits.
//
// The value has to be of that type: a whole number suits an int, every number a float64, a
// bool is no number, and nothing is parsed from strings (the package's
// documentation has the rest). When it is not, Get answers the last good value of that
// JSON type which the client has seen since the key appeared, else the default, and logs one
// WARNING per key. With a default of type any every value suits. What it answers belongs
// to the caller.
func Get[T any](c *Client, key string, def T) T {
	p := c.look()
	s := p.find(key)
	if s == nil {
		c.reportAbsent(p, key)
		return def
	}
	if value, ok := direct[T](s.Value); ok {
		return value
	}
	value, _, _ := suited(c, s, def)
	return value
}

// direct is decode for the types that are read most, without reflection.
func direct[T any](value any) (out T, ok bool) {
	switch p := any(&out).(type) {
	case *string:
		*p, ok = value.(string)
	case *bool:
		*p, ok = value.(bool)
	case *float64:
		*p, ok = value.(float64)
	case *int:
		if f, isNumber := value.(float64); isNumber {
			*p, ok = wholeInt(f)
		}
	}
	return out, ok
}

// suited is the value of a type, or the last good one, and the entry it comes from. With
// neither it is the default and no entry. The problem is that of the present value.
func suited[T any](c *Client, s *stored, def T) (value T, from *Entry, problem error) {
	value, problem = decode(s.Value, def)
	if problem == nil {
		return value, &s.Entry, nil
	}
	c.warnOnce(s.Key, problem)
	for i := range s.past {
		if value, err := decode(s.past[i].Value, def); err == nil {
			return value, &s.past[i], problem
		}
	}
	return def, nil, problem
}

// Source says where a value comes from.
type Source string

// The sources of a value.
const (
	Live      Source = "LIVE"       // the sidecar, which has it from the store
	Disk      Source = "DISK"       // the sidecar, which has it from its disk
	CacheFile Source = "CACHE_FILE" // the client's own cache file
	Default   Source = "DEFAULT"    // the caller
)

// Detail is a value and where it comes from.
type Detail[T any] struct {
	Value    T
	Layer    Layer
	Revision int64 // at which the value last changed
	Source   Source
	// Age is the time since the value was known to be current; of a value from the cache
	// file since the file was written. It is 0 for a default.
	Age time.Duration
}

// GetDetail is Get with where the value comes from.
func GetDetail[T any](c *Client, key string, def T) Detail[T] {
	p := c.look()
	s := p.find(key)
	if s == nil {
		c.reportAbsent(p, key)
		return Detail[T]{Value: def, Source: Default}
	}
	value, from, _ := suited(c, s, def)
	if from == nil {
		return Detail[T]{Value: def, Source: Default}
	}
	return Detail[T]{value, from.Layer, from.Revision, p.view.source, p.age()}
}

// Detail answers the value of a key and where it comes from. It fails as Client.Get does.
func (c *Client) Detail(key string) (Detail[any], error) {
	p := c.look()
	if s := p.find(key); s != nil {
		return Detail[any]{copied(s.Value), s.Layer, s.Revision, p.view.source, p.age()}, nil
	}
	return Detail[any]{}, c.absence(p, key)
}

// Lookup answers the entry of a key, and whether there is one. Get says why there is none.
func (c *Client) Lookup(key string) (Entry, bool) {
	p := c.look()
	if s := p.find(key); s != nil {
		return s.copied(), true
	}
	c.reportAbsent(p, key)
	return Entry{}, false
}

// Get answers the entry of a key. It fails with ErrKeyMissing, ErrUnavailable, ErrDenied
// or ErrInvalidKey.
func (c *Client) Get(key string) (Entry, error) {
	p := c.look()
	if s := p.find(key); s != nil {
		return s.copied(), nil
	}
	return Entry{}, c.absence(p, key)
}

// Snapshot answers all values of one moment: with prefix `database` those of `database` and
// `database.*`, with "" everything. The map belongs to the caller. It fails as Get does, but
// a prefix that nothing has is an empty map.
func (c *Client) Snapshot(prefix string) (map[string]any, error) {
	if prefix != "" && !isKey(prefix) {
		return nil, invalidKey(prefix)
	}
	p := c.look()
	if p.view == nil {
		return nil, c.absenceOf(p, "")
	}
	out := map[string]any{}
	for key, s := range p.view.content.entries {
		if prefix == "" || key == prefix || isBelow(key, prefix) {
			out[key] = copied(s.Value)
		}
	}
	return out, nil
}

// typed answers a value as a getter reads it; a default stands in for absence only.
func typed[T any](c *Client, key, wanted string, def []T, as func(any) (T, bool)) (T, error) {
	p := c.look()
	s := p.find(key)
	if s == nil {
		err := c.absence(p, key)
		if len(def) > 0 && err.Kind != ErrInvalidKey {
			return def[0], nil
		}
		var none T
		return none, err
	}
	value, ok := as(s.Value)
	if !ok {
		var none T
		found := &mismatch{found: kindOf(s.Value), wanted: wanted}
		return none, &Error{Kind: ErrWrongType, Key: key, Scope: p.scope(c.set), text: fmt.Sprintf("%s %s", quote(key), found)}
	}
	return value, nil
}

// The typed getters fail with ErrWrongType when the value is of another type, and else as
// Get does. A default, of which the first counts, stands in for a value that is absent,
// never for one of another type.

// String answers a string.
func (c *Client) String(key string, def ...string) (string, error) {
	return typed(c, key, string(text), def, func(v any) (string, bool) { s, ok := v.(string); return s, ok })
}

// Int answers a whole number, or a string of decimal digits with an optional minus.
func (c *Client) Int(key string, def ...int) (int, error) {
	return typed(c, key, "an int", def, asInt)
}

// Float answers a number, or a string that is a finite decimal number.
func (c *Client) Float(key string, def ...float64) (float64, error) {
	return typed(c, key, string(number), def, asFloat)
}

// Bool answers a bool, or one of the strings `true` and `false`.
func (c *Client) Bool(key string, def ...bool) (bool, error) {
	return typed(c, key, string(boolean), def, asBool)
}

// Duration answers a number of seconds, or a string such as `1h30m`, `1.5s`, `250ms`:
// units ns us ms s m h.
func (c *Client) Duration(key string, def ...time.Duration) (time.Duration, error) {
	return typed(c, key, "a duration", def, asDuration)
}

// List answers a list, which belongs to the caller.
func (c *Client) List(key string, def ...[]any) ([]any, error) {
	return typed(c, key, string(list), def, func(v any) ([]any, bool) { l, ok := copied(v).([]any); return l, ok })
}

// JSON answers every value as it is; it belongs to the caller.
func (c *Client) JSON(key string, def ...any) (any, error) {
	return typed(c, key, "any value", def, func(v any) (any, bool) { return copied(v), true })
}
