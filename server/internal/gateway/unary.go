package gateway

import (
	"context"

	"google.golang.org/grpc"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// chained is the service behind the interceptors, for unary calls on the goroutine of
// the HTTP request: no channel, no copy. A method that is not written out here does
// not exist over REST, rather than being reached without interceptors.
type chained struct {
	configv1.UnimplementedConfigServiceServer
	service     configv1.ConfigServiceServer
	interceptor grpc.UnaryServerInterceptor
}

func (c *chained) Get(ctx context.Context, req *configv1.GetRequest) (*configv1.GetResponse, error) {
	return call(ctx, c, &infoGet, req, c.service.Get)
}

func (c *chained) List(ctx context.Context, req *configv1.ListRequest) (*configv1.ListResponse, error) {
	return call(ctx, c, &infoList, req, c.service.List)
}

func (c *chained) Explain(ctx context.Context, req *configv1.ExplainRequest) (*configv1.ExplainResponse, error) {
	return call(ctx, c, &infoExplain, req, c.service.Explain)
}

var (
	infoGet     = grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_Get_FullMethodName}
	infoList    = grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_List_FullMethodName}
	infoExplain = grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_Explain_FullMethodName}
)

func call[Req, Resp any](ctx context.Context, c *chained, info *grpc.UnaryServerInfo, req *Req, method func(context.Context, *Req) (*Resp, error)) (*Resp, error) {
	resp, err := c.interceptor(ctx, req, info, func(ctx context.Context, req any) (any, error) {
		return method(ctx, req.(*Req))
	})
	if err != nil {
		return nil, err
	}
	return resp.(*Resp), nil
}
