package service_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func TestConflictsLimitsAndDenials(t *testing.T) {
	t.Parallel()
	e := edits(t)
	e.done(t, commit(set("a", 1)))
	late := commit(set("a", 2))
	late.ExpectedVersions = map[string]int64{"production": 0}
	_, err := e.Commit(e.ctx, late)
	refusedAs(t, err, codes.Aborted, configv1.ErrorReason_VERSION_CONFLICT, "version 0 of pay/production was expected, but it is at version 1, made by ", "nothing was done")
	if info := infoOf(err); info["current_version"] != "1" || info["expected_version"] != "0" || info["environment"] != "production" || info["author"] == "" || info["time"] == "" {
		t.Errorf("the conflict says %v", info)
	}
	late.DryRun = true
	plan := e.done(t, late)
	if len(plan.GetFindings()) != 1 || plan.GetFindings()[0].GetKind() != adminv1.Finding_CONFLICT || !plan.GetFindings()[0].GetRefused() || len(plan.GetDifferences()) != 1 {
		t.Errorf("the plan: %v", plan)
	}
	big := strings.Repeat("x", 250<<10)
	_, err = e.Commit(e.ctx, commit(set("a", big), set("b", big), set("c", big)))
	refusedAs(t, err, codes.ResourceExhausted, configv1.ErrorReason_TOO_LARGE, "accepted: at most 655360")
	for _, req := range []*adminv1.CommitRequest{
		{Namespace: "pay", Environment: "closed", Message: "m", Changes: []*adminv1.Change{set("a", 1)}},
		{Namespace: "pay", Message: "m", Changes: []*adminv1.Change{at("production", set("a", 9)), at("closed", set("a", 1))}},
	} {
		_, err = e.Commit(e.ctx, req)
		refusedAs(t, err, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED, "this caller may not write")
	}
	_, err = e.Diff(e.ctx, &adminv1.DiffRequest{Namespace: "pay", From: &adminv1.DiffRequest_Side{Environment: "production"}, To: &adminv1.DiffRequest_Side{Environment: "closed"}})
	refusedAs(t, err, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)
	_, err = e.GetScope(e.ctx, &adminv1.GetScopeRequest{Namespace: "pay", Environment: "closed"})
	refusedAs(t, err, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)
	v, err := e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "production"})
	if err != nil || v.GetVersion().GetVersion() != 1 {
		t.Errorf("something was done: %v, %v", v, err)
	}
	e.Etcd.Stop()
	_, err = e.Commit(e.ctx, commit(set("a", 3)))
	refusedAs(t, err, codes.Unavailable, configv1.ErrorReason_STORE_UNAVAILABLE, "the store does not answer; nothing was done")
	_, err = e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "production"})
	refusedAs(t, err, codes.Unavailable, configv1.ErrorReason_STORE_UNAVAILABLE)
}
