package variables

import (
	"slices"
	"strings"
	"testing"

	"github.com/config-service/config-service/clients/cli/internal/tree"
)

func content(t *testing.T, text string) tree.Content {
	t.Helper()
	c, err := tree.Read("f", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOf(t *testing.T) {
	t.Parallel()
	vars, err := Of("", content(t, "database.pool-size: 10\nquote: it's\nlist: [1, x]\n"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, v := range vars {
		lines = append(lines, v.Line())
	}
	want := []string{`DATABASE_POOL_SIZE='10'`, `LIST='[1,"x"]'`, `QUOTE='it'\''s'`}
	if !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
	all, kept := Over([]string{"QUOTE=mine"}, vars)
	if !slices.Equal(kept, []string{"QUOTE"}) || !slices.Equal(all, []string{"QUOTE=mine", "DATABASE_POOL_SIZE=10", `LIST=[1,"x"]`}) {
		t.Errorf("%q %q", all, kept)
	}
}

func TestOfRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a.b: 1\na_b: 2\n":     "the keys a.b and a_b are both the variable A_B",
		"\"1a\": 1\n":          "begins with a digit",
		"ld.preload: x.so\n":   "LD_PRELOAD, with which other code is loaded",
		"pythonpath: x\n":      "PYTHONPATH",
		"text: \"a\\u0000\"\n": "holds a NUL",
	} {
		if vars, err := Of("", content(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v", text, vars, err)
		}
	}
	if vars, err := Of("APP_", content(t, "\"1a\": 1\nld.preload: x\n")); err != nil || vars[0].Name != "APP_1A" {
		t.Error(vars, err)
	}
	for prefix, ok := range map[string]bool{"APP_": true, "": true, "1": false, "A-": false, "a1": true} {
		if err := CheckPrefix(prefix); (err == nil) != ok {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}
