// Package schema judges configuration by JSON Schema without a server, by the server's rules:
// the configuration is a tree, in which the dots of keys and the names of objects are the
// same.
package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/tree"
)

// Schema is a schema that configuration can be judged by. It never changes.
type Schema struct{ compiled *jsonschema.Schema }

// location is the schema's own, in what the library says about places.
const location = "config:///schema.json"

// errRemote refuses a schema that needs another document.
var errRemote = errors.New("refers to another document; accepted: references within the schema, as in #/$defs/port")

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errRemote }

// Compile reads a schema. The error begins with a verb.
func Compile(v *structpb.Value) (*Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(tree.JSON(v)))
	if err != nil {
		return nil, fmt.Errorf("is no JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := knowMarks(c); err != nil {
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
		return nil, fmt.Errorf("has a $dynamicRef or $recursiveRef at %s; accepted: $ref", at)
	}
	if at := loop(compiled); at != "" {
		return nil, fmt.Errorf("refers to itself without end at %s; accepted: a reference that goes into a property or an item first", at)
	}
	return &Schema{compiled}, nil
}

// knowMarks makes a compiler refuse an x-sensitive that is neither true nor false.
func knowMarks(c *jsonschema.Compiler) error {
	const url = "config:///sensitive.json"
	own := jsonschema.NewCompiler()
	if err := own.AddResource(url, map[string]any{"properties": map[string]any{"x-sensitive": map[string]any{"type": "boolean"}}}); err != nil {
		return err
	}
	form, err := own.Compile(url)
	if err != nil {
		return err
	}
	c.RegisterVocabulary(&jsonschema.Vocabulary{
		URL: url, Schema: form,
		Compile: func(*jsonschema.CompilerContext, map[string]any) (jsonschema.SchemaExt, error) { return nil, nil },
	})
	c.AssertVocabs()
	return nil
}

// words are the library's, in one line and without our made up location.
func words(err error) string {
	const most = 600
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		err = invalid.Err
	}
	s := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), location, "")), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " ..."
	}
	return s
}

// Violation is a rule that a configuration does not keep. It holds no value.
type Violation struct {
	Key   string // of the configuration, or a path below one; empty: all of it
	Rule  string // a keyword of JSON Schema
	Where string // in the schema: a JSON pointer
}

func (v Violation) String() string {
	key := "the configuration"
	if v.Key != "" {
		key = fmt.Sprintf("key %q", v.Key)
	}
	return fmt.Sprintf("%s violates %s (%s)", key, v.Rule, v.Where)
}

// ByAbsence says whether a key that is not there is what is wrong.
func (v Violation) ByAbsence() bool { return v.Rule == "required" || v.Rule == "dependentRequired" }

// patience is how long a judgement may take. A server refuses schemas that take that long.
const patience = 30 * time.Second

// Check returns what an effective configuration violates, sorted. Keys without a value are
// not judged. A judgement that takes longer than 30 s is given up: what it runs in goes on
// until the process ends.
func (s *Schema) Check(ctx context.Context, effective tree.Content) ([]Violation, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	judged := make(chan error, 1)
	go func() { judged <- s.compiled.Validate(treeOf(effective)) }()
	var err error
	select {
	case err = <-judged:
	case <-ctx.Done():
		return nil, fmt.Errorf("the schema takes too long to judge by: %w", context.Cause(ctx))
	}
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil, nil
	case !errors.As(err, &invalid):
		return nil, fmt.Errorf("judge by a schema: %w", err)
	}
	var found []Violation
	collect(invalid, &found)
	slices.SortFunc(found, func(a, b Violation) int {
		return strings.Compare(a.Key+"\x00"+a.Rule+"\x00"+a.Where, b.Key+"\x00"+b.Rule+"\x00"+b.Where)
	})
	return slices.Compact(found), nil
}

// Anew are the violations of after that are not in before.
func Anew(before, after []Violation) (anew []Violation) {
	for _, v := range after {
		if !slices.Contains(before, v) {
			anew = append(anew, v)
		}
	}
	return anew
}

// treeOf makes a tree of effective keys, which always form one.
func treeOf(c tree.Content) map[string]any {
	root := map[string]any{}
	for key, value := range c {
		if value == nil {
			continue
		}
		names := strings.Split(key, ".")
		at := root
		for _, name := range names[:len(names)-1] {
			below, ok := at[name].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[name] = below
			}
			at = below
		}
		at[names[len(names)-1]] = plain(value)
	}
	return root
}

// plain is a value as the library wants it: numbers as they are written.
func plain(v *structpb.Value) any {
	switch k := v.GetKind().(type) {
	case *structpb.Value_NumberValue:
		return json.Number(tree.JSON(v))
	case *structpb.Value_ListValue:
		list := make([]any, len(k.ListValue.GetValues()))
		for i, item := range k.ListValue.GetValues() {
			list[i] = plain(item)
		}
		return list
	case *structpb.Value_StructValue:
		object := make(map[string]any, len(k.StructValue.GetFields()))
		for name, field := range k.StructValue.GetFields() {
			object[name] = plain(field)
		}
		return object
	}
	return v.AsInterface()
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
	var below []string
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		below = k.Missing
	case *kind.AdditionalProperties:
		below = k.Properties
	case *kind.DependentRequired:
		below = k.Missing
	}
	where := strings.TrimPrefix(e.SchemaURL, location)
	if below == nil {
		*into = append(*into, Violation{strings.Join(e.InstanceLocation, "."), rule, where})
	}
	for _, name := range below {
		*into = append(*into, Violation{strings.Join(append(slices.Clone(e.InstanceLocation), name), "."), rule, where})
	}
}
