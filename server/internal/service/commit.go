package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
)

// Commit changes keys of the granted namespace.
func (a *Admin) Commit(ctx context.Context, req *adminv1.CommitRequest) (*adminv1.CommitResponse, error) {
	draft := etcdstore.Draft{
		Terms: etcdstore.Terms{
			Expected: map[string]int64{}, Message: req.GetMessage(), RequestID: req.GetRequestId(),
			DryRun: req.GetDryRun(), PlanHash: req.GetPlanHash(), Accepted: accepted(req.GetAcceptedRisks()), Sees: a.seesIn(ctx),
		},
		Edits: make([]etcdstore.Edit, len(req.GetChanges())),
	}
	for environment, version := range req.GetExpectedVersions() {
		draft.Expected[environment] = version
	}
	for i, c := range req.GetChanges() {
		e := etcdstore.Edit{Environment: c.GetEnvironment(), Key: c.GetKey(), Delete: c.GetDelete()}
		if e.Environment == "" {
			e.Environment = req.GetEnvironment()
		}
		if !e.Delete {
			v, err := valueOf(c.GetSet())
			if err != nil {
				return nil, fault.Field("changes["+strconv.Itoa(i)+"].set", fmt.Errorf("of key %s %w", c.GetKey(), err))
			}
			e.Value = v
		}
		draft.Edits[i] = e
	}
	out, err := a.history.Commit(ctx, policy.GrantOf(ctx), draft)
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	return a.wireOutcome(ctx, out)
}

// Rollback makes the content of a version that of a new one.
func (a *Admin) Rollback(ctx context.Context, req *adminv1.RollbackRequest) (*adminv1.RollbackResponse, error) {
	t := etcdstore.Terms{
		Message: req.GetMessage(), RequestID: req.GetRequestId(), DryRun: req.GetDryRun(), PlanHash: req.GetPlanHash(),
		Accepted: accepted(req.GetAcceptedRisks()), Sees: a.seesIn(ctx),
	}
	if req.ExpectedVersion != nil {
		t.Expected = map[string]int64{req.GetEnvironment(): req.GetExpectedVersion()}
	}
	out, err := a.history.Rollback(ctx, policy.GrantOf(ctx), req.GetToVersion(), t)
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	w, err := a.wireOutcome(ctx, out)
	if err != nil {
		return nil, err
	}
	resp := &adminv1.RollbackResponse{
		Revision: w.GetRevision(), Differences: w.GetDifferences(), Findings: w.GetFindings(), PlanHash: w.GetPlanHash(),
		AffectedServices: w.GetAffectedServices(), AffectedServiceCount: w.GetAffectedServiceCount(),
	}
	if len(w.GetVersions()) > 0 {
		resp.Version = w.GetVersions()[0]
	}
	return resp, nil
}

// historyFault is what a caller is told when the history did not do or tell what it was
// asked. A refusal of the policy gets its words from the chain, as all of them do.
func historyFault(ctx context.Context, err error) error {
	var conflict *etcdstore.ConflictError
	var limit *etcdstore.LimitError
	var version *etcdstore.VersionError
	var violated *etcdstore.SchemaError
	var risks *etcdstore.RiskError
	var argument *etcdstore.ArgumentError
	switch {
	case errors.Is(err, policy.ErrDenied):
		return err
	case errors.As(err, &conflict):
		return conflictFault(conflict)
	case errors.As(err, &violated):
		return schemaFault(violated)
	case errors.As(err, &risks):
		return riskFault(risks)
	case errors.As(err, &argument):
		return fault.Field(argument.Field, errors.New(argument.Problem))
	case errors.As(err, &limit):
		return fault.New(configv1.ErrorReason_TOO_LARGE, "%v", limit)
	case errors.As(err, &version):
		return fault.New(configv1.ErrorReason_VERSION_NOT_FOUND, "%v; ListVersions shows them", version)
	case errors.Is(err, etcdstore.ErrNoChange):
		return fault.Field("changes", errors.New("would change nothing: every key is as it would be afterwards"))
	case errors.Is(err, etcdstore.ErrReused):
		return fault.Field("request_id", errors.New("was used for another commit within the last 24 hours; accepted: a new one, or exactly the same call"))
	case errors.Is(err, etcdstore.ErrBroken):
		return err // somebody has changed the history: its words are for the log
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // nobody is there to be told more
	}
	words := "the store does not answer; nothing was done"
	if errors.Is(err, etcdstore.ErrUnknown) {
		words = "the store does not answer, and it is not known whether it was done: the same call with the same request_id tells, or ListVersions"
	}
	return storeFault(words, err)
}

