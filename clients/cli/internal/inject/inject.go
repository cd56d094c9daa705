// Package inject adds the sidecar to the workloads of a manifest. Lines are added to the
// text and nothing else in it is touched; what comes out is read again and has to be what was
// meant.
package inject

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
	"github.com/config-service/config-service/deploy"
)

// Result is a manifest with the sidecar.
type Result struct {
	Text  []byte
	Words []string // what was done, by workload
	Added int      // workloads that got one
}

// Into adds a sidecar to each workload that has none. The ports of the sidecar are chosen
// for each, and its service is the pod's label, where there is one. It does all or nothing:
// an error names every workload that stands in the way.
func Into(text []byte, sidecar deploy.Kubernetes) (*Result, error) {
	documents, want, err := workload.Read(text)
	if err != nil {
		return nil, err
	}
	result := &Result{Text: text}
	changes := newChanges(text)
	var problems []string
	for _, w := range workload.Find(documents) {
		p, words, err := planOf(w, sidecar)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: %v", w, err))
			continue
		case p != nil:
			if err := p.write(changes); err != nil {
				problems = append(problems, fmt.Sprintf("%s: %v", w, err))
				continue
			}
			spec := at(want, w.Path)
			if !textKeys(spec) {
				problems = append(problems, fmt.Sprintf("%s: its spec has a key that is no text", w))
				continue
			}
			p.apply(spec.(map[string]any))
			result.Added++
		}
		result.Words = append(result.Words, fmt.Sprintf("%s: %s", w, words))
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "\n"))
	}
	result.Text = changes.done()
	if _, got, err := workload.Read(result.Text); err != nil || !reflect.DeepEqual(got, want) {
		return nil, errors.New("lines cannot be added without changing something else: an anchor that is used elsewhere, a merge key, or an unusual layout; accepted: workloads that are written out in block style. 'configctl sidecar kubernetes' prints what to add by hand")
	}
	return result, nil
}

// at is what a path leads to. What stands for an alias is a value of its own, so
// that a change of it stays there.
func at(documents []any, path []any) any {
	var root any = documents
	for _, step := range path {
		switch s := step.(type) {
		case int:
			root = root.([]any)[s]
		case string:
			switch m := root.(type) {
			case map[string]any:
				root = m[s]
			case map[any]any:
				root = m[s]
			}
		}
	}
	return root
}

// textKeys says whether all keys of a value are texts.
func textKeys(value any) bool {
	switch v := value.(type) {
	case map[any]any:
		return false
	case map[string]any:
		for _, below := range v {
			if !textKeys(below) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(v, func(below any) bool { return !textKeys(below) })
	}
	return true
}

// fragment is the sidecar as nodes: its container and its volumes.
func fragment(sidecar deploy.Kubernetes) (container, volumes *yaml.Node, err error) {
	text, err := sidecar.YAML()
	if err != nil {
		return nil, nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, nil, err
	}
	list := "initContainers"
	if sidecar.Plain {
		list = "containers"
	}
	root := document.Content[0]
	return workload.Value(root, list).Content[0], workload.Value(root, "volumes"), nil
}

// valueOf is a node of the fragment as a value.
func valueOf(node *yaml.Node) any {
	var v any
	if err := node.Decode(&v); err != nil {
		panic(err) // the fragment is ours, and holds no more than scalars, lists and maps
	}
	return v
}
