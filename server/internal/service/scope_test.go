package service_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/config-service/config-service/server/servertest"
)

// A foreign scope is refused the same way whether it exists or not, down to the byte:
// nobody learns by asking.
func TestForeignScopes(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.settle(t, s.Etcd.Commit(t,
		servertest.Write{Namespace: "exists", Environment: "development", Layer: own, Key: "a", JSON: `"canary"`},
		servertest.Write{Namespace: "payment-service", Environment: "production", Layer: own, Key: "a", JSON: `"canary"`},
	))
	loading := start(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1"}})
	var same []byte
	for _, scope := range [][2]string{
		{"exists", ""}, {"exists", "development"}, {"exists", "production"}, {"absent", ""}, {"absent", "absent"},
		{"payment-service", "production"}, {"", "production"}, {"", "absent"}, {"payment", ""}, {"payment-service2", ""}, {"shared", ""}, {"all", "all"},
	} {
		for _, server := range []*side{s, loading} {
			for method, err := range server.everyMethod(deadline(t), scope[0], scope[1]) {
				wantFailure(t, err, codes.PermissionDenied, "PERMISSION_DENIED")
				raw, errMarshal := proto.MarshalOptions{Deterministic: true}.Marshal(status.Convert(err).Proto())
				if errMarshal != nil {
					t.Fatal(errMarshal)
				}
				if same == nil {
					same = raw
				}
				if !bytes.Equal(raw, same) {
					t.Errorf("%s of %q is refused with %q, another with %q", method, scope, raw, same)
				}
			}
		}
	}
	if bytes.Contains(same, []byte("canary")) || bytes.Contains(same, []byte("exists")) {
		t.Errorf("the refusal says %q", same)
	}
}

// The reserved names are layers under every service, and nobody's to ask for.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.settle(t, s.Set(t, shared, "a", `"canary"`))
	for field, scope := range map[string][2]string{
		"namespace":   {"_shared", ""},
		"environment": {"", "_all"},
	} {
		for method, err := range s.everyMethod(deadline(t), scope[0], scope[1]) {
			f := wantFailure(t, err, codes.InvalidArgument, "INVALID_ARGUMENT")
			if !slices.Equal(f.fields, []string{field}) || strings.Contains(f.message, "canary") {
				t.Errorf("%s of %q: %v", method, scope, f)
			}
		}
	}
	if f := failureOf(t, s.everyMethod(deadline(t), "_shared", "_all")["Get"]); f.code != codes.InvalidArgument {
		t.Errorf("both: %v", f)
	}
}

// Until a configuration is loaded nothing is answered: least of all that it is empty.
func TestNothingLoaded(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1"}})
	for method, err := range s.everyMethod(deadline(t), "", "") {
		f := wantFailure(t, err, codes.Unavailable, "NOT_READY")
		if !strings.Contains(f.message, "no configuration is loaded") || strings.Contains(f.message, "127.0.0.1") {
			t.Errorf("%s: the message is %q", method, f.message)
		}
	}
}
