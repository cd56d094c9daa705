package service_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/servertest"
)

const editorToken = "cs_testedit_abcdefghijklmnopqrstuvwxyz"

// editing is a control server, and a context that shows the user editor, who may read and
// write everything but in the environment `closed`.
type editing struct {
	*servertest.Server
	adminv1.ConfigAdminServiceClient
	ctx context.Context
}

func edits(t *testing.T) *editing {
	t.Helper()
	dir := t.TempDir()
	settings := map[string]string{"CONFIG_ROLE": "control"}
	for setting, text := range map[string]string{
		"CONFIG_TOKENS_FILE": fmt.Sprintf("- {id: testedit, digest: \"sha256:%x\", user: editor}\n", sha256.Sum256([]byte(editorToken))),
		"CONFIG_POLICY_FILE": "rules:\n  - {who: [\"user:editor\", \"service:*/*\"], may: [read, write], namespaces: [\"*\", \"_shared\"], environments: [\"production\", \"test\", \"_all\"]}\n",
	} {
		settings[setting] = filepath.Join(dir, setting+".yaml")
		if err := os.WriteFile(settings[setting], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := servertest.Start(t, servertest.Options{Settings: settings})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return &editing{s, adminv1.NewConfigAdminServiceClient(s.Conn(t)), metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+editorToken)}
}

func set(key string, v any) *adminv1.Change {
	value, err := structpb.NewValue(v)
	if err != nil {
		panic(err) // of a test's own value
	}
	return &adminv1.Change{Key: key, Operation: &adminv1.Change_Set{Set: value}}
}

func unset(key string) *adminv1.Change {
	return &adminv1.Change{Key: key, Operation: &adminv1.Change_Delete{Delete: true}}
}

func at(environment string, c *adminv1.Change) *adminv1.Change {
	c.Environment = environment
	return c
}

func commit(changes ...*adminv1.Change) *adminv1.CommitRequest {
	return &adminv1.CommitRequest{Namespace: "pay", Environment: "production", Message: "why", Changes: changes}
}

func (e *editing) done(t *testing.T, req *adminv1.CommitRequest) *adminv1.CommitResponse {
	t.Helper()
	resp, err := e.Commit(e.ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func refusedAs(t *testing.T, err error, code codes.Code, reason configv1.ErrorReason, words ...string) {
	t.Helper()
	st := status.Convert(err)
	if st.Code() != code || fault.ReasonOf(st) != reason.String() {
		t.Errorf("got %v, want %s", err, reason)
	}
	for _, w := range words {
		if !strings.Contains(st.Message(), w) {
			t.Errorf("%q does not say %q", st.Message(), w)
		}
	}
}

func infoOf(err error) map[string]string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetMetadata()
		}
	}
	return nil
}

func TestACommitGoesInAndComesBack(t *testing.T) {
	t.Parallel()
	e := edits(t)
	first := e.done(t, commit(set("database.pool", 5), set("name", "x"), set("flag", nil)))
	if v := first.GetVersions()[0]; v.GetVersion() != 1 || v.GetSetKeys() != 3 || v.GetMessage() != "why" || v.GetKind() != adminv1.Version_COMMIT || first.GetRevision() == 0 {
		t.Errorf("first: %v", first)
	}
	own := commit(at("production", set("database.pool", 6)), at("test", set("a", map[string]any{"b": []any{1, "2"}})))
	own.Environment = ""
	own.ExpectedVersions = map[string]int64{"production": 1, "test": 0}
	if got := e.done(t, own); len(got.GetVersions()) != 2 {
		t.Errorf("second: %v", got)
	}
	back, err := e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 1})
	if err != nil || back.GetVersion().GetToVersion() != 1 || back.GetVersion().GetMessage() != "roll back to version 1" || back.GetVersion().GetKind() != adminv1.Version_ROLLBACK {
		t.Fatalf("%v, %v", back, err)
	}
	v, err := e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "production"})
	if err != nil || v.GetVersion().GetVersion() != 3 || len(v.GetEntries()) != 3 || len(v.GetDifferences()) != 1 {
		t.Fatalf("%v, %v", v, err)
	}
	if d := v.GetDifferences()[0]; d.GetOld().GetValue().GetNumberValue() != 6 || d.GetNew().GetValue().GetNumberValue() != 5 {
		t.Errorf("difference: %v", d)
	}
	diff, err := e.Diff(e.ctx, &adminv1.DiffRequest{Namespace: "pay", From: &adminv1.DiffRequest_Side{Environment: "production", Version: 2}, To: &adminv1.DiffRequest_Side{Environment: "test"}})
	if err != nil || len(diff.GetDifferences()) != 4 || diff.GetToVersion() != 1 {
		t.Errorf("%v, %v", diff, err)
	}
}

