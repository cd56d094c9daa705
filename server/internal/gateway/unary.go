package gateway

import (
	"context"

	"google.golang.org/grpc"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// Each of these is a service behind the interceptors, for unary calls on the goroutine of
// the HTTP request: no channel, no copy. A method that is not written out here does not
// exist over REST, rather than being reached without interceptors; a test misses it.

type chained struct {
	configv1.UnimplementedConfigServiceServer
	service     configv1.ConfigServiceServer
	interceptor grpc.UnaryServerInterceptor
}

func (c *chained) Get(ctx context.Context, req *configv1.GetRequest) (*configv1.GetResponse, error) {
	return call(ctx, c.interceptor, &infoGet, req, c.service.Get)
}

func (c *chained) List(ctx context.Context, req *configv1.ListRequest) (*configv1.ListResponse, error) {
	return call(ctx, c.interceptor, &infoList, req, c.service.List)
}

func (c *chained) Explain(ctx context.Context, req *configv1.ExplainRequest) (*configv1.ExplainResponse, error) {
	return call(ctx, c.interceptor, &infoExplain, req, c.service.Explain)
}

func (c *chained) GetStatus(ctx context.Context, req *configv1.GetStatusRequest) (*configv1.GetStatusResponse, error) {
	return call(ctx, c.interceptor, &infoGetStatus, req, c.service.GetStatus)
}

type chainedAccess struct {
	configv1.UnimplementedAccessServiceServer
	service     configv1.AccessServiceServer
	interceptor grpc.UnaryServerInterceptor
}

func (c *chainedAccess) WhoAmI(ctx context.Context, req *configv1.WhoAmIRequest) (*configv1.WhoAmIResponse, error) {
	return call(ctx, c.interceptor, &infoWhoAmI, req, c.service.WhoAmI)
}

func (c *chainedAccess) CanI(ctx context.Context, req *configv1.CanIRequest) (*configv1.CanIResponse, error) {
	return call(ctx, c.interceptor, &infoCanI, req, c.service.CanI)
}

type chainedAdmin struct {
	adminv1.UnimplementedConfigAdminServiceServer
	service     adminv1.ConfigAdminServiceServer
	interceptor grpc.UnaryServerInterceptor
}

func (c *chainedAdmin) RegisterService(ctx context.Context, req *adminv1.RegisterServiceRequest) (*adminv1.RegisterServiceResponse, error) {
	return call(ctx, c.interceptor, &infoRegisterService, req, c.service.RegisterService)
}

func (c *chainedAdmin) RotateToken(ctx context.Context, req *adminv1.RotateTokenRequest) (*adminv1.RotateTokenResponse, error) {
	return call(ctx, c.interceptor, &infoRotateToken, req, c.service.RotateToken)
}

func (c *chainedAdmin) RevokeService(ctx context.Context, req *adminv1.RevokeServiceRequest) (*adminv1.RevokeServiceResponse, error) {
	return call(ctx, c.interceptor, &infoRevokeService, req, c.service.RevokeService)
}

func (c *chainedAdmin) ListServices(ctx context.Context, req *adminv1.ListServicesRequest) (*adminv1.ListServicesResponse, error) {
	return call(ctx, c.interceptor, &infoListServices, req, c.service.ListServices)
}

func (c *chainedAdmin) DeleteService(ctx context.Context, req *adminv1.DeleteServiceRequest) (*adminv1.DeleteServiceResponse, error) {
	return call(ctx, c.interceptor, &infoDeleteService, req, c.service.DeleteService)
}

var (
	infoGet       = grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_Get_FullMethodName}
	infoList      = grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_List_FullMethodName}
	infoGetStatus = grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_GetStatus_FullMethodName}
	infoExplain   = grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_Explain_FullMethodName}

	infoWhoAmI = grpc.UnaryServerInfo{FullMethod: configv1.AccessService_WhoAmI_FullMethodName}
	infoCanI   = grpc.UnaryServerInfo{FullMethod: configv1.AccessService_CanI_FullMethodName}

	infoRegisterService = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_RegisterService_FullMethodName}
	infoRotateToken     = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_RotateToken_FullMethodName}
	infoRevokeService   = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_RevokeService_FullMethodName}
	infoListServices    = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_ListServices_FullMethodName}
	infoDeleteService   = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_DeleteService_FullMethodName}
)

func call[Req, Resp any](ctx context.Context, chain grpc.UnaryServerInterceptor, info *grpc.UnaryServerInfo, req *Req, method func(context.Context, *Req) (*Resp, error)) (*Resp, error) {
	resp, err := chain(ctx, req, info, func(ctx context.Context, req any) (any, error) {
		return method(ctx, req.(*Req))
	})
	if err != nil {
		return nil, err
	}
	return resp.(*Resp), nil
}
