package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// guarded is a control server whose policy protects production, for the users editor, who
// may do everything, and narrow, who may write what all have in common and read pay alone.
type guarded struct {
	*servertest.Server
	adminv1.ConfigAdminServiceClient
	t      *testing.T
	policy string
	audit  string
	tokens map[string]string
}

const guardedRules = `rules:
  - {who: ["user:editor"], may: [read, write, read-sensitive], namespaces: ["*"], environments: ["*"]}
  - {who: ["user:narrow"], may: [write], namespaces: ["_shared", "pay"], environments: ["*"]}
  - {who: ["user:narrow"], may: [read], namespaces: ["pay"], environments: ["production", "test"]}
`

const guardsProduction = "protected:\n  - {namespaces: [\"*\"], environments: [production], message: 12}\n"

func startGuarded(t *testing.T) *guarded {
	t.Helper()
	dir := t.TempDir()
	g := &guarded{t: t, policy: filepath.Join(dir, "policy.yaml"), audit: filepath.Join(dir, "audit.jsonl"), tokens: map[string]string{}}
	tokens := ""
	for _, name := range []string{"editor", "narrow"} {
		g.tokens[name] = "cs_test" + name + "_abcdefghijklmnopqrstuvwxyz"
		tokens += fmt.Sprintf("- {id: test%s, digest: \"sha256:%x\", user: %s}\n", name, sha256.Sum256([]byte(g.tokens[name])), name)
	}
	g.write(g.policy, guardedRules+guardsProduction)
	g.write(filepath.Join(dir, "tokens.yaml"), tokens)
	g.Server = servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_ROLE": "control", "CONFIG_POLICY_FILE": g.policy, "CONFIG_TOKENS_FILE": filepath.Join(dir, "tokens.yaml"), "CONFIG_AUDIT_FILE": g.audit,
	}})
	g.ConfigAdminServiceClient = adminv1.NewConfigAdminServiceClient(g.Conn(t))
	return g
}

func (g *guarded) write(path, text string) {
	g.t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guarded) as(name string) context.Context {
	return metadata.AppendToOutgoingContext(deadline(g.t), "authorization", "Bearer "+g.tokens[name])
}

func (g *guarded) plan(name string, req *adminv1.CommitRequest) *adminv1.CommitResponse {
	g.t.Helper()
	dry := proto.CloneOf(req)
	dry.DryRun = true
	out, err := g.Commit(g.as(name), dry)
	if err != nil {
		g.t.Fatal(err)
	}
	return out
}

// agree commits with all risks accepted.
func (g *guarded) agree(req *adminv1.CommitRequest) {
	g.t.Helper()
	plan := g.plan("editor", req)
	req.PlanHash, req.AcceptedRisks = plan.GetPlanHash(), needs(plan.GetFindings())
	if _, err := g.Commit(g.as("editor"), req); err != nil {
		g.t.Fatal(err)
	}
}

// post asks over REST.
func (g *guarded) post(method, body string) (int, map[string]any) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(deadline(g.t), http.MethodPost, g.URL+"/v1/admin/"+method, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+g.tokens["editor"])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		g.t.Fatalf("%s: %v", raw, err)
	}
	return resp.StatusCode, out
}

func needs(findings []*adminv1.Finding) (kinds []adminv1.Finding_Kind) {
	for _, f := range findings {
		if f.GetNeedsAcceptance() && !slices.Contains(kinds, f.GetKind()) {
			kinds = append(kinds, f.GetKind())
		}
	}
	slices.Sort(kinds)
	return kinds
}

func why(message string, req *adminv1.CommitRequest) *adminv1.CommitRequest {
	req.Message = message
	return req
}

func fieldOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			return bad.GetFieldViolations()[0].GetField()
		}
	}
	return ""
}

