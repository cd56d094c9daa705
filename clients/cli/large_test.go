package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// many are lines of a file, one for each number.
func many(n int, form string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, form+"\n", i)
	}
	return text.String()
}

// expectation is what a command has to do.
type expectation struct {
	args []string
	exit int
	want []string // in standard error
}

func expect(t *testing.T, environment map[string]string, steps ...expectation) {
	t.Helper()
	for _, st := range steps {
		exit, _, errs := at(t, strings.NewReader(""), environment, st.args...)
		if exit != st.exit {
			t.Fatalf("%v: exit %d, want %d\n%.3000s", st.args, exit, st.exit, errs[max(0, len(errs)-3000):])
		}
		for _, want := range st.want {
			if !strings.Contains(errs, want) {
				t.Errorf("%v: no %q in\n%.3000s", st.args, want, errs[max(0, len(errs)-3000):])
			}
		}
	}
}

// A full scope is replaced by another: all is shown once, no limit is passed on the way, and
// a rollback brings it back in steps.
func TestFullScopeIsReplaced(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	old, wanted := filepath.Join(dir, "old.yaml"), filepath.Join(dir, "new.yaml")
	servertest.WriteFile(t, old, many(9_000, "old%d: 1"))
	servertest.WriteFile(t, wanted, many(9_000, "new%d: 1"))
	expect(t, environment,
		expectation{[]string{"apply", "-f", old, "-m", "x", "--yes"}, 0, []string{"step 3 of 3 is done"}},
		expectation{[]string{"apply", "-f", wanted, "-m", "x", "--yes"}, 1, []string{"limit in production: the scope would be one that has 18000 keys; accepted: at most 10000 in a scope of a-service", "nothing was done"}},
		expectation{[]string{"apply", "-f", wanted, "--prune", "-m", "x", "--dry-run"}, 0, []string{
			"a-service in production, from version 4 on:\n", "  + new0: 1\n", "  - old8999: 1\n", "note: one commit cannot take this. It takes 5, one after the other; applications see every step",
		}},
		expectation{[]string{"apply", "-f", wanted, "--prune", "-m", "x", "--yes"}, 0, []string{"step 5 of 5 is done", "done: a-service in production is at version 8"}},
		expectation{[]string{"diff", "-f", wanted, "--prune"}, 0, nil},
		expectation{[]string{"rollback", "3", "--yes"}, 1, []string{"This rollback is more than one commit takes: it would be done in 5, one after the other. Applications see every step", "Do it in steps? [y/N] configctl: nothing was done"}},
		expectation{[]string{"rollback", "3", "--in-steps", "--yes"}, 0, []string{"step 5 of 5 is done", "is at version 13"}},
		expectation{[]string{"diff", "-f", old, "--prune"}, 0, nil},
	)
	if exit, _, errs := configctl(t, false, "", environment, "rollback", "8", "--yes"); exit != 1 || !strings.Contains(errs, "nothing was done; --in-steps does it in 5 commits") {
		t.Errorf("without a terminal: exit %d %.500s", exit, errs)
	}
	if exit, _, errs := at(t, strings.NewReader("y\ny\n"), environment, "rollback", "8"); exit != 0 || !strings.Contains(errs, "is at version 18") {
		t.Errorf("two times yes: exit %d %.500s", exit, errs[max(0, len(errs)-500):])
	}
	if _, out, _ := at(t, nil, environment, "history"); !strings.Contains(out, "roll back to version 8 (step 5 of 5)") {
		t.Errorf("the history does not tell why:\n%s", out)
	}
}

