package endpoint

import (
	"context"
	"errors"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
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
func (c *Chain) admit(ctx context.Context, method string, req any) (context.Context, error) {
	action, err := policy.ActionOf(method)
	switch {
	case err != nil:
		return nil, noSuchMethod(method)
	case action == policy.Public:
		return ctx, nil
	}
	id, err := c.Identify.Identify(ctx)
	if err != nil {
		return nil, err
	}
	if err := validate(req); err != nil {
		return nil, err
	}
	target, ok := req.(scoped)
	if !ok {
		return nil, denied()
	}
	grant, err := c.Authorize(id, target.GetNamespace(), target.GetEnvironment())
	if errors.Is(err, policy.ErrDenied) {
		return nil, denied()
	}
	if err != nil {
		return nil, err
	}
	return policy.WithGrant(ctx, grant), nil
}

func denied() error {
	return fault.New(configv1.ErrorReason_PERMISSION_DENIED,
		"this caller may not read the requested namespace and environment; leave both out to read its own")
}

func noSuchMethod(method string) error {
	return fault.New(configv1.ErrorReason_NO_SUCH_METHOD, "there is no method %s here", snapshot.Quote(method))
}

// admittedStream admits a server stream when its request arrives, which is before
// the handler runs.
type admittedStream struct {
	grpc.ServerStream
	chain  *Chain
	method string
	ctx    context.Context
}

func (s *admittedStream) Context() context.Context { return s.ctx }

func (s *admittedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	ctx, err := s.chain.admit(s.ctx, s.method, m)
	if err != nil {
		return err
	}
	s.ctx = ctx
	return nil
}
