package service

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/timestamppb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
)

// Access answers callers about themselves. It is safe for concurrent use.
type Access struct {
	configv1.UnimplementedAccessServiceServer

	role   string
	decide policy.Decider
}

// NewAccess returns an Access for a server of a role, where decide says what callers may
// do.
func NewAccess(role string, decide policy.Decider) *Access {
	return &Access{role: role, decide: decide}
}

var errNoHolder = errors.New("the call has no grant")

// WhoAmI answers who the caller is.
func (a *Access) WhoAmI(ctx context.Context, _ *configv1.WhoAmIRequest) (*configv1.WhoAmIResponse, error) {
	id := policy.GrantOf(ctx).Holder()
	if id == nil {
		return nil, errNoHolder
	}
	out := &configv1.Identity{
		Name:        id.Name(),
		Namespace:   id.Namespace,
		Environment: id.Environment,
		Evidence:    configv1.Identity_Evidence(id.Kind),
		Credential:  id.Credential,
	}
	if !id.Expires.IsZero() {
		out.ExpireTime = timestamppb.New(id.Expires)
	}
	return &configv1.WhoAmIResponse{Identity: out, Role: a.role}, nil
}

// CanI answers whether the caller may do something.
func (a *Access) CanI(ctx context.Context, req *configv1.CanIRequest) (*configv1.CanIResponse, error) {
	id := policy.GrantOf(ctx).Holder()
	if id == nil {
		return nil, errNoHolder
	}
	namespace, environment := req.GetNamespace(), req.GetEnvironment()
	if namespace == "" {
		namespace = id.Namespace
	}
	if environment == "" {
		environment = id.Environment
	}
	switch {
	case namespace == "":
		return nil, fault.Field("namespace", errors.New("is empty; accepted: the namespace that is asked about, for this caller has none of its own"))
	case environment == "":
		return nil, fault.Field("environment", errors.New("is empty; accepted: the environment that is asked about, for this caller has none of its own"))
	}
	because, ok := a.decide(id, policy.Action(req.GetAction()), namespace, environment)
	return &configv1.CanIResponse{Allowed: ok, Reason: because}, nil
}
