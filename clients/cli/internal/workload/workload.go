// Package workload finds the pods in manifests of Kubernetes, with the places where they
// stand in the text.
package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// NameLabel is the label of a pod that names its service.
const NameLabel = "app.kubernetes.io/name"

// OptOut is the annotation of a workload that is to have no sidecar; its value is "none".
const OptOut = "config-service/sidecar"

// podOf is where the pod template of a kind is.
var podOf = map[string][]string{
	"Pod":         {},
	"Deployment":  {"spec", "template"},
	"StatefulSet": {"spec", "template"},
	"DaemonSet":   {"spec", "template"},
	"ReplicaSet":  {"spec", "template"},
	"Job":         {"spec", "template"},
	"CronJob":     {"spec", "jobTemplate", "spec", "template"},
}

// Kinds are the kinds that have pods, in words.
const Kinds = "Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod"

// Workload is an object that has pods.
type Workload struct {
	Kind string
	Name string
	Line int // where it begins

	// Path leads from the stream to the pod's spec: the number of the document, keys, and
	// numbers of entries.
	Path []any
	// SpecKey and Spec are the key of the pod's spec and its value.
	SpecKey *yaml.Node
	Spec    *yaml.Node
	// Labels are those of the pod; nil: they are not known.
	Labels map[string]string
	// OptedOut: it is to have no sidecar.
	OptedOut bool
}

// String is how people are told of it.
func (w Workload) String() string { return fmt.Sprintf("%s (%s, line %d)", w.Name, w.Kind, w.Line) }

// EndsByItself says whether the pod is to end: that of a Job.
func (w Workload) EndsByItself() bool { return w.Kind == "Job" || w.Kind == "CronJob" }

// Read reads a stream of YAML, as nodes and as values. The lines of the nodes are those of
// the whole text. A mapping that has a key twice is refused.
func Read(text []byte) (documents []*yaml.Node, values []any, err error) {
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return documents, values, nil
		case err != nil:
			return nil, nil, readError(text, err)
		}
		var value any
		if err := document.Decode(&value); err != nil {
			return nil, nil, readError(text, err)
		}
		documents, values = append(documents, &document), append(values, value)
	}
}

var template = regexp.MustCompile(`(?m)^[^#\n]*\{\{`)

// readError says what is no YAML. A template of Helm is what people try most.
func readError(text []byte, err error) error {
	if at := template.FindIndex(text); at != nil {
		return fmt.Errorf("line %d has {{: a template of Helm is no YAML; accepted: what 'helm template' prints, or the chart of 'configctl sidecar helm'", bytes.Count(text[:at[0]], []byte("\n"))+1)
	}
	return fmt.Errorf("no YAML: %w", err)
}

// Find finds the workloads of a stream, also within lists.
func Find(documents []*yaml.Node) []Workload {
	var found []Workload
	for n, document := range documents {
		if len(document.Content) == 1 {
			found = append(found, within(document.Content[0], []any{n})...)
		}
	}
	return found
}

// Parts finds parts of the spec of a pod: documents that are no objects, and have a sidecar, as
// 'configctl sidecar kubernetes' prints it.
func Parts(documents []*yaml.Node) []Workload {
	var found []Workload
	for n, document := range documents {
		if len(document.Content) != 1 || Text(document.Content[0], "kind") != "" {
			continue
		}
		spec := Resolve(document.Content[0])
		if slices.ContainsFunc(append(Entries(spec, "initContainers"), Entries(spec, "containers")...), IsSidecar) {
			found = append(found, Workload{Kind: "part of its spec", Name: "pod", Line: spec.Line, Path: []any{n}, Spec: spec})
		}
	}
	return found
}

func within(object *yaml.Node, path []any) []Workload {
	kind := Text(object, "kind")
	if kind == "List" {
		var found []Workload
		if items := Value(object, "items"); items != nil && items.Kind == yaml.SequenceNode {
			for n, item := range items.Content {
				found = append(found, within(Resolve(item), append(path[:len(path):len(path)], "items", n))...)
			}
		}
		return found
	}
	at, ok := podOf[kind]
	if !ok || Text(object, "apiVersion") == "" {
		return nil
	}
	pod, specPath := object, path[:len(path):len(path)]
	for _, key := range at {
		pod, specPath = Value(pod, key), append(specPath, key)
	}
	key, spec := Entry(pod, "spec")
	if spec == nil || Resolve(spec).Kind != yaml.MappingNode {
		return nil
	}
	w := Workload{Kind: kind, Name: Text(Value(object, "metadata"), "name"), Line: object.Line, Path: append(specPath, "spec"), SpecKey: key, Spec: Resolve(spec)}
	if w.Name == "" {
		w.Name = Text(Value(object, "metadata"), "generateName")
	}
	w.Labels = texts(Value(Value(pod, "metadata"), "labels"))
	w.OptedOut = texts(Value(Value(object, "metadata"), "annotations"))[OptOut] == "none"
	return []Workload{w}
}

// texts are the scalars of a mapping, with those that come by merge keys.
func texts(mapping *yaml.Node) map[string]string {
	values := map[string]string{}
	for _, key := range Keys(mapping) {
		values[key] = Text(mapping, key)
	}
	return values
}
