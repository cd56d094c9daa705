package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/sequence"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) rollbackCommand() *cobra.Command {
	var of where
	var i intent
	var expect int64
	var inSteps bool
	cmd := &cobra.Command{
		Use:   "rollback VERSION",
		Short: "Bring back what a scope held at an earlier version",
		Long: `Bring back what a scope held at an earlier version, as a new version: nothing is taken out of the
history. Without --message it is "roll back to version N"; a protected scope wants one.

What is more than one commit takes (4,000 keys, 600 KiB) can be done in several, one after the
other: applications see every step, a schema can refuse one, and the history shows as many versions.
On a terminal it asks whether to; --in-steps says so.` + planFirst,
		Example: `  configctl rollback 12 -n payment-service -e production
  configctl rollback 12 -n payment-service -e production --in-steps --yes`,
		Args: cobra.ExactArgs(1),
	}
	of.addFlags(cmd)
	i.addFlags(cmd)
	addExpected(cmd, &expect)
	cmd.Flags().BoolVar(&inSteps, "in-steps", false, "Do what is more than one commit takes in several.")
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		number, err := versionOf(args[0])
		if err != nil {
			return err
		}
		i.fallback = "roll back to version " + args[0]
		req := &adminv1.RollbackRequest{Namespace: of.namespace, Environment: of.environment, ToVersion: number}
		if cmd.Flags().Changed("expect-version") {
			req.ExpectedVersion = &expect
		}
		return s.rollBack(of, req, i, inSteps)
	})
	return cmd
}

// rollBack does a rollback, as one commit if that can take it.
func (s *session) rollBack(of where, req *adminv1.RollbackRequest, i intent, inSteps bool) error {
	whole := &step{namespace: of.namespace, send: s.rollingBack(req)}
	ctx, cancel := s.within()
	plan, err := whole.send(ctx, terms{message: "plan", dryRun: true})
	cancel()
	switch {
	case err != nil:
		return s.refused(err)
	case sequence.Fits(changesOf(plan)):
		i.ownWords = true
		return s.carryOut([]*step{whole}, i)
	}
	steps, err := s.stepsBack(of, req)
	if err != nil {
		return err
	}
	if err := s.agreeToSteps(len(steps), inSteps || i.dryRun); err != nil {
		return err
	}
	return s.carryOut(steps, i)
}

// changesOf are changes that do what a plan does. What is masked is there without a value.
func changesOf(plan *adminv1.CommitResponse) []*adminv1.Change {
	var changes []*adminv1.Change
	for _, d := range plan.GetDifferences() {
		if d.GetNew() == nil {
			changes = append(changes, deletion(d.GetEnvironment(), d.GetKey()))
		} else {
			changes = append(changes, setting(d.GetEnvironment(), d.GetKey(), d.GetNew().GetValue()))
		}
	}
	return changes
}

// stepsBack are commits that bring back what a version held.
func (s *session) stepsBack(of where, req *adminv1.RollbackRequest) ([]*step, error) {
	content, err := s.held(of, req.GetToVersion())
	if err != nil {
		return nil, err
	}
	scope, err := s.scope(of)
	if err != nil {
		return nil, err
	}
	now := map[string]*scopeNow{of.environment: scope}
	expected := expectedOf(now)
	if req.ExpectedVersion != nil {
		expected[of.environment] = req.GetExpectedVersion()
	}
	return s.stepsFor(of.namespace, scope.changesTo(content, true), now, expected)
}

// agreeToSteps asks whether to give up that all of it is one commit.
func (s *session) agreeToSteps(n int, agreed bool) error {
	if agreed {
		return nil
	}
	s.say("This rollback is more than one commit takes: it would be done in %d, one after the other. Applications see every step, and the history shows %d versions.", n, n)
	if !s.terminal {
		return withNext(problem.Newf(problem.Failed, "the rollback is more than one commit takes"), fmt.Sprintf("nothing was done; --in-steps does it in %d commits", n))
	}
	if answer := s.ask(s.cmd, "Do it in steps? [y/N]"); answer != "y" && answer != "yes" {
		return problem.Newf(problem.Failed, "nothing was done")
	}
	return nil
}

func (s *session) rollingBack(req *adminv1.RollbackRequest) func(context.Context, terms) (*adminv1.CommitResponse, error) {
	return func(ctx context.Context, with terms) (*adminv1.CommitResponse, error) {
		req.Message, req.RequestId, req.DryRun, req.PlanHash, req.AcceptedRisks = with.message, with.requestID, with.dryRun, with.planHash, with.accepted
		resp, err := s.admin.Rollback(ctx, req)
		if err != nil {
			return nil, err
		}
		out := &adminv1.CommitResponse{
			Revision: resp.GetRevision(), Differences: resp.GetDifferences(), Findings: resp.GetFindings(), PlanHash: resp.GetPlanHash(),
			AffectedServices: resp.GetAffectedServices(), AffectedServiceCount: resp.GetAffectedServiceCount(),
		}
		if resp.GetVersion() != nil {
			out.Versions = append(out.Versions, resp.GetVersion())
		}
		return out, nil
	}
}
