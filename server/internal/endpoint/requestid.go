package endpoint

import (
	"context"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/config-service/config-service/server/internal/requestid"
)

type requestIDContext struct{}

// requestIDOf returns the id of the call in ctx.
func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDContext{}).(string)
	return id
}

// identified returns ctx with a request id, and whether the caller brought it.
func identified(ctx context.Context) (context.Context, string, bool) {
	id, brought := requestid.Of(metadata.ValueFromIncomingContext(ctx, requestid.Key))
	return context.WithValue(ctx, requestIDContext{}, id), id, brought
}

func requestIDUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, id, brought := identified(ctx)
	resp, err := handler(ctx, req)
	if brought || err != nil {
		_ = grpc.SetHeader(ctx, metadata.Pairs(requestid.Key, id)) // fails only after the header is out
	}
	return resp, err
}

func requestIDStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, id, _ := identified(stream.Context())
	wrapped := middleware.WrapServerStream(stream)
	wrapped.WrappedContext = ctx
	_ = stream.SetHeader(metadata.Pairs(requestid.Key, id))
	return handler(srv, wrapped)
}
