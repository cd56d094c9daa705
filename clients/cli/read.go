package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	"github.com/config-service/config-service/clients/cli/internal/variables"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

const ownScope = `

Without --namespace and --environment it is about your own: those of your identity, or of the
sidecar that is asked.`

func (t *tool) getCommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "get KEY",
		Short: "Print the value of a key",
		Long: `Print the value of a key as applications get it: a text as it is, all else as JSON. With -o raw
there is no line end after it.` + ownScope,
		Example: `  configctl get database.pool_size
  configctl get database.pool_size -n payment-service -e production -o json`,
		Args: cobra.ExactArgs(1),
	}
	of.addFlags(cmd)
	cmd.RunE = t.talking([]string{envFormat, rawFormat}, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		ctx, cancel := s.within()
		defer cancel()
		resp, err := s.config.Get(ctx, &configv1.GetRequest{Key: args[0], Namespace: of.namespace, Environment: of.environment})
		if err != nil {
			return s.refusedIn(of, err)
		}
		s.noteStale(resp.GetState())
		entry := resp.GetEntry()
		switch {
		case s.machine():
			return show.Message(s.out(), s.format, resp)
		case s.format == envFormat:
			return s.printVariables("", []*configv1.Entry{entry})
		case s.format == rawFormat:
			_, err = fmt.Fprint(s.out(), tree.Bare(entry.GetValue()))
		case s.asked(): // a table
			return s.printEntries([]*configv1.Entry{entry})
		default:
			_, err = fmt.Fprintln(s.out(), tree.Bare(entry.GetValue()))
		}
		return err
	})
	return cmd
}

func (t *tool) listKeysCommand() *cobra.Command {
	var of where
	var prefix string
	var hidden bool
	cmd := &cobra.Command{
		Use:   "list [PREFIX]",
		Short: "Show the effective keys, with their values and layers",
		Long: `Show the effective keys: those that applications get, after the merge of the four layers.
PREFIX database means database and database.*. A value that is sensitive, and that you may not see,
is (masked).` + ownScope + `

-o env prints lines for a shell (see 'configctl run --help' for the names), -o raw KEY=VALUE; both
leave out what is masked, and say so.`,
		Example: `  configctl list
  configctl list database -n payment-service -e production -o json`,
		Args: cobra.MaximumNArgs(1),
	}
	of.addFlags(cmd)
	cmd.Flags().StringVar(&prefix, "env-prefix", "", "With -o env, what names begin with.")
	cmd.Flags().BoolVar(&hidden, "hidden", false, "Show also what is not effective, and what hides it.")
	cmd.RunE = t.talking([]string{envFormat, rawFormat}, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if hidden {
			return s.listHidden(of, args)
		}
		resp, err := s.effective(of, args)
		if err != nil {
			return err
		}
		switch {
		case s.machine():
			return show.Message(s.out(), s.format, resp)
		case s.format == envFormat:
			return s.printVariables(prefix, s.told(resp.GetEntries()))
		case s.format == rawFormat:
			for _, e := range s.told(resp.GetEntries()) {
				if _, err := fmt.Fprintf(s.out(), "%s=%s\n", e.GetKey(), tree.Bare(e.GetValue())); err != nil {
					return err
				}
			}
			return nil
		}
		return s.printEntries(resp.GetEntries())
	})
	return cmd
}

// effective asks for the effective entries below a prefix, if there is one.
func (s *session) effective(of where, args []string) (*configv1.ListResponse, error) {
	req := &configv1.ListRequest{Namespace: of.namespace, Environment: of.environment}
	if len(args) > 0 {
		req.Prefix = args[0]
	}
	ctx, cancel := s.within()
	defer cancel()
	resp, err := s.config.List(ctx, req)
	if err != nil {
		return nil, s.refusedIn(of, err)
	}
	s.noteStale(resp.GetState())
	for _, key := range resp.GetInvalidKeys() {
		s.say("note: %s is left out: what the store has for it cannot be used; 'configctl explain %s' tells why", key, key)
	}
	if len(resp.GetEntries()) == 0 {
		s.say("no keys in %s", where{resp.GetState().GetNamespace(), resp.GetState().GetEnvironment()})
	}
	return resp, nil
}

