package main

import (
	"context"
	"fmt"

	"github.com/config-service/config-service/clients/cli/internal/sequence"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// step is one call that can be planned and done: a commit, or a change of a schema.
type step struct {
	namespace string
	send      func(context.Context, terms) (*adminv1.CommitResponse, error)
	done      func(*adminv1.CommitResponse) // told the answer; may be nil
	plan      *adminv1.CommitResponse
	follows   bool          // a step before it changes what it starts from
	schema    *schemaChange // of a step that is no commit; it has none of the above but the namespace
}

// terms are those of one call of a step.
type terms struct {
	message, requestID, planHash string
	accepted                     []adminv1.Finding_Kind
	dryRun                       bool
}

// expectedOf are the versions that scopes are at.
func expectedOf(now map[string]*scopeNow) map[string]int64 {
	expected := map[string]int64{}
	for environment, scope := range now {
		expected[environment] = scope.head.GetVersion()
	}
	return expected
}

// stepsFor makes commits of changes to scopes: one, if it can take them all, and then now
// may lack scopes. From the second on each expects the version that the one before it made.
func (s *session) stepsFor(namespace string, changes []*adminv1.Change, now map[string]*scopeNow, expected map[string]int64) ([]*step, error) {
	if len(changes) == 0 {
		return nil, fmt.Errorf("there is nothing to change in %s", namespace)
	}
	if expected == nil {
		expected = map[string]int64{}
	}
	if sequence.Fits(changes) {
		return []*step{s.commitStep(namespace, changes, expected)}, nil
	}
	by, err := s.schemaInForce(namespace, changes[0].GetEnvironment())
	if err != nil {
		return nil, err
	}
	order, err := s.inOrder(namespace, changes, now, by)
	if err != nil {
		return nil, err
	}
	return s.commitSteps(namespace, order, expected), nil
}

// commitSteps are commits, one after the other.
func (s *session) commitSteps(namespace string, order [][]*adminv1.Change, expected map[string]int64) []*step {
	var steps []*step
	for n, changes := range order {
		st := s.commitStep(namespace, changes, expected)
		st.follows = n > 0
		steps = append(steps, st)
	}
	return steps
}

// commitStep is one Commit. It reads and updates what the steps of a namespace expect.
func (s *session) commitStep(namespace string, changes []*adminv1.Change, expected map[string]int64) *step {
	return &step{
		namespace: namespace,
		send: func(ctx context.Context, with terms) (*adminv1.CommitResponse, error) {
			versions := map[string]int64{}
			for _, c := range changes {
				if version, ok := expected[c.GetEnvironment()]; ok {
					versions[c.GetEnvironment()] = version
				}
			}
			return s.admin.Commit(ctx, &adminv1.CommitRequest{
				Namespace: namespace, Changes: changes, ExpectedVersions: versions, Message: with.message,
				RequestId: with.requestID, DryRun: with.dryRun, PlanHash: with.planHash, AcceptedRisks: with.accepted,
			})
		},
		done: func(resp *adminv1.CommitResponse) {
			for _, v := range resp.GetVersions() {
				expected[v.GetEnvironment()] = v.GetVersion()
			}
		},
	}
}

// change carries out changes of one scope. Expected is nil where no version is expected.
func (s *session) change(of where, changes []*adminv1.Change, expected map[string]int64, i intent) error {
	seen := map[string]bool{}
	for _, c := range changes {
		if seen[c.GetKey()] {
			return usage("the key %s is given twice; accepted: once", c.GetKey())
		}
		seen[c.GetKey()] = true
	}
	now := map[string]*scopeNow{}
	if !sequence.Fits(changes) {
		scope, err := s.scope(of)
		if err != nil {
			return err
		}
		now[of.environment] = scope
		if expected == nil {
			expected = expectedOf(now)
		}
	}
	steps, err := s.stepsFor(of.namespace, changes, now, expected)
	if err != nil {
		return err
	}
	return s.carryOut(steps, i)
}
