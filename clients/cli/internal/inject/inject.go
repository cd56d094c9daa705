// Package inject adds the sidecar to the workloads of a manifest. Lines are added to the
// text and nothing else in it is touched; what comes out is read again and has to be what was
// meant.
package inject

import (
	"errors"
	"fmt"
	"reflect"
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
	documents, err := workload.Documents(text)
	if err != nil {
		return nil, err
	}
	want, err := values(text)
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
			p.apply(at(want, w.Path))
			result.Added++
		}
		result.Words = append(result.Words, fmt.Sprintf("%s: %s", w, words))
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "\n"))
	}
	result.Text = changes.done()
	if got, err := values(result.Text); err != nil || !reflect.DeepEqual(got, want) {
		return nil, errors.New("lines cannot be added without changing something else: an anchor that is used elsewhere, a merge key, or an unusual layout; accepted: workloads that are written out in block style. 'configctl sidecar kubernetes' prints what to add by hand")
	}
	return result, nil
}

// values are the documents of a text as values.
func values(text []byte) ([]any, error) {
	documents, err := workload.Documents(text)
	if err != nil {
		return nil, err
	}
	all := make([]any, len(documents))
	for i, d := range documents {
		if err := d.Decode(&all[i]); err != nil {
			return nil, fmt.Errorf("no usable YAML: %w", err)
		}
	}
	return all, nil
}

// at is the mapping that a path leads to. What stands for an alias is a value of its own, so
// that a change of it stays there.
func at(root any, path []any) map[string]any {
	for _, step := range path {
		switch s := step.(type) {
		case int:
			root = root.([]any)[s]
		case string:
			root = root.(map[string]any)[s]
		}
	}
	return root.(map[string]any)
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
