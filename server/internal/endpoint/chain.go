// Package endpoint is where calls come in: listeners, limits, and the one chain of
// interceptors that every call passes, over gRPC and over REST.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// unaryTimeout bounds every wait of a unary call. It is above the longest wait that a
// handler allows itself, which ends with an answer that helps.
const unaryTimeout = 10 * time.Second

// Identifier turns the evidence of a call into who calls.
type Identifier interface {
	Identify(context.Context) (*identity.Identity, error)
}

// Chain is what every call of a role passes. From the outside in: its log line and
// request id, which see the status that the caller gets; metrics; the status of an
// error; then what may refuse the call; its handler. A panic is contained twice: in the
// handler, where it is counted like any fault, and around everything.
//
// The chain is on the path of every Get, so it is one function and not one interceptor
// inside the other: nothing is made for a call that only a log line would need.
type Chain struct {
	Log       *slog.Logger
	Metrics   *telemetry.Calls
	Identify  Identifier
	Authorize policy.Authorizer
	// Streams are the places for streams.
	Streams *Streams
	// Answers is room for answers.
	Answers *Answers
	// Stopping is closed when the server stops: streams of public methods end then.
	Stopping <-chan struct{}
	// Audit takes the records of what changes something and of what is denied.
	Audit *telemetry.Audit
	// Standing are the streams that may have to end before their callers wish; nil where
	// what admits a stream holds for ever.
	Standing *Standing

	lines lines
}

// Unary returns the chain for unary calls as one interceptor.
func (c Chain) Unary() grpc.UnaryServerInterceptor {
	c.lines = newLines()
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		ctx, k := begin(ctx, info.FullMethod)
		defer func() {
			if p := recover(); p != nil {
				resp, err = nil, c.status(ctx, c.recovered(ctx, p))
			}
			if k.brought || err != nil {
				_ = grpc.SetHeader(ctx, k.header()) // fails only after the header is out
			}
			c.finished(ctx, k, err)
		}()
		count := c.Metrics.Of(info.FullMethod, nil)
		count.Began()
		count.Received()
		if resp, err = c.answer(ctx, req, k, handler); err == nil {
			count.Sent()
		}
		count.Ended(err, time.Since(k.began))
		return resp, err
	}
}

// answer lets the handler answer a call that it may answer.
func (c *Chain) answer(ctx context.Context, req any, k *call, handler grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = c.recovered(ctx, p)
		}
		if err != nil {
			resp, err = nil, c.status(ctx, err)
		}
	}()
	admitted, err := c.admit(ctx, k, req)
	if err != nil {
		return nil, err
	}
	if waits(admitted, req) {
		var cancel context.CancelFunc
		admitted, cancel = context.WithTimeout(admitted, unaryTimeout)
		defer cancel()
	}
	if resp, err = handler(admitted, req); err != nil {
		return nil, refused(admitted, err)
	}
	return c.Answers.admit(admitted, resp)
}

// waits says whether a request may wait for something: for a revision, or for the store.
// All others are answered from memory, and no clock has to run for them.
func waits(admitted context.Context, req any) bool {
	if r, ok := req.(interface{ GetMinRevision() int64 }); ok {
		return r.GetMinRevision() > 0
	}
	switch policy.GrantOf(admitted).Action() {
	case policy.Write, policy.Administer:
		return true
	}
	return false
}

// Stream returns the same chain for streams, which have no timeout.
func (c Chain) Stream() grpc.StreamServerInterceptor {
	c.lines = newLines()
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		ctx, k := begin(stream.Context(), info.FullMethod)
		defer func() {
			if p := recover(); p != nil {
				err = c.status(ctx, c.recovered(ctx, p))
			}
			c.finished(ctx, k, err)
		}()
		_ = stream.SetHeader(k.header()) // fails only after the header is out
		action, err := policy.ActionOf(info.FullMethod)
		if err != nil {
			// A caller makes up the name: as a label it would stay for ever, and one that
			// is not UTF-8 makes the metrics panic.
			return c.status(ctx, noSuchMethod(info.FullMethod))
		}
		k.action = action
		count := c.Metrics.Of(info.FullMethod, info)
		count.Began()
		err = c.serve(srv, &admittedStream{ServerStream: stream, chain: &c, call: k, ctx: ctx, count: count}, action, handler)
		count.Ended(err, time.Since(k.began))
		return err
	}
}

// serve lets the handler serve a stream that it may serve.
func (c *Chain) serve(srv any, stream *admittedStream, action policy.Action, handler grpc.StreamHandler) (err error) {
	ctx := stream.ctx
	defer func() {
		if p := recover(); p != nil {
			err = c.recovered(ctx, p)
		}
		if err != nil {
			err = c.status(ctx, err)
		}
	}()
	if action != policy.Public { // again with its request, which may come at any time or never
		if _, err := c.identify(ctx); err != nil {
			return err
		}
	}
	leave, err := c.Streams.enter(ctx, action != policy.Public)
	if err != nil {
		return err
	}
	defer func() {
		leave()
		c.Standing.remove(stream.standing)
	}()
	if action == policy.Public {
		return c.untilStop(srv, stream, handler)
	}
	return refused(stream.ctx, handler(srv, stream))
}

// status makes an error the status that the caller gets. The words of a fault of ours,
// and what stands behind one that is not, end here, so they are logged here.
func (c *Chain) status(ctx context.Context, err error) error {
	st := fault.Status(err)
	var bare *noCredential
	if k, ok := ctx.Value(callKey{}).(*call); ok && errors.As(err, &bare) {
		k.why = bare.why
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Cause != nil {
		c.Log.WarnContext(ctx, "the store refused or did not answer", "request_id", requestIDOf(ctx), "reason", fault.ReasonName(f.Reason), "error", f.Cause)
	}
	var said interface{ GRPCStatus() *status.Status }
	if st.Code() == codes.Internal && !errors.As(err, &said) {
		c.Log.ErrorContext(ctx, "internal error", "request_id", requestIDOf(ctx), "error", err)
	}
	return st.Err()
}

func (c *Chain) recovered(ctx context.Context, p any) error {
	c.Log.ErrorContext(ctx, "panic", "request_id", requestIDOf(ctx), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	return fault.New(configv1.ErrorReason_INTERNAL, "internal error; the server's log has the cause under request id %s", requestIDOf(ctx))
}

// CarriesConfiguration says whether there is the method and it is neither health nor
// reflection: whether its calls are worth a span.
func CarriesConfiguration(method string) bool {
	action, err := policy.ActionOf(method)
	return err == nil && action != policy.Public
}
