// Package endpoint is where calls come in: listeners, limits, and the one chain of
// interceptors that every call passes, over gRPC and over REST.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// unaryTimeout bounds every unary call. It is above the longest wait that a handler
// allows itself, which ends with an answer that helps.
const unaryTimeout = 10 * time.Second

// Identifier turns the evidence of a call into who calls.
type Identifier interface {
	Identify(context.Context) (identity.Identity, error)
}

// Authorizer decides whether an identity may read a scope; policy.Sidecar is one.
type Authorizer func(id identity.Identity, namespace, environment string) (policy.Grant, error)

// Chain is the interceptors of a role.
type Chain struct {
	Log       *slog.Logger
	Metrics   *grpcprom.ServerMetrics
	Identify  Identifier
	Authorize Authorizer
	// Streams are the places for streams.
	Streams *Streams
	// Answers is room for answers.
	Answers *Answers
	// Stopping is closed when the server stops: streams of public methods end then.
	Stopping <-chan struct{}

	lines lines
}

// lines are the limits of what callers can make the log say: who asks again and again
// what is refused gets a line every 10 s. At debug level every call has its own.
type lines struct{ refused, failed *telemetry.Rarely }

// repeatEvery is how often the same refusal, or failure, is worth another line. What
// stands behind a fault of ours is logged each time, for its request id.
const repeatEvery = 10 * time.Second

func newLines() lines {
	return lines{telemetry.NewRarely(repeatEvery, time.Now), telemetry.NewRarely(repeatEvery, time.Now)}
}

// Unary returns the chain for unary calls as one interceptor. The first stands
// outermost. Log and metrics stand outside, so that they see the status the caller
// gets; recovery inside them, so that a panic is logged and counted as one; then what
// may refuse a call. A second recovery around everything contains a fault of the
// outer ones.
func (c Chain) Unary() grpc.UnaryServerInterceptor {
	c.lines = newLines()
	return joinUnary(
		recovery.UnaryServerInterceptor(recovery.WithRecoveryHandlerContext(c.recovered)),
		requestIDUnary,
		selector.UnaryServerInterceptor(logging.UnaryServerInterceptor(c.logger(), logOptions()...), carriesConfiguration()),
		c.Metrics.UnaryServerInterceptor(),
		c.statusUnary,
		recovery.UnaryServerInterceptor(recovery.WithRecoveryHandlerContext(c.recovered)),
		selector.UnaryServerInterceptor(timeoutUnary, carriesConfiguration()),
		c.holdUnary,
		c.admitUnary,
	)
}

// Stream returns the same chain for streams, which have no timeout.
func (c Chain) Stream() grpc.StreamServerInterceptor {
	c.lines = newLines()
	return joinStream(
		recovery.StreamServerInterceptor(recovery.WithRecoveryHandlerContext(c.recovered)),
		requestIDStream,
		selector.StreamServerInterceptor(logging.StreamServerInterceptor(c.logger(), logOptions()...), carriesConfiguration()),
		selector.StreamServerInterceptor(c.Metrics.StreamServerInterceptor(), exists()),
		c.statusStream,
		recovery.StreamServerInterceptor(recovery.WithRecoveryHandlerContext(c.recovered)),
		c.admitStream,
	)
}

// joinUnary makes one interceptor of several. grpc-go can chain them only inside a
// server, and the in-process connection of the gateway takes one.
func joinUnary(list ...grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	if len(list) == 1 {
		return list[0]
	}
	outer, inner := list[0], joinUnary(list[1:]...)
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return outer(ctx, req, info, func(ctx context.Context, req any) (any, error) {
			return inner(ctx, req, info, handler)
		})
	}
}

func joinStream(list ...grpc.StreamServerInterceptor) grpc.StreamServerInterceptor {
	if len(list) == 1 {
		return list[0]
	}
	outer, inner := list[0], joinStream(list[1:]...)
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return outer(srv, stream, info, func(srv any, stream grpc.ServerStream) error {
			return inner(srv, stream, info, handler)
		})
	}
}

// carriesConfiguration selects the calls that are worth a log line: not health, not
// reflection.
func carriesConfiguration() selector.Matcher {
	return selector.MatchFunc(func(_ context.Context, call interceptors.CallMeta) bool {
		action, err := policy.ActionOf(call.FullMethod())
		return err != nil || action != policy.Public
	})
}

