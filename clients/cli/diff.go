package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) diffCommand() *cobra.Command {
	var of where
	var from source
	cmd := &cobra.Command{
		Use:   "diff VERSION [VERSION] | diff -f FILE|DIR",
		Short: "Compare two versions, or files with what a server holds",
		Long: `Compare two versions of a scope; with one, compare it with what the scope holds now. A line with -
is what was, one with + what is.

With -f show what 'configctl apply' would do with the same file or folder and flags, schemas
included: the check of a pull request.

Exit codes: 0 the same, 1 different, 2 trouble.`,
		Example: `  configctl diff 11 12 -n payment-service -e production
  configctl diff 11 -n payment-service -e production
  configctl diff -f . --prune`,
		Args: cobra.MaximumNArgs(2),
	}
	of.addFlags(cmd)
	from.addFlags(cmd)
	cmd.RunE = trouble(t.talking(nil, func(s *session, args []string) error {
		switch {
		case from.path != "" && len(args) > 0:
			return usage("VERSION stands beside --file; accepted: one of them")
		case from.path != "":
			return s.diffFiles(&of, &from)
		case len(args) == 0:
			return usage("nothing to compare is named; accepted: one or two VERSIONs, or --file")
		}
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		req := &adminv1.DiffRequest{Namespace: of.namespace, Environment: of.environment, From: &adminv1.DiffRequest_Side{}, To: &adminv1.DiffRequest_Side{}}
		for n, side := range []*adminv1.DiffRequest_Side{req.GetFrom(), req.GetTo()}[:len(args)] {
			var err error
			if side.Version, err = versionOf(args[n]); err != nil {
				return err
			}
		}
		return s.diff(req)
	}))
	return cmd
}

// diff prints what a server finds different.
func (s *session) diff(req *adminv1.DiffRequest) error {
	ctx, cancel := s.within()
	defer cancel()
	resp, err := s.admin.Diff(ctx, req)
	if err != nil {
		return s.refused(err)
	}
	if s.machine() {
		err = show.Message(s.out(), s.format, resp)
	} else {
		err = show.Diff(s.out(), s.outPaper, resp.GetDifferences())
	}
	switch {
	case err != nil:
		return err
	case len(resp.GetDifferences()) > 0:
		return differ()
	}
	s.say("no difference")
	return nil
}

// diffFiles prints what apply would do.
func (s *session) diffFiles(of *where, from *source) error {
	steps, err := s.stepsOf(of, from)
	if err != nil {
		return err
	}
	changing, err := s.plan(steps, intent{})
	if err != nil {
		return err
	}
	if len(changing) == 0 {
		s.say("no difference")
		return s.answer(nil)
	}
	if s.machine() {
		err = s.answer(plansOf(changing))
	} else {
		err = s.showPlans(s.out(), s.outPaper, changing)
	}
	if err != nil {
		return err
	}
	return differ()
}

func (t *tool) compareCommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "compare ENVIRONMENT ENVIRONMENT",
		Short: "Compare what a service has in two environments",
		Long: `Compare what a service has of its own in two environments. A line with - is the first, one with +
the second.

Exit codes: 0 the same, 1 different, 2 trouble.`,
		Example: `  configctl compare staging production -n payment-service`,
		Args:    cobra.ExactArgs(2),
	}
	of.addNamespace(cmd)
	cmd.RunE = trouble(t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.checkNamespace(); err != nil {
			return err
		}
		if args[0] == args[1] {
			return usage("ENVIRONMENT is twice %s; accepted: two of them", fmt.Sprintf("%q", args[0]))
		}
		return s.diff(&adminv1.DiffRequest{
			Namespace: of.namespace, From: &adminv1.DiffRequest_Side{Environment: args[0]}, To: &adminv1.DiffRequest_Side{Environment: args[1]},
		})
	}))
	return cmd
}
