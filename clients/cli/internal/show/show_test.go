package show

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func text(s string) *adminv1.Content { return &adminv1.Content{Value: structpb.NewStringValue(s)} }

func diff(t *testing.T, p Paper, d *adminv1.Difference) string {
	t.Helper()
	var out bytes.Buffer
	if err := Diff(&out, p, []*adminv1.Difference{d}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// On a terminal every line fits, shows what differs, and cannot steer it.
func TestDiff(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("the same ", 50)
	got := diff(t, Paper{Width: 80}, &adminv1.Difference{Key: "banner", Old: text(long + "old"), New: text(long + "new")})
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(got, "old") || !strings.Contains(got, "new") {
		t.Errorf("what differs is cut off:\n%s", got)
	}
	got = diff(t, Paper{}, &adminv1.Difference{Key: "k", New: text("\x1b[31m\u009b\u202e")})
	if got != `  + k: "\u001b[31m\u009b\u202e"`+"\n" {
		t.Errorf("%q", got)
	}
	got = diff(t, Paper{Width: 80, Colour: true}, &adminv1.Difference{Key: "k", Old: &adminv1.Content{Problem: "the value is not JSON"}})
	if got != "\x1b[31m  - k: (cannot be used: the value is not JSON)\x1b[0m\n" {
		t.Errorf("%q", got)
	}
}

// A document stays what it is, and steers no terminal.
func TestDocument(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := Document(&out, "{\"a\":[1,\"\u009b2J é \U000e0001\"],\"b\":{}}"); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"a\": [\n    1,\n    \"\\u009b2J é \\udb40\\udc01\"\n  ],\n  \"b\": {}\n}\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestWrapped(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		text          string
		width, indent int
	}{
		"a b c":          {"a b c", 0, 2},
		"aa bb\n  cc":    {"aa bb cc", 5, 2},
		"aaaaaaaa\n  b":  {"aaaaaaaa b", 5, 2},
		"é é é":          {"é é é", 5, 2},
		"note: a\n    b": {"note: a b", 8, 4},
	} {
		if got := Wrapped(c.text, c.width, c.indent); got != want {
			t.Errorf("%q in %d: %q, want %q", c.text, c.width, got, want)
		}
	}
}
