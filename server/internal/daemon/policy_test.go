package daemon_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// auditCanary stands in values, and in tokens that callers bring: it is in no record.
const auditCanary = "CANARY-a41c"

// ruled is a server with a policy file, on Unix sockets, where this process calls as
// payment-service in development.
type ruled struct {
	*servertest.Server
	t      *testing.T
	policy string
	log    *journal
	conn   *grpc.ClientConn
	web    *http.Client
}

// rules is a policy file with rules beside what says who this process is.
func rules(of ...string) string {
	text := fmt.Sprintf("identities:\n- {uid: %d, service: payment-service, environment: development}\nrules:\n", os.Geteuid())
	if len(of) == 0 {
		return strings.TrimSuffix(text, "\n") + " []\n"
	}
	return text + "- " + strings.Join(of, "\n- ") + "\n"
}

const (
	readOrders  = `{who: ["service:payment-service/development"], may: [read], namespaces: ["orders"], environments: ["production"]}`
	runPayments = `{who: ["service:payment-service/*"], may: [administer], namespaces: ["payment-*"], environments: ["*"]}`
)

func startRuled(t *testing.T, role, policy string, settings map[string]string) *ruled {
	t.Helper()
	dir := t.TempDir()
	r := &ruled{t: t, policy: filepath.Join(dir, "policy.yaml"), log: &journal{}}
	if err := os.WriteFile(r.policy, []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	rpc, rest := filepath.Join(dir, "rpc"), filepath.Join(dir, "rest")
	all := map[string]string{
		"CONFIG_ROLE": role, "CONFIG_POLICY_FILE": r.policy, "CONFIG_GRPC_ADDR": "unix:" + rpc, "CONFIG_HTTP_ADDR": "unix:" + rest,
	}
	for name, value := range settings {
		all[name] = value
	}
	r.Server = servertest.Start(t, servertest.Options{Log: telemetry.NewLogger(r.log, "warn", "json"), Settings: all})
	var err error
	if r.conn, err = grpc.NewClient("unix:"+rpc, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	r.web = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", rest)
	}}}
	t.Cleanup(func() {
		_ = r.conn.Close() // the test is over
		r.web.CloseIdleConnections()
	})
	for _, ns := range []string{"orders", "payment-service"} {
		r.Etcd.Commit(t, servertest.Write{Namespace: ns, Environment: "production", Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: "a", JSON: `"` + auditCanary + `"`})
	}
	revision := r.Etcd.Commit(t, servertest.Write{Namespace: "payment-service", Environment: "development", Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: "a", JSON: `"` + auditCanary + `"`})
	if _, err := configv1.NewConfigServiceClient(r.conn).List(within(t), &configv1.ListRequest{MinRevision: revision}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *ruled) readOrders() codes.Code {
	_, err := configv1.NewConfigServiceClient(r.conn).Get(within(r.t), &configv1.GetRequest{Key: "a", Namespace: "orders", Environment: "production"})
	return status.Code(err)
}

// waitFor waits for what a change of a file brings, and returns how long that took.
func waitFor(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	until(within(t), t, what, is)
	return time.Since(began)
}

// watchOrders opens a Watch of the other scope, over each transport, and returns what
// delivers the text that each ended with.
func (r *ruled) watchOrders() map[string]<-chan string {
	r.t.Helper()
	out := map[string]<-chan string{}
	w, err := configv1.NewConfigServiceClient(r.conn).Watch(within(r.t), &configv1.WatchRequest{Namespace: "orders", Environment: "production"})
	if err != nil {
		r.t.Fatal(err)
	}
	if m, err := w.Recv(); err != nil || len(m.GetSnapshot().GetEntries()) != 1 {
		r.t.Fatalf("the Watch begins with %v, %v", m, err)
	}
	ended := make(chan string, 1)
	out["gRPC"] = ended
	go func() {
		for {
			if _, err := w.Recv(); err != nil {
				ended <- status.Convert(err).Proto().String()
				return
			}
		}
	}()
	for name, accept := range map[string]string{"NDJSON": "application/x-ndjson", "SSE": "text/event-stream"} {
		req, err := http.NewRequestWithContext(within(r.t), http.MethodGet, "http://localhost/v1/watch?namespace=orders&environment=production", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		resp, err := r.web.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			r.t.Fatalf("%v, %v", resp, err)
		}
		ended := make(chan string, 1)
		out[name] = ended
		go func() {
			defer resp.Body.Close()
			last := ""
			for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
				if lines.Text() != "" {
					last = lines.Text()
				}
			}
			ended <- last
		}()
	}
	return out
}

