package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// methodOf is the method that takes a request.
func methodOf(req proto.Message) string {
	name := strings.TrimSuffix(string(req.ProtoReflect().Descriptor().Name()), "Request")
	service := map[string]string{"CanI": "/configservice.v1.AccessService/", "WhoAmI": "/configservice.v1.AccessService/", "Get": "/configservice.v1.ConfigService/"}[name]
	if service == "" {
		service = "/configservice.admin.v1.ConfigAdminService/"
	}
	return service + name
}

// chained sends a request through the real chain, with a policy that lets the caller
// administer in one environment that no test names, to a handler.
func chained(t *testing.T, log *journal, req proto.Message, handler grpc.UnaryHandler) error {
	t.Helper()
	rules, err := policy.Parse([]byte("rules: [{who: ['service:*/*'], may: [administer], namespaces: ['*'], environments: [elsewhere]}]"))
	if err != nil {
		t.Fatal(err)
	}
	chain := endpoint.Chain{
		Log:       telemetry.NewLogger(log, "info", "json"),
		Metrics:   telemetry.NewCalls(),
		Identify:  identity.Pin("payment-service", "development"),
		Authorize: policy.By(func() *policy.Policy { return rules }),
		Streams:   endpoint.NewStreams(10, 10),
		Answers:   endpoint.NewAnswers(1<<20, endpoint.DefaultTimes()),
	}
	_, err = chain.Unary()(t.Context(), req, &grpc.UnaryServerInfo{FullMethod: methodOf(req)}, handler)
	return err
}

// What is wrong with a request is said before anybody is asked whether it is allowed; what
// is right comes as far as the policy.
func TestAdminRequestsAreChecked(t *testing.T) {
	t.Parallel()
	const ns, env = "payment-service", "production"
	seconds := func(n int64) *durationpb.Duration { return &durationpb.Duration{Seconds: n} }
	long := strings.Repeat("a", 64)
	for _, tt := range []struct {
		req   proto.Message
		field string // empty: nothing is wrong
	}{
		{&adminv1.RegisterServiceRequest{Namespace: ns, Environment: env}, ""},
		{&adminv1.RegisterServiceRequest{}, "namespace"},
		{&adminv1.RegisterServiceRequest{Environment: env}, "namespace"},
		{&adminv1.RegisterServiceRequest{Namespace: ns}, "environment"},
		{&adminv1.RegisterServiceRequest{Namespace: "_shared", Environment: env}, "namespace"},
		{&adminv1.RegisterServiceRequest{Namespace: ns, Environment: "_all"}, "environment"},
		{&adminv1.RegisterServiceRequest{Namespace: "Payment", Environment: env}, "namespace"},
		{&adminv1.RegisterServiceRequest{Namespace: "a/b", Environment: env}, "namespace"},
		{&adminv1.RegisterServiceRequest{Namespace: "a.b", Environment: env}, "namespace"},
		{&adminv1.RegisterServiceRequest{Namespace: long, Environment: env}, "namespace"},
		{&adminv1.RegisterServiceRequest{Namespace: ns, Environment: long}, "environment"},
		{&adminv1.RotateTokenRequest{Namespace: ns, Environment: env}, ""},
		{&adminv1.RotateTokenRequest{Namespace: ns, Environment: env, Overlap: seconds(0)}, ""},
		{&adminv1.RotateTokenRequest{Namespace: ns, Environment: env, Overlap: seconds(720 * 3600)}, ""},
		{&adminv1.RotateTokenRequest{Namespace: ns, Environment: env, Overlap: &durationpb.Duration{Seconds: 720 * 3600, Nanos: 1}}, "overlap"},
		{&adminv1.RotateTokenRequest{Namespace: ns, Environment: env, Overlap: seconds(-1)}, "overlap"},
		{&adminv1.RotateTokenRequest{Namespace: ns, Environment: env, Overlap: seconds(1 << 62)}, "overlap"},
		{&adminv1.RotateTokenRequest{Namespace: ns, Environment: env, Overlap: &durationpb.Duration{Seconds: 1, Nanos: -1}}, "overlap"},
		{&adminv1.RotateTokenRequest{Namespace: ns}, "environment"},
		{&adminv1.RevokeServiceRequest{Namespace: ns, Environment: env}, ""},
		{&adminv1.RevokeServiceRequest{Environment: env}, "namespace"},
		{&adminv1.DeleteServiceRequest{Namespace: ns, Environment: env}, ""},
		{&adminv1.DeleteServiceRequest{Environment: env}, "namespace"},
		{&adminv1.DeleteServiceRequest{Namespace: ns, Environment: "_all"}, "environment"},
		{&adminv1.DeleteServiceRequest{Namespace: "_shared", AllEnvironments: true}, "namespace"},
		{&adminv1.DeleteServiceRequest{Namespace: ns}, "environment"},
		{&adminv1.DeleteServiceRequest{Namespace: ns, Environment: env, AllEnvironments: true}, "all_environments"},
		{&adminv1.ListServicesRequest{Namespace: ns, Environment: env, PageSize: 1000}, ""},
		{&adminv1.ListServicesRequest{Namespace: ns, Environment: env, PageSize: 1}, ""},
		{&adminv1.ListServicesRequest{PageSize: 1001}, "page_size"},
		{&adminv1.ListServicesRequest{PageSize: -1}, "page_size"},
		{&adminv1.ListServicesRequest{Namespace: "_shared"}, "namespace"},
		{&adminv1.ListServicesRequest{Environment: "_all"}, "environment"},
		{&adminv1.ListServicesRequest{PageToken: strings.Repeat("a", 513)}, "page_token"},
		{&configv1.CanIRequest{}, "action"},
		{&configv1.CanIRequest{Action: 5}, "action"},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "_all"}, "namespace"},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Environment: "_shared"}, "environment"},
	} {
		err := chained(t, &journal{}, tt.req, func(context.Context, any) (any, error) {
			t.Errorf("%s{%v} reaches its handler", methodOf(tt.req), tt.req)
			return nil, nil
		})
		got := refusalOf(err)
		if tt.field == "" && got.code != codes.PermissionDenied {
			t.Errorf("%s{%v} is answered %v", methodOf(tt.req), tt.req, err)
		}
		if tt.field != "" && (got.code != codes.InvalidArgument || !slices.Equal(got.fields, []string{tt.field}) || !strings.Contains(got.message, "accepted: ")) {
			t.Errorf("%s{%v} is answered %v, want the field %s", methodOf(tt.req), tt.req, err, tt.field)
		}
	}
	// What is open, or about the caller itself, comes to its handler.
	for _, req := range []proto.Message{
		&adminv1.ListServicesRequest{}, &adminv1.DeleteServiceRequest{Namespace: ns, AllEnvironments: true}, &configv1.WhoAmIRequest{},
		&configv1.CanIRequest{Action: configv1.Action_READ_SENSITIVE, Namespace: "_shared", Environment: "_all"},
	} {
		arrived := false
		if err := chained(t, &journal{}, req, func(context.Context, any) (any, error) { arrived = true; return req, nil }); err != nil || !arrived {
			t.Errorf("%s{%v} is answered %v", methodOf(req), req, err)
		}
	}
}

