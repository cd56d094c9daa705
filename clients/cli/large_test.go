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

// large are lines of a file: keys with values of 200 KiB, of which a commit takes two and a
// scope five.
func large(names ...string) string {
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "%s: %s\n", name, strings.Repeat(name[:1], 200<<10))
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
		exit, _, errs := at(t, strings.NewReader(""), environment, append(st.args, "--timeout", "1m")...)
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
	servertest.WriteFile(t, old, large("o1", "o2", "o3", "o4", "o5"))
	servertest.WriteFile(t, wanted, large("n1", "n2", "n3", "n4", "n5"))
	expect(t, environment,
		expectation{[]string{"apply", "-f", old, "-m", "x", "--yes"}, 0, []string{"step 3 of 3 is done", "is at version 3"}},
		expectation{[]string{"apply", "-f", wanted, "-m", "x", "--yes"}, 1, []string{"limit in production: the scope would be one that has 2048040 bytes of keys and values; accepted: at most 1048576 in a scope of a-service", "nothing was done"}},
		expectation{[]string{"apply", "-f", wanted, "--prune", "-m", "x", "--dry-run"}, 0, []string{
			"a-service in production, from version 4 on:\n", "  + n1: \"nnn", "  - o5: \"ooo", "note: one commit cannot take this. It takes 3, one after the other; applications see every step",
		}},
		expectation{[]string{"apply", "-f", wanted, "--prune", "-m", "x", "--yes"}, 0, []string{"step 3 of 3 is done", "done: a-service in production is at version 6"}},
		expectation{[]string{"diff", "-f", wanted, "--prune"}, 0, nil},
		expectation{[]string{"rollback", "3", "--yes"}, 1, []string{"This rollback is more than one commit takes: it would be done in 3, one after the other. Applications see every step", "Do it in steps? [y/N] configctl: nothing was done"}},
		expectation{[]string{"rollback", "3", "--in-steps", "--yes"}, 0, []string{"step 3 of 3 is done", "is at version 9"}},
		expectation{[]string{"diff", "-f", old, "--prune"}, 0, nil},
	)
	if exit, _, errs := configctl(t, false, "", environment, "rollback", "6", "--yes"); exit != 1 || !strings.Contains(errs, "nothing was done; --in-steps does it in 3 commits") {
		t.Errorf("without a terminal: exit %d %.500s", exit, errs)
	}
	if exit, _, errs := at(t, strings.NewReader("y\ny\n"), environment, "rollback", "6", "--timeout", "2m"); exit != 0 || !strings.Contains(errs, "is at version 12") {
		t.Errorf("two times yes: exit %d %.500s", exit, errs[max(0, len(errs)-500):])
	}
	if _, out, _ := at(t, nil, environment, "history"); !strings.Contains(out, "roll back to version 6 (step 3 of 3)") {
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
	servertest.WriteFile(t, file, "a.old: 1\n"+large("k1", "k2", "k3"))
	expect(t, environment, expectation{[]string{"apply", "-f", file, "-m", "x", "--yes"}, 0, []string{"is at version 2"}})

	// One of two keys has to be there: they go and come together, or the new one comes first.
	put(`{"properties": {"a": {"minProperties": 1}}, "required": ["a"]}`)
	servertest.WriteFile(t, file, "a.new: 1\n"+large("n1", "n2", "n3"))
	expect(t, environment,
		expectation{[]string{"apply", "-f", file, "--prune", "-m", "x", "--yes"}, 0, []string{"step 2 of 2 is done", "is at version 4"}},
		expectation{[]string{"diff", "-f", file, "--prune"}, 0, nil})

	// Two that belong to each other are in different steps by their names.
	put(`{"dependentRequired": {"b1": ["z1"]}}`)
	servertest.WriteFile(t, file, "a.new: 1\n"+large("b1", "b2", "b3", "z1"))
	expect(t, environment,
		expectation{[]string{"apply", "-f", file, "--prune", "-m", "x", "--yes"}, 1, []string{
			"this takes 2 commits, and there is no order of them in which all keep the schema:", "after commit 1 of 2:",
			"schema: in a-service/production, key \"z1\" violates dependentRequired (#)", "nothing was done; put a schema that allows what is on the way",
		}})

	// The end violates it.
	put(`{"required": ["a"]}`)
	servertest.WriteFile(t, file, "b: 1\n"+large("k1", "k2", "k3"))
	expect(t, environment, expectation{[]string{"apply", "-f", file, "--prune", "-m", "x", "--yes"}, 1, []string{
		"schema: in a-service/production, key \"a\" violates required (#)", "nothing was done; 'configctl schema get' shows",
	}})
	if _, out, _ := at(t, nil, environment, "history"); !strings.Contains(out, "\n4 ") || strings.Contains(out, "\n5 ") {
		t.Errorf("something was done:\n%s", out)
	}
}

// A step that is refused on the way tells what is done, and the same command does the rest.
func TestStepIsRefused(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	file, schema := filepath.Join(dir, "file.yaml"), filepath.Join(dir, "schema.json")
	servertest.WriteFile(t, file, large("k1", "k2", "k3"))
	servertest.WriteFile(t, schema, `{"additionalProperties": false}`)
	person := answering(func() string { // puts a schema once all was shown
		expect(t, environment, expectation{[]string{"schema", "put", schema, "--yes"}, 0, nil})
		return "y\n"
	})
	exit, _, errs := at(t, person, environment, "apply", "-f", file, "-m", "x", "--timeout", "1m")
	if exit != 1 || !strings.Contains(errs, "SCHEMA_VIOLATION") && !strings.Contains(errs, "schema: key") {
		t.Fatalf("exit %d %.1000s", exit, errs[max(0, len(errs)-1000):])
	}
	expect(t, environment, expectation{[]string{"schema", "delete", "--yes"}, 0, nil})
	// Somebody else is faster, after the first step.
	other := false
	slow := &interrupting{after: "step 1 of 2 is done", do: func() {
		other = true
		expect(t, environment, expectation{[]string{"set", "k3=7", "-m", "faster", "--yes"}, 0, nil})
	}}
	exit = atWriting(t, slow, environment, "apply", "-f", file, "-m", "x", "--yes", "--timeout", "1m")
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
