package daemon_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

func TestWhoAmIInASidecar(t *testing.T) {
	t.Parallel()
	client := configv1.NewAccessServiceClient(servertest.Start(t, servertest.Options{}).Conn(t))
	got, err := client.WhoAmI(within(t), &configv1.WhoAmIRequest{})
	want := &configv1.WhoAmIResponse{Role: "sidecar", Identity: &configv1.Identity{
		Name: "service:payment-service/development", Namespace: "payment-service", Environment: "development", Evidence: configv1.Identity_LOCAL,
	}}
	if err != nil || !proto.Equal(got, want) {
		t.Errorf("a sidecar answers %v, %v", got, err)
	}
	for _, test := range []struct {
		ask     *configv1.CanIRequest
		allowed bool
		reason  string
	}{
		{&configv1.CanIRequest{Action: configv1.Action_READ}, true, "its own configuration"},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "payment-service", Environment: "development"}, true, "its own"},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Environment: "production"}, false, "sidecar"},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "_shared", Environment: "_all"}, false, "sidecar"},
		{&configv1.CanIRequest{Action: configv1.Action_WRITE}, false, "sidecar"},
		{&configv1.CanIRequest{Action: configv1.Action_ADMINISTER, Namespace: "a", Environment: "b"}, false, "sidecar"},
		{&configv1.CanIRequest{Action: configv1.Action_READ_SENSITIVE}, false, "sidecar"},
	} {
		if got, err := client.CanI(within(t), test.ask); err != nil || got.GetAllowed() != test.allowed || !strings.Contains(got.GetReason(), test.reason) {
			t.Errorf("%v is answered %v, %v", test.ask, got, err)
		}
	}
}

func TestCanIByRule(t *testing.T) {
	t.Parallel()
	r := startRuled(t, "shared", rules(readOrders, runPayments), nil)
	client := configv1.NewAccessServiceClient(r.conn)
	who, err := client.WhoAmI(within(t), &configv1.WhoAmIRequest{})
	if err != nil || who.GetRole() != "shared" || who.GetIdentity().GetName() != "service:payment-service/development" {
		t.Errorf("a shared server answers %v, %v", who, err)
	}
	for _, test := range []struct {
		ask     *configv1.CanIRequest
		allowed bool
		reason  string
	}{
		{&configv1.CanIRequest{Action: configv1.Action_READ}, true, "every service reads its own configuration"},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "orders", Environment: "production"}, true, "rule 1 of the policy file allows it"},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "orders"}, false, "no rule of the policy file allows it"},
		{&configv1.CanIRequest{Action: configv1.Action_ADMINISTER}, true, "rule 2 of the policy file allows it"},
		{&configv1.CanIRequest{Action: configv1.Action_ADMINISTER, Environment: "_all"}, true, "rule 2 of the policy file allows it"},
		{&configv1.CanIRequest{Action: configv1.Action_ADMINISTER, Namespace: "_shared", Environment: "_all"}, false, "no rule"},
		{&configv1.CanIRequest{Action: configv1.Action_WRITE}, false, "no rule"},
	} {
		if got, err := client.CanI(within(t), test.ask); err != nil || got.GetAllowed() != test.allowed || got.GetReason() != test.reason && test.allowed || !strings.Contains(got.GetReason(), test.reason) {
			t.Errorf("%v is answered %v, %v", test.ask, got, err)
		}
	}
	for _, test := range []struct {
		ask   *configv1.CanIRequest
		words []string
	}{
		{&configv1.CanIRequest{}, []string{"action is missing", "accepted: READ, WRITE, ADMINISTER, READ_SENSITIVE"}},
		{&configv1.CanIRequest{Action: 9}, []string{"action is 9", "accepted: READ"}},
		{&configv1.CanIRequest{Action: -1}, []string{"action is -1", "accepted: READ"}},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "_all"}, []string{"namespace", `"_all"`, "_shared"}},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Environment: "_shared"}, []string{"environment", `"_shared"`, "_all"}},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "a/b"}, []string{"namespace", `"a/b"`}},
		{&configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "*"}, []string{"namespace", `"*"`}},
	} {
		_, err := client.CanI(within(t), test.ask)
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v is answered %v", test.ask, err)
		}
		for _, word := range test.words {
			if !strings.Contains(status.Convert(err).Message(), word) {
				t.Errorf("%v is answered %v; without %q", test.ask, err, word)
			}
		}
	}
	// A message that is none.
	if err := r.conn.Invoke(within(t), configv1.AccessService_WhoAmI_FullMethodName, []byte{0xff, 0xff}, new([]byte), grpc.ForceCodecV2(rawCodec{})); status.Code(err) != codes.InvalidArgument {
		t.Errorf("what cannot be decoded is answered %v", err)
	}
}

// rawCodec sends and takes messages as the bytes they are.
type rawCodec struct{}

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func (rawCodec) Name() string { return "proto" }
