package policy_test

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/emptypb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// control starts a control server, on Unix sockets, and returns a connection to it.
func control(t *testing.T) *grpc.ClientConn {
	t.Helper()
	dir := t.TempDir()
	file, socket := filepath.Join(dir, "policy.yaml"), "unix:"+filepath.Join(dir, "grpc")
	if err := os.WriteFile(file, []byte("rules: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_ROLE": "control", "CONFIG_POLICY_FILE": file, "CONFIG_GRPC_ADDR": socket, "CONFIG_HTTP_ADDR": "unix:" + filepath.Join(dir, "http"),
	}})
	conn, err := grpc.NewClient(socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func registered(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	var methods []string
	for _, service := range services(t, conn) {
		for _, m := range methodsOf(t, conn, service) {
			methods = append(methods, "/"+service+"/"+m)
		}
	}
	slices.Sort(methods)
	return methods
}

// TestEveryMethodHasARow asks running servers what they have registered, and compares
// with the table: no method without a row, no row without a method. What changes
// something is registered by the control role alone.
func TestEveryMethodHasARow(t *testing.T) {
	t.Parallel()
	all := registered(t, control(t))
	if diff := cmp.Diff(policy.Rows(), all); diff != "" {
		t.Errorf("rows (-) and methods of a control server (+):\n%s", diff)
	}
	for _, method := range all {
		got, err := policy.ActionOf(method)
		service := path.Dir(method)
		of := map[string][]policy.Action{
			"/configservice.v1.ConfigService":            {policy.Read},
			"/configservice.v1.AccessService":            {policy.Self},
			"/configservice.admin.v1.ConfigAdminService": {policy.Administer, policy.Write, policy.Inspect},
		}
		want, ours := of[service]
		if !ours {
			want = []policy.Action{policy.Public}
			if strings.HasPrefix(method, "/configservice.") {
				t.Errorf("this test does not know what methods of %s do", service)
			}
		}
		if err != nil || !slices.Contains(want, got) {
			t.Errorf("ActionOf(%s) = %s, %v, want one of %s", method, got, err, want)
		}
	}
	reading := slices.DeleteFunc(slices.Clone(all), func(m string) bool {
		a, _ := policy.ActionOf(m)
		return a == policy.Administer || a == policy.Write || a == policy.Inspect
	})
	if diff := cmp.Diff(reading, registered(t, servertest.Start(t, servertest.Options{}).Conn(t))); diff != "" {
		t.Errorf("methods that change nothing (-) and methods of a sidecar (+):\n%s", diff)
	}
}

// TestAMethodWithoutARowIsDenied calls methods that no row is for, by the table and
// over the wire.
func TestAMethodWithoutARowIsDenied(t *testing.T) {
	conn := servertest.Start(t, servertest.Options{}).Conn(t)
	for _, method := range []string{
		"/configservice.v1.ConfigService/Set",
		"/configservice.v1.ConfigService/get",
		"/configservice.v1.ConfigService/Get/",
		"/configservice.admin.v1.ConfigAdminService/Merge",
		"/grpc.health.v1.Health/Set",
		"/grpc.channelz.v1.Channelz/GetServers",
		"/x/y",
	} {
		if a, err := policy.ActionOf(method); !errors.Is(err, policy.ErrDenied) || a != 0 {
			t.Errorf("ActionOf(%q) = %d, %v, want ErrDenied", method, a, err)
		}
		err := conn.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{})
		if st := status.Convert(err); st.Code() != codes.Unimplemented || fault.ReasonOf(st) != configv1.ErrorReason_NO_SUCH_METHOD.String() {
			t.Errorf("%s answers %v", method, st)
		}
	}
	for _, method := range []string{"", "/", "Get", "configservice.v1.ConfigService/Get"} {
		if _, err := policy.ActionOf(method); !errors.Is(err, policy.ErrDenied) {
			t.Errorf("ActionOf(%q) = %v, want ErrDenied", method, err)
		}
	}
}

// ask asks one thing of a server's reflection.
func ask(t *testing.T, conn *grpc.ClientConn, req *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
	t.Helper()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(stream.Send(req), stream.CloseSend()); err != nil {
		t.Fatal(err)
	}
	resp, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func services(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	resp := ask(t, conn, &reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{ListServices: "*"},
	})
	var names []string
	for _, s := range resp.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	if !slices.Contains(names, configv1.ConfigService_ServiceDesc.ServiceName) {
		t.Fatalf("the server registers %q", names)
	}
	return names
}

func methodsOf(t *testing.T, conn *grpc.ClientConn, service string) []string {
	t.Helper()
	resp := ask(t, conn, &reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service},
	})
	var methods []string
	for _, raw := range resp.GetFileDescriptorResponse().GetFileDescriptorProto() {
		var file descriptorpb.FileDescriptorProto
		if err := proto.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		for _, s := range file.GetService() {
			if file.GetPackage()+"."+s.GetName() != service {
				continue
			}
			for _, m := range s.GetMethod() {
				methods = append(methods, m.GetName())
			}
		}
	}
	if len(methods) == 0 {
		t.Errorf("%s has no method: %v", service, resp)
	}
	return methods
}

func TestSidecarGrantsItsOwnScopeOnly(t *testing.T) {
	id := identity.Identity{Namespace: "payment-service", Environment: "production"}
	for _, test := range []struct {
		namespace, environment string
		granted                bool
	}{
		{"", "", true},
		{"payment-service", "", true},
		{"", "production", true},
		{"payment-service", "production", true},
		{"order-service", "", false},
		{"order-service", "production", false},
		{"", "development", false},
		{"payment-service", "development", false},
		{"order-service", "development", false},
		{"payment", "", false},
		{"payment-services", "", false},
		{"Payment-Service", "", false},
		{"payment-service ", "", false},
		{"_shared", "", false},
		{"_shared", "_all", false},
		{"", "_all", false},
		{"payment-service", "_all", false},
		{"production", "payment-service", false},
	} {
		g, err := policy.Sidecar(&id, policy.Read, test.namespace, test.environment)
		switch {
		case !test.granted:
			if !errors.Is(err, policy.ErrDenied) || g != (policy.Grant{}) {
				t.Errorf("Sidecar(%q, %q) = %v, %v, want ErrDenied", test.namespace, test.environment, g, err)
			}
		case err != nil || g.Namespace() != id.Namespace || g.Environment() != id.Environment:
			t.Errorf("Sidecar(%q, %q) = %v, %v, want its own scope", test.namespace, test.environment, g, err)
		}
	}
}

// TestNobodyIsGrantedNothing: an identity without a scope gets the grant that permits
// nothing, or is denied.
func TestNobodyIsGrantedNothing(t *testing.T) {
	for _, test := range [][2]string{{"", ""}, {"payment-service", "production"}} {
		if g, _ := policy.Sidecar(&identity.Identity{}, policy.Read, test[0], test[1]); g != (policy.Grant{}) {
			t.Errorf("Sidecar of nobody grants %v", g)
		}
	}
}

func TestGrantTravelsInTheContext(t *testing.T) {
	if g := policy.GrantOf(context.Background()); g != (policy.Grant{}) {
		t.Errorf("a call without a grant has %v", g)
	}
	own, err := policy.Sidecar(&identity.Identity{Namespace: "a", Environment: "b"}, policy.Read, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if g := policy.GrantOf(policy.WithGrant(context.Background(), own)); g != own {
		t.Errorf("GrantOf = %v, want %v", g, own)
	}
}
