package tree

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, text string) Content {
	t.Helper()
	c, err := Read("f.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Both ways to write a key are read, and one is written.
func TestOneWay(t *testing.T) {
	t.Parallel()
	c := read(t, `
z: 1
database.pool_size: 10
database:
  host: "db.example.com"
  limits: !value {b: [1, {x: y}], a: {}}
a.b: 1
a: null
list: [x, [], [1, 2.50], "yes"]
text: "one\ntwo\n"
"1": 1e3
empty: !value {}
date: 2026-01-01
`)
	const want = `"1": 1000
a: null
a.b: 1
database:
  host: db.example.com
  limits: !value
    a: {}
    b:
      - 1
      - x: "y"
  pool_size: 10
date: "2026-01-01"
empty: !value {}
list:
  - x
  - []
  - - 1
    - 2.5
  - "yes"
text: |
  one
  two
z: 1
`
	if diff := cmp.Diff(want, string(Encode(c))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, string(Encode(read(t, want)))); diff != "" {
		t.Error(diff)
	}
	if got := string(Encode(Content{})); got != "{}\n" || len(read(t, got)) != 0 {
		t.Errorf("no keys are written %q", got)
	}
}

// What cannot be meant is refused, with its line.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "f.yaml:1: is empty; accepted: a map, which is written {}"},
		{"comments only", "# nothing\n", "is empty"},
		{"text", "text\n", "f.yaml:1: is no map"},
		{"list", "- a\n", "f.yaml:1: is no map"},
		{"no YAML", "a: 1\nb: [1\n", "f.yaml:2: is no YAML: "},
		{"tab", "a:\n\tb: 1\n", "is no YAML"},
		{"key twice", "a: 1\nb: 2\na: 3\n", `f.yaml:3: the key "a" is there twice, first in line 1`},
		{"key twice, dotted", "a:\n  b: 1\na.b: 3\n", `f.yaml:3: the key "a.b" is there twice, first in line 2`},
		{"name twice in a value", "a: !value\n  x: 1\n  x: 2\n", `f.yaml:3: the value of "a" has the name "x" twice`},
		{"anchor", "a: &x 1\n", `f.yaml:1: the value of "a" has an anchor (&x)`},
		{"anchor of a map", "a: &x\n  b: 1\n", `has an anchor (&x)`},
		{"alias", "a: &x 1\nb: *x\n", `f.yaml:2: the value of "b" is an alias (*x)`},
		{"merge", "a:\n  <<: {b: 1}\n", `f.yaml:2: the key "a.<<" is malformed`},
		{"second document", "a: 1\n---\nb: 1\n", "f.yaml:2: is a second document"},
		{"grammar", "a:\n  'b c': 1\n", `f.yaml:2: the key "a.b c" is malformed; accepted: names of A-Z`},
		{"key too long", strings.Repeat("k", 254) + ": 1\n", "has 254 bytes"},
		{"key that is a list", "? [a]\n: 1\n", "no plain name"},
		{"value too long", "\na: " + strings.Repeat("x", 256<<10) + "\n", `f.yaml:2: the value of "a" has 262146 bytes as JSON; accepted: at most 262144`},
		{"too deep", "a: " + strings.Repeat("[", 31) + strings.Repeat("]", 31) + "\n", "is nested deeper than 30 levels"},
		{"no value", "a: 1\nb:\n", `f.yaml:2: the value of "b" is missing`},
		{"empty map", "a: {}\n", `f.yaml:1: "a" has no keys below it; accepted: !value {}`},
		{"tag", "a: !!binary aGk=\n", `has the tag "!!binary"`},
		{"tag of a map", "a: !x {b: 1}\n", `has the tag "!x"`},
		{"tag of a list", "a: !value [1]\n", `has the tag "!value"`},
		{"octal", "a: 010\n", "readers take differently"},
		{"hexadecimal", "a: 0x10\n", "readers take differently"},
		{"underscore", "a: 1_000\n", "readers take differently"},
		{"infinity", "a: .inf\n", "readers take differently"},
		{"integer", "a: 9007199254740993\n", "integer beyond"},
		{"decimal", "a: 0.1234567890123456789\n", "decimal that a double cannot hold"},
		{"name of a number in a value", "a: !value {1: 2}\n", "a name that is no text"},
		{"name of a bool in a value", "a: !value {true: 2}\n", "a name that is no text"},
	} {
		_, err := Read("f.yaml", strings.NewReader(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	_, err := Read("f.yaml", strings.NewReader(strings.Repeat("# comment\n", MaxFile/10+1)))
	if err == nil || err.Error() != "f.yaml: has more than 10 MiB; accepted: less" {
		t.Errorf("10 MiB: %v", err)
	}
	_, err = Read("f.yaml", strings.NewReader("a: 010\nb: 1\nb: 2\n"))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two problems: %v", err)
	}
}

func TestCheckSize(t *testing.T) {
	t.Parallel()
	c := Content{}
	for i := range 2_001 {
		c[fmt.Sprint("k", i)], _ = ParseJSON([]byte("1"))
	}
	if err := CheckSize("a", c); err != nil {
		t.Error(err)
	}
	if err := CheckSize("_shared", c); err == nil || !strings.Contains(err.Error(), "has 2001 keys; accepted: at most 2000") {
		t.Error(err)
	}
}

func TestParseJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "01", "1 2", "[1,]", `{"a":1,"a":2}`, "9007199254740993", "1e999", "\"\xff\"", strings.Repeat("[", 31) + strings.Repeat("]", 31)} {
		if v, err := ParseJSON([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, v)
		}
	}
	v, err := ParseJSON([]byte(` {"b": [1.50, null], "a": "<é>"} `))
	if err != nil || JSON(v) != `{"a":"<é>","b":[1.5,null]}` {
		t.Error(v, err)
	}
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "f:1: is empty; accepted: JSON",
		" \n":                                    "f:1: is empty; accepted: JSON",
		"type: object\n":                         "f:1: is no JSON; accepted: JSON, without comments",
		"{\n  \"a\": 1,\n  b: 2\n}\n":            "f:3: is no JSON; accepted: JSON, without comments",
		"{\n  \"a\": 1\n  \"b\": 2\n}\n":         "f:3: is no JSON; accepted: JSON, without comments",
		"{\n  \"a\": [\n    1,\n  ]\n}\n":        "f:4: is no JSON; accepted: JSON, without comments",
		"{\n  // why\n  \"a\": 1\n}\n":           "f:2: is no JSON; accepted: JSON, without comments",
		"{\n  \"a\": 1\n":                        "f:2: is no JSON; accepted: JSON, without comments",
		"{}\n\n{}\n":                             "f:3: is no JSON; accepted: JSON, without comments",
		"{\n  \"a\": 1,\n  \"a\": 2\n}\n":        "f:3: has the same name twice in one object",
		"{\n  \"a\":\n  9007199254740993\n}\n":   "f:3: has an integer beyond +-(2^53-1); accepted: a text in double quotes",
		"{\n  \"a\": \"\xff\"\n}\n":              "f:2: is not UTF-8",
		strings.Repeat("[\n", 31):                "f:31: is nested deeper than 30 levels",
		strings.Repeat(" ", 1<<20) + "1":         "f: has more than 1 MiB; accepted: less",
		`"` + strings.Repeat("x", 256<<10) + `"`: "f: has 262146 bytes as JSON; accepted: at most 262144",
	} {
		if v, err := ReadJSON("f", strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%.40q is read as %v, %v; want %s", text, v, err, want)
		}
	}
	v, err := ReadJSON("f", strings.NewReader("{\n  \"b\": [1.50, null]\n}\n"))
	if err != nil || JSON(v) != `{"b":[1.5,null]}` {
		t.Error(v, err)
	}
}

// Nothing that is read makes it panic, and what is written is read as the same.
func FuzzTree(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n", "a.b: x\na: {c: [1, {d: e}]}\n", "a: !value {b: \"\\e\\u2028 x\"}\n", "a: |\n  x\n   y\n\n  z\n", "a: \"\\n x\"\n",
		"a: !value {\"\": {}, \"y\": [[]], \"- \": |-\n    q\n}\n", "'---': -0\n'~': '~'\n", "a: 'x: y'\n", "a: [ 'x #y', \"\\t\", '- ', '|', 'é\u0085' ]\n", "a: 1e300\n", "{}", "\ufeffa: 1\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read("f.yaml", strings.NewReader(text))
		if err != nil {
			return
		}
		written := Encode(c)
		again, err := Read("again.yaml", strings.NewReader(string(written)))
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if len(c) != len(again) {
			t.Fatalf("%d keys became %d\n%s", len(c), len(again), written)
		}
		for key, value := range c {
			if again[key] == nil || !Equal(value, again[key]) {
				t.Fatalf("%s: %s became %v\n%s", key, JSON(value), again[key], written)
			}
		}
		if string(Encode(again)) != string(written) {
			t.Fatalf("written in two ways:\n%s", written)
		}
	})
}
