package service_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func jsonValue(t *testing.T, text string) *structpb.Value {
	t.Helper()
	v := &structpb.Value{}
	if err := protojson.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (e *editing) schema(t *testing.T, namespace, text string) (*adminv1.PutSchemaResponse, []string) {
	t.Helper()
	resp, err := e.PutSchema(e.ctx, &adminv1.PutSchemaRequest{Namespace: namespace, Schema: jsonValue(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	var violated []string
	for _, v := range resp.GetViolations() {
		violated = append(violated, fmt.Sprintf("%s/%s/%s %s", v.GetNamespace(), v.GetEnvironment(), v.GetKey(), v.GetRule()))
	}
	return resp, violated
}

func violationsOf(err error) (out []string) {
	for _, d := range status.Convert(err).Details() {
		if f, ok := d.(*errdetails.PreconditionFailure); ok {
			for _, v := range f.GetViolations() {
				out = append(out, v.GetSubject()+" "+v.GetType())
			}
		}
	}
	return out
}

func in(namespace, environment string, changes ...*adminv1.Change) *adminv1.CommitRequest {
	return &adminv1.CommitRequest{Namespace: namespace, Environment: environment, Message: "m", Changes: changes}
}

func TestCommitsAreJudgedBySchemas(t *testing.T) {
	t.Parallel()
	e := edits(t)
	e.done(t, in("pay", "production", set("pool", 50), set("name", "x")))
	e.done(t, in("pay", "test", set("name", "x")))
	e.done(t, in("ship", "production", set("limit", 1)))
	_, violated := e.schema(t, "pay", `{"properties":{"pool":{"type":"integer","maximum":10},"name":{"type":"string"}},"required":["pool"]}`)
	if fmt.Sprint(violated) != "[pay/production/pool maximum pay/test/pool required]" {
		t.Errorf("what is there violates %v", violated)
	}
	e.schema(t, "ship", `{"properties":{"limit":{"type":"integer"},"pool":{"minimum":3}}}`)
	refused := func(req *adminv1.CommitRequest, want string) {
		t.Helper()
		_, err := e.Commit(e.ctx, req)
		refusedAs(t, err, codes.FailedPrecondition, configv1.ErrorReason_SCHEMA_VIOLATION, "nothing was done")
		if got := fmt.Sprint(violationsOf(err)); got != want {
			t.Errorf("it violates %s, want %s", got, want)
		}
		if strings.Contains(fmt.Sprint(status.Convert(err).Proto()), "secret") {
			t.Errorf("the refusal repeats a value: %v", err)
		}
		req.DryRun = true
		plan := e.done(t, req)
		if f := plan.GetFindings(); len(f) == 0 || f[0].GetKind() != adminv1.Finding_SCHEMA || !f[0].GetRefused() {
			t.Errorf("the plan finds %v", f)
		}
	}
	refused(in("pay", "production", set("name", 5)), "[pay/production/name type]")
	refused(in("pay", "production", set("pool", "secret")), "[pay/production/pool type]")
	refused(in("pay", "production", unset("pool")), "[pay/production/pool required]")
	e.done(t, in("pay", "production", set("pool", 60), set("other", 1))) // no worse than before
	e.done(t, in("pay", "_all", set("pool", 5)))                         // mends test
	refused(in("pay", "_all", set("pool", "secret")), "[pay/test/pool type]")
	refused(in("pay", "_all", unset("pool")), "[pay/test/pool required]")
	refused(in("_shared", "_all", set("name", 1), set("limit", "secret"), set("pool", 2)), "[ship/production/pool minimum]")
	e.done(t, in("_shared", "test", set("limit", "text"))) // ship has nothing of its own in test
	back, err := e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "_all", ToVersion: 1})
	refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, "would change nothing")
	_ = back

	// A rollback is told of what it violates, and is done.
	e.done(t, in("pay", "production", set("pool", 6)))
	plan, err := e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 1, DryRun: true})
	if err != nil || len(plan.GetFindings()) != 2 || plan.GetFindings()[0].GetKind() != adminv1.Finding_SCHEMA || plan.GetFindings()[0].GetRefused() {
		t.Errorf("%v, %v", plan, err)
	}
	if _, err = e.Rollback(e.ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 1}); err != nil {
		t.Error(err)
	}

	got, err := e.GetSchema(e.ctx, &adminv1.GetSchemaRequest{Namespace: "pay", Environment: "production"})
	if err != nil || got.GetSchema().GetSchema().GetStructValue().GetFields()["required"] == nil || got.GetSchema().GetAuthor() == "" || got.GetSchema().GetRevision() == 0 {
		t.Errorf("%v, %v", got, err)
	}
	gone, err := e.DeleteSchema(e.ctx, &adminv1.DeleteSchemaRequest{Namespace: "pay"})
	if err != nil || gone.GetSchema() == nil {
		t.Errorf("%v, %v", gone, err)
	}
	if got, err := e.GetSchema(e.ctx, &adminv1.GetSchemaRequest{Namespace: "pay"}); err != nil || got.GetSchema() != nil {
		t.Errorf("%v, %v", got, err)
	}
	e.done(t, in("pay", "production", set("name", 5)))
}

