package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
)

// defaultOverlap is how long tokens go on beside a newer one when the request does not
// say it.
const defaultOverlap = time.Hour

// Admin implements ConfigAdminService over the registry. It is safe for concurrent use.
type Admin struct {
	adminv1.UnimplementedConfigAdminServiceServer

	registry *etcdstore.Registry
	history  *etcdstore.History
	reads    *Service
	decide   policy.Decider
	policy   func() (*policy.Policy, <-chan struct{})
}

// NewAdmin returns an Admin. What it shows of all scopes it has from the copy of reads,
// which has to follow all of them, and their heads. now is the policy, with what is closed
// when it is another.
func NewAdmin(r *etcdstore.Registry, h *etcdstore.History, reads *Service, decide policy.Decider, now func() (*policy.Policy, <-chan struct{})) *Admin {
	return &Admin{registry: r, history: h, reads: reads, decide: decide, policy: now}
}

// RegisterService makes the granted scope a service with a first token.
func (a *Admin) RegisterService(ctx context.Context, _ *adminv1.RegisterServiceRequest) (*adminv1.RegisterServiceResponse, error) {
	g := policy.GrantOf(ctx)
	s, token, err := a.registry.Register(ctx, g)
	if err != nil {
		return nil, adminFault(ctx, g, err)
	}
	return &adminv1.RegisterServiceResponse{Service: wireService(s), Token: token}, nil
}

// RotateToken makes another token.
func (a *Admin) RotateToken(ctx context.Context, req *adminv1.RotateTokenRequest) (*adminv1.RotateTokenResponse, error) {
	overlap := defaultOverlap
	if req.GetOverlap() != nil {
		overlap = req.GetOverlap().AsDuration()
	}
	g := policy.GrantOf(ctx)
	s, token, err := a.registry.Rotate(ctx, g, overlap)
	if err != nil {
		return nil, adminFault(ctx, g, err)
	}
	return &adminv1.RotateTokenResponse{Service: wireService(s), Token: token}, nil
}

// RevokeService ends all tokens.
func (a *Admin) RevokeService(ctx context.Context, _ *adminv1.RevokeServiceRequest) (*adminv1.RevokeServiceResponse, error) {
	g := policy.GrantOf(ctx)
	s, ids, err := a.registry.Revoke(ctx, g)
	if err != nil {
		return nil, adminFault(ctx, g, err)
	}
	return &adminv1.RevokeServiceResponse{Service: wireService(s), RevokedTokenIds: ids}, nil
}

// ListServices answers a page of the services that the caller may administer.
func (a *Admin) ListServices(ctx context.Context, req *adminv1.ListServicesRequest) (*adminv1.ListServicesResponse, error) {
	after, err := pageAfter(req)
	if err != nil {
		return nil, err
	}
	g := policy.GrantOf(ctx)
	services, err := a.registry.List(ctx, g)
	if err != nil {
		return nil, adminFault(ctx, g, err)
	}
	return page(services, req, after), nil
}

// DeleteService removes all there is of the granted scope.
func (a *Admin) DeleteService(ctx context.Context, _ *adminv1.DeleteServiceRequest) (*adminv1.DeleteServiceResponse, error) {
	g := policy.GrantOf(ctx)
	keys, tokens, err := a.registry.Delete(ctx, g)
	if err != nil {
		return nil, adminFault(ctx, g, err)
	}
	return &adminv1.DeleteServiceResponse{DeletedKeys: keys, DeletedTokens: tokens}, nil
}

// adminFault is what a caller is told when the registry did not do what it was asked. A
// refusal of the policy gets its words from the chain, as all of them do.
func adminFault(ctx context.Context, g policy.Grant, err error) error {
	switch {
	case errors.Is(err, policy.ErrDenied):
		return err
	case errors.Is(err, etcdstore.ErrRegistered):
		return fault.New(configv1.ErrorReason_SERVICE_EXISTS,
			"%s is registered and has a token that is in use; RotateToken makes another one, RevokeService ends those there are", whereOf(g))
	case errors.Is(err, etcdstore.ErrNotRegistered):
		return fault.New(configv1.ErrorReason_SERVICE_NOT_FOUND,
			"%s is not registered; ListServices shows the services there are, RegisterService makes one", whereOf(g))
	case errors.Is(err, etcdstore.ErrDeleting):
		return caused(err, configv1.ErrorReason_STORE_UNAVAILABLE,
			whereOf(g)+" is being deleted; when that was interrupted, delete it again, or come back in 5 minutes")
	case errors.Is(err, etcdstore.ErrUnsuitable):
		return caused(err, configv1.ErrorReason_STORE_UNSUITABLE,
			"the store cannot keep services apart: authentication is off in etcd, or its release has known holes; 'config-service bootstrap' sets a store up")
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // nobody is there to be told more
	}
	return caused(err, configv1.ErrorReason_STORE_UNAVAILABLE,
		"the store does not answer; it is not known whether anything was done: ask ListServices, then try again")
}

// caused leaves to the log what stands behind a fault: it can tell where the store is.
func caused(by error, reason configv1.ErrorReason, words string) error {
	f := fault.New(reason, "%s", words)
	f.Cause = by
	return f
}

// whereOf is the granted scope in words.
func whereOf(g policy.Grant) string {
	switch {
	case g.Namespace() == "":
		return "the service"
	case g.Environment() == "":
		return fmt.Sprintf("service %s", g.Namespace())
	}
	return fmt.Sprintf("service %s in %s", g.Namespace(), g.Environment())
}

func wireService(s etcdstore.Service) *adminv1.Service {
	w := &adminv1.Service{
		Namespace:   s.Scope.Namespace,
		Environment: s.Scope.Environment,
		CreateTime:  wireTime(s.Created),
		CreatedBy:   s.CreatedBy,
		Tokens:      make([]*adminv1.Token, len(s.Tokens)),
	}
	for i, t := range s.Tokens {
		w.Tokens[i] = &adminv1.Token{Id: t.ID, CreateTime: wireTime(t.Created), CreatedBy: t.CreatedBy, ExpireTime: wireTime(t.Expires)}
	}
	return w
}

// wireTime is absent for the zero time.
func wireTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
