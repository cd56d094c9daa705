package main

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// planFirst is how every write goes.
const planFirst = `

What would change is shown first; then it asks, unless --yes. Nothing is done when somebody
else changed it meanwhile: exit code 4.`

func (t *tool) setCommand() *cobra.Command {
	var of where
	var i intent
	var text bool
	var expect int64
	cmd := &cobra.Command{
		Use:   "set KEY VALUE | KEY=VALUE...",
		Short: "Set keys of a scope",
		Long: `Set keys of a scope, all or none of them. VALUE is JSON; with --text it is a text as it stands.
- reads it from standard input, @FILE from a file, without the line end it ends with.` + planFirst,
		Example: `  configctl set database.pool_size 20 -n payment-service -e production -m "more load"
  configctl set --text database.host=db2 database.user=pay -n payment-service -e production -m "move"
  configctl set tls.ca @ca.pem --text -n _shared -e production -m "new CA" --yes`,
		Args: cobra.MinimumNArgs(1),
	}
	of.addFlags(cmd)
	i.addFlags(cmd)
	cmd.Flags().BoolVar(&text, "text", false, "VALUE is a text, not JSON.")
	addExpected(cmd, &expect)
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		var changes []*adminv1.Change
		for _, pair := range pairs(args) {
			if !pair.both {
				return usage("%q has no value; accepted: KEY VALUE, or KEY=VALUE...", pair.key)
			}
			value, err := t.value(pair.key, pair.value, text)
			if err != nil {
				return err
			}
			changes = append(changes, setting(of.environment, pair.key, value))
		}
		return s.change(of, changes, expectedBy(cmd, of, expect), i)
	})
	return cmd
}

func (t *tool) unsetCommand() *cobra.Command {
	var of where
	var i intent
	var expect int64
	cmd := &cobra.Command{
		Use:   "unset KEY...",
		Short: "Remove keys of a scope",
		Long: `Remove keys of a scope, all or none of them. What weaker layers have for them comes into effect:
'configctl explain' shows it.` + planFirst,
		Example: `  configctl unset database.pool_size -n payment-service -e production -m "back to the default"`,
		Args:    cobra.MinimumNArgs(1),
	}
	of.addFlags(cmd)
	i.addFlags(cmd)
	addExpected(cmd, &expect)
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		var changes []*adminv1.Change
		for _, key := range args {
			if err := tree.CheckKey(key); err != nil {
				return usage("KEY is %q, which %v", key, err)
			}
			changes = append(changes, deletion(of.environment, key))
		}
		return s.change(of, changes, expectedBy(cmd, of, expect), i)
	})
	return cmd
}

func addExpected(cmd *cobra.Command, version *int64) {
	cmd.Flags().Int64Var(version, "expect-version", 0, "Do it only while this is the version of the scope; 0: while it has none.")
}

func expectedBy(cmd *cobra.Command, of where, version int64) map[string]int64 {
	if !cmd.Flags().Changed("expect-version") {
		return nil
	}
	return map[string]int64{of.environment: version}
}

func setting(environment, key string, value *structpb.Value) *adminv1.Change {
	return &adminv1.Change{Environment: environment, Key: key, Operation: &adminv1.Change_Set{Set: value}}
}

func deletion(environment, key string) *adminv1.Change {
	return &adminv1.Change{Environment: environment, Key: key, Operation: &adminv1.Change_Delete{Delete: true}}
}

type pair struct {
	key, value string
	both       bool
}

// pairs are KEY VALUE, or KEY=VALUE as often as one likes.
func pairs(args []string) []pair {
	if len(args) == 2 && !strings.Contains(args[0], "=") {
		return []pair{{args[0], args[1], true}}
	}
	var out []pair
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		out = append(out, pair{key, value, ok})
	}
	return out
}

// value reads the VALUE of a key.
func (t *tool) value(key, given string, text bool) (*structpb.Value, error) {
	if err := tree.CheckKey(key); err != nil {
		return nil, usage("KEY is %q, which %v", key, err)
	}
	raw, err := t.content(given)
	if err != nil {
		return nil, usage("VALUE of %s is %q, which cannot be read (%v)", key, given, err)
	}
	if text {
		v, err := structpb.NewValue(raw)
		if err != nil {
			return nil, usage("VALUE of %s is not UTF-8; accepted: a text", key)
		}
		return v, nil
	}
	v, err := tree.ParseJSON([]byte(raw))
	if err != nil {
		return nil, withNext(usage("VALUE of %s %v; accepted: JSON, as in 20, true, '\"text\"', '[1, 2]'", key, err), "--text takes it as a text as it stands")
	}
	return v, nil
}

// maxInput is more than any value.
const maxInput = 1 << 20

// content is what a VALUE stands for: itself, standard input or a file.
func (t *tool) content(given string) (string, error) {
	in := t.in
	if path, ok := strings.CutPrefix(given, "@"); ok {
		file, err := os.Open(path)
		if err != nil {
			return "", reasonOf(err)
		}
		defer file.Close()
		in = file
	} else if given != "-" {
		return given, nil
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	switch {
	case err != nil:
		return "", reasonOf(err)
	case len(raw) > maxInput:
		return "", errors.New("has more than 1 MiB")
	}
	text := strings.TrimSuffix(string(raw), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

// reasonOf is a failure of the system without the path, which stands beside it.
func reasonOf(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
