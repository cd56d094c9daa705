package endpoint

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// requestIDKey is the metadata key, and REST header, of the request id. A caller may
// bring one; a call that failed, or whose caller brought one, is answered with it.
const requestIDKey = "x-request-id"

const maxRequestID = 128

type requestIDContext struct{}

// requestIDOf returns the id of the call in ctx.
func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDContext{}).(string)
	return id
}

// identified returns ctx with a request id, and whether the caller brought it. One
// that could break a log line is replaced.
func identified(ctx context.Context) (context.Context, string, bool) {
	if ids := metadata.ValueFromIncomingContext(ctx, requestIDKey); len(ids) == 1 && isRequestID(ids[0]) {
		return context.WithValue(ctx, requestIDContext{}, ids[0]), ids[0], true
	}
	var b [8]byte
	rand.Read(b[:]) // never fails
	id := hex.EncodeToString(b[:])
	return context.WithValue(ctx, requestIDContext{}, id), id, false
}

func isRequestID(s string) bool {
	if s == "" || len(s) > maxRequestID {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func requestIDUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, id, brought := identified(ctx)
	resp, err := handler(ctx, req)
	if brought || err != nil {
		_ = grpc.SetHeader(ctx, metadata.Pairs(requestIDKey, id)) // fails only after the header is out
	}
	return resp, err
}

func requestIDStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, id, _ := identified(stream.Context())
	wrapped := middleware.WrapServerStream(stream)
	wrapped.WrappedContext = ctx
	_ = stream.SetHeader(metadata.Pairs(requestIDKey, id))
	return handler(srv, wrapped)
}