func conflictFault(c *etcdstore.ConflictError) error {
	f := fault.New(configv1.ErrorReason_VERSION_CONFLICT, "%v; nothing was done", c)
	f.Metadata = map[string]string{
		"namespace": c.Scope.Namespace, "environment": c.Scope.Environment,
		"current_version": strconv.FormatInt(c.Current.Number, 10),
	}
	if !c.Plan && !c.Busy {
		f.Metadata["expected_version"] = strconv.FormatInt(c.Expected, 10)
	}
	if c.Current.Number > 0 {
		f.Metadata["author"] = c.Current.Author
		f.Metadata["time"] = c.Current.Time.UTC().Format(time.RFC3339)
	}
	if c.Key != "" {
		f.Metadata["key"] = c.Key
	}
	return f
}

func (a *Admin) wireOutcome(ctx context.Context, out etcdstore.Outcome) (*adminv1.CommitResponse, error) {
	w := &adminv1.CommitResponse{Revision: out.Revision, PlanHash: out.PlanHash}
	for _, v := range out.Versions {
		w.Versions = append(w.Versions, wireVersion(v))
	}
	for _, f := range out.Findings {
		w.Findings = append(w.Findings, &adminv1.Finding{
			Kind: adminv1.Finding_Kind(f.Kind), Refused: f.Refusal != nil, NeedsAcceptance: f.NeedsAcceptance,
			Namespace: f.Namespace, Environment: f.Environment, Key: f.Key, Message: f.Message,
		})
	}
	a.wireAffected(ctx, w, out.Affected)
	if len(out.Differences) == 0 {
		return w, nil
	}
	var environments []string
	for _, v := range out.Versions {
		environments = append(environments, v.Scope.Environment)
	}
	v, err := a.veilOver(ctx, out.ReadAt, environments...)
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	if w.Differences, err = wireDifferences(v, out.Differences); err != nil {
		return nil, err
	}
	return w, fits(w, "the plan")
}

func wireVersion(v etcdstore.Version) *adminv1.Version {
	return &adminv1.Version{
		Namespace: v.Scope.Namespace, Environment: v.Scope.Environment, Version: v.Number,
		Kind: adminv1.Version_Kind(v.Kind), Time: wireTime(v.Time), Author: v.Author, Message: v.Message, RequestId: v.RequestID,
		ToVersion: v.To, SetKeys: int32(v.Set), DeletedKeys: int32(v.Deleted), Revision: v.Revision,
	}
}

// wireDifferences masks by the environment of each difference, and by others that the old
// side is of.
func wireDifferences(v *veil, list []etcdstore.Difference, others ...string) ([]*adminv1.Difference, error) {
	out := make([]*adminv1.Difference, len(list))
	for i, d := range list {
		old, err := wireContent(d.Old)
		if err != nil {
			return nil, err
		}
		if d.Forgotten {
			old = &adminv1.Content{Problem: "what was there before is not kept any more"}
		}
		now, err := wireContent(d.New)
		if err != nil {
			return nil, err
		}
		where := append([]string{d.Environment}, others...)
		out[i] = &adminv1.Difference{Environment: d.Environment, Key: d.Key, Old: v.over(old, d.Key, where...), New: v.over(now, d.Key, where...)}
	}
	return out, nil
}

func wireContent(s *etcdstore.Stored) (*adminv1.Content, error) {
	if s == nil {
		return nil, nil
	}
	v, problem := s.Value()
	if problem != "" {
		return &adminv1.Content{Problem: "the value " + problem}, nil
	}
	value, err := wireValue(v)
	if err != nil {
		return nil, err
	}
	return &adminv1.Content{Value: value}, nil
}
