package gateway

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

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
	path    string // ends with a slash when a key follows
	method  string // of ConfigService
	request protoreflect.MessageDescriptor
	offers  []string // media types, the preferred one first
	allow   string   // HTTP methods
}

var (
	unaryMethods  = strings.Join([]string{http.MethodGet, http.MethodHead}, ", ")
	streamMethods = http.MethodGet
)

// routes lists every method of the contract; a test holds it against the descriptor.
var routes = []route{
	{"/v1/config/", "Get", (*configv1.GetRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON, mimeText}, unaryMethods},
	{"/v1/config", "List", (*configv1.ListRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON, mimeText}, unaryMethods},
	{"/v1/watch", "Watch", (*configv1.WatchRequest)(nil).ProtoReflect().Descriptor(), []string{mimeNDJSON, mimeSSE, mimeJSON}, streamMethods},
	{"/v1/explain/", "Explain", (*configv1.ExplainRequest)(nil).ProtoReflect().Descriptor(), []string{mimeJSON}, unaryMethods},
}

func routeOf(path string) *route {
	for i, r := range routes {
		if path == r.path || (strings.HasSuffix(r.path, "/") && strings.HasPrefix(path, r.path)) {
			return &routes[i]
		}
	}
	return nil
}

// plainPaths are the paths that are no methods of the contract.
var plainPaths = []string{"/healthz", "/readyz", "/openapi.json"}

// ContractRoute returns the template of a path that leads to a method of the contract;
// for another path it is empty.
func ContractRoute(path string) string {
	rt := routeOf(path)
	switch {
	case rt == nil:
		return ""
	case strings.HasSuffix(rt.path, "/"):
		return rt.path + "{key}"
	}
	return rt.path
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
