package foreign

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format, text string
		want         map[string]string
	}{
		{Env, "# c\nexport A=1\nB = x y # c\nC='a # b'\nD=\"l\\n\\\"q\\\"\" # c\nE=\n", map[string]string{"A": "1", "B": "x y", "C": "a # b", "D": "l\n\"q\"", "E": ""}},
		{Properties, "# c\n! c\na.b=1\nc : x y \nd one\\\n   two\ne\\=f=\\u00e9\\t\ng\n", map[string]string{"a.b": "1", "c": "x y ", "d": "onetwo", "e=f": "é\t", "g": ""}},
		{ConfigMap, "kind: ConfigMap\ndata:\n  a.b: \"1\"\n  c: |\n    x\n", map[string]string{"a.b": "1", "c": "x\n"}},
		{Consul, `[{"key":"a/","flags":0,"value":""},{"key":"a/b","value":"eA=="}]`, map[string]string{"a.b": "x"}},
	} {
		got, err := Read(test.format, strings.NewReader(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.format, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.format, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ format, text, want string }{
		{Env, "A=1\nB\n", "line 2: is no NAME=value"},
		{Env, "A=1\nA=2\n", `line 2: "A" is there twice`},
		{Env, "A=\"x\n", "line 1: has a quote that is not closed"},
		{Env, "A='x' y\n", "more text after the closing quote"},
		{Env, "A=\xff", "not UTF-8"},
		{Properties, "a=\\u12\n", `line 1: has a \u without four digits`},
		{Properties, "b=1\na=\\uzzzz\n", `line 2: has a \u that is no character`},
		{Properties, "a=1\na=2\n", "there twice"},
		{ConfigMap, "kind: Secret\n", `of the kind "Secret"`},
		{ConfigMap, "kind: ConfigMap\nbinaryData: {a: eA==}\n", "binaryData"},
		{ConfigMap, "kind: ConfigMap\n---\nkind: ConfigMap\n", "several documents"},
		{ConfigMap, "[", "no manifest"},
		{Consul, "{}", "consul kv export"},
		{Consul, `[{"key":"a","value":"?"}]`, `the value of "a" is no text`},
	} {
		if got, err := Read(test.format, strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: %v %v, want %q", test.format, test.text, got, err, test.want)
		}
	}
}

// Nothing that is read makes it panic.
func FuzzRead(f *testing.F) {
	f.Add(0, "A='x'\n")
	f.Add(1, "a\\=b : c\\\n d\n")
	f.Add(2, "kind: ConfigMap\ndata: {a: b}\n")
	f.Add(3, `[{"key":"a","value":"eA=="}]`)
	f.Fuzz(func(_ *testing.T, format int, text string) {
		_, _ = Read(Formats()[uint(format)%4], strings.NewReader(text)) // it may refuse
	})
}
