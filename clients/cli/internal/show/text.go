package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is a text of somebody else on one line of a terminal: what could steer it is
// escaped.
func Printable(s string) string {
	if !strings.ContainsFunc(s, steers) && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case steers(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func steers(r rune) bool { return !unicode.IsPrint(r) }

// Cut shortens a text to a width; 0 is none.
func Cut(s string, width int) string {
	if width <= 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(0, width-1)]) + "…"
}

// Wrapped breaks a text between words into lines of a width, all but the first indented; 0
// is none. A word that is longer stays whole.
func Wrapped(text string, width, indent int) string {
	if width <= 0 {
		return text
	}
	var out strings.Builder
	at := 0
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > width:
			out.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			out.WriteByte(' ')
			at++
		}
		out.WriteString(word)
		at += n
	}
	return out.String()
}