// Between the steps the schema is kept, where an order does; where none does, or the end
// violates it, nothing is done at all.
func TestStepsKeepTheSchema(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	file, schema := filepath.Join(dir, "file.yaml"), filepath.Join(dir, "schema.json")
	put := func(text string) {
		t.Helper()
		servertest.WriteFile(t, schema, text)
		expect(t, environment, expectation{[]string{"schema", "put", schema, "--yes"}, 0, nil})
	}
	servertest.WriteFile(t, file, "a.old: 1\n"+many(5_000, "k%d: 1"))
	expect(t, environment, expectation{[]string{"apply", "-f", file, "-m", "x", "--yes"}, 0, nil})

	// One of two keys has to be there: they go and come together.
	put(`{"properties": {"a": {"minProperties": 1}}, "required": ["a"]}`)
	servertest.WriteFile(t, file, "a.new: 1\n"+many(5_000, "n%d: 1"))
	expect(t, environment,
		expectation{[]string{"apply", "-f", file, "--prune", "-m", "x", "--yes"}, 0, []string{"step 3 of 3 is done"}},
		expectation{[]string{"diff", "-f", file, "--prune"}, 0, nil})

	// The end violates it.
	servertest.WriteFile(t, file, "b: 1\n"+many(5_000, "k%d: 1"))
	expect(t, environment, expectation{[]string{"apply", "-f", file, "--prune", "-m", "x", "--yes"}, 1, []string{
		"schema: in a-service/production, key \"a\" violates required (#)", "nothing was done; 'configctl schema get' shows",
	}})
	// Nothing in between keeps it.
	put(`{"minProperties": 5001, "maxProperties": 5001}`)
	expect(t, environment, expectation{[]string{"apply", "-f", file, "--prune", "-m", "x", "--yes"}, 1, []string{
		"this takes 3 commits, and there is no order of them in which all keep the schema", "after commit ", "put a schema that allows what is on the way",
	}})
	if _, out, _ := at(t, nil, environment, "history"); !strings.Contains(out, "\n5 ") || strings.Contains(out, "\n6 ") {
		t.Errorf("something was done:\n%s", out)
	}
}

// A step that is refused on the way tells what is done, and the same command does the rest.
func TestStepIsRefused(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	file, schema := filepath.Join(dir, "file.yaml"), filepath.Join(dir, "schema.json")
	servertest.WriteFile(t, file, many(5_000, "k%d: 1"))
	servertest.WriteFile(t, schema, `{"additionalProperties": false}`)
	person := answering(func() string { // puts a schema once all was shown
		expect(t, environment, expectation{[]string{"schema", "put", schema, "--yes"}, 0, nil})
		return "y\n"
	})
	exit, _, errs := at(t, person, environment, "apply", "-f", file, "-m", "x")
	if exit != 1 || !strings.Contains(errs, "SCHEMA_VIOLATION") && !strings.Contains(errs, "schema: key") {
		t.Fatalf("exit %d %.1000s", exit, errs[max(0, len(errs)-1000):])
	}
	expect(t, environment, expectation{[]string{"schema", "delete", "--yes"}, 0, nil})
	// Somebody else is faster, after the first step.
	other := false
	slow := &interrupting{after: "step 1 of 2 is done", do: func() {
		other = true
		expect(t, environment, expectation{[]string{"set", "k4999=7", "-m", "faster", "--yes"}, 0, nil})
	}}
	exit = atWriting(t, slow, environment, "apply", "-f", file, "-m", "x", "--yes")
	errs = slow.text.String()
	if exit != 4 || !other || !strings.Contains(errs, "note: 1 of 2 steps are done: a-service in production is at version 1; the same command again does the rest") {
		t.Fatalf("exit %d %.1000s", exit, errs[max(0, len(errs)-1000):])
	}
	expect(t, environment,
		expectation{[]string{"apply", "-f", file, "-m", "x", "--yes"}, 0, []string{"is at version 3"}},
		expectation{[]string{"diff", "-f", file, "--prune"}, 0, nil})
}

// interrupting does something as soon as a text was written.
type interrupting struct {
	after string
	do    func()
	text  strings.Builder
}

func (i *interrupting) Write(p []byte) (int, error) {
	n, err := i.text.Write(p)
	if i.do != nil && strings.Contains(i.text.String(), i.after) {
		do := i.do
		i.do = nil
		do()
	}
	return n, err
}

// atWriting runs configctl on a terminal that is written to.
func atWriting(t *testing.T, errs *interrupting, environment map[string]string, args ...string) (exit int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := &tool{
		lookup: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
		in:     strings.NewReader(""), terminal: true, environment: os.Environ(),
	}
	return c.run(ctx, args, io.Discard, errs)
}