func TestVersionsAndScopesComeInPages(t *testing.T) {
	t.Parallel()
	e := edits(t)
	for i := range 7 {
		e.done(t, commit(set("all", i), set(fmt.Sprintf("k%d", i%2), i)))
	}
	var got []int64
	req := &adminv1.ListVersionsRequest{Namespace: "pay", Environment: "production", PageSize: 2, Key: "k0"}
	for {
		page, err := e.ListVersions(e.ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.GetVersions() {
			got = append(got, v.GetVersion())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if fmt.Sprint(got) != "[7 5 3 1]" {
		t.Errorf("versions with k0: %v", got)
	}
	if page, err := e.ListVersions(e.ctx, &adminv1.ListVersionsRequest{Namespace: "pay", Environment: "production", Author: "nobody"}); err != nil || len(page.GetVersions()) != 0 {
		t.Errorf("versions by nobody: %v, %v", page, err)
	}
	page, err := e.ListVersions(e.ctx, &adminv1.ListVersionsRequest{Namespace: "pay", Environment: "production", PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.ListVersions(e.ctx, &adminv1.ListVersionsRequest{Namespace: "pay", Environment: "test", PageToken: page.GetNextPageToken()})
	refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, "page_token is none of this list")

	shared := commit(set("all", "weak"), set("other", 1))
	shared.Namespace, shared.Environment = "_shared", "_all"
	e.done(t, shared)
	e.Etcd.Commit(t, servertest.Write{Namespace: "pay", Environment: "production", Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: "raw", JSON: "{"})
	var keys []string
	scope := &adminv1.GetScopeRequest{Namespace: "pay", Environment: "production", PageSize: 3}
	for {
		page, err := e.GetScope(e.ctx, scope)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range page.GetEntries() {
			keys = append(keys, fmt.Sprintf("%s@%d:%d", entry.GetKey(), entry.GetVersion(), len(entry.GetShadows())))
			if entry.GetKey() == "raw" && (entry.GetContent().GetValue() != nil || !strings.Contains(entry.GetContent().GetProblem(), "is not JSON") || entry.GetAuthor() != "external") {
				t.Errorf("what was written past the service: %v", entry)
			}
		}
		if !page.GetHead().GetChangedExternally() || page.GetHead().GetVersion() != 7 {
			t.Errorf("head: %v", page.GetHead())
		}
		if scope.PageToken = page.GetNextPageToken(); scope.PageToken == "" {
			break
		}
	}
	if fmt.Sprint(keys) != "[all@7:1 k0@7:0 k1@6:0 raw@0:0]" {
		t.Errorf("keys: %v", keys)
	}
	var scopes []string
	list := &adminv1.ListNamespacesRequest{PageSize: 1}
	for {
		page, err := e.ListNamespaces(e.ctx, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.GetScopes() {
			scopes = append(scopes, fmt.Sprintf("%s/%s %d", s.GetNamespace(), s.GetEnvironment(), s.GetVersion()))
		}
		if list.PageToken = page.GetNextPageToken(); list.PageToken == "" {
			break
		}
	}
	if fmt.Sprint(scopes) != "[_shared/_all 1 pay/production 7]" {
		t.Errorf("scopes: %v", scopes)
	}
}

// deep is a value of so many levels.
func deep(levels int) any {
	var v any = "x"
	for range levels {
		v = []any{v}
	}
	return v
}

func TestABadCommitIsRefusedWithWords(t *testing.T) {
	t.Parallel()
	e := edits(t)
	e.done(t, commit(set("a", 1)))
	with := func(change func(*adminv1.CommitRequest), changes ...*adminv1.Change) *adminv1.CommitRequest {
		if len(changes) == 0 {
			changes = []*adminv1.Change{set("a", 2)}
		}
		r := commit(changes...)
		change(r)
		return r
	}
	nothing := func(*adminv1.CommitRequest) {}
	many := make([]*adminv1.Change, 4001)
	for i := range many {
		many[i] = set(fmt.Sprintf("k%d", i), 1)
	}
	for name, c := range map[string]struct {
		req   *adminv1.CommitRequest
		field string
		words string
	}{
		"no message":           {with(func(r *adminv1.CommitRequest) { r.Message = " \n" }), "message", "is empty; accepted: why this is done"},
		"a long message":       {with(func(r *adminv1.CommitRequest) { r.Message = strings.Repeat("m", 4097) }), "message", "has 4097 bytes"},
		"a control character":  {with(func(r *adminv1.CommitRequest) { r.Message = "a\x1b[31m" }), "message", "control character at byte 1"},
		"no changes":           {&adminv1.CommitRequest{Namespace: "pay", Message: "m"}, "changes", "has 0 changes; accepted: 1 to 4000"},
		"4,001 changes":        {with(nothing, many...), "changes", "has 4001 changes"},
		"the same key twice":   {with(nothing, set("a", 2), set("b", 2), unset("a")), "changes[2]", "is for key a of production, as changes[0] is"},
		"nothing to change":    {with(nothing, set("a", 1), unset("zz")), "changes", "would change nothing"},
		"no operation":         {with(nothing, &adminv1.Change{Key: "a"}), "changes[0]", "does nothing with key a"},
		"delete: false":        {with(nothing, &adminv1.Change{Key: "a", Operation: &adminv1.Change_Delete{}}), "changes[0].delete", "is false"},
		"no value":             {with(nothing, &adminv1.Change{Key: "a", Operation: &adminv1.Change_Set{Set: &structpb.Value{}}}), "changes[0].set", "no value"},
		"a bad key":            {with(nothing, set("a..b", 1)), "changes[0].key", "malformed"},
		"a key with a slash":   {with(nothing, set("a/b", 1)), "changes[0].key", "malformed"},
		"no namespace":         {with(func(r *adminv1.CommitRequest) { r.Namespace = "" }), "namespace", "is empty"},
		"a bad namespace":      {with(func(r *adminv1.CommitRequest) { r.Namespace = "_all" }), "namespace", "or _shared"},
		"a bad environment":    {with(func(r *adminv1.CommitRequest) { r.Environment = "PROD" }), "environment", "or _all"},
		"no environment":       {with(func(r *adminv1.CommitRequest) { r.Environment = "" }), "changes[0].environment", "is empty"},
		"another environment":  {with(nothing, at("test", set("a", 2))), "changes[0].environment", "while the request's environment is"},
		"a big integer":        {with(nothing, set("a", float64(1<<53))), "changes[0].set", "write it in double quotes"},
		"infinity":             {with(nothing, set("a", math.Inf(1))), "changes[0].set", "double quotes"},
		"31 levels":            {with(nothing, set("a", deep(31))), "changes[0].set", "deeper than 30 levels"},
		"a large value":        {with(nothing, set("a", strings.Repeat("x", 256<<10))), "changes[0].set", "accepted: at most 262144"},
		"a bad request id":     {with(func(r *adminv1.CommitRequest) { r.RequestId = "a/b" }), "request_id", "malformed at byte 1"},
		"a long request id":    {with(func(r *adminv1.CommitRequest) { r.RequestId = strings.Repeat("a", 129) }), "request_id", "has 129 bytes"},
		"an expected version":  {with(func(r *adminv1.CommitRequest) { r.ExpectedVersions = map[string]int64{"production": -1} }), `expected_versions["production"]`, "is -1"},
		"one of somewhere":     {with(func(r *adminv1.CommitRequest) { r.ExpectedVersions = map[string]int64{"test": 1} }), `expected_versions["test"]`, "while the request's"},
		"a plan hash too long": {with(func(r *adminv1.CommitRequest) { r.PlanHash = strings.Repeat("a", 65) }), "plan_hash", "65 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Commit(e.ctx, c.req)
			refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, c.words)
			field := ""
			for _, d := range status.Convert(err).Details() {
				if bad, ok := d.(*errdetails.BadRequest); ok {
					field = bad.GetFieldViolations()[0].GetField()
				}
			}
			if field != c.field {
				t.Errorf("the field at fault is %q, want %q", field, c.field)
			}
			if strings.Contains(status.Convert(err).Message(), "xxxx") {
				t.Error("the words repeat a value")
			}
		})
	}
	resp, err := e.Commit(e.ctx, commit(set("ok", deep(30)), set("null", nil), set("max", float64(1<<53-1)), set("text", strings.Repeat("y", 256<<10-2))))
	if err != nil || resp.GetVersions()[0].GetVersion() != 2 {
		t.Errorf("at the limits: %v, %v", resp, err)
	}
}

func TestBadReadsAreRefusedWithWords(t *testing.T) {
	t.Parallel()
	e := edits(t)
	e.done(t, commit(set("a", 1)))
	side := &adminv1.DiffRequest_Side{}
	for name, c := range map[string]struct {
		call  func() (any, error)
		words string
	}{
		"rollback to 0": {func() (any, error) {
			return e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production"})
		}, "to_version is 0; accepted: a version, from 1 on"},
		"rollback to -1": {func() (any, error) {
			return e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: -1})
		}, "to_version is -1"},
		"rollback to itself": {func() (any, error) {
			return e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 1})
		}, "would change nothing"},
		"version -1": {func() (any, error) {
			return e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "production", Version: -1})
		}, "version is -1"},
		"no environment": {func() (any, error) { return e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay"}) }, "environment is empty"},
		"page of -1": {func() (any, error) {
			return e.ListVersions(e.ctx, &adminv1.ListVersionsRequest{Namespace: "pay", Environment: "production", PageSize: -1})
		}, "page_size is -1; accepted: 1 to 1000"},
		"a made up token": {func() (any, error) {
			return e.GetScope(e.ctx, &adminv1.GetScopeRequest{Namespace: "pay", Environment: "production", PageToken: "x"})
		}, "page_token is none of this list"},
		"no side": {func() (any, error) {
			return e.Diff(e.ctx, &adminv1.DiffRequest{Namespace: "pay", Environment: "production", From: side})
		}, "to is not given"},
		"no environments": {func() (any, error) {
			return e.Diff(e.ctx, &adminv1.DiffRequest{Namespace: "pay", From: side, To: side})
		}, "from.environment is empty"},
		"a bad filter": {func() (any, error) { return e.ListNamespaces(e.ctx, &adminv1.ListNamespacesRequest{Namespace: "A"}) }, "namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.call()
			refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, c.words)
		})
	}
	_, err := e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 9})
	refusedAs(t, err, codes.NotFound, configv1.ErrorReason_VERSION_NOT_FOUND, "pay/production has no version 9; it has 1 to 1")
	_, err = e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "test", Version: 1})
	refusedAs(t, err, codes.NotFound, configv1.ErrorReason_VERSION_NOT_FOUND, "it has none yet")
	none, err := e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "test"})
	if err != nil || none.GetVersion() != nil || len(none.GetEntries()) != 0 {
		t.Errorf("the newest of none: %v, %v", none, err)
	}
}

// TestALargeCommitFitsARequest sends as much as a commit may have, at once.
func TestALargeCommitFitsARequest(t *testing.T) {
	t.Parallel()
	e := edits(t)
	var changes []*adminv1.Change
	for i := range 4000 {
		changes = append(changes, set(fmt.Sprintf("service.section.key%d", i), strings.Repeat("v", 130)))
	}
	req := commit(changes...)
	req.RequestId = "large" // a slow machine may need longer than a call may take
	resp, err := e.Commit(e.ctx, req)
	for status.Code(err) == codes.Unavailable && e.ctx.Err() == nil {
		resp, err = e.Commit(e.ctx, req)
	}
	if err != nil || resp.GetVersions()[0].GetSetKeys() != 4000 {
		t.Fatalf("%v, %v", resp, err)
	}
	if v, err := e.GetVersion(e.ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "production"}, grpc.MaxCallRecvMsgSize(4<<20)); err != nil || len(v.GetEntries()) != 4000 {
		t.Errorf("%d entries, %v", len(v.GetEntries()), err)
	}
}
