package tree

import "strings"

// Effective is what applications get of layers, the strongest first, by the rules of the
// server: a key of a stronger layer hides the same key, the keys below it and those above
// it in a weaker one; within a layer a key is hidden by those below it. A key whose value
// cannot be used is there with a nil value, and hides like any other.
func Effective(layers ...Content) Content {
	out := Content{}
	inner := map[string]bool{} // keys that have an effective key below them
	for _, layer := range layers {
		own := map[string]bool{}
		for key := range layer {
			for above := range parents(key) {
				own[above] = true
			}
		}
		var added []string
		for key := range layer {
			if _, same := out[key]; !same && !inner[key] && !own[key] && !hasAbove(out, key) {
				added = append(added, key)
			}
		}
		for _, key := range added {
			out[key] = layer[key]
			for above := range parents(key) {
				inner[above] = true
			}
		}
	}
	return out
}

// hasAbove says whether a content has something above a key.
func hasAbove(c Content, key string) bool {
	for above := range parents(key) {
		if _, ok := c[above]; ok {
			return true
		}
	}
	return false
}

// parents are the keys above a key: `a.b` and `a` for `a.b.c`.
func parents(key string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for {
			dot := strings.LastIndexByte(key, '.')
			if dot < 0 {
				return
			}
			if key = key[:dot]; !yield(key) {
				return
			}
		}
	}
}
