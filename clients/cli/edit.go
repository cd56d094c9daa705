package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/editor"
	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/tree"
)

func (t *tool) editCommand() *cobra.Command {
	var of where
	var i intent
	cmd := &cobra.Command{
		Use:   "edit",
		Short: "Edit a scope in your editor",
		Long: `Edit all keys of a scope in the editor that VISUAL or EDITOR names. What is taken out of the text is
deleted. A text with a mistake is opened again, with the mistake on top. When somebody else changed
the scope meanwhile nothing is done: exit code 4. Whatever goes wrong, your text stays in a file,
whose name is told.` + fileForm,
		Example: `  configctl edit -n payment-service -e production
  EDITOR="code --wait" configctl edit -n payment-service -e production -m "tune the pool"`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd)
	i.addFlags(cmd)
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		if !t.terminal && !i.yes {
			return withNext(usage("there is no terminal to edit on"), "--yes with --message goes on without one; 'configctl apply' takes a file")
		}
		return s.editScope(of, i)
	})
	return cmd
}

// editScope lets a person edit a scope. What was edited is kept unless it was taken.
func (s *session) editScope(of where, i intent) error {
	now, err := s.scope(of)
	if err != nil {
		return err
	}
	before, err := now.content()
	if err != nil {
		return err
	}
	head := fmt.Sprintf("# %s, version %d.\n# What is taken out is deleted; lines that start with # are left out.\n", of, now.head.GetVersion())
	original := append([]byte(head), tree.Encode(before)...)
	if len(before) == 0 {
		original = []byte(head)
	}
	file, err := editor.New(of.namespace+"."+of.environment+".yaml", original)
	if err != nil {
		return err
	}
	err = s.edited(file, original, now, i)
	text, reading := file.Text()
	if err == nil && !i.dryRun || reading == nil && bytes.Equal(text, original) {
		file.Discard()
		return err
	}
	s.say("note: your text is in %s", file.Path)
	return err
}

// edited edits until the text is one that can be read, and carries it out.
func (s *session) edited(file *editor.File, original []byte, now *scopeNow, i intent) error {
	opened := original
	for {
		if err := s.edit(file); err != nil {
			return problem.Newf(problem.Failed, "%v; nothing was done", err)
		}
		text, err := file.Text()
		if err != nil {
			return err
		}
		wanted, mistake := s.parse(text, now)
		switch {
		case mistake == nil:
			changes := now.changesTo(wanted, true)
			if len(changes) == 0 {
				return s.carryOut(nil, i)
			}
			scopes := map[string]*scopeNow{now.environment: now}
			steps, err := s.stepsFor(now.namespace, changes, scopes, expectedOf(scopes))
			if err != nil {
				return err
			}
			return s.carryOut(steps, i)
		case !s.terminal, !bytes.Equal(opened, original) && bytes.Equal(text, opened):
			return withNext(problem.Newf(problem.Failed, "%v", mistake), "nothing was done")
		}
		opened = withMistake(text, mistake)
		if err := file.Put(opened); err != nil {
			return err
		}
	}
}

// mark begins the lines in which a mistake is told.
const mark = "#! "

// parse reads an edited text. Without the lines that told a mistake before, its lines are
// those that the errors name once the mistake stands on top.
func (s *session) parse(text []byte, now *scopeNow) (tree.Content, error) {
	own := withoutMistake(text)
	if isEmpty(own) {
		return tree.Content{}, nil // a person took everything out
	}
	content, err := tree.Read("line", bytes.NewReader(own))
	if err == nil {
		err = tree.CheckSize(now.namespace, content)
	}
	return content, err
}

func isEmpty(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

func withoutMistake(text []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte(mark)) {
			out.Write(line)
		}
	}
	return out.Bytes()
}

func withMistake(text []byte, mistake error) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(mistake.Error()) {
		fmt.Fprintf(&out, "%s%s\n", mark, strings.TrimRight(line, "\n"))
	}
	out.WriteString(mark + "(lines are counted without those that start with #!)\n")
	out.Write(withoutMistake(text))
	return out.Bytes()
}
