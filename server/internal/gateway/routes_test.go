package gateway

import (
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// services are those of the contract.
func services() []protoreflect.ServiceDescriptor {
	var out []protoreflect.ServiceDescriptor
	for _, file := range []protoreflect.FileDescriptor{
		configv1.File_configservice_v1_config_service_proto, configv1.File_configservice_v1_access_service_proto,
		adminv1.File_configservice_admin_v1_config_admin_service_proto,
	} {
		for i := range file.Services().Len() {
			out = append(out, file.Services().Get(i))
		}
	}
	return out
}

// The table of routes is written by hand. It has to say what the contract says: every
// method once, at the path of gateway.yaml, with the request of the descriptor.
func TestRoutesAreThoseOfTheContract(t *testing.T) {
	mapping, err := os.ReadFile("../../../proto/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{} // by full name of the method, with its verb
	rule := regexp.MustCompile(`selector: (configservice\.\S+)\s+(get|post): (\S+)`)
	for _, m := range rule.FindAllStringSubmatch(string(mapping), -1) {
		paths[m[1]] = m[2] + " " + strings.TrimSuffix(m[3], "{key=**}")
	}
	byMethod := map[string]route{}
	for _, r := range routes {
		name := r.service + "." + r.method
		if _, twice := byMethod[name]; twice {
			t.Errorf("method %s has two routes", name)
		}
		byMethod[name] = r
	}
	count := 0
	for _, service := range services() {
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			name := string(m.FullName())
			r, ok := byMethod[name]
			delete(byMethod, name)
			count++
			if !ok {
				t.Errorf("method %s has no route", name)
				continue
			}
			verb, allow := "get ", unaryMethods
			switch {
			case r.takesBody():
				verb, allow = "post ", bodyMethods
			case m.IsStreamingServer():
				allow = streamMethods
			}
			if r.streams() != m.IsStreamingServer() {
				t.Errorf("%s: streams is %t", name, r.streams())
			}
			if verb+r.path() != paths[name] {
				t.Errorf("%s: %q, in gateway.yaml %q", name, verb+r.path(), paths[name])
			}
			if r.request != m.Input() {
				t.Errorf("%s: request %s, in the contract %s", name, r.request.FullName(), m.Input().FullName())
			}
			if r.allow != allow {
				t.Errorf("%s: allows %q, want %q", name, r.allow, allow)
			}
			if ContractRoute(strings.TrimSuffix(r.path(), "/")+map[bool]string{true: "/a"}[strings.HasSuffix(r.path(), "/")]) != r.template {
				t.Errorf("%s: the path does not lead to its route", name)
			}
		}
	}
	for name := range byMethod {
		t.Errorf("the route of %s has no method", name)
	}
	if len(paths) != count {
		t.Errorf("gateway.yaml has %d rules for %d methods", len(paths), count)
	}
}

// The methods that pass the interceptors are written by hand, too: each has to be there,
// and to pass under its own name.
func TestEveryUnaryMethodIsChained(t *testing.T) {
	passed := ""
	chain := func(_ context.Context, _ any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
		passed = info.FullMethod
		return nil, errors.New("far enough")
	}
	behind := map[string]any{
		configService: &chained{service: &configv1.UnimplementedConfigServiceServer{}, interceptor: chain},
		accessService: &chainedAccess{service: &configv1.UnimplementedAccessServiceServer{}, interceptor: chain},
		adminService:  &chainedAdmin{service: &adminv1.UnimplementedConfigAdminServiceServer{}, interceptor: chain},
	}
	for _, service := range services() {
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			if m.IsStreamingServer() {
				continue
			}
			passed = ""
			method := reflect.ValueOf(behind[string(service.FullName())]).MethodByName(string(m.Name()))
			method.Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.New(method.Type().In(1).Elem())})
			if want := "/" + string(service.FullName()) + "/" + string(m.Name()); passed != want {
				t.Errorf("%s passes the interceptors as %q", want, passed)
			}
		}
	}
}

// Each media type that is offered has to have a form.
func TestEveryOfferHasAForm(t *testing.T) {
	known := map[string]bool{mimeJSON: true, mimeText: true, mimeNDJSON: true, mimeSSE: true}
	for _, r := range routes {
		for _, offer := range r.offers {
			if !known[offer] {
				t.Errorf("%s offers %s, which has no form", r.method, offer)
			}
		}
	}
}
