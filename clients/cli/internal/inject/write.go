package inject

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
)

// errFlow is what stands in the way where lines cannot be added.
func errFlow(what string, line int) error {
	return fmt.Errorf("its %s (line %d) is written in flow style, or as an alias, where no lines can be added; accepted: block style, one entry a line", what, line)
}

// write has the lines of the plan added.
func (p *plan) write(to *changes) error {
	if p.of.Spec.Style&yaml.FlowStyle != 0 {
		return errFlow("spec", p.of.Spec.Line)
	}
	key, list := workload.Entry(p.of.Spec, "containers")
	if key == nil {
		return errors.New("its containers come by a merge key; accepted: containers that are written out")
	}
	form := layout{unit: max(2, key.Column-p.of.SpecKey.Column), dash: 2}
	if list.Kind == yaml.SequenceNode && list.Style&yaml.FlowStyle == 0 {
		form.dash = max(0, list.Column-key.Column)
	}
	for _, t := range p.told { // first: the volumes come behind what the last of them gets
		if err := t.write(to, form); err != nil {
			return err
		}
	}
	if err := p.writeList(to, form, "initContainers", !p.plain, []*yaml.Node{p.container}, to.above(key.Line)); err != nil {
		return err
	}
	if p.plain {
		if err := p.writeList(to, form, "containers", true, []*yaml.Node{p.container}, 0); err != nil {
			return err
		}
	}
	if err := p.writeList(to, form, "volumes", len(p.volumes) > 0, p.volumes, to.end(key)+1); err != nil {
		return err
	}
	return to.err
}

// writeList puts entries first in a list of the pod's spec; a list that is not there begins
// before the line otherwise.
func (p *plan) writeList(to *changes, form layout, name string, wanted bool, entries []*yaml.Node, otherwise int) error {
	if !wanted {
		return nil
	}
	first, _ := workload.Entry(p.of.Spec, "containers")
	key, list := workload.Entry(p.of.Spec, name)
	nodes := &yaml.Node{Kind: yaml.SequenceNode, Content: entries}
	switch {
	case key == nil:
		lines := append([]string{spaces(first.Column-1) + name + ":"}, form.list(nodes, first.Column-1+form.dash)...)
		to.insert(otherwise, lines)
	case isEmpty(list):
		to.cutEmpty(key, list)
		to.insert(key.Line+1, form.list(nodes, key.Column-1+form.dash))
	case list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0:
		return errFlow(name, key.Line)
	default:
		to.insert(key.Line+1, form.list(nodes, list.Column-1))
	}
	return nil
}

// isEmpty says whether a list is [] or missing behind its key.
func isEmpty(list *yaml.Node) bool {
	return list.Kind == yaml.SequenceNode && len(list.Content) == 0 || list.Kind == yaml.ScalarNode && list.Tag == "!!null" && list.Value == ""
}

// write gives a container its variables.
func (t told) write(to *changes, form layout) error {
	for _, r := range t.replaced {
		to.replaceScalar(r.value, r.pair.value)
	}
	if len(t.added) == 0 {
		return nil
	}
	if t.container.Style&yaml.FlowStyle != 0 {
		return errFlow("container "+workload.Text(t.container, "name"), t.container.Line)
	}
	entries := &yaml.Node{Kind: yaml.SequenceNode}
	for _, v := range t.added {
		entries.Content = append(entries.Content, &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: "name"}, {Kind: yaml.ScalarNode, Value: v.name},
			{Kind: yaml.ScalarNode, Value: "value"}, {Kind: yaml.ScalarNode, Value: v.value},
		}})
	}
	key, list := workload.Entry(t.container, "env")
	switch {
	case key == nil:
		behind, _ := workload.Entry(t.container, "image")
		if behind == nil {
			behind, _ = workload.Entry(t.container, "name")
		}
		if behind == nil {
			return fmt.Errorf("its container at line %d has neither name nor image", t.container.Line)
		}
		to.insert(to.end(behind)+1, append([]string{spaces(behind.Column-1) + "env:"}, form.list(entries, behind.Column-1+form.dash)...))
	case isEmpty(list):
		to.cutEmpty(key, list)
		to.insert(key.Line+1, form.list(entries, key.Column-1+form.dash))
	case list.Kind != yaml.SequenceNode || list.Style&yaml.FlowStyle != 0:
		return errFlow("env", key.Line)
	default:
		to.insert(key.Line+1, form.list(entries, list.Column-1))
	}
	return nil
}

// layout is how a manifest is indented.
type layout struct {
	unit int // of a mapping in a mapping
	dash int // of a list's dashes below its key
}

func (l layout) list(list *yaml.Node, column int) []string {
	var lines []string
	for _, entry := range list.Content {
		below := l.node(entry, column+2)
		below[0] = spaces(column) + "- " + strings.TrimLeft(below[0], " ")
		lines = append(lines, below...)
	}
	return lines
}

func (l layout) node(node *yaml.Node, column int) []string {
	switch node.Kind {
	case yaml.MappingNode:
		var lines []string
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := spaces(column)+node.Content[i].Value+":", node.Content[i+1]
			switch value.Kind {
			case yaml.MappingNode:
				lines = append(append(lines, key), l.node(value, column+l.unit)...)
			case yaml.SequenceNode:
				lines = append(append(lines, key), l.list(value, column+l.dash)...)
			default:
				lines = append(lines, key+" "+scalar(value))
			}
		}
		return lines
	case yaml.SequenceNode:
		return l.list(node, column)
	}
	return []string{spaces(column) + scalar(node)}
}

// scalar is one of the fragment, as it stands there.
func scalar(node *yaml.Node) string {
	if node.Style&yaml.DoubleQuotedStyle != 0 {
		return strconv.Quote(node.Value)
	}
	return node.Value
}

func spaces(n int) string { return strings.Repeat(" ", n) }
