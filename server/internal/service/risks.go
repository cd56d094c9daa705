package service

import (
	"context"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
)

// maxAffected is how many affected services an answer names.
const maxAffected = 1000

func accepted(kinds []adminv1.Finding_Kind) []etcdstore.FindingKind {
	out := make([]etcdstore.FindingKind, len(kinds))
	for i, kind := range kinds {
		out[i] = etcdstore.FindingKind(kind)
	}
	return out
}

// seesIn says where the caller sees what is sensitive in the namespace that it writes.
func (a *Admin) seesIn(ctx context.Context) func(environment string) bool {
	g := policy.GrantOf(ctx)
	return func(environment string) bool { return a.seesSensitive(g, environment) }
}

// wireAffected names and counts the services that the caller may read: that there are
// others is nobody else's business.
func (a *Admin) wireAffected(ctx context.Context, w *adminv1.CommitResponse, list []etcdstore.Affected) {
	id := policy.GrantOf(ctx).Holder()
	for _, one := range list {
		if _, ok := a.decide(id, policy.Read, one.Scope.Namespace, one.Scope.Environment); !ok {
			continue
		}
		if w.AffectedServiceCount++; w.AffectedServiceCount <= maxAffected {
			w.AffectedServices = append(w.AffectedServices, &adminv1.AffectedService{
				Namespace: one.Scope.Namespace, Environment: one.Scope.Environment, Keys: int32(one.Keys),
			})
		}
	}
}

// riskFault names each kind that was not accepted, and then as many of what is at risk as
// there is room for; see maxRefusedBytes.
func riskFault(e *etcdstore.RiskError) error {
	var kinds []string
	for _, kind := range e.Kinds {
		kinds = append(kinds, adminv1.Finding_Kind(kind).String())
	}
	f := fault.New(configv1.ErrorReason_RISK_NOT_ACCEPTED,
		"the policy protects what changes in %s, and the plan has risks that were not accepted: %s; a dry run shows them, and a commit with its plan_hash accepts them by accepted_risks; nothing was done",
		e.Namespace, strings.Join(kinds, ", "))
	var first, more []etcdstore.Finding
	named := map[etcdstore.FindingKind]bool{}
	for _, one := range e.Findings {
		if named[one.Kind] {
			more = append(more, one)
		} else {
			first = append(first, one)
		}
		named[one.Kind] = true
	}
	bytes := 0
	for i, one := range append(first, more...) {
		v := wireRisk(e.Namespace, one)
		if bytes += framed(proto.Size(v)); bytes > maxRefusedBytes && i >= len(first) {
			break
		}
		f.Preconditions = append(f.Preconditions, v)
	}
	return f
}

func wireRisk(namespace string, one etcdstore.Finding) *errdetails.PreconditionFailure_Violation {
	if one.Namespace != "" {
		namespace = one.Namespace
	}
	return &errdetails.PreconditionFailure_Violation{
		Type:        adminv1.Finding_Kind(one.Kind).String(),
		Subject:     namespace + "/" + one.Environment + "/" + one.Key,
		Description: one.Message,
	}
}
