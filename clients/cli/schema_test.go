package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// On a terminal a schema asks before it is put or deleted; anything but a yes is a no.
func TestSchemaAsks(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	file := filepath.Join(t.TempDir(), "schema.json")
	servertest.WriteFile(t, file, `{"properties": {"a": {"maximum": 10}}}`)
	for _, step := range []struct {
		answer string
		args   []string
		exit   int
		want   string
	}{
		{"n\n", []string{"put", file}, 1, "Give a-service this schema? [y/N] configctl: nothing was done"},
		{"", []string{"get"}, 3, "a-service has no schema"},
		{"y\n", []string{"put", file}, 0, "done: a-service has this schema"},
		{"n\n", []string{"delete"}, 1, "Delete the schema of a-service? [y/N] configctl: nothing was done"},
		{"", []string{"get"}, 0, ""},
		{"y\n", []string{"delete"}, 0, "done: the schema of a-service is deleted"},
		{"", []string{"get"}, 3, "a-service has no schema"},
	} {
		exit, _, errs := at(t, strings.NewReader(step.answer), environment, append([]string{"schema"}, step.args...)...)
		if exit != step.exit || !strings.Contains(errs, step.want) {
			t.Errorf("%v, answered %q: exit %d, want %d and %q in\n%s", step.args, step.answer, exit, step.exit, step.want, errs)
		}
	}
}

// A schema that comes between a plan and its commit refuses that: what is violated is told.
func TestSchemaComesBetween(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	file := filepath.Join(t.TempDir(), "schema.json")
	servertest.WriteFile(t, file, `{"properties": {"a": {"maximum": 10}, "b": {"type": "string"}}}`)
	person := answering(func() string {
		if exit, _, errs := at(t, strings.NewReader(""), environment, "schema", "put", file, "--yes"); exit != 0 {
			t.Error(errs)
		}
		return "y\n"
	})
	exit, out, errs := at(t, person, environment, "set", "a=11", "b=1", "-m", "x")
	for _, want := range []string{
		"SCHEMA_VIOLATION: 2 rules", "nothing was done\n",
		"configctl:   key \"a\" of a-service/production violates maximum (#/properties/a)\n",
		"configctl:   key \"b\" of a-service/production violates type (#/properties/b)\n",
		"'configctl schema get' shows what the configuration has to be",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in\n%s", want, errs)
		}
	}
	if exit != 1 || out != "" {
		t.Errorf("exit %d %q", exit, out)
	}
	if exit, _, errs := at(t, nil, environment, "get", "a"); exit != 3 {
		t.Errorf("it was done: exit %d %s", exit, errs)
	}
}

// A schema is put or deleted in place of the one that was shown, and of no other.
func TestSchemaIsNotTheOneShown(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	mine, other, folder := filepath.Join(dir, "mine.json"), filepath.Join(dir, "other.json"), filepath.Join(dir, "namespaces", "a-service")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	servertest.WriteFile(t, mine, `{"properties": {"a": {"maximum": 10}}}`)
	servertest.WriteFile(t, other, `{"properties": {"a": {"maximum": 20}}}`)
	servertest.WriteFile(t, filepath.Join(folder, "schema.json"), `{"properties": {"a": {"maximum": 30}}}`)
	for name, args := range map[string][]string{
		"put": {"schema", "put", mine}, "delete": {"schema", "delete"}, "apply": {"apply", "-f", dir},
	} {
		expect(t, environment, expectation{[]string{"schema", "put", other, "--yes"}, 0, nil})
		person := answering(func() string {
			expect(t, environment, expectation{[]string{"schema", "put", mine, "--yes"}, 0, nil})
			return "y\n"
		})
		exit, out, errs := at(t, person, environment, args...)
		if exit != 4 || out != "" || !strings.Contains(errs, "VERSION_CONFLICT") || !strings.Contains(errs, "'configctl schema get -n a-service' shows it; the same command again shows the difference to it") {
			t.Errorf("%s: exit %d %q %s", name, exit, out, errs)
		}
		if _, out, _ := at(t, nil, environment, "schema", "get"); !strings.Contains(out, `"maximum": 10`) {
			t.Errorf("%s: the schema is\n%s", name, out)
		}
	}
}
