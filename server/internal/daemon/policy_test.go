package daemon_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/daemon"
	"github.com/config-service/config-service/server/internal/settings"
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
	// What the file holds is in force before that is on record.
	waitFor(t, "the records of both reloads", func() bool { return len(r.reloads()) == 2 })
	for _, record := range r.reloads() {
		if record["decision"] != "allowed" || record["reason"] != "" || record["who"] != "" || record["level"] != "INFO" {
			t.Errorf("a reload is recorded as %v", record)
		}
	}
}

// reloads are the records of a policy that was read again.
func (r *ruled) reloads() []map[string]any {
	return slices.DeleteFunc(r.log.records(r.t, "audit"), func(record map[string]any) bool { return record["action"] != "reload-policy" })
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

// What cannot be used stops the start, with one line.
func TestPolicyAndAuditFilesThatStopTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const policy, audit = "CONFIG_POLICY_FILE", "CONFIG_AUDIT_FILE"
	for name, test := range map[string]struct {
		setting, path string
		words         []string
	}{
		"no policy file":       {policy, filepath.Join(dir, "missing"), []string{"--policy-file (CONFIG_POLICY_FILE)", "does not exist"}},
		"a policy of a folder": {policy, dir, []string{"CONFIG_POLICY_FILE", "a directory"}},
		"a bad policy":         {policy, file("bad", "rules:\n- {}\n", 0o600), []string{"--policy-file (CONFIG_POLICY_FILE), line 2: rule 1 has no who", "accepted: "}},
		"a policy of all":      {policy, file("open", "rules: []\n", 0o606), []string{"CONFIG_POLICY_FILE", "any user may write"}},
		"no audit folder":      {audit, filepath.Join(dir, "missing", "audit"), []string{"--audit-file (CONFIG_AUDIT_FILE)", "cannot be appended to", "accepted: "}},
		"an audit folder":      {audit, dir, []string{"CONFIG_AUDIT_FILE", "is a directory", "accepted: "}},
		"an audit file of all": {audit, file("loose", "", 0o602), []string{"CONFIG_AUDIT_FILE", "any user may write", "accepted: "}},
	} {
		t.Run(name, func(t *testing.T) {
			var s settings.Settings
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			s.AddFlags(flags)
			given := map[string]string{test.setting: test.path, "CONFIG_HTTP_ADDR": "unix:" + filepath.Join(dir, "http"), "CONFIG_GRPC_ADDR": "unix:" + filepath.Join(dir, "grpc"), "CONFIG_OPS_ADDR": "127.0.0.1:0"}
			if err := s.Load(flags, func(name string) (string, bool) { v, ok := given[name]; return v, ok }); err != nil {
				t.Fatal(err)
			}
			_, err := daemon.New(t.Context(), &s, slog.New(slog.DiscardHandler), "test")
			if err == nil {
				t.Fatal("the daemon starts")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v; without %q", err, word)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is not one line", err)
			}
		})
	}
}