// Who waits for the store has a deadline of the server's; who is answered from memory
// needs none.
func TestAdminCallsHaveADeadline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		req   proto.Message
		waits bool
	}{
		{&adminv1.ListServicesRequest{}, true},
		{&adminv1.DeleteServiceRequest{Namespace: "a", AllEnvironments: true}, true},
		{&configv1.WhoAmIRequest{}, false},
		{&configv1.GetRequest{Key: "a"}, false},
		{&configv1.GetRequest{Key: "a", MinRevision: 1}, true},
	} {
		err := chained(t, &journal{}, tt.req, func(ctx context.Context, _ any) (any, error) {
			at, ok := ctx.Deadline()
			if ok != tt.waits || (ok && time.Until(at) > 10*time.Second) {
				t.Errorf("%s{%v} has the deadline %v", methodOf(tt.req), tt.req, at)
			}
			return tt.req, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// A handler that finds out late that a scope is not the caller's refuses it with the words
// that all refusals have.
func TestRefusalsHaveOneForm(t *testing.T) {
	t.Parallel()
	late := chained(t, &journal{}, &adminv1.DeleteServiceRequest{Namespace: "a", AllEnvironments: true}, func(context.Context, any) (any, error) {
		return nil, fmt.Errorf("a/production: %w", policy.ErrDenied)
	})
	early := chained(t, &journal{}, &adminv1.DeleteServiceRequest{Namespace: "a", Environment: "production"}, nil)
	if refusalOf(late).code != codes.PermissionDenied || refusalOf(late).raw != refusalOf(early).raw {
		t.Errorf("late %v, early %v", late, early)
	}
}

// What stands behind a failure of the store is in the log, once and under the request's
// id, and not in the answer.
func TestCausesAreLogged(t *testing.T) {
	t.Parallel()
	log := &journal{}
	err := chained(t, log, &adminv1.ListServicesRequest{}, func(context.Context, any) (any, error) {
		f := fault.New(configv1.ErrorReason_STORE_UNAVAILABLE, "the store does not answer")
		f.Cause = errors.New("dial 10.1.2.3:2379")
		return nil, f
	})
	if got := refusalOf(err); got.code != codes.Unavailable || strings.Contains(got.raw, "10.1.2.3") {
		t.Errorf("answered %v", err)
	}
	text := log.text()
	if strings.Count(text, "dial 10.1.2.3:2379") != 1 || !strings.Contains(text, `"request_id":"`) || !strings.Contains(text, "STORE_UNAVAILABLE") {
		t.Errorf("the log says\n%s", text)
	}
}
