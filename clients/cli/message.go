package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/config-service/config-service/clients/cli/internal/editor"
	"github.com/config-service/config-service/clients/cli/internal/problem"
)

// messageFor is why, as the flag or a person in an editor says.
func (s *session) messageFor(i intent, steps []*step) (string, error) {
	switch {
	case i.message != "" || !slices.ContainsFunc(steps, func(st *step) bool { return st.schema == nil }):
		return i.message, nil // a schema has no history
	case i.fallback != "" && len(risksOf(steps)) == 0 && i.ownWords:
		return "", nil
	case i.fallback != "" && len(risksOf(steps)) == 0:
		return i.fallback, nil
	case !s.terminal:
		return "", usage("--message is not set, and there is no terminal to ask on; accepted: why it is done")
	}
	return s.typed(steps)
}

// typed is why, as a person in an editor says.
func (s *session) typed(steps []*step) (string, error) {
	var text strings.Builder
	text.WriteString("\n# Why is this done? The history shows it. Lines that start with # are left out;\n# no words: nothing is done.\n#\n")
	for _, st := range steps {
		if st.schema != nil {
			fmt.Fprintf(&text, "# the schema of %s\n", st.namespace)
		}
		for _, v := range st.plan.GetVersions() {
			fmt.Fprintf(&text, "# %s, version %d: %d set, %d deleted\n", where{v.GetNamespace(), v.GetEnvironment()}, v.GetVersion(), v.GetSetKeys(), v.GetDeletedKeys())
		}
	}
	file, err := editor.New("message.txt", []byte(text.String()))
	if err != nil {
		return "", err
	}
	defer file.Discard()
	if err := s.edit(file); err != nil {
		return "", withNext(problem.Newf(problem.Failed, "%v; nothing was done", err), "--message gives the words without an editor")
	}
	edited, err := file.Text()
	if err != nil {
		return "", err
	}
	var lines []string
	for line := range strings.Lines(string(edited)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	message := strings.TrimSpace(strings.Join(lines, ""))
	if message == "" {
		return "", problem.Newf(problem.Failed, "there are no words; nothing was done")
	}
	return message, nil
}

// edit lets a person edit a file, on the terminal if there is one: standard output is for
// data.
func (s *session) edit(file *editor.File) error {
	p := editor.Program{Command: "vi", Environment: s.environment, In: s.in, Out: s.cmd.ErrOrStderr(), Err: s.cmd.ErrOrStderr()}
	for _, name := range []string{"EDITOR", "VISUAL"} {
		if command, ok := s.lookup(name); ok && strings.TrimSpace(command) != "" {
			p.Command = command
		}
	}
	if s.terminal && s.openTTY != nil {
		if tty, err := s.openTTY(); err == nil {
			defer tty.Close()
			p.In, p.Out, p.Err = tty, tty, tty
		}
	}
	return file.Edit(s.cmd.Context(), p)
}
