// Package schema judges effective configurations by JSON Schema (2020-12): a configuration
// is a tree, in which the dots of keys and the names of objects are the same.
package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Schema is a schema that configurations can be judged by. It never changes.
type Schema struct {
	compiled *jsonschema.Schema
	marks    bool // something is marked as sensitive
}

// location is the schema's own, in what the library says about places.
const location = "config:///schema.json"

// errRemote refuses a schema that needs another document.
var errRemote = errors.New("refers to another document; accepted: references within the schema, as in #/$defs/port")

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errRemote }

// Compile reads a schema. The error says what is wrong with it, and where.
func Compile(v snapshot.Value) (*Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(v.JSON()))
	if err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	switch doc.(type) {
	case map[string]any, bool:
	default:
		return nil, errors.New("is no schema; accepted: an object of JSON Schema 2020-12")
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := marking(c); err != nil {
		return nil, fmt.Errorf("cannot be compiled: %w", err)
	}
	if err := c.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("is no schema: %s", words(err))
	}
	compiled, err := c.Compile(location)
	var remote *jsonschema.LoadURLError
	switch {
	case errors.As(err, &remote):
		return nil, errRemote
	case err != nil:
		return nil, fmt.Errorf("is no schema: %s", words(err))
	}
	if at := dynamic(compiled); at != "" {
		return nil, fmt.Errorf("has a $dynamicRef or $recursiveRef at %s, which leads elsewhere by the way that judging took; accepted: $ref", bounded(at))
	}
	if at := loop(compiled); at != "" {
		return nil, fmt.Errorf("refers to itself without end at %s; accepted: a reference that goes into a property or an item first", bounded(at))
	}
	return &Schema{compiled, anyMarked(reachable(map[*jsonschema.Schema]bool{compiled: true}))}, nil
}

// maxWords is how much of the library's words is repeated.
const maxWords = 600

// words are the library's, in one line and without our made up location.
func words(err error) string {
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		err = invalid.Err
	}
	return bounded(strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), location, "")), " "))
}

func bounded(s string) string {
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + " ..."
	}
	return s
}

// Violation is a rule that a configuration does not keep. It holds no value.
type Violation struct {
	Key   string // of the configuration, or a path below one; empty: all of it
	Rule  string // a keyword of JSON Schema
	Where string // in the schema: a JSON pointer
}

// judge returns the tree that entries make, and what is wrong with it; nil: nothing is, or err
// says why that is not known.
func (s *Schema) judge(entries []*snapshot.Entry) (map[string]any, *jsonschema.ValidationError, error) {
	tree, err := treeOf(entries)
	if err != nil {
		return nil, nil, err
	}
	if !affordable(s.compiled, tree) {
		return nil, nil, ErrCostly
	}
	err = s.compiled.Validate(tree)
	var invalid *jsonschema.ValidationError
	if err != nil && !errors.As(err, &invalid) {
		return nil, nil, fmt.Errorf("judge by a schema: %w", err)
	}
	return tree, invalid, nil
}

// Check returns what an effective configuration violates, sorted. Entries that are unusable
// are not judged. ErrCostly says that judging them would take too long.
func (s *Schema) Check(entries []*snapshot.Entry) ([]Violation, error) {
	_, invalid, err := s.judge(entries)
	if invalid == nil {
		return nil, err
	}
	var found []Violation
	collect(invalid, &found)
	slices.SortFunc(found, func(a, b Violation) int {
		return strings.Compare(a.Key+"\x00"+a.Rule+"\x00"+a.Where, b.Key+"\x00"+b.Rule+"\x00"+b.Where)
	})
	return slices.Compact(found), nil
}

// treeOf makes a tree of effective entries, which always form one.
func treeOf(entries []*snapshot.Entry) (map[string]any, error) {
	tree := map[string]any{}
	for _, e := range entries {
		if e.Invalid() {
			continue
		}
		v, err := decoded(e.Value.JSON())
		if err != nil {
			return nil, fmt.Errorf("decode key %s: %w", e.Key, err)
		}
		names := strings.Split(e.Key, ".")
		at := tree
		for _, name := range names[:len(names)-1] {
			below, ok := at[name].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[name] = below
			}
			at = below
		}
		at[names[len(names)-1]] = v
	}
	return tree, nil
}

// decoded is a value as the library takes it. Most are plain, for which a decoder would cost
// more than all the rest.
func decoded(text string) (v any, err error) {
	switch c := text[0]; {
	case c == '"' && strings.IndexByte(text, '\\') < 0:
		return text[1 : len(text)-1], nil // canonical JSON has no other escapes
	case c == '-' || c >= '0' && c <= '9':
		return json.Number(text), nil
	case c == 't' || c == 'f':
		return c == 't', nil
	case c == 'n':
		return nil, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

// collect adds the violations at the ends of an error: what contains them says no more.
func collect(e *jsonschema.ValidationError, into *[]Violation) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			collect(cause, into)
		}
		return
	}
	path := e.ErrorKind.KeywordPath()
	rule := "false"
	if len(path) > 0 {
		rule = path[0]
	}
	where := strings.TrimPrefix(e.SchemaURL, location)
	add := func(name ...string) {
		key := strings.Join(append(slices.Clone(e.InstanceLocation), name...), ".")
		*into = append(*into, Violation{Key: key, Rule: rule, Where: where})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		each(k.Missing, add)
	case *kind.AdditionalProperties:
		each(k.Properties, add)
	case *kind.DependentRequired:
		each(k.Missing, add)
	default:
		add()
	}
}

func each(names []string, add func(...string)) {
	for _, name := range names {
		add(name)
	}
}
