package endpoint

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Early returns what registers services on gRPC whose unary calls are read only once it is
// known who sends them: of nobody who is known a large request costs no memory. knows says
// whether the evidence in a context stands for somebody.
func Early(s grpc.ServiceRegistrar, knows func(context.Context) bool) grpc.ServiceRegistrar {
	return early{s, knows}
}

type early struct {
	grpc.ServiceRegistrar
	knows func(context.Context) bool
}

// RegisterService relies on grpc-go, which reads a request when the handler asks for it.
func (e early) RegisterService(desc *grpc.ServiceDesc, impl any) {
	own := *desc
	own.Methods = slices.Clone(desc.Methods)
	for i := range own.Methods {
		handle := own.Methods[i].Handler
		own.Methods[i].Handler = func(srv any, ctx context.Context, read func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			if !e.isKnown(ctx) {
				read = withhold
			}
			return handle(srv, ctx, read, chain)
		}
	}
	e.ServiceRegistrar.RegisterService(&own, impl)
}

// isKnown contains a panic: the chain, which looks again, says it.
func (e early) isKnown(ctx context.Context) (known bool) {
	defer func() { _ = recover() }()
	return e.knows(ctx)
}

// withheld marks a request that was not read. The chain refuses its caller; one who became
// known just now is refused for the mark.
var withheld = protowire.AppendVarint(protowire.AppendTag(nil, protowire.MaxValidNumber-2, protowire.VarintType), 1)

func withhold(request any) error {
	request.(proto.Message).ProtoReflect().SetUnknown(withheld)
	return nil
}
