package gateway

import (
	"context"

	"google.golang.org/grpc"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (c *chainedAdmin) Commit(ctx context.Context, req *adminv1.CommitRequest) (*adminv1.CommitResponse, error) {
	return call(ctx, c.interceptor, &infoCommit, req, c.service.Commit)
}

func (c *chainedAdmin) Rollback(ctx context.Context, req *adminv1.RollbackRequest) (*adminv1.RollbackResponse, error) {
	return call(ctx, c.interceptor, &infoRollback, req, c.service.Rollback)
}

func (c *chainedAdmin) ListVersions(ctx context.Context, req *adminv1.ListVersionsRequest) (*adminv1.ListVersionsResponse, error) {
	return call(ctx, c.interceptor, &infoListVersions, req, c.service.ListVersions)
}

func (c *chainedAdmin) GetVersion(ctx context.Context, req *adminv1.GetVersionRequest) (*adminv1.GetVersionResponse, error) {
	return call(ctx, c.interceptor, &infoGetVersion, req, c.service.GetVersion)
}

func (c *chainedAdmin) Diff(ctx context.Context, req *adminv1.DiffRequest) (*adminv1.DiffResponse, error) {
	return call(ctx, c.interceptor, &infoDiff, req, c.service.Diff)
}

func (c *chainedAdmin) GetScope(ctx context.Context, req *adminv1.GetScopeRequest) (*adminv1.GetScopeResponse, error) {
	return call(ctx, c.interceptor, &infoGetScope, req, c.service.GetScope)
}

func (c *chainedAdmin) ListNamespaces(ctx context.Context, req *adminv1.ListNamespacesRequest) (*adminv1.ListNamespacesResponse, error) {
	return call(ctx, c.interceptor, &infoListNamespaces, req, c.service.ListNamespaces)
}

func (c *chainedAdmin) Search(ctx context.Context, req *adminv1.SearchRequest) (*adminv1.SearchResponse, error) {
	return call(ctx, c.interceptor, &infoSearch, req, c.service.Search)
}

func (c *chainedAdmin) PutSchema(ctx context.Context, req *adminv1.PutSchemaRequest) (*adminv1.PutSchemaResponse, error) {
	return call(ctx, c.interceptor, &infoPutSchema, req, c.service.PutSchema)
}

func (c *chainedAdmin) GetSchema(ctx context.Context, req *adminv1.GetSchemaRequest) (*adminv1.GetSchemaResponse, error) {
	return call(ctx, c.interceptor, &infoGetSchema, req, c.service.GetSchema)
}

func (c *chainedAdmin) DeleteSchema(ctx context.Context, req *adminv1.DeleteSchemaRequest) (*adminv1.DeleteSchemaResponse, error) {
	return call(ctx, c.interceptor, &infoDeleteSchema, req, c.service.DeleteSchema)
}

var (
	infoCommit         = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_Commit_FullMethodName}
	infoRollback       = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_Rollback_FullMethodName}
	infoListVersions   = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_ListVersions_FullMethodName}
	infoGetVersion     = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_GetVersion_FullMethodName}
	infoDiff           = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_Diff_FullMethodName}
	infoGetScope       = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_GetScope_FullMethodName}
	infoListNamespaces = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_ListNamespaces_FullMethodName}
	infoSearch         = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_Search_FullMethodName}
	infoPutSchema      = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_PutSchema_FullMethodName}
	infoGetSchema      = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_GetSchema_FullMethodName}
	infoDeleteSchema   = grpc.UnaryServerInfo{FullMethod: adminv1.ConfigAdminService_DeleteSchema_FullMethodName}
)
