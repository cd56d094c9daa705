package daemon_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// ask calls and returns what REST answers, with the request id.
func (r *ruled) ask(id, path string, header ...string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(within(r.t), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", id)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.web.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// TestAudit: one record for each event that is to have one, none for the others, in a
// file of its own; and none holds a value or a token.
func TestAudit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	r := startRuled(t, "control", rules(runPayments), map[string]string{"CONFIG_AUDIT_FILE": file})
	as := func(id string) context.Context {
		return metadata.AppendToOutgoingContext(within(t), "x-request-id", id)
	}
	config, access, admin := configv1.NewConfigServiceClient(r.conn), configv1.NewAccessServiceClient(r.conn), adminv1.NewConfigAdminServiceClient(r.conn)
	const production = "production"

	// No record: what is answered, and what is only mistaken.
	for _, call := range []func(ctx context.Context) error{
		func(ctx context.Context) error { _, err := config.Get(ctx, &configv1.GetRequest{Key: "a"}); return err },
		func(ctx context.Context) error {
			_, err := config.Get(ctx, &configv1.GetRequest{Key: "absent"})
			return err
		},
		func(ctx context.Context) error {
			_, err := config.Get(ctx, &configv1.GetRequest{Key: "a..b"})
			return err
		},
		func(ctx context.Context) error {
			_, err := config.Explain(ctx, &configv1.ExplainRequest{Key: "a"})
			return err
		},
		func(ctx context.Context) error { _, err := access.WhoAmI(ctx, &configv1.WhoAmIRequest{}); return err },
		func(ctx context.Context) error {
			_, err := access.CanI(ctx, &configv1.CanIRequest{Action: configv1.Action_WRITE, Namespace: "orders", Environment: production})
			return err
		},
	} {
		_ = call(as("none")) // what it answers is tested elsewhere
	}
	r.ask("none", "/nowhere")

	// One record each.
	type fields struct{ action, method, namespace, environment, decision, reason string }
	const read, administer = "/configservice.v1.ConfigService/", "/configservice.admin.v1.ConfigAdminService/"
	want := map[string]fields{}
	_, _ = config.Get(as("get"), &configv1.GetRequest{Key: "a", Namespace: "orders", Environment: production})
	want["get"] = fields{"read", read + "Get", "orders", production, "denied", "PERMISSION_DENIED"}
	_, _ = config.List(as("list"), &configv1.ListRequest{Environment: production})
	want["list"] = fields{"read", read + "List", "payment-service", production, "denied", "PERMISSION_DENIED"}
	if w, err := config.Watch(as("watch"), &configv1.WatchRequest{Namespace: "orders"}); err == nil {
		_, _ = w.Recv()
	}
	want["watch"] = fields{"read", read + "Watch", "orders", "development", "denied", "PERMISSION_DENIED"}
	r.ask("web-get", "/v1/config/a?namespace=orders&environment=production")
	want["web-get"] = fields{"read", read + "Get", "orders", production, "denied", "PERMISSION_DENIED"}
	r.ask("web-watch", "/v1/watch?namespace=orders")
	want["web-watch"] = fields{"read", read + "Watch", "orders", "development", "denied", "PERMISSION_DENIED"}
	r.ask("web-token", "/v1/config/a", "Authorization", "Bearer "+auditCanary)
	want["web-token"] = fields{"read", read + "Get", "", "", "denied", "UNAUTHENTICATED: no usable credential: a token that is neither of the form cs_<id>_<secret> nor a JSON Web Token"}
	r.ask("host", "/v1/config/a", "Host", "evil.example")
	want["host"] = fields{"", "GET /v1/config/{key}", "", "", "denied", "by its host"}
	r.ask("origin", "/v1/watch", "Origin", "https://evil.example")
	want["origin"] = fields{"", "GET /v1/watch", "", "", "denied", "by its origin"}
	_, _ = admin.RegisterService(as("register"), &adminv1.RegisterServiceRequest{Namespace: "orders", Environment: production})
	want["register"] = fields{"administer", administer + "RegisterService", "orders", production, "denied", "PERMISSION_DENIED"}
	_, _ = admin.RotateToken(as("rotate"), &adminv1.RotateTokenRequest{Namespace: "orders", Environment: production})
	want["rotate"] = fields{"administer", administer + "RotateToken", "orders", production, "denied", "PERMISSION_DENIED"}
	_, _ = admin.RevokeService(as("revoke"), &adminv1.RevokeServiceRequest{Namespace: "orders", Environment: production})
	want["revoke"] = fields{"administer", administer + "RevokeService", "orders", production, "denied", "PERMISSION_DENIED"}
	_, _ = admin.DeleteService(as("delete"), &adminv1.DeleteServiceRequest{Namespace: "orders", Environment: production})
	want["delete"] = fields{"administer", administer + "DeleteService", "orders", production, "denied", "PERMISSION_DENIED"}
	_, _ = admin.ListServices(as("services"), &adminv1.ListServicesRequest{Namespace: "orders"})
	want["services"] = fields{"administer", administer + "ListServices", "orders", "", "denied", "PERMISSION_DENIED"}
	_, _ = admin.RegisterService(as("mine"), &adminv1.RegisterServiceRequest{Namespace: "payment-gateway", Environment: production})
	want["mine"] = fields{"administer", administer + "RegisterService", "payment-gateway", production, "", ""} // whatever comes of it

	seen := map[string]int{}
	r.Stop(t)
	for _, got := range auditFile(t, file) {
		id, _ := got["request_id"].(string)
		seen[id]++
		w, ok := want[id]
		if !ok {
			t.Errorf("there is the record %v", got)
			continue
		}
		is := fields{}
		for name, into := range map[string]*string{
			"action": &is.action, "method": &is.method, "namespace": &is.namespace, "environment": &is.environment, "decision": &is.decision, "reason": &is.reason,
		} {
			*into, _ = got[name].(string)
		}
		if w.decision == "" && (is.decision == "allowed") == (is.reason == "") && is.decision != "denied" {
			w.decision, w.reason = is.decision, is.reason
		}
		if is != w || got["msg"] != "audit" || got["level"] != "INFO" {
			t.Errorf("%s is recorded as %v, want %v", id, got, w)
		}
		who := "service:payment-service/development"
		if w.action == "" || id == "web-token" {
			who = ""
		}
		if got["who"] != who || (who != "") != (got["evidence"] != "") {
			t.Errorf("%s is recorded as of %q by %q", id, got["who"], got["evidence"])
		}
	}
	for id := range want {
		if seen[id] != 1 {
			t.Errorf("%s has %d records", id, seen[id])
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), auditCanary) {
		t.Errorf("a record holds a value or a token: %v", err)
	}
	if logged := r.log.records(t, "audit"); len(logged) != 0 {
		t.Errorf("the log has them too: %v", logged)
	}
}

func auditFile(t *testing.T, path string) (records []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

// A sidecar has no method that changes anything. Who tries one is on record.
func TestASidecarRecordsWhoTriesToAdminister(t *testing.T) {
	t.Parallel()
	var log journal
	s := servertest.Start(t, servertest.Options{Log: telemetry.NewLogger(&log, "error", "json")})
	_, err := adminv1.NewConfigAdminServiceClient(s.Conn(t)).DeleteService(within(t), &adminv1.DeleteServiceRequest{Namespace: "payment-service", Environment: "development"})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("a sidecar answers DeleteService with %v", err)
	}
	s.Stop(t)
	if r := log.records(t, "audit"); len(r) != 1 || r[0]["action"] != "administer" || r[0]["decision"] != "failed" || r[0]["reason"] != "NO_SUCH_METHOD" {
		t.Errorf("the records are %v", r)
	}
}
