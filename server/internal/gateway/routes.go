package gateway

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

const (
	mimeJSON   = "application/json"
	mimeText   = "text/plain"
	mimeNDJSON = "application/x-ndjson"
	mimeSSE    = "text/event-stream"
)

// route is what a path of gateway.yaml takes and gives.
type route struct {
	template string // the path, as people write it
	service  string
	method   string
	request  protoreflect.MessageDescriptor
	offers   []string // media types, the preferred one first
	allow    string   // HTTP methods
}

var (
	unaryMethods  = strings.Join([]string{http.MethodGet, http.MethodHead}, ", ")
	streamMethods = http.MethodGet
	bodyMethods   = http.MethodPost
)

// The services, by the names of the contract.
var (
	configService = configv1.ConfigService_ServiceDesc.ServiceName
	accessService = configv1.AccessService_ServiceDesc.ServiceName
	adminService  = adminv1.ConfigAdminService_ServiceDesc.ServiceName
)

// routes lists every method of the contract; a test holds it against the descriptors.
// What is asked for most stands first.
var routes = []route{
	{"/v1/config/{key}", configService, "Get", (*configv1.GetRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON, mimeText}, unaryMethods},
	{"/v1/config", configService, "List", (*configv1.ListRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON, mimeText}, unaryMethods},
	{"/v1/watch", configService, "Watch", (*configv1.WatchRequest)(nil).ProtoReflect().Descriptor(), []string{mimeNDJSON, mimeSSE, mimeJSON}, streamMethods},
	{"/v1/explain/{key}", configService, "Explain", (*configv1.ExplainRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, unaryMethods},
	{"/v1/status", configService, "GetStatus", (*configv1.GetStatusRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, unaryMethods},

	{"/v1/whoami", accessService, "WhoAmI", (*configv1.WhoAmIRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, unaryMethods},
	{"/v1/can-i", accessService, "CanI", (*configv1.CanIRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, unaryMethods},

	{"/v1/admin/register-service", adminService, "RegisterService", (*adminv1.RegisterServiceRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/rotate-token", adminService, "RotateToken", (*adminv1.RotateTokenRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/revoke-service", adminService, "RevokeService", (*adminv1.RevokeServiceRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/list-services", adminService, "ListServices", (*adminv1.ListServicesRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/delete-service", adminService, "DeleteService", (*adminv1.DeleteServiceRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},

	{"/v1/admin/commit", adminService, "Commit", (*adminv1.CommitRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/rollback", adminService, "Rollback", (*adminv1.RollbackRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/list-versions", adminService, "ListVersions", (*adminv1.ListVersionsRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/get-version", adminService, "GetVersion", (*adminv1.GetVersionRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/diff", adminService, "Diff", (*adminv1.DiffRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/get-scope", adminService, "GetScope", (*adminv1.GetScopeRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/list-namespaces", adminService, "ListNamespaces", (*adminv1.ListNamespacesRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/watch-heads", adminService, "WatchHeads", (*adminv1.WatchHeadsRequest)(nil).ProtoReflect().Descriptor(), []string{mimeNDJSON, mimeSSE, mimeJSON}, bodyMethods},
	{"/v1/admin/search", adminService, "Search", (*adminv1.SearchRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/put-schema", adminService, "PutSchema", (*adminv1.PutSchemaRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/get-schema", adminService, "GetSchema", (*adminv1.GetSchemaRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
	{"/v1/admin/delete-schema", adminService, "DeleteSchema", (*adminv1.DeleteSchemaRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, bodyMethods},
}

// takesBody says whether a request of the route is a body, and not a path and a query.
func (rt *route) takesBody() bool { return rt.allow == bodyMethods }

// streams says whether the route answers with a stream.
func (rt *route) streams() bool { return rt.offers[0] == mimeNDJSON }

// path ends with a slash when a key follows.
func (rt *route) path() string { return strings.TrimSuffix(rt.template, "{key}") }

// routesOf are the routes of the services that are served.
func routesOf(serves func(service string) bool) []route {
	return slices.DeleteFunc(slices.Clone(routes), func(rt route) bool { return !serves(rt.service) })
}

func routeOf(routes []route, path string) *route {
	for i := range routes {
		p := routes[i].path()
		if path == p || (strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)) {
			return &routes[i]
		}
	}
	return nil
}

// plainPaths are the paths that are no methods of the contract. The last is for the role
// control.
var plainPaths = []string{"/openapi.json", "/healthz", "/readyz", templatePath}

// pathsOf lists in words what is served.
func pathsOf(routes []route, hasTemplate bool) string {
	var paths []string
	for i := range routes {
		verb := ""
		if routes[i].takesBody() {
			verb = http.MethodPost + " "
		}
		paths = append(paths, verb+routes[i].template)
	}
	plain := plainPaths
	if !hasTemplate {
		plain = slices.DeleteFunc(slices.Clone(plain), func(p string) bool { return p == templatePath })
	}
	return strings.Join(append(paths, plain...), ", ")
}

// ContractRoute returns the template of a path that leads to a method of the contract,
// whether this server serves it or not; for another path it is empty.
func ContractRoute(path string) string {
	rt := routeOf(routes, path)
	if rt == nil {
		return ""
	}
	return rt.template
}

// Route returns the template of any path: one of a fixed set, whatever callers ask for.
func Route(path string) string {
	if template := ContractRoute(path); template != "" {
		return template
	}
	if slices.Contains(plainPaths, path) {
		return path
	}
	return "other"
}
