package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxProblems is how many are told at a time.
const maxProblems = 10

// Read reads a file. Name is what its errors call it; they have one line per problem,
// `name:line: what`.
func Read(name string, r io.Reader) (Content, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: cannot be read: %w", name, err)
	case len(text) > MaxFile:
		return nil, fmt.Errorf("%s: has more than 10 MiB; accepted: less", name)
	}
	f := &reading{name: name, content: Content{}, lines: map[string]int{}}
	root, err := f.parse(text)
	if err != nil {
		return nil, err
	}
	f.level(root, "")
	if len(f.problems) > 0 {
		return nil, errors.New(strings.Join(f.problems, "\n"))
	}
	return f.content, nil
}

// reading is a file while it is read. One goroutine owns it.
type reading struct {
	name     string
	content  Content
	lines    map[string]int // of the keys
	problems []string
}

// parse reads the one document that a file has.
func (f *reading) parse(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: is empty; accepted: a map, which is written {} when there is no key", f.name)
	case err != nil:
		return nil, f.notYAML(err)
	case len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode:
		return nil, fmt.Errorf("%s:%d: is no map; accepted: a map of keys and values", f.name, max(1, doc.Line))
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
		return doc.Content[0], nil
	case err != nil:
		return nil, f.notYAML(err)
	}
	return nil, fmt.Errorf("%s:%d: is a second document; accepted: one", f.name, second.Line)
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// fromZero are the errors whose line the library counts from 0.
var fromZero = regexp.MustCompile(`^did not find expected (<document start>|'-' indicator|key|',' or|node content)`)

func (f *reading) notYAML(err error) error {
	line, what := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(what); m != nil {
		what = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			if fromZero.MatchString(what) {
				line++
			}
		}
	}
	return fmt.Errorf("%s:%d: is no YAML: %s", f.name, line, what)
}

// refuse notes a problem.
func (f *reading) refuse(n *yaml.Node, format string, args ...any) {
	if len(f.problems) < maxProblems {
		f.problems = append(f.problems, fmt.Sprintf("%s:%d: %s", f.name, n.Line, fmt.Sprintf(format, args...)))
	}
}

// level reads the keys of a map, all below a prefix.
func (f *reading) level(n *yaml.Node, prefix string) {
	if n.Anchor != "" {
		f.refuse(n, "has an anchor (&%s); accepted: what it stands for, written out", n.Anchor)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := prefix + name.Value
		if name.Kind != yaml.ScalarNode || name.Anchor != "" || name.Style&yaml.TaggedStyle != 0 {
			f.refuse(name, "has a key that is no plain name; accepted: a name")
			continue
		}
		if err := CheckKey(key); err != nil {
			f.refuse(name, "the key %s %v; a map that is a value is written %s {...}", quote(key), err, valueTag)
			continue
		}
		if value.Kind == yaml.MappingNode && value.Tag != valueTag {
			f.below(value, key)
			continue
		}
		if line, ok := f.lines[key]; ok {
			f.refuse(name, "the key %s is there twice, first in line %d", quote(key), line)
			continue
		}
		f.lines[key] = name.Line
		v, bad, err := readValue(value, 0)
		if err == nil {
			bad, err = value, checkValue(v)
		}
		if err != nil {
			f.refuse(bad, "the value of %s %v", quote(key), err)
			continue
		}
		f.content[key] = v
	}
}

// below reads a map that is levels of a key.
func (f *reading) below(n *yaml.Node, key string) {
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		f.refuse(n, "the value of %s has the tag %s; accepted: %s, or none", quote(key), quote(n.Tag), valueTag)
	case len(n.Content) == 0:
		f.refuse(n, "%s has no keys below it; accepted: %s {} for an empty map as its value, or leave it out", quote(key), valueTag)
	default:
		f.level(n, key+".")
	}
}

// readValue reads a value; with an error comes the node that is wrong.
func readValue(n *yaml.Node, depth int) (*structpb.Value, *yaml.Node, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return nil, n, fmt.Errorf("is an alias (*%s); accepted: what it stands for, written out", n.Value)
	case n.Anchor != "":
		return nil, n, fmt.Errorf("has an anchor (&%s); accepted: what it stands for, written out", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0 && (n.Tag != valueTag || n.Kind != yaml.MappingNode):
		return nil, n, fmt.Errorf("has the tag %s; accepted: %s before a map, or none", quote(n.Tag), valueTag)
	case n.Kind == yaml.ScalarNode:
		v, err := readScalar(n)
		return v, n, err
	case depth == maxDepth:
		return nil, n, errDepth
	case n.Kind == yaml.SequenceNode:
		return readList(n, depth+1)
	}
	return readMap(n, depth+1)
}

func readList(n *yaml.Node, depth int) (*structpb.Value, *yaml.Node, error) {
	list := &structpb.ListValue{}
	for _, item := range n.Content {
		v, bad, err := readValue(item, depth)
		if err != nil {
			return nil, bad, err
		}
		list.Values = append(list.Values, v)
	}
	return structpb.NewListValue(list), nil, nil
}

func readMap(n *yaml.Node, depth int) (*structpb.Value, *yaml.Node, error) {
	fields := map[string]*structpb.Value{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		switch {
		case name.Kind != yaml.ScalarNode || name.Anchor != "" || name.ShortTag() != "!!str" || !utf8.ValidString(name.Value):
			return nil, name, errors.New("has a name that is no text; accepted: a text, in double quotes if need be")
		case fields[name.Value] != nil:
			return nil, name, fmt.Errorf("has the name %s twice", quote(name.Value))
		}
		v, bad, err := readValue(n.Content[i+1], depth)
		if err != nil {
			return nil, bad, err
		}
		fields[name.Value] = v
	}
	return structpb.NewStructValue(&structpb.Struct{Fields: fields}), nil, nil
}

func readScalar(n *yaml.Node) (*structpb.Value, error) {
	tag := n.ShortTag()
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		tag = "!!str"
	}
	switch tag {
	case "!!null":
		if n.Value == "" {
			return nil, errors.New(`is missing; accepted: a value, null, or "" for an empty text`)
		}
		return structpb.NewNullValue(), nil
	case "!!bool":
		return structpb.NewBoolValue(strings.EqualFold(n.Value, "true")), nil
	case "!!int", "!!float":
		f, err := parseNumber(n.Value)
		return structpb.NewNumberValue(f), err
	case "!!str", "!!timestamp", "!!merge":
		if !utf8.ValidString(n.Value) {
			return nil, errors.New("is not UTF-8")
		}
		return structpb.NewStringValue(n.Value), nil
	}
	return nil, fmt.Errorf("has the tag %s; accepted: none", quote(tag))
}

// quote makes a text of a file safe to repeat: quoted, escaped, and cut.
func quote(s string) string {
	const shown = 64
	if len(s) > shown {
		return fmt.Sprintf("%+q...", strings.ToValidUTF8(s[:shown], ""))
	}
	return fmt.Sprintf("%+q", s)
}
