package schema

import (
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The rules of this file are those of the server: what it does not take is refused here.

// loop returns where a schema refers to itself about one and the same value, for which it
// would have no end; empty: nowhere.
func loop(root *jsonschema.Schema) string {
	w := walk{state: map[*jsonschema.Schema]int{}}
	return first(root, w.inPlace)
}

// dynamic returns where a schema has a reference that is resolved while it judges: what it
// leads to then can be neither followed nor counted before. Empty: nowhere.
func dynamic(root *jsonschema.Schema) string {
	return first(root, func(s *jsonschema.Schema) string {
		if s.DynamicRef != nil || s.RecursiveRef != nil {
			return placeOf(s)
		}
		return ""
	})
}

// first is what is found first in a schema, or in any that it comes to.
func first(root *jsonschema.Schema, found func(*jsonschema.Schema) string) string {
	todo := []*jsonschema.Schema{root}
	seen := map[*jsonschema.Schema]bool{root: true}
	for len(todo) > 0 {
		s := todo[0]
		todo = todo[1:]
		if at := found(s); at != "" {
			return at
		}
		for _, next := range append(same(s), below(s)...) {
			if next != nil && !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return ""
}

func placeOf(s *jsonschema.Schema) string {
	if at := strings.TrimPrefix(s.Location, location); at != "" {
		return at
	}
	return "#"
}

type walk struct{ state map[*jsonschema.Schema]int }

const (
	underWay = 1 + iota
	done
)

func (w *walk) inPlace(s *jsonschema.Schema) string {
	switch {
	case s == nil || w.state[s] == done:
		return ""
	case w.state[s] == underWay:
		return placeOf(s)
	}
	w.state[s] = underWay
	for _, next := range same(s) {
		if at := w.inPlace(next); at != "" {
			return at
		}
	}
	w.state[s] = done
	return ""
}

// same are the schemas that judge the same value.
func same(s *jsonschema.Schema) []*jsonschema.Schema {
	out := []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else}
	out = append(append(append(out, s.AllOf...), s.AnyOf...), s.OneOf...)
	for _, d := range s.DependentSchemas {
		out = append(out, d)
	}
	for _, d := range s.Dependencies {
		if one, ok := d.(*jsonschema.Schema); ok {
			out = append(out, one)
		}
	}
	return out
}

// below are the schemas that judge parts of the value.
func below(s *jsonschema.Schema) []*jsonschema.Schema {
	out := []*jsonschema.Schema{s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema}
	out = append(out, s.PrefixItems...)
	for _, p := range s.Properties {
		out = append(out, p)
	}
	for _, p := range s.PatternProperties {
		out = append(out, p)
	}
	for _, any := range []any{s.AdditionalProperties, s.Items, s.AdditionalItems} {
		switch v := any.(type) {
		case *jsonschema.Schema:
			out = append(out, v)
		case []*jsonschema.Schema:
			out = append(out, v...)
		}
	}
	return out
}
