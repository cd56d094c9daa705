// Package tree is the configuration of one scope as a file: a YAML tree, read strictly
// and written in one way only.
//
// A map is levels of a key: `database: {host: x}` and `database.host: x` are the same key.
// A map that is a value is written `!value {...}`.
package tree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
)

// The limits of the data model, which a server checks as well.
const (
	MaxFile    = 10 << 20  // bytes of a file
	maxKey     = 253       // bytes of a key
	maxValue   = 256 << 10 // bytes of a value
	maxDepth   = 30        // levels of nesting of a value
	maxInteger = 1<<53 - 1 // the largest magnitude of an integer
)

// valueTag marks a map that is a value.
const valueTag = "!value"

// Content is what a scope holds: values by key.
type Content map[string]*structpb.Value

// Keys are the keys in their order.
func (c Content) Keys() []string {
	keys := make([]string, 0, len(c))
	for key := range c {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// CheckKey says why s is not a key, or nil. The error begins with a verb.
func CheckKey(s string) error {
	const accepted = "accepted: names of A-Z, a-z, 0-9, '_' and '-', joined by single dots, at most 253 bytes"
	switch {
	case s == "":
		return fmt.Errorf("is empty; %s", accepted)
	case len(s) > maxKey:
		return fmt.Errorf("has %d bytes; %s", len(s), accepted)
	}
	for name := range strings.SplitSeq(s, ".") {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isLetter(r) }) {
			return fmt.Errorf("is malformed; %s", accepted)
		}
	}
	return nil
}

func isLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// Selects says whether a prefix selects a key: `database` means `database` and
// `database.*`. An empty prefix selects every key.
func Selects(prefix, key string) bool {
	return prefix == "" || key == prefix || strings.HasPrefix(key, prefix+".")
}

// Limits are the most keys, and the most bytes of keys and values, that a scope of a
// namespace holds.
func Limits(namespace string) (keys, bytes int) {
	if namespace == "_shared" {
		return 2_000, 512 << 10
	}
	return 10_000, 1 << 20
}

// CheckSize says why a scope of a namespace cannot hold a content, or nil. The error
// begins with a verb.
func CheckSize(namespace string, c Content) error {
	keys, size := Limits(namespace)
	if len(c) > keys {
		return fmt.Errorf("has %d keys; accepted: at most %d in a scope of %s", len(c), keys, namespace)
	}
	total := 0
	for key, value := range c {
		total += len(key) + len(JSON(value))
	}
	if total > size {
		return fmt.Errorf("has %d bytes of keys and values; accepted: at most %d in a scope of %s", total, size, namespace)
	}
	return nil
}

// JSON is a value as compact JSON, names sorted. Equal values have equal texts.
func JSON(v *structpb.Value) string {
	if text, ok := v.GetKind().(*structpb.Value_StringValue); ok && isPlain(text.StringValue) {
		return `"` + text.StringValue + `"`
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.AsInterface()); err != nil {
		return "null" // NaN and infinities, which no value is
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// Equal says whether two values are the same.
func Equal(a, b *structpb.Value) bool { return JSON(a) == JSON(b) }

// Bare is a value as a program wants it: a text as its bytes, all else as compact JSON.
func Bare(v *structpb.Value) string {
	if text, ok := v.GetKind().(*structpb.Value_StringValue); ok {
		return text.StringValue
	}
	return JSON(v)
}