func (s *session) printEntries(entries []*configv1.Entry) error {
	rows := [][]string{{"KEY", "LAYER", "VALUE"}}
	for _, e := range entries {
		rows = append(rows, []string{e.GetKey(), words(e.GetLayer().String()), valueOf(e)})
	}
	return show.Fitted(s.out(), s.outPaper, rows)
}

// masked is what stands where a value would, of which there is one that the caller may not
// see.
const masked = "(masked)"

// valueOf is a value for people.
func valueOf(e *configv1.Entry) string {
	if e.GetMasked() {
		return masked
	}
	return show.Printable(tree.JSON(e.GetValue()))
}

// told are the entries that have a value for this caller. Of the others it says so.
func (s *session) told(entries []*configv1.Entry) []*configv1.Entry {
	var has []*configv1.Entry
	var left []string
	for _, e := range entries {
		if e.GetMasked() {
			left = append(left, e.GetKey())
		} else {
			has = append(has, e)
		}
	}
	s.noteMasked(left)
	return has
}

// noteMasked says which keys are left out because they are masked.
func (s *session) noteMasked(keys []string) {
	if len(keys) > 0 {
		s.say("note: left out, for they are sensitive and you may not see them (read-sensitive): %s", strings.Join(keys, ", "))
	}
}

func (s *session) printVariables(prefix string, entries []*configv1.Entry) error {
	vars, err := variablesOf(prefix, entries)
	if err != nil {
		return err
	}
	for _, v := range vars {
		if _, err := fmt.Fprintln(s.out(), v.Line()); err != nil {
			return err
		}
	}
	return nil
}

func variablesOf(prefix string, entries []*configv1.Entry) ([]variables.Variable, error) {
	if err := variables.CheckPrefix(prefix); err != nil {
		return nil, usage("--env-prefix %v", err)
	}
	content := tree.Content{}
	for _, e := range entries {
		content[e.GetKey()] = e.GetValue()
	}
	return variables.Of(prefix, content)
}

func (t *tool) explainCommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "explain KEY",
		Short: "Show where the value of a key comes from, and what hides what",
		Long: `Show what each of the four layers has for a key, strongest first, and which one wins. That no
layer has the key is exit code 3.` + ownScope,
		Example: `  configctl explain database.pool_size -n payment-service -e production`,
		Args:    cobra.ExactArgs(1),
	}
	of.addFlags(cmd)
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		ctx, cancel := s.within()
		defer cancel()
		resp, err := s.config.Explain(ctx, &configv1.ExplainRequest{Key: args[0], Namespace: of.namespace, Environment: of.environment})
		if err != nil {
			return s.refusedIn(of, err)
		}
		s.noteStale(resp.GetState())
		if s.machine() {
			return show.Message(s.out(), s.format, resp)
		}
		return s.printExplanation(args[0], resp)
	})
	return cmd
}

func (s *session) printExplanation(key string, resp *configv1.ExplainResponse) error {
	rows := [][]string{{"LAYER", "OUTCOME", "VALUE"}}
	found := false
	for _, c := range resp.GetCandidates() {
		value := "-"
		switch {
		case c.GetMasked():
			value = masked
		case c.GetValue() != nil:
			value = show.Printable(tree.JSON(c.GetValue()))
		}
		found = found || c.GetOutcome() != configv1.Candidate_ABSENT
		rows = append(rows, []string{words(c.GetLayer().String()), outcome(key, c), value})
	}
	if !found {
		e := usage("no layer has the key %s", show.Printable(key))
		e.Exit, e.Next = 3, ""
		for i, similar := range resp.GetSimilarKeys() {
			e.Next += map[bool]string{true: "there is ", false: ", "}[i == 0] + similar
		}
		return e
	}
	if err := show.Fitted(s.out(), s.outPaper, rows); err != nil {
		return err
	}
	for _, c := range resp.GetCandidates() {
		if c.GetProblem() != nil {
			s.say("note: the newest write of layer %s cannot be used: the value %s", words(c.GetLayer().String()), show.Printable(c.GetProblem().GetDescription()))
		}
	}
	return nil
}

func outcome(key string, c *configv1.Candidate) string {
	text := words(c.GetOutcome().String())
	if by := c.GetHiddenBy(); by != nil {
		text += " by " + words(by.GetLayer().String())
		if by.GetKey() != key {
			text += " " + by.GetKey()
		}
	}
	return text
}
