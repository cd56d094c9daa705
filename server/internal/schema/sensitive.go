package schema

import (
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sensitiveKeyword marks what only some may see: `"x-sensitive": true`.
const sensitiveKeyword = "x-sensitive"

// sensitiveMark is the keyword as the library keeps it. It judges nothing.
type sensitiveMark struct{}

func (sensitiveMark) Validate(*jsonschema.ValidatorContext, any) {}

// marking makes a compiler know the keyword, and refuse what is neither true nor false.
func marking(c *jsonschema.Compiler) error {
	const url = "config:///sensitive.json"
	own := jsonschema.NewCompiler()
	if err := own.AddResource(url, map[string]any{"properties": map[string]any{sensitiveKeyword: map[string]any{"type": "boolean"}}}); err != nil {
		return err
	}
	form, err := own.Compile(url)
	if err != nil {
		return err
	}
	c.RegisterVocabulary(&jsonschema.Vocabulary{
		URL: url, Schema: form,
		Compile: func(_ *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
			if marked, _ := obj[sensitiveKeyword].(bool); marked {
				return sensitiveMark{}, nil
			}
			return nil, nil
		},
	})
	c.AssertVocabs()
	return nil
}

func marked(s *jsonschema.Schema) bool {
	for _, ext := range s.Extensions {
		if _, ok := ext.(sensitiveMark); ok {
			return true
		}
	}
	return false
}

// Marks says whether anything is marked as sensitive.
func (s *Schema) Marks() bool { return s.marks }

// Sensitive says whether a key holds, or lies in, or can hold something that is marked.
func (s *Schema) Sensitive(key string) bool {
	if !s.marks {
		return false
	}
	at := closed([]*jsonschema.Schema{s.compiled})
	for _, name := range strings.Split(key, ".") {
		if anyMarked(at) {
			return true
		}
		var next []*jsonschema.Schema
		for one := range at {
			next = append(next, property(one, name)...)
		}
		at = closed(next)
	}
	return anyMarked(reachable(at))
}

func anyMarked(set map[*jsonschema.Schema]bool) bool {
	for s := range set {
		if marked(s) {
			return true
		}
	}
	return false
}

// closed are schemas and all that judge the same value with them.
func closed(list []*jsonschema.Schema) map[*jsonschema.Schema]bool {
	set := map[*jsonschema.Schema]bool{}
	grow(set, list, same)
	return set
}

// reachable are schemas and all that judge the value, or a part of it, with them.
func reachable(from map[*jsonschema.Schema]bool) map[*jsonschema.Schema]bool {
	var list []*jsonschema.Schema
	for s := range from {
		list = append(list, s)
	}
	set := map[*jsonschema.Schema]bool{}
	grow(set, list, func(s *jsonschema.Schema) []*jsonschema.Schema { return append(same(s), below(s)...) })
	return set
}

func grow(set map[*jsonschema.Schema]bool, list []*jsonschema.Schema, next func(*jsonschema.Schema) []*jsonschema.Schema) {
	for len(list) > 0 {
		s := list[0]
		list = list[1:]
		if s != nil && !set[s] {
			set[s] = true
			list = append(list, next(s)...)
		}
	}
}

// property are the schemas that judge a property.
func property(s *jsonschema.Schema, name string) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	if p := s.Properties[name]; p != nil {
		out = append(out, p)
	}
	for pattern, p := range s.PatternProperties {
		if pattern.MatchString(name) {
			out = append(out, p)
		}
	}
	if rest, ok := s.AdditionalProperties.(*jsonschema.Schema); ok && len(out) == 0 {
		out = append(out, rest)
	}
	if s.UnevaluatedProperties != nil {
		out = append(out, s.UnevaluatedProperties)
	}
	return out
}