// CarriesConfiguration says whether there is the method and it is neither health nor
// reflection: whether its calls are worth a span.
func CarriesConfiguration(method string) bool {
	action, err := policy.ActionOf(method)
	return err == nil && action != policy.Public
}

// exists selects the methods that there are. A caller makes up the name of any other,
// which arrives as a stream: as a label it would stay for ever, and one that is not
// UTF-8 makes the metrics panic.
func exists() selector.Matcher {
	return selector.MatchFunc(func(_ context.Context, call interceptors.CallMeta) bool {
		_, err := policy.ActionOf(call.FullMethod())
		return err == nil
	})
}

func timeoutUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, unaryTimeout)
	defer cancel()
	return handler(ctx, req)
}

func (c Chain) holdUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	answer, err := handler(ctx, req)
	if err != nil {
		return nil, err
	}
	return c.Answers.admit(ctx, answer)
}

func (c Chain) statusUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := handler(ctx, req)
	if err != nil {
		return nil, c.status(ctx, err)
	}
	return resp, nil
}

func (c Chain) statusStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return c.status(stream.Context(), handler(srv, stream))
}

// status makes an error the status that the caller gets. The words of a fault of ours
// end here, so they are logged here.
func (c Chain) status(ctx context.Context, err error) error {
	st := fault.Status(err)
	var said interface{ GRPCStatus() *status.Status }
	if st.Code() == codes.Internal && !errors.As(err, &said) {
		c.Log.ErrorContext(ctx, "internal error", "request_id", requestIDOf(ctx), "error", err)
	}
	return st.Err()
}

func (c Chain) recovered(ctx context.Context, p any) error {
	c.Log.ErrorContext(ctx, "panic", "request_id", requestIDOf(ctx), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	return fault.New(configv1.ErrorReason_INTERNAL, "internal error; the server's log has the cause under request id %s", requestIDOf(ctx))
}

func (c Chain) logger() logging.Logger {
	return logging.LoggerFunc(func(ctx context.Context, level logging.Level, msg string, fields ...any) {
		l := slog.Level(level)
		if !c.Log.Enabled(ctx, l) {
			return
		}
		if i := slices.Index(fields, any(peerField)); i >= 0 && i+1 < len(fields) {
			fields[i+1] = peerOf(ctx)
		} else {
			fields = append(fields, peerField, peerOf(ctx))
		}
		rarely := c.lines.refused
		switch {
		case l < slog.LevelWarn || c.Log.Enabled(ctx, slog.LevelDebug):
			c.Log.Log(ctx, l, msg, fields...)
			return
		case l >= slog.LevelError:
			rarely = c.lines.failed
		}
		if skipped, ok := rarely.Pass(); ok {
			c.Log.Log(ctx, l, msg, append(fields, "more_since_last", skipped)...)
		}
	})
}

// peerField is what the logging interceptor calls the address of the caller.
const peerField = "peer.address"

// peerOf is where a call comes from. One of REST comes from the gateway, in this
// process, which tells the address of its connection; no header of a caller's gets
// that far. A Unix socket has no address.
func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr.Network() != "inproc" {
		return p.Addr.String()
	}
	return strings.Join(metadata.ValueFromIncomingContext(ctx, "x-forwarded-for"), ",")
}

func logOptions() []logging.Option {
	return []logging.Option{
		logging.WithLogOnEvents(logging.FinishCall),
		logging.WithLevels(levelOf),
		logging.WithFieldsFromContext(func(ctx context.Context) logging.Fields {
			return logging.Fields{"request_id", requestIDOf(ctx)}
		}),
		logging.WithDisableLoggingFields(logging.SystemTag[0], logging.ComponentFieldKey, logging.MethodTypeFieldKey),
	}
}

// levelOf keeps a healthy service quiet: a success, a key that does not exist and a
// caller's mistake are no news; a refusal and a fault are.
func levelOf(code codes.Code) logging.Level {
	switch code {
	case codes.PermissionDenied, codes.Unauthenticated:
		return logging.LevelWarn
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return logging.LevelError
	}
	return logging.LevelDebug
}
