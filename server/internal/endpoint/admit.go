package endpoint

import (
	"context"
	"errors"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// untilStop ends a stream of a library's when the server stops; ours end themselves.
func (c *Chain) untilStop(srv any, stream grpc.ServerStream, handler grpc.StreamHandler) error {
	ctx, cancel := context.WithCancel(stream.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-c.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	wrapped := middleware.WrapServerStream(stream)
	wrapped.WrappedContext = ctx
	err := handler(srv, wrapped)
	cancel()
	<-ended
	return err
}

// admit lets a call through to its handler with a Grant, or refuses it: by method, by
// identity, by the form of the request, by policy, in this order.
func (c *Chain) admit(ctx context.Context, k *call, req any) (context.Context, error) {
	action, err := policy.ActionOf(k.method)
	switch {
	case err != nil:
		return nil, noSuchMethod(k.method)
	case action == policy.Public:
		return ctx, nil
	}
	k.action = action
	target, isScoped := req.(scoped)
	if isScoped {
		k.namespace, k.environment = target.GetNamespace(), target.GetEnvironment()
		k.several = environmentsOf(req)
	}
	if r, ok := req.(interface{ GetDryRun() bool }); ok {
		k.dryRun = r.GetDryRun()
	}
	if k.who, err = c.identify(ctx); err != nil {
		return nil, err
	}
	if err := validate(req); err != nil {
		return nil, err
	}
	if !isScoped && action != policy.Self {
		return nil, denied(action)
	}
	grant, err := c.authorize(k.who, action, k.namespace, k.environment)
	if err != nil {
		return nil, err
	}
	k.namespace, k.environment = grant.Namespace(), grant.Environment()
	return policy.WithGrant(ctx, grant), nil
}

func (c *Chain) identify(ctx context.Context) (*identity.Identity, error) {
	id, err := c.Identify.Identify(ctx)
	if errors.Is(err, identity.ErrUnauthenticated) {
		return nil, unauthenticated(err)
	}
	return id, err
}

func (c *Chain) authorize(id *identity.Identity, a policy.Action, namespace, environment string) (policy.Grant, error) {
	grant, err := c.Authorize(id, a, namespace, environment)
	switch {
	case errors.Is(err, policy.ErrDenied):
		err = denied(a)
	case errors.Is(err, policy.ErrNoNamespace):
		err = fault.Field("namespace", errors.New("is empty; accepted: the namespace to read, for this caller has none of its own"))
	case errors.Is(err, policy.ErrNoEnvironment):
		err = fault.Field("environment", errors.New("is empty; accepted: the environment to read, for this caller has none of its own"))
	}
	return grant, err
}

// unauthenticated is the one answer to evidence that is missing or not good. What was
// wrong with it is for the audit record.
func unauthenticated(why error) error {
	return &noCredential{
		error: fault.New(configv1.ErrorReason_UNAUTHENTICATED,
			"no usable credential; accepted: a valid token as 'Authorization: Bearer TOKEN', or whatever else this server was set up for"),
		why: why.Error(),
	}
}

type noCredential struct {
	error
	why string
}

func (n *noCredential) Unwrap() error { return n.error }

// denied is the one answer to what a caller may not do, whether the scope exists or not.
func denied(a policy.Action) error {
	if a == policy.Read {
		return fault.New(configv1.ErrorReason_PERMISSION_DENIED,
			"this caller may not read the requested namespace and environment; leave both out to read its own")
	}
	return fault.New(configv1.ErrorReason_PERMISSION_DENIED,
		"this caller may not %s the requested namespace and environment; the policy file says who may", a)
}

// refused gives a handler's refusal, of a scope that only it could tell, the words that
// all refusals have.
func refused(admitted context.Context, err error) error {
	if errors.Is(err, policy.ErrDenied) {
		return denied(policy.GrantOf(admitted).Action())
	}
	return err
}

func noSuchMethod(method string) error {
	return fault.New(configv1.ErrorReason_NO_SUCH_METHOD, "there is no method %s here", snapshot.Quote(method))
}

// admittedStream admits a server stream when its request arrives, which is before
// the handler runs.
type admittedStream struct {
	grpc.ServerStream
	chain    *Chain
	call     *call
	ctx      context.Context
	count    *telemetry.CallsOf
	standing *standing // nil: it ends by itself only
}

func (s *admittedStream) Context() context.Context { return s.ctx }

func (s *admittedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	s.count.Received()
	looks := s.chain.Standing.begun()
	ctx, err := s.chain.admit(s.ctx, s.call, m)
	if err != nil {
		return err
	}
	if s.call.who != nil && s.chain.Standing != nil && s.standing == nil {
		ctx, s.standing = s.chain.stand(ctx, s.ctx, s.call, looks)
	}
	s.ctx = ctx
	return nil
}

func (s *admittedStream) SendMsg(m any) error {
	err := s.ServerStream.SendMsg(m)
	if err == nil {
		s.count.Sent()
	}
	return err
}
