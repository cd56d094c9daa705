package schema

import (
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ErrCostly says that judging would take too long: references that meet again and again
// multiply with every step, and nothing ends the library once it is under way.
var ErrCostly = errors.New("takes too many steps to judge by; accepted: fewer references and alternatives about the same value")

// maxSteps is how many values times rules a judgement may be: some seconds at most.
const maxSteps = 5_000_000

// maxPlaces is how many schemas at how many levels are looked at to know that.
const maxPlaces = 500_000

// steps counts what judging a value takes at most. One judgement owns it.
type steps struct {
	known map[place]load
}

type place struct {
	by    *jsonschema.Schema
	depth int
}

// load is how many times at most schemas are asked about a value and one of each level
// below it; a value is an object or a list, never both.
type load struct{ object, list int }

func (l load) most() int { return min(max(l.object, l.list), maxSteps+1) }

func (l load) with(other load) load {
	return load{min(l.object+other.object, maxSteps+1), min(l.list+other.list, maxSteps+1)}
}

// affordable says whether a tree can be judged by a schema.
func affordable(by *jsonschema.Schema, tree any) bool {
	values, depth := extent(tree)
	c := steps{known: map[place]load{}}
	return values*c.load(by, depth).most() <= maxSteps
}

// extent is how many values a tree has, and how many levels below itself.
func extent(tree any) (values, depth int) {
	values = 1
	add := func(part any) {
		n, d := extent(part)
		values, depth = values+n, max(depth, d+1)
	}
	switch v := tree.(type) {
	case map[string]any:
		for _, part := range v {
			add(part)
		}
	case []any:
		for _, part := range v {
			add(part)
		}
	}
	return values, depth
}

// load has an end: no schema refers to itself about the same value.
func (c *steps) load(s *jsonschema.Schema, depth int) load {
	if s == nil {
		return load{}
	}
	at := place{s, depth}
	if l, ok := c.known[at]; ok {
		return l
	}
	if len(c.known) == maxPlaces {
		return load{maxSteps + 1, maxSteps + 1}
	}
	l := load{1, 1}
	for _, next := range same(s) {
		l = l.with(c.load(next, depth))
	}
	if depth > 0 {
		l = l.with(load{c.ofProperty(s, depth-1), c.ofItem(s, depth-1)})
	}
	c.known[at] = l
	return l
}

func (c *steps) ofProperty(s *jsonschema.Schema, depth int) int {
	named, matched := 0, 0
	for _, p := range s.Properties {
		named = max(named, c.load(p, depth).most())
	}
	for _, p := range s.PatternProperties {
		matched += c.load(p, depth).most()
	}
	return max(named+matched, c.any(depth, s.AdditionalProperties)) + c.any(depth, s.PropertyNames, s.UnevaluatedProperties)
}

func (c *steps) ofItem(s *jsonschema.Schema, depth int) int {
	most := c.any(depth, s.Items, s.AdditionalItems, s.Items2020)
	for _, p := range s.PrefixItems {
		most = max(most, c.load(p, depth).most())
	}
	return most + c.any(depth, s.Contains, s.UnevaluatedItems)
}

// any adds up what stands where a schema, a list of schemas or something else can.
func (c *steps) any(depth int, parts ...any) (sum int) {
	for _, part := range parts {
		switch v := part.(type) {
		case *jsonschema.Schema:
			sum += c.load(v, depth).most()
		case []*jsonschema.Schema:
			for _, one := range v {
				sum += c.load(one, depth).most()
			}
		}
	}
	return sum
}
