package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/schema"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// What is judged without a server is what a server says, of every layer, hidden keys and
// each kind of rule; and what a server refuses as a schema is refused.
func TestJudgedAsAServerDoes(t *testing.T) {
	t.Parallel()
	s, _ := admin(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+servertest.AdminToken)
	api := adminv1.NewConfigAdminServiceClient(s.Conn(t))
	layers := map[where]map[string]string{
		{"a-service", "production"}: {"own": "1", "hides": "1", "deep.er": `"x"`, "both": "1", "both.below": "2", "list": `[1,{"a":1.5},"x"]`, "object": `{"in":{"side":1}}`},
		{"a-service", "_all"}:       {"own": "2", "hides.below": "1", "deep": "1", "service": "true", "number": "1.0"},
		{"_shared", "production"}:   {"service.below": "1", "shared.a": "1", "object.in": "2", "both": "3"},
		{"_shared", "_all"}:         {"shared": "1", "shared.b": "2", "late": "null", "hides": "3", "both.below.more": "1"},
	}
	var contents []tree.Content
	var revision int64
	for _, at := range layersOf(where{"a-service", "production"}) {
		content := tree.Content{}
		var changes []*adminv1.Change
		for key, text := range layers[at] {
			v, err := tree.ParseJSON([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			content[key] = v
			changes = append(changes, setting(at.environment, key, v))
		}
		contents = append(contents, content)
		resp, err := api.Commit(ctx, &adminv1.CommitRequest{Namespace: at.namespace, Changes: changes, Message: "x"})
		if err != nil {
			t.Fatal(err)
		}
		revision = resp.GetRevision()
	}
	effective := tree.Effective(contents...)
	resp, err := configv1.NewConfigServiceClient(s.Conn(t)).List(ctx, &configv1.ListRequest{Namespace: "a-service", Environment: "production", MinRevision: revision})
	if err != nil {
		t.Fatal(err)
	}
	served := tree.Content{}
	for _, e := range resp.GetEntries() {
		served[e.GetKey()] = e.GetValue()
	}
	if want, got := string(tree.Encode(served)), string(tree.Encode(effective)); want != got {
		t.Errorf("effective is\n%s\nwant\n%s", got, want)
	}
	for _, text := range []string{
		`true`, `false`, `{}`, `{"required": ["own", "absent", "shared"]}`, `{"maxProperties": 1}`,
		`{"additionalProperties": false, "properties": {"own": {"type": "string"}, "both": true}}`,
		`{"properties": {"own": {"maximum": 0}, "number": {"type": "integer"}, "late": {"type": "null"}, "service": {"const": false}}}`,
		`{"properties": {"list": {"items": {"type": "integer"}, "maxItems": 2, "uniqueItems": true}, "object": {"properties": {"in": {"required": ["x"]}}}}}`,
		`{"properties": {"both": {"properties": {"below": {"enum": [1]}}}, "deep": {"type": "integer"}}}`,
		`{"dependentRequired": {"own": ["x", "y"]}, "anyOf": [{"required": ["p"]}, {"required": ["q"]}]}`,
		`{"$defs": {"n": {"type": "string", "pattern": "^z"}}, "properties": {"deep": {"properties": {"er": {"$ref": "#/$defs/n"}}}}}`,
		`{"properties": {"own": {"x-sensitive": true, "minimum": 5}}, "oneOf": [true, true], "not": {"required": ["own"]}}`,
		`{"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"own": ["z"]}}`,
		`{"patternProperties": {"^s": {"type": "array"}}, "propertyNames": {"maxLength": 4}}`,
		`{"type": "strnig"}`, `{"properties": []}`, `{"$ref": "other.json"}`, `{"pattern": "("}`, `{"properties": {"a": {"x-sensitive": "yes"}}}`, `{"$ref": "#/$defs/x"}`,
		`{"$ref": "#"}`, `{"$dynamicRef": "#x", "$defs": {"x": {"$dynamicAnchor": "x"}}}`, `{"allOf": [{"anyOf": [true, {"$ref": "#"}]}]}`, `[]`, `"x"`,
	} {
		compareJudgement(t, text, effective, func(v *structpb.Value) (*adminv1.PutSchemaResponse, error) {
			return api.PutSchema(ctx, &adminv1.PutSchemaRequest{Namespace: "a-service", Schema: v, DryRun: true})
		})
	}
}

func compareJudgement(t *testing.T, text string, effective tree.Content, served func(*structpb.Value) (*adminv1.PutSchemaResponse, error)) {
	t.Helper()
	v, err := tree.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	resp, refused := served(v)
	by, err := schema.Compile(v)
	if err != nil || refused != nil {
		if err == nil || refused == nil {
			t.Errorf("%s: %v here, %v there", text, err, refused)
		}
		return
	}
	found, err := by.Check(t.Context(), effective)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, v := range resp.GetViolations() {
		want = append(want, fmt.Sprint(v.GetKey(), " ", v.GetRule(), " ", v.GetLocation()))
	}
	for _, v := range found {
		got = append(got, fmt.Sprint(v.Key, " ", v.Rule, " ", v.Where))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("%s:\nhere  %s\nthere %s", text, strings.Join(got, ", "), strings.Join(want, ", "))
	}
}