func TestRisksOfAProtectedEnvironmentAreAccepted(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	var many, gone []*adminv1.Change
	for i := range 60 {
		key := fmt.Sprintf("some.rather-long-name-of-a-key-that-goes.%d", i)
		many, gone = append(many, set(key, i)), append(gone, unset(key))
	}
	many = append(many, set("pool", 5))
	gone = append(gone, set("pool", "five"))
	_, err := g.Commit(g.as("editor"), why("too short", in("pay", "production", many...)))
	refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, "message has 9 characters; accepted: why this is done, typed by hand in at least 12 characters")
	if fieldOf(err) != "message" {
		t.Errorf("the field is %s", fieldOf(err))
	}
	g.agree(why("the first version", in("pay", "production", many...)))

	req := why("all of it goes", in("pay", "production", gone...))
	plan := g.plan("editor", req)
	if got := fmt.Sprint(needs(plan.GetFindings())); got != "[REMOVED TYPE_CHANGED MANY_KEYS]" {
		t.Errorf("the plan needs %s", got)
	}
	_, err = g.Commit(g.as("editor"), req)
	refusedAs(t, err, codes.FailedPrecondition, configv1.ErrorReason_RISK_NOT_ACCEPTED, "REMOVED, TYPE_CHANGED, MANY_KEYS", "nothing was done")
	named := violationsOf(err)
	for _, want := range []string{"pay/production/some.rather-long-name-of-a-key-that-goes.0 REMOVED", "pay/production/pool TYPE_CHANGED", "pay/production/ MANY_KEYS"} {
		if !slices.Contains(named, want) {
			t.Errorf("%v lacks %s", named, want)
		}
	}
	if size := proto.Size(status.Convert(err).Proto()); size > 4<<10 || len(named) < 10 {
		t.Errorf("an error of %d bytes names %d", size, len(named))
	}
	req.PlanHash = plan.GetPlanHash()
	req.AcceptedRisks = []adminv1.Finding_Kind{adminv1.Finding_MANY_KEYS, adminv1.Finding_REMOVED}
	_, err = g.Commit(g.as("editor"), req)
	refusedAs(t, err, codes.FailedPrecondition, configv1.ErrorReason_RISK_NOT_ACCEPTED, "not accepted: TYPE_CHANGED;")
	req.AcceptedRisks = append(req.AcceptedRisks, adminv1.Finding_TYPE_CHANGED)
	if _, err = g.Commit(g.as("editor"), req); err != nil {
		t.Error(err)
	}

	// A rollback is told of everything, too.
	back := &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 1, DryRun: true}
	plan2, err := g.Rollback(g.as("editor"), back)
	if err != nil || fmt.Sprint(needs(plan2.GetFindings())) != "[TYPE_CHANGED MANY_KEYS]" || plan2.GetAffectedServiceCount() != 1 || plan2.GetAffectedServices()[0].GetKeys() != 61 {
		t.Fatalf("%v, %v", plan2, err)
	}
	back.DryRun, back.PlanHash, back.AcceptedRisks = false, plan2.GetPlanHash(), needs(plan2.GetFindings())
	_, err = g.Rollback(g.as("editor"), back)
	refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, "message is not given")
	back.Message = "it was better before"
	if _, err = g.Rollback(g.as("editor"), back); err != nil {
		t.Error(err)
	}
}

func TestAcceptedRisksAreHeldAgainstThePlan(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	g.agree(why("the first version", in("pay", "production", set("a", 1))))
	const removed, hidden = adminv1.Finding_REMOVED, adminv1.Finding_HIDDEN
	for name, c := range map[string]struct {
		accepted []adminv1.Finding_Kind
		hash     string
		field    string
		words    string
	}{
		"without a plan":   {[]adminv1.Finding_Kind{removed}, "", "accepted_risks", "without plan_hash"},
		"unknown":          {[]adminv1.Finding_Kind{removed, 99}, "x", "accepted_risks[1]", "is 99, which is no kind"},
		"unspecified":      {[]adminv1.Finding_Kind{0}, "x", "accepted_risks[0]", "is 0, which is no kind"},
		"twice":            {[]adminv1.Finding_Kind{removed, removed}, "x", "accepted_risks[1]", "is REMOVED again"},
		"more than needed": {[]adminv1.Finding_Kind{removed, hidden}, "plan", "accepted_risks", "does not need"},
		"never accepted":   {[]adminv1.Finding_Kind{removed, adminv1.Finding_CONFLICT}, "plan", "accepted_risks", "does not need"},
	} {
		t.Run(name, func(t *testing.T) {
			req := why("a goes now, at last", in("pay", "production", unset("a")))
			if req.PlanHash = c.hash; c.hash == "plan" {
				req.PlanHash = g.plan("editor", req).GetPlanHash()
			}
			req.AcceptedRisks = c.accepted
			_, err := g.Commit(g.as("editor"), req)
			refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, c.words)
			if fieldOf(err) != c.field {
				t.Errorf("the field is %s, want %s", fieldOf(err), c.field)
			}
		})
	}
}

