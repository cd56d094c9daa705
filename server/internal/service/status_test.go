package service_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

const requires = `{"schema":{"required":["database","token"],"properties":{"database":{"required":["host","port"]},
	"retries":{"items":{"required":["seconds"]}},"token":{"x-sensitive":true}},"anyOf":[{"required":["either"]},{"required":["or"]}]}}`

// status asks until the schema is known: a sidecar looks at it some moments after it
// connects.
func (s *side) status(t *testing.T, want configv1.GetStatusResponse_SchemaState) *configv1.GetStatusResponse {
	t.Helper()
	ctx := deadline(t)
	for {
		resp, err := s.GetStatus(ctx, &configv1.GetStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if resp.GetSchema() == want {
			return resp
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("the schema stays %s, want %s", resp.GetSchema(), want)
		}
	}
}

func TestStatusOfASidecar(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	rawPut(t, etcd, "schemas/payment-service", requires)
	rawPut(t, etcd, "schemas/payment-service-2", `{"schema":{"required":["foreign"]}}`)
	s := start(t, servertest.Options{Etcd: etcd})
	got := s.status(t, configv1.GetStatusResponse_KNOWN)
	if want := "[database token]"; fmt.Sprint(got.GetMissingKeys()) != want {
		t.Errorf("missing %v, want %s", got.GetMissingKeys(), want)
	}
	if got.GetVersion() != "test" || got.GetRole() != "sidecar" || time.Since(got.GetTime().AsTime()).Abs() > time.Minute || got.GetState().GetNamespace() != "payment-service" {
		t.Errorf("the status is %v", got)
	}
	s.Set(t, own, "retries", `[{"seconds":1},{}]`)
	s.Set(t, own, "token", `not JSON`)
	s.settle(t, s.Set(t, own, "database.host", `"h"`))
	got = s.status(t, configv1.GetStatusResponse_KNOWN)
	// One that is unusable is there, and nobody can set a key in a list.
	if want := "[database.port]"; fmt.Sprint(got.GetMissingKeys()) != want || fmt.Sprint(got.GetInvalidKeys()) != "[token]" {
		t.Errorf("missing %v, want %s; invalid %v", got.GetMissingKeys(), want, got.GetInvalidKeys())
	}
	s.settle(t, s.Set(t, shared, "database.port", `1`))
	if got = s.status(t, configv1.GetStatusResponse_KNOWN); len(got.GetMissingKeys()) > 0 {
		t.Errorf("missing %v, and a weaker layer has it", got.GetMissingKeys())
	}
	resp, err := http.Get(s.URL + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Role, Schema string
		State        map[string]any
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Role != "sidecar" || body.Schema != "KNOWN" || body.State["revision"] == nil || resp.Header.Get("Etag") != "" {
		t.Errorf("over REST: %+v, %v, %v", body, resp.Header, err)
	}
	_, err = s.GetStatus(deadline(t), &configv1.GetStatusRequest{Namespace: "other"})
	wantFailure(t, err, codes.PermissionDenied, "PERMISSION_DENIED")
	_, err = s.GetStatus(deadline(t), &configv1.GetStatusRequest{Namespace: "_shared"})
	wantFailure(t, err, codes.InvalidArgument, "INVALID_ARGUMENT")
}

func TestStatusBeforeAnythingIsLoaded(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": servertest.FreeAddress(t)}})
	got, err := s.GetStatus(deadline(t), &configv1.GetStatusRequest{})
	if err != nil || got.GetState() != nil || got.GetSchema() != configv1.GetStatusResponse_UNKNOWN || got.GetRole() != "sidecar" || got.GetTime() == nil {
		t.Errorf("%v, %v", got, err)
	}
	resp, err := http.Get(s.URL + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("over REST: %s", resp.Status)
	}
}

func TestStatusOfManyServices(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	for role, m := range map[string]*masked{"control": startMasked(t, etcd, "control"), "shared": startMasked(t, etcd, "shared")} {
		status := func(caller, namespace string) *configv1.GetStatusResponse {
			got, err := m.config.GetStatus(m.as(deadline(t), caller), &configv1.GetStatusRequest{Namespace: namespace, Environment: "production"})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := status("reader", "nothing"); got.GetSchema() != configv1.GetStatusResponse_NONE || got.GetRole() != role {
			t.Errorf("%s: of a service without a schema: %v", role, got)
		}
		m.list(t, "keeper", rawPut(t, etcd, "schemas/pay", requires))
		for _, caller := range []string{"reader", "service"} {
			got := status(caller, "pay")
			if got.GetSchema() != configv1.GetStatusResponse_KNOWN || !slices.Equal(got.GetMissingKeys(), []string{"database", "token"}) {
				t.Errorf("%s to %s: %v", role, caller, got)
			}
			if masked := strings.Contains(got.GetState().GetEpoch(), "-m"); masked != (caller == "reader") {
				t.Errorf("%s: the epoch that %s is told is %s", role, caller, got.GetState().GetEpoch())
			}
		}
		_, err := m.config.GetStatus(m.as(deadline(t), "service"), &configv1.GetStatusRequest{Namespace: "other", Environment: "production"})
		wantFailure(t, err, codes.PermissionDenied, "PERMISSION_DENIED")
	}
}

// What a schema requires for the value of a key is judged without the value for who may not
// see it: the answer is the same whatever it is.
func TestMissingKeysTellNoValue(t *testing.T) {
	t.Parallel()
	m := startMasked(t, servertest.StartEtcd(t), "control")
	m.schema(t, `{"required":["tier","absent","limits"],"properties":{"tier":{"x-sensitive":true},"absent":{"x-sensitive":true},
		"limits":{"x-sensitive":true,"required":["high"]}},"if":{"properties":{"tier":{"const":"gold"}}},"then":{"required":["extra"]}}`)
	want := map[string]string{"gold": "[absent extra limits.high]", "tin": "[absent limits.high]"}
	for _, tier := range []string{"gold", "tin"} {
		m.list(t, "keeper", rawPut(t, m.Etcd, "entries/production/pay/limits.low", "1"))
		m.list(t, "keeper", rawPut(t, m.Etcd, "entries/production/pay/tier", `"`+tier+`"`))
		for caller, want := range map[string]string{"keeper": want[tier], "service": want[tier], "reader": "[absent extra]"} {
			got, err := m.config.GetStatus(m.as(deadline(t), caller), &configv1.GetStatusRequest{Namespace: "pay", Environment: "production"})
			if err != nil || got.GetSchema() != configv1.GetStatusResponse_KNOWN || fmt.Sprint(got.GetMissingKeys()) != want {
				t.Errorf("%s, to %s: %v, %v; want %s", tier, caller, got, err, want)
			}
		}
	}
}
