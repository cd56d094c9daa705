package endpoint

import (
	"context"
	"log/slog"
	"path"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/requestid"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// call is what the chain knows of a call. The goroutine of the call owns it.
type call struct {
	method  string
	began   time.Time
	id      string // empty: none was asked for yet
	brought bool   // the caller brought the id

	// What it is about, for its audit record, as far as admission came.
	action                 policy.Action // 0: there is no such method
	who                    *identity.Identity
	namespace, environment string
	several                []string // environments that only parts of the request name
	dryRun                 bool
	why                    string // more about the reason; not for the caller
}

type callKey struct{}

func begin(ctx context.Context, method string) (context.Context, *call) {
	k := &call{method: method, began: time.Now()}
	if ids := metadata.ValueFromIncomingContext(ctx, requestid.Key); len(ids) > 0 {
		k.id, k.brought = requestid.Of(ids)
	}
	return context.WithValue(ctx, callKey{}, k), k
}

func (k *call) requestID() string {
	if k.id == "" {
		k.id, _ = requestid.Of(nil)
	}
	return k.id
}

func (k *call) header() metadata.MD { return metadata.Pairs(requestid.Key, k.requestID()) }

// requestIDOf returns the id of the call in ctx.
func requestIDOf(ctx context.Context) string {
	if k, ok := ctx.Value(callKey{}).(*call); ok {
		return k.requestID()
	}
	return ""
}

// lines are the limits of what callers can make the log say: what fails again and again
// gets a line every 10 s. At debug level every call has its own.
type lines struct{ failed *telemetry.Rarely }

// repeatEvery is how often the same failure is worth another line. What stands behind a
// fault of ours is logged each time, for its request id.
const repeatEvery = 10 * time.Second

func newLines() lines { return lines{telemetry.NewRarely(repeatEvery, time.Now)} }

// finished keeps account of a call: in the audit log, and in the log if it carries
// configuration, or would have.
func (c *Chain) finished(ctx context.Context, k *call, err error) {
	c.audited(ctx, k, err)
	level := levelOf(status.Code(err))
	if !c.Log.Enabled(ctx, level) {
		return
	}
	if action, err := policy.ActionOf(k.method); err == nil && action == policy.Public {
		return
	}
	more := 0
	if level >= slog.LevelError && !c.Log.Enabled(ctx, slog.LevelDebug) {
		var ok bool
		if more, ok = c.lines.failed.Pass(); !ok {
			return
		}
	}
	service, method := path.Split(strings.TrimPrefix(k.method, "/"))
	fields := []slog.Attr{
		slog.String("grpc.service", strings.TrimSuffix(service, "/")),
		slog.String("grpc.method", method),
		slog.String("grpc.code", status.Code(err).String()),
		slog.Float64("grpc.time_ms", float64(time.Since(k.began).Microseconds())/1000),
		slog.String("peer.address", peerOf(ctx)),
		slog.String("request_id", k.requestID()),
	}
	if err != nil {
		fields = append(fields, slog.String("grpc.error", err.Error()))
	}
	if more > 0 {
		fields = append(fields, slog.Int("more_since_last", more))
	}
	c.Log.LogAttrs(ctx, level, "finished call", fields...)
}

// levelOf keeps a healthy service quiet: a success, a key that does not exist and a
// caller's mistake are no news, and a refusal is for the audit log; a fault is news.
func levelOf(code codes.Code) slog.Level {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return slog.LevelError
	}
	return slog.LevelDebug
}

// peerOf is where a call comes from. One of REST comes from the gateway, in this
// process, which tells the address of its connection; no header of a caller's gets
// that far. A Unix socket has no address.
func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr.Network() != "inproc" {
		return p.Addr.String()
	}
	return strings.Join(metadata.ValueFromIncomingContext(ctx, "x-forwarded-for"), ",")
}