// TestAPolicyThatChangesCountsAtOnce: a commit is judged by the policy of its own moment.
func TestAPolicyThatChangesCountsAtOnce(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	short := func(i int) error {
		_, err := g.Commit(g.as("editor"), why("short", in("pay", "production", set("a", i))))
		return err
	}
	until := func(what string, is func(error) bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			err := short(i)
			if is(err) {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	refused := func(err error) bool { return fieldOf(err) == "message" }
	until("protected", refused)
	g.write(g.policy, guardedRules)
	until("not any more", func(err error) bool { return err == nil })
	plan := g.plan("editor", in("pay", "production", unset("a"))) // the key of the last round
	if len(needs(plan.GetFindings())) > 0 || len(plan.GetFindings()) != 1 {
		t.Errorf("the plan: %v", plan)
	}
	g.write(g.policy, guardedRules+guardsProduction)
	until("again", refused)
	req := why("a goes now, at last", in("pay", "production", unset("a")))
	req.PlanHash = plan.GetPlanHash() // of when nothing had to be accepted
	_, err := g.Commit(g.as("editor"), req)
	refusedAs(t, err, codes.Aborted, configv1.ErrorReason_VERSION_CONFLICT, "not what was planned")
}

// TestOnlyWhatACallerMayReadIsNamed: who may write for everybody is told how many there are,
// and not who.
func TestOnlyWhatACallerMayReadIsNamed(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	for _, where := range [][2]string{{"pay", "production"}, {"pay", "test"}, {"pay", "secret-environment"}, {"secret-service", "production"}, {"own", "test"}} {
		g.agree(why("a first "+where[0]+where[1], in(where[0], where[1], set("x", 1))))
	}
	g.agree(why("own has it itself", in("own", "test", set("shared", 1))))
	req := in("_shared", "_all", set("shared", 5), set("shared2", 6))
	text := func(r *adminv1.CommitResponse) (out []string) {
		for _, s := range r.GetAffectedServices() {
			out = append(out, fmt.Sprintf("%s/%s %d", s.GetNamespace(), s.GetEnvironment(), s.GetKeys()))
		}
		return append(out, fmt.Sprint(r.GetAffectedServiceCount()))
	}
	all := g.plan("editor", req)
	if got, want := fmt.Sprint(text(all)), "[own/test 1 pay/production 2 pay/secret-environment 2 pay/test 2 secret-service/production 2 5]"; got != want {
		t.Errorf("editor is told %s, want %s", got, want)
	}
	some := g.plan("narrow", req)
	if got, want := fmt.Sprint(text(some)), "[pay/production 2 pay/test 2 2]"; got != want {
		t.Errorf("narrow is told %s, want %s", got, want)
	}
	if strings.Contains(some.String(), "secret") || strings.Contains(some.String(), "own") {
		t.Errorf("narrow is told of others: %v", some)
	}
	if all.GetPlanHash() != some.GetPlanHash() || !strings.Contains(some.GetFindings()[0].GetMessage(), "5 services") {
		t.Errorf("it is the same plan: %v", some)
	}
	one := g.plan("narrow", in("pay", "_all", set("x", 2), set("y", 2)))
	if got, want := fmt.Sprint(text(one)), "[pay/production 1 pay/test 1 2]"; got != want {
		t.Errorf("narrow is told %s, want %s", got, want)
	}
}

// TestRisksOverREST: the names of kinds in JSON, and what the answer looks like.
func TestRisksOverREST(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	g.agree(why("the first version", in("pay", "production", set("a", 1))))
	post := func(body string) (int, map[string]any) { t.Helper(); return g.post("commit", body) }
	const change = `"namespace":"pay","environment":"production","message":"a goes at last","changes":[{"key":"a","delete":true}]`
	code, plan := post(`{` + change + `,"dry_run":true}`)
	text, _ := json.Marshal(plan["findings"])
	if code != http.StatusOK || !strings.Contains(string(text), `"kind":"REMOVED"`) || !strings.Contains(string(text), `"needs_acceptance":true`) {
		t.Fatalf("%d: %v", code, plan)
	}
	if text, _ := json.Marshal(plan["affected_services"]); string(text) != `[{"environment":"production","keys":1,"namespace":"pay"}]` || plan["affected_service_count"] != 1.0 {
		t.Errorf("affected: %s, %v", text, plan["affected_service_count"])
	}
	code, refused := post(`{` + change + `}`)
	if text, _ := json.Marshal(refused); code != http.StatusBadRequest || !strings.Contains(string(text), `"RISK_NOT_ACCEPTED"`) || !strings.Contains(string(text), `"subject":"pay/production/a"`) {
		t.Errorf("%d: %s", code, text)
	}
	hash, _ := json.Marshal(plan["plan_hash"])
	if code, out := post(`{` + change + `,"plan_hash":` + string(hash) + `,"accepted_risks":["REMOVED"]}`); code != http.StatusOK {
		t.Errorf("%d: %v", code, out)
	}
}

// TestADryRunIsRecordedAsOne: who looks what would be is not taken for who did it.
func TestADryRunIsRecordedAsOne(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	req := why("the first version", in("pay", "production", set("a", 1)))
	g.plan("editor", req)
	if _, err := g.PutSchema(g.as("editor"), &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{}`), DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Rollback(g.as("editor"), &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 7, DryRun: true}); err == nil {
		t.Error("there is no version 7")
	}
	if _, err := g.Commit(g.as("editor"), req); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(g.audit)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range bytes.Lines(text) {
		var r map[string]any
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		method, _ := r["method"].(string)
		got = append(got, fmt.Sprintf("%s %v %v", method[strings.LastIndex(method, "/")+1:], r["decision"], r["dry_run"]))
	}
	if want := "[Commit allowed true PutSchema allowed true Rollback failed true Commit allowed <nil>]"; fmt.Sprint(got) != want {
		t.Errorf("the records are %v, want %s", got, want)
	}
}

// TestACommitFitsHoweverItIsEscaped: the limit of a commit is that of its values, not that of
// how JSON can write them.
func TestACommitFitsHoweverItIsEscaped(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	escaped := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "\\u%04x", s[i])
		}
		return b.String()
	}
	var changes []string
	for i := range 4000 {
		key := fmt.Sprintf("service.section.of.a.long.name.key%04d", i)
		changes = append(changes, fmt.Sprintf(`{"environment":"test","key":"%s","set":"%s"}`, escaped(key), escaped(strings.Repeat("v", 160-len(key)))))
	}
	body := `{"namespace":"pay","message":"m","request_id":"large","changes":[` + strings.Join(changes, ",") + `]}`
	if len(body) < 6*640<<10 {
		t.Fatalf("the body has %d bytes only", len(body))
	}
	code, out := g.post("commit", body)
	for code == http.StatusServiceUnavailable { // a slow machine may need longer than a call may take
		code, out = g.post("commit", body)
	}
	if code != http.StatusOK {
		t.Fatalf("%d: %.2000v", code, out)
	}
	code, out = g.post("commit", body+strings.Repeat(" ", 5<<20-len(body)+1))
	if text, _ := json.Marshal(out); code != http.StatusRequestEntityTooLarge || !strings.Contains(string(text), "at most 5242880 bytes") {
		t.Errorf("%d: %s", code, text)
	}
	code, out = g.post("rollback", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`)
	if text, _ := json.Marshal(out); code != http.StatusRequestEntityTooLarge || !strings.Contains(string(text), "at most 1048576 bytes") {
		t.Errorf("another method: %d: %s", code, text)
	}
}
