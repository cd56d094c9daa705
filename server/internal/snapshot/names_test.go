package snapshot_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// hostile are names that nothing accepts, whatever it names.
var hostile = map[string]string{
	"empty":               "",
	"dot":                 ".",
	"dot dot":             "..",
	"empty middle":        "a..b",
	"leading dot":         ".a",
	"trailing dot":        "a.",
	"slash":               "a/b",
	"traversal":           "../a",
	"backslash":           `a\b`,
	"escaped slash":       "a%2fb",
	"escaped dot":         "a%2e%2eb",
	"space":               "a b",
	"leading space":       " a",
	"trailing newline":    "a\n",
	"CR LF":               "a\r\nb",
	"tab":                 "a\tb",
	"NUL":                 "a\x00b",
	"escape":              "a\x1b[31mb",
	"DEL":                 "a\x7f",
	"invalid UTF-8":       "a\xffb",
	"overlong dot":        "a\xc0\xaeb",
	"fullwidth letter":    "ａ",
	"fullwidth full stop": "a．b",
	"cyrillic a":          "\u0430",
	"umlaut":              "größe",
	"combining mark":      "e\u0301",
	"RTL override":        "a\u202eb",
	"zero width space":    "a\u200bb",
	"no-break space":      "a\u00a0b",
	"byte order mark":     "\ufeffa",
	"emoji":               "🙂",
	"wildcard":            "a*",
	"question mark":       "a?b",
	"equals":              "a=b",
	"comma":               "a,b",
	"colon":               "a:b",
	"quote":               `a"b`,
	"dollar":              "$a",
	"brackets":            "a[0]",
}

func TestCheckKey(t *testing.T) {
	for _, key := range []string{
		"a", "A", "0", "_", "-", "a.b", "a.b.c", "A-1._b-.9", "-.-", "_._", "__proto__", "constructor",
		strings.Repeat("a", 253), strings.Repeat("a.", 126) + "a",
	} {
		if err := snapshot.CheckKey(key); err != nil {
			t.Errorf("CheckKey(%q) = %v, want nil", key, err)
		}
	}
	for name, key := range hostile {
		refused(t, "CheckKey: "+name, key, snapshot.CheckKey(key))
	}
	for _, key := range []string{strings.Repeat("a", 254), strings.Repeat("a.", 127) + "a", strings.Repeat("x", 1<<20)} {
		refused(t, "CheckKey: too long", key, snapshot.CheckKey(key))
	}
}

func TestCheckNamespaceAndEnvironment(t *testing.T) {
	checks := map[string]func(string) error{
		"CheckNamespace":   snapshot.CheckNamespace,
		"CheckEnvironment": snapshot.CheckEnvironment,
	}
	for name, check := range checks {
		for _, label := range []string{"a", "0", "9a", "payment-service", "a--b", "xn--bcher-kva", strings.Repeat("a", 63)} {
			if err := check(label); err != nil {
				t.Errorf("%s(%q) = %v, want nil", name, label, err)
			}
		}
		for what, label := range hostile {
			refused(t, name+": "+what, label, check(label))
		}
		for _, label := range []string{
			"A", "Payment", "a.b", "a_b", "-", "-a", "a-", "--", strings.Repeat("a", 64), strings.Repeat("a", 1<<20),
			// The reserved names are not DNS labels, so that nobody can ask for them.
			snapshot.SharedNamespace, snapshot.AllEnvironments,
		} {
			refused(t, name, label, check(label))
		}
	}
}

// refused checks that a name was refused in words that can be shown to anyone.
func refused(t *testing.T, what, name string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: %q was accepted", what, name)
		return
	}
	text := err.Error()
	if !strings.Contains(text, "accepted: ") {
		t.Errorf("%s: %q does not say what is accepted", what, text)
	}
	if len(text) > 512 {
		t.Errorf("%s: the message has %d bytes", what, len(text))
	}
	printable(t, text)
}

func printable(t *testing.T, text string) {
	t.Helper()
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			t.Errorf("byte %#x at %d of %q", text[i], i, text)
			return
		}
	}
}

func TestMessagesNameTheByteAtFault(t *testing.T) {
	for _, test := range []struct{ key, want string }{
		{"a/b", "at byte 1;"},
		{"a..b", "at byte 2;"},
		{".a", "at byte 0;"},
		{"a.b.", "ends with a dot"},
		{"", "is empty"},
		{strings.Repeat("a", 254), "has 254 bytes"},
	} {
		if err := snapshot.CheckKey(test.key); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("CheckKey(%.20q) = %v, want it to hold %q", test.key, err, test.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", `""`},
		{"database.pool_size", `"database.pool_size"`},
		{`a"b\c`, `"a\"b\\c"`},
		{"a\r\nb", `"a\r\nb"`},
		{"a\x00b\x1b", `"a\x00b\x1b"`},
		{"a\xffb", `"a\xffb"`},
		{"\u202eabc", `"\u202eabc"`},
		{strings.Repeat("a", 64), `"` + strings.Repeat("a", 64) + `"`},
		{strings.Repeat("a", 65), `"` + strings.Repeat("a", 64) + `"...`},
		{strings.Repeat("é", 40), `"` + strings.Repeat(`\u00e9`, 32) + `"...`},
		{strings.Repeat("a", 63) + "éa", `"` + strings.Repeat("a", 63) + `"...`},
	} {
		if got := snapshot.Quote(test.in); got != test.want {
			t.Errorf("Quote(%q) = %s, want %s", test.in, got, test.want)
		}
	}
}

func TestQuoteIsSafeAndBounded(t *testing.T) {
	rnd := rounds(t)
	for range 2000 {
		b := make([]byte, rnd.IntN(200))
		for i := range b {
			b[i] = byte(rnd.UintN(256))
		}
		q := snapshot.Quote(string(b))
		printable(t, q)
		if len(q) > 4*64+8 || !utf8.ValidString(q) {
			t.Fatalf("Quote(%q) has %d bytes", b, len(q))
		}
	}
}

func TestLayersOf(t *testing.T) {
	got := snapshot.LayersOf(testScope)
	want := [snapshot.LayerCount]string{"payment-service/production", "payment-service/_all", "_shared/production", "_shared/_all"}
	names := [snapshot.LayerCount]string{"SERVICE_ENVIRONMENT", "SERVICE", "SHARED_ENVIRONMENT", "SHARED"}
	for i := range got {
		if got[i].String() != want[i] {
			t.Errorf("layer %d is %s, want %s", i+1, got[i], want[i])
		}
		if l := snapshot.Layer(i + 1); l.String() != names[i] {
			t.Errorf("layer %d is called %s, want %s", i+1, l, names[i])
		}
	}
	for _, l := range []snapshot.Layer{0, 5, -1} {
		if l.String() != "LAYER_UNSPECIFIED" {
			t.Errorf("layer %d is called %s", int32(l), l)
		}
	}
}
