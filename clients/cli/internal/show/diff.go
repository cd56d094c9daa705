package show

import (
	"bytes"
	"fmt"
	"io"

	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// Paper is what a text is printed on.
type Paper struct {
	Width  int  // 0: not a terminal
	Colour bool // whether it shows colours
}

const (
	red, green, plainly = "\x1b[31m", "\x1b[32m", "\x1b[0m"
	// longest is what is shown of a value where there is no terminal.
	longest = 400
)

// Diff prints differences: a line for what was, a line for what is.
func Diff(w io.Writer, p Paper, differences []*adminv1.Difference) error {
	var out bytes.Buffer
	for _, d := range differences {
		before, after := contentText(d.GetOld()), contentText(d.GetNew())
		room := longest
		if p.Width > 0 {
			room = max(20, p.Width-len("  + ")-len(d.GetKey())-len(": "))
		}
		if d.GetOld() != nil && d.GetNew() != nil {
			before, after = apart(before, after, room)
		}
		if d.GetOld() != nil {
			p.line(&out, red, "  - "+d.GetKey()+": "+Cut(before, room))
		}
		if d.GetNew() != nil {
			p.line(&out, green, "  + "+d.GetKey()+": "+Cut(after, room))
		}
	}
	return print(w, out.Bytes())
}

func (p Paper) line(out *bytes.Buffer, colour, text string) {
	if p.Colour {
		text = colour + text + plainly
	}
	fmt.Fprintln(out, text)
}

func contentText(c *adminv1.Content) string {
	switch {
	case c.GetProblem() != "":
		return "(cannot be used: " + Printable(c.GetProblem()) + ")"
	case c.GetMasked():
		return "(masked)"
	}
	return Printable(tree.JSON(c.GetValue()))
}

// apart leaves out what two long texts have in common at their start, so that what
// differs is in what is shown.
func apart(a, b string, room int) (string, string) {
	around := room / 3 // stays, so that one sees where it is
	x, y := []rune(a), []rune(b)
	same := 0
	for same < len(x) && same < len(y) && x[same] == y[same] {
		same++
	}
	if max(len(x), len(y)) <= room || same <= around {
		return a, b
	}
	return "…" + string(x[same-around:]), "…" + string(y[same-around:])
}