// A rule is in force soon after it is written, and out of force soon after it is taken
// out: also for a Watch that is open.
func TestRulesComeAndGo(t *testing.T) {
	t.Parallel()
	r := startRuled(t, "shared", rules(), nil)
	if code := r.readOrders(); code != codes.PermissionDenied {
		t.Fatalf("without a rule another scope is answered %s", code)
	}
	swap(t, r.policy, rules(readOrders))
	t.Logf("FIGURES grant_appears=%s", waitFor(t, "the rule", func() bool { return r.readOrders() == codes.OK }))

	streams := r.watchOrders()
	own, err := configv1.NewConfigServiceClient(r.conn).Watch(within(t), &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own.Recv(); err != nil {
		t.Fatal(err)
	}
	swap(t, r.policy, rules())
	began := time.Now()
	for name, ended := range streams {
		select {
		case last := <-ended:
			t.Logf("FIGURES watch_closed{%s}=%s", name, time.Since(began).Round(time.Millisecond))
			if !strings.Contains(last, "PERMISSION_DENIED") || strings.Contains(last, auditCanary) {
				t.Errorf("%s ends with %s", name, last)
			}
		case <-time.After(patience):
			t.Fatalf("the Watch over %s goes on", name)
		}
	}
	if code := r.readOrders(); code != codes.PermissionDenied {
		t.Errorf("after the rule is gone another scope is answered %s", code)
	}
	r.Set(t, configv1.Layer_SERVICE_ENVIRONMENT, "a", "1")
	for {
		m, err := own.Recv()
		if err != nil {
			t.Fatalf("the Watch of its own scope ended: %v", err)
		}
		if m.GetDelta() != nil {
			break
		}
	}
	reloads := 0
	for _, record := range r.log.records(t, "audit") {
		if record["action"] == "reload-policy" {
			reloads++
			if record["decision"] != "allowed" || record["reason"] != "" || record["who"] != "" || record["level"] != "INFO" {
				t.Errorf("a reload is recorded as %v", record)
			}
		}
	}
	if reloads != 2 {
		t.Errorf("2 reloads make %d records", reloads)
	}
}

// A file that went bad is said, by every means, and changes nothing.
func TestABadPolicyKeepsTheGoodOne(t *testing.T) {
	t.Parallel()
	r := startRuled(t, "shared", rules(readOrders), nil)
	streams := r.watchOrders()
	good := func(want string) func() bool {
		return func() bool { return value(t, r.Server, `configservice_files_good{files="policy"}`) == want }
	}
	if !good("1")() {
		t.Error("at the start the policy is not good")
	}
	for i, bad := range []string{"rules: [oops", rules(`{who: ["user:a"], may: [fly], namespaces: ["a"], environments: ["b"]}`)} {
		swap(t, r.policy, bad)
		waitFor(t, "the alarm", func() bool { return good("0")() && len(r.log.records(t, "audit")) == i+1 })
	}
	if err := os.Remove(r.policy); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the alarm of a file that is gone", func() bool { return len(r.log.records(t, "audit")) == 3 })
	if code := r.readOrders(); code != codes.OK {
		t.Errorf("while the file is bad what it held before is not in use: %s", code)
	}
	for name, ended := range streams {
		select {
		case last := <-ended:
			t.Errorf("the Watch over %s ended with %s", name, last)
		default:
		}
	}
	for i, word := range []string{"line 1: is no YAML", `line 4: may of rule 1 has "fly"`, "does not exist"} {
		record := r.log.records(t, "audit")[i]
		reason, _ := record["reason"].(string)
		if record["decision"] != "failed" || !strings.Contains(reason, word) || !strings.Contains(reason, "--policy-file (CONFIG_POLICY_FILE)") || strings.Contains(reason, "\n") {
			t.Errorf("a refused file is recorded as %v; want %q", record, word)
		}
	}
	if lines := r.log.records(t, "a file cannot be used"); len(lines) != 3 || lines[0]["level"] != "ERROR" {
		t.Errorf("the log says %v", lines)
	}
	swap(t, r.policy, rules())
	waitFor(t, "the good file", good("1"))
	waitFor(t, "the end of the rule", func() bool { return r.readOrders() == codes.PermissionDenied })
	for _, ended := range streams {
		<-ended
	}
}

// What anybody may write does not say who may do what.
func TestAPolicyThatAnybodyMayWriteIsRefused(t *testing.T) {
	t.Parallel()
	r := startRuled(t, "shared", rules(), nil)
	if err := os.Chmod(r.policy, 0o666); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the alarm", func() bool { return value(t, r.Server, `configservice_files_good{files="policy"}`) == "0" })
	if lines := r.log.records(t, "which any user may"); len(lines) != 0 {
		t.Errorf("that any user may read it is said: %v", lines)
	}
}

// ask calls and returns what REST answers, with the request id.
func (r *ruled) ask(id, path string, header ...string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(within(r.t), http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", id)
	req.Header.Set("Authorization", "Bearer "+auditCanary)
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
		if w.action == "" {
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