func TestBadSchemasAreRefused(t *testing.T) {
	t.Parallel()
	e := edits(t)
	for _, c := range []struct {
		req   *adminv1.PutSchemaRequest
		words string
	}{
		{&adminv1.PutSchemaRequest{Namespace: "pay"}, "schema is not given"},
		{&adminv1.PutSchemaRequest{Namespace: "_shared", Schema: jsonValue(t, `{}`)}, "namespace"},
		{&adminv1.PutSchemaRequest{Namespace: "pay", Environment: "production", Schema: jsonValue(t, `{}`)}, "a schema is for every environment"},
		{&adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `[]`)}, "schema is no schema"},
		{&adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{"type":"strnig"}`)}, "schema is no schema"},
		{&adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{"$ref":"#"}`)}, "schema refers to itself without end"},
		{&adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{"$ref":"https://example.com/x"}`)}, "schema refers to another document"},
	} {
		_, err := e.PutSchema(e.ctx, c.req)
		refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, c.words)
	}
	dry, err := e.PutSchema(e.ctx, &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `true`), DryRun: true})
	if err != nil || dry.GetSchema().GetRevision() != 0 {
		t.Errorf("%v, %v", dry, err)
	}
	if got, err := e.GetSchema(e.ctx, &adminv1.GetSchemaRequest{Namespace: "pay"}); err != nil || got.GetSchema() != nil {
		t.Errorf("a dry run left %v, %v", got, err)
	}
}

// A schema that would keep the server busy for ever is refused as soon as there is something
// to judge, and nothing is done.
func TestCostlySchemasAreRefused(t *testing.T) {
	t.Parallel()
	e := edits(t)
	text := `{"$ref":"#/$defs/a0","$defs":{`
	for i := range 40 {
		text += fmt.Sprintf(`"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	costly := jsonValue(t, text+`"a40":true}}`)
	e.done(t, in("pay", "production", set("a", 1)))
	_, err := e.PutSchema(e.ctx, &adminv1.PutSchemaRequest{Namespace: "pay", Schema: costly})
	refusedAs(t, err, codes.ResourceExhausted, configv1.ErrorReason_TOO_LARGE, "pay/production has a schema that takes too many steps")
	if got, err := e.GetSchema(e.ctx, &adminv1.GetSchemaRequest{Namespace: "pay"}); err != nil || got.GetSchema() != nil {
		t.Errorf("it was taken: %v, %v", got, err)
	}
	if _, err := e.PutSchema(e.ctx, &adminv1.PutSchemaRequest{Namespace: "ship", Schema: costly}); err != nil {
		t.Errorf("with nothing to judge: %v", err)
	}
	_, err = e.Commit(e.ctx, in("ship", "production", set("a", 1)))
	refusedAs(t, err, codes.ResourceExhausted, configv1.ErrorReason_TOO_LARGE, "ship/production has a schema that takes too many steps")
}

// An error with a hundred violations is still one that every client can take: gRPC for
// Python and Java refuses headers beyond 8 KiB.
func TestARefusalBySchemaIsSmall(t *testing.T) {
	t.Parallel()
	e := edits(t)
	if _, err := e.PutSchema(e.ctx, &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{"additionalProperties":{"additionalProperties":{"type":"string"}}}`)}); err != nil {
		t.Fatal(err)
	}
	var many []*adminv1.Change
	for i := range 200 {
		many = append(many, set(fmt.Sprintf("some.long-name-of-a-key-%d", i), 1))
	}
	_, err := e.Commit(e.ctx, in("pay", "production", many...))
	refusedAs(t, err, codes.FailedPrecondition, configv1.ErrorReason_SCHEMA_VIOLATION, "200 rules of schemas would be violated")
	if size, named := proto.Size(status.Convert(err).Proto()), len(violationsOf(err)); size > 4<<10 || named < 10 {
		t.Errorf("an error of %d bytes names %d violations", size, named)
	}
}

// A name within a value can be as long as the value: what is violated there is named within
// bounds.
func TestLongNamesAreShownInPart(t *testing.T) {
	t.Parallel()
	e := edits(t)
	long := map[string]any{strings.Repeat("n", 100<<10): 1, strings.Repeat("n", 100<<10) + "x": 2}
	const strict = `{"properties":{"map":{"additionalProperties":{"type":"string"}}}}`
	e.schema(t, "pay", strict)
	req := in("pay", "production", set("map", long))
	_, err := e.Commit(e.ctx, req)
	refusedAs(t, err, codes.FailedPrecondition, configv1.ErrorReason_SCHEMA_VIOLATION, "2 rules of schemas would be violated")
	if size, named := proto.Size(status.Convert(err).Proto()), len(violationsOf(err)); size > 4<<10 || named == 0 {
		t.Errorf("an error of %d bytes names %d violations", size, named)
	}
	req.DryRun = true
	for _, f := range e.done(t, req).GetFindings() {
		if size := proto.Size(f); size > 2<<10 {
			t.Errorf("a finding of %d bytes", size)
		}
	}
	req = in("ship", "production", set("map", long))
	e.done(t, req)
	got, _ := e.schema(t, "ship", strict)
	if len(got.GetViolations()) != 2 || proto.Size(got.GetViolations()[0]) > 2<<10 {
		t.Errorf("%d violations, the first of %d bytes", len(got.GetViolations()), proto.Size(got.GetViolations()[0]))
	}
}
