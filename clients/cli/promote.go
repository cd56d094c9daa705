package main

import (
	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) promoteCommand() *cobra.Command {
	var of where
	var i intent
	var prune bool
	cmd := &cobra.Command{
		Use:   "promote FROM TO [PREFIX]",
		Short: "Take what a service has in one environment to another",
		Long: `Set in the environment TO what a service has of its own in the environment FROM: all keys, or those
that PREFIX selects. Keys that only TO has stay; with --prune they are deleted.` + planFirst,
		Example: `  configctl promote staging production -n payment-service -m "release 12"
  configctl promote staging production features -n payment-service -m "new features"`,
		Args: cobra.RangeArgs(2, 3),
	}
	of.addNamespace(cmd)
	i.addFlags(cmd)
	cmd.Flags().BoolVar(&prune, "prune", false, "Delete selected keys that FROM does not have.")
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		of.environment = args[1]
		prefix := ""
		if len(args) == 3 {
			prefix = args[2]
		}
		if err := of.checkNamespace(); err != nil {
			return err
		}
		if args[0] == args[1] {
			return usage("FROM and TO are both %q; accepted: two environments", args[0])
		}
		from, err := s.scope(where{of.namespace, args[0]})
		if err != nil {
			return err
		}
		content, err := from.content()
		if err != nil {
			return err
		}
		to, err := s.scope(of)
		if err != nil {
			return err
		}
		changes, selected := promoted(content, to, prefix, prune)
		if selected == 0 {
			return problem.Newf(problem.NotFound, "there is nothing in %s to take to %s", from.where, args[1])
		}
		if len(changes) == 0 {
			return s.carryOut(nil, i)
		}
		return s.change(of, changes, map[string]int64{of.environment: to.head.GetVersion()}, i)
	})
	return cmd
}

// promoted are the changes to the keys that a prefix selects, and how many the source has
// of them.
func promoted(content tree.Content, to *scopeNow, prefix string, prune bool) (changes []*adminv1.Change, selected int) {
	for key := range content {
		if tree.Selects(prefix, key) {
			selected++
		}
	}
	for _, c := range to.changesTo(content, prune) {
		if tree.Selects(prefix, c.GetKey()) {
			changes = append(changes, c)
		}
	}
	return changes, selected
}
