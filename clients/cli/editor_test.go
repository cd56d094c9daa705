package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// What an editor prints goes to the terminal, never to standard output, where the answer is;
// without a terminal of its own it goes to standard error.
func TestEditorPrintsToTheTerminal(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	script, terminal := filepath.Join(dir, "editor.sh"), filepath.Join(dir, "tty")
	servertest.WriteFile(t, script, "echo 'to the screen'; echo 'an error' >&2; echo \"a: $$\" > \"$1\"")
	servertest.WriteFile(t, terminal, "")
	environment["EDITOR"] = "sh " + script
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, own := range []bool{true, false} {
		var out, errs bytes.Buffer
		c := &tool{
			lookup: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
			in:     strings.NewReader("y\n"), terminal: true, environment: os.Environ(),
		}
		if own {
			c.openTTY = func() (*os.File, error) { return os.OpenFile(terminal, os.O_RDWR|os.O_APPEND, 0) }
		}
		exit := c.run(ctx, []string{"edit", "-m", "x", "-o", "json", "--yes"}, &out, &errs)
		if exit != 0 || !strings.HasPrefix(out.String(), "{\n") || strings.Contains(out.String(), "screen") {
			t.Errorf("exit %d %s%s", exit, &out, &errs)
		}
		shown, err := os.ReadFile(terminal)
		if own != (string(shown) == "to the screen\nan error\n") || err != nil || own == strings.Contains(errs.String(), "to the screen") {
			t.Errorf("on a terminal of its own %t: it shows %q, standard error %s", own, shown, &errs)
		}
		servertest.WriteFile(t, terminal, "")
	}
}
