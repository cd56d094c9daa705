package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/config-service/config-service/server/servertest"
)

// guarded is a server that protects production, and the environment of its administrator.
func guarded(t *testing.T) (*servertest.Server, map[string]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	servertest.WriteFile(t, file, `rules:
  - {who: ["user:admin"], may: [read, write, administer], namespaces: ["*"], environments: ["*"]}
protected:
  - {namespaces: ["*"], environments: [production]}
`)
	s := servertest.StartControl(t, servertest.Options{Settings: map[string]string{"CONFIG_POLICY_FILE": file}})
	token := filepath.Join(t.TempDir(), "admin.token")
	servertest.WriteFile(t, token, servertest.AdminToken)
	return s, map[string]string{
		"CONFIG_SERVICE_ADDR": s.GRPC, "CONFIG_SERVICE_TOKEN_FILE": token, "SERVICE_NAME": "a-service", "ENVIRONMENT": "production",
	}
}

// What protects a scope, where nobody can be asked.
func TestProtected(t *testing.T) {
	t.Parallel()
	server, environment := guarded(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "protected"), RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for name, value := range environment {
				env.Setenv(name, value)
			}
			settles(env, t, server)
			var many strings.Builder
			for i := range 4_001 {
				fmt.Fprintf(&many, "K%d=x\n", i)
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "many.env"), []byte(many.String()), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// On a terminal each risk is asked for by itself, then for the message, and then whether.
func TestRisksAreAskedFor(t *testing.T) {
	t.Parallel()
	_, environment := guarded(t)
	script := filepath.Join(t.TempDir(), "editor.sh")
	servertest.WriteFile(t, script, `{ echo "words that were typed $$"; cat "$1"; } > "$1.new"; mv "$1.new" "$1"`)
	environment["EDITOR"] = "sh " + script
	expect(t, environment, expectation{[]string{"set", "a=1", "b=1", "-m", "the first values", "--yes"}, 0, nil})
	wanted := filepath.Join(t.TempDir(), "wanted.yaml")
	servertest.WriteFile(t, wanted, "b: text\n")
	apply := []string{"apply", "-f", wanted, "--prune"}
	const removed, changed = "Accept the risk removed? [y, or removed / N] ", "Accept the risk type-changed? [y, or type-changed / N] "
	const sure = "Set 1 key and delete 1 key in a-service in production? [y/N] "
	for _, c := range []struct {
		answers string
		more    []string
		exit    int
		want    string
	}{
		{"n\n", nil, 1, removed + "configctl: the risk removed is not accepted\nconfigctl: nothing was done\n"},
		{"", []string{"--yes"}, 1, removed + "configctl: the risk removed is not accepted\n"},
		{"y\nremoved\n", nil, 1, removed + changed + "configctl: the risk type-changed is not accepted\n"},
		{"type-changed\n", []string{"--accept", "removed"}, 1, changed + sure + "configctl: nothing was done\n"},
		{"removed\ny\ny\n", nil, 0, removed + changed + sure + "done: a-service in production is at version 2\n"},
	} {
		exit, _, errs := at(t, strings.NewReader(c.answers), environment, append(apply, c.more...)...)
		if exit != c.exit || !strings.Contains(errs, c.want) {
			t.Errorf("answered %q: exit %d, want %d and %q in\n%s", c.answers, exit, c.exit, c.want, errs)
		}
	}
	if _, out, _ := at(t, nil, environment, "show"); !strings.Contains(out, "    words that were typed ") {
		t.Errorf("the message is not the typed one:\n%s", out)
	}
	// A rollback without risks has its own words, which a protected scope does not take.
	expect(t, environment,
		expectation{[]string{"set", "c=1", "-m", "to roll back to", "--yes"}, 0, nil},
		expectation{[]string{"set", "c=2", "-m", "to roll back from", "--yes"}, 0, nil})
	exit, _, errs := at(t, strings.NewReader("y\n"), environment, "rollback", "3")
	if _, out, _ := at(t, nil, environment, "show"); exit != 0 || !strings.Contains(out, "    words that were typed ") {
		t.Errorf("a rollback: exit %d %s\n%s", exit, errs, out)
	}
}
