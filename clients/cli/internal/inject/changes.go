package inject

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// changes are those of a text, by lines. Lines count from 1, as those of nodes do.
type changes struct {
	lines  []string // with their ends
	before map[int][]string
	err    error
}

func newChanges(text []byte) *changes {
	return &changes{lines: slices.Collect(strings.Lines(string(text))), before: map[int][]string{}}
}

// insert adds lines before one, behind those that were added there already.
func (c *changes) insert(before int, lines []string) {
	c.before[before] = append(c.before[before], lines...)
}

// done is the text with all changes.
func (c *changes) done() []byte {
	var out bytes.Buffer
	for n := 1; n <= len(c.lines)+1; n++ {
		if n > 1 {
			out.WriteString(c.lines[n-2])
		}
		if len(c.before[n]) == 0 {
			continue
		}
		end, isLast := c.lineEnd(), n == len(c.lines)+1
		unended := isLast && !strings.HasSuffix(c.lines[n-2], "\n")
		if unended {
			out.WriteString(end)
		}
		out.WriteString(strings.Join(c.before[n], end))
		if !unended {
			out.WriteString(end)
		}
	}
	return out.Bytes()
}

// lineEnd is how lines end here.
func (c *changes) lineEnd() string {
	if strings.HasSuffix(c.lines[0], "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// above is the line where the comments of a line begin: those right above it with the same
// indentation.
func (c *changes) above(line int) int {
	column := indentation(c.lines[line-1])
	for line > 1 && strings.HasPrefix(strings.TrimLeft(c.lines[line-2], " "), "#") && indentation(c.lines[line-2]) == column {
		line--
	}
	return line
}

// end is the last line of a key's value in block style.
func (c *changes) end(key *yaml.Node) int {
	last, column := key.Line, key.Column-1
	for n := key.Line + 1; n <= len(c.lines); n++ {
		line := strings.TrimRight(c.lines[n-1], " \t\r\n")
		here := indentation(line)
		rest := line[here:]
		isEntry := here == column && (rest == "-" || strings.HasPrefix(rest, "- "))
		switch {
		case rest == "" || strings.HasPrefix(rest, "#") && here <= column:
		case here > column || isEntry:
			last = n
		default:
			return last
		}
	}
	return last
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// cutEmpty takes the [] behind a key away.
func (c *changes) cutEmpty(key, list *yaml.Node) {
	if list.Kind == yaml.SequenceNode {
		c.swap(key.Line, list.Column-1, " []", "")
	}
}

// replaceScalar gives a scalar of one line another value.
func (c *changes) replaceScalar(scalar *yaml.Node, value string) {
	quote := ""
	switch {
	case scalar.Style&yaml.DoubleQuotedStyle != 0:
		quote = `"`
	case scalar.Style&yaml.SingleQuotedStyle != 0:
		quote = `'`
	}
	c.swap(scalar.Line, scalar.Column-1, quote+scalar.Value+quote, quote+value+quote)
}

// swap changes what stands at a column, which blanks may precede.
func (c *changes) swap(line, column int, old, with string) {
	text := c.lines[line-1]
	from := column - (len(old) - len(strings.TrimLeft(old, " ")))
	if from < 0 || from > len(text) || !strings.HasPrefix(text[from:], old) {
		c.err = fmt.Errorf("line %d is laid out in a way that cannot be changed; accepted: %s on one line", line, strings.TrimSpace(old))
		return
	}
	c.lines[line-1] = text[:from] + with + text[from+len(old):]
}
