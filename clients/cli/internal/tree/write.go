package tree

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/protobuf/types/known/structpb"
)

// Encode writes a content in the one way there is: keys sorted and nested by their names.
// A key that is above another one and has a value stands beside it, dotted.
func Encode(c Content) []byte {
	if len(c) == 0 {
		return []byte("{}\n")
	}
	root := &branch{}
	for key, value := range c {
		root.add(key, value)
	}
	var out strings.Builder
	root.write(&out, "", "")
	return []byte(out.String())
}

// branch is a level of keys.
type branch struct {
	value *structpb.Value // nil: only keys below it
	below map[string]*branch
}

func (b *branch) add(key string, value *structpb.Value) {
	for name := range strings.SplitSeq(key, ".") {
		next := b.below[name]
		if next == nil {
			next = &branch{}
			if b.below == nil {
				b.below = map[string]*branch{}
			}
			b.below[name] = next
		}
		b = next
	}
	b.value = value
}

func (b *branch) write(out *strings.Builder, indent, dotted string) {
	for _, name := range slices.Sorted(maps.Keys(b.below)) {
		child := b.below[name]
		name = dotted + name
		if child.value != nil {
			writeEntry(out, indent, keyName(name), child.value)
		}
		switch {
		case len(child.below) == 0:
		case child.value != nil:
			child.write(out, indent, name+".")
		default:
			out.WriteString(indent + keyName(name) + ":\n")
			child.write(out, indent+"  ", "")
		}
	}
}

// writeEntry writes a key with its value.
func writeEntry(out *strings.Builder, indent, name string, value *structpb.Value) {
	lines := valueLines(value)
	first := lines[0]
	_, isMap := value.GetKind().(*structpb.Value_StructValue)
	switch {
	case isMap && len(value.GetStructValue().GetFields()) == 0:
		first, lines = valueTag+" {}", nil
	case isMap:
		first = valueTag
	case isNested(value):
		first = ""
	default:
		lines = lines[1:]
	}
	out.WriteString(indent + name + ":")
	if first != "" {
		out.WriteString(" " + first)
	}
	out.WriteByte('\n')
	for _, line := range lines {
		if isNested(value) {
			line = indented(line)
		}
		if line != "" {
			out.WriteString(indent + line)
		}
		out.WriteByte('\n')
	}
}

// isNested says whether a value takes lines of its own.
func isNested(v *structpb.Value) bool {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		return len(k.StructValue.GetFields()) > 0
	case *structpb.Value_ListValue:
		return len(k.ListValue.GetValues()) > 0
	}
	return false
}

// valueLines are the lines of a value; those of a text after the first are indented.
func valueLines(v *structpb.Value) []string {
	var lines []string
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return textLines(k.StringValue)
	case *structpb.Value_ListValue:
		for _, item := range k.ListValue.GetValues() {
			for i, line := range valueLines(item) {
				if i == 0 {
					lines = append(lines, "- "+line)
				} else {
					lines = append(lines, indented(line))
				}
			}
		}
	case *structpb.Value_StructValue:
		for _, name := range slices.Sorted(maps.Keys(k.StructValue.GetFields())) {
			lines = append(lines, fieldLines(name, k.StructValue.GetFields()[name])...)
		}
	}
	if lines == nil {
		return []string{JSON(v)} // [] and {} too
	}
	return lines
}

func fieldLines(name string, v *structpb.Value) []string {
	name, lines := oneLine(name), valueLines(v)
	if !isNested(v) {
		lines[0] = name + ": " + lines[0]
		return lines
	}
	out := []string{name + ":"}
	for _, line := range lines {
		out = append(out, indented(line))
	}
	return out
}

func indented(line string) string {
	if line == "" {
		return ""
	}
	return "  " + line
}

// textLines writes a text of several lines as such, when nothing in it could be lost.
func textLines(s string) []string {
	body, ended := strings.CutSuffix(s, "\n")
	lines := strings.Split(body, "\n")
	if len(lines) == 1 && !ended || !isBlock(lines) {
		return []string{oneLine(s)}
	}
	head := "|-"
	if ended {
		head = "|"
	}
	out := []string{head}
	for _, line := range lines {
		out = append(out, indented(line))
	}
	return out
}

func isBlock(lines []string) bool {
	if lines[0] == "" || lines[len(lines)-1] == "" {
		return false
	}
	for i, line := range lines {
		if line != "" && strings.TrimSpace(line) == "" || i == 0 && strings.TrimLeft(line, " \t") != line {
			return false
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && !isPrintable(r) }) {
			return false
		}
	}
	return true
}

func isPrintable(r rune) bool { return unicode.IsPrint(r) && r != unicode.ReplacementChar }

var (
	bare     = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@+=:-]*( [A-Za-z0-9_./@+=-][A-Za-z0-9_./@+=:-]*)*$`)
	bareName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	reserved = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
)

// oneLine writes a text in a line, without quotes where every reader takes it for one.
func oneLine(s string) string {
	if bare.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) && !strings.Contains(s, ": ") && !strings.HasSuffix(s, ":") {
		return s
	}
	return quoted(s)
}

// keyName writes a key, or a part of it.
func keyName(s string) string {
	if bareName.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return s
	}
	return quoted(s)
}

// quoted writes a text in double quotes.
func quoted(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case isPrintable(r):
			out.WriteRune(r)
		case r > 0xffff:
			out.WriteString(`\U` + hex(r, 8))
		default:
			out.WriteString(`\u` + hex(r, 4))
		}
	}
	out.WriteByte('"')
	return out.String()
}

func hex(r rune, digits int) string {
	text := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", digits-len(text)) + text
}
