package schema

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Missing returns the keys that the schema requires whatever else there is, and that an
// effective configuration lacks, in byte order: not what only some of several alternatives
// (anyOf, oneOf) ask for, nor what no key can be. A key whose stored value is unusable is not
// missing. ErrCostly says that judging would take too long.
func (s *Schema) Missing(entries []*snapshot.Entry) ([]string, error) {
	tree, invalid, err := s.judge(entries)
	if invalid == nil {
		return nil, err
	}
	var found []string
	required(invalid, tree, &found)
	found = slices.DeleteFunc(found, func(key string) bool { return isUnusable(entries, key) })
	slices.Sort(found)
	return slices.Compact(found), nil
}

// required adds the keys that an error says are missing. It does not look into alternatives:
// each of them may ask for something else.
func required(e *jsonschema.ValidationError, tree any, into *[]string) {
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains:
		return
	case *kind.Required:
		if !inObjects(tree, e.InstanceLocation) {
			return
		}
		for _, name := range k.Missing {
			key := strings.Join(append(slices.Clone(e.InstanceLocation), name), ".")
			if !strings.Contains(name, ".") && snapshot.CheckKey(key) == nil {
				*into = append(*into, key)
			}
		}
	}
	for _, cause := range e.Causes {
		required(cause, tree, into)
	}
}

// inObjects says whether a place lies in objects only: no key leads into a list, nor to a
// name with a dot.
func inObjects(tree any, place []string) bool {
	for _, name := range place {
		object, ok := tree.(map[string]any)
		if !ok || strings.Contains(name, ".") {
			return false
		}
		tree = object[name]
	}
	return true
}

// isUnusable says whether what is stored at a key, or below it, is there but cannot be used.
func isUnusable(entries []*snapshot.Entry, key string) bool {
	return slices.ContainsFunc(entries, func(e *snapshot.Entry) bool {
		return e.Invalid() && (e.Key == key || strings.HasPrefix(e.Key, key+"."))
	})
}
