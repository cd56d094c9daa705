package service_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// TestWhatIsSensitiveIsMasked asks for a marked key in every way there is: by who has the
// right, by who has not, and by the service itself.
func TestWhatIsSensitiveIsMasked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	callers := map[string]string{"editor": "user: editor", "keeper": "user: keeper", "service": "service: pay, environment: production"}
	tokens, file := map[string]string{}, ""
	for name, who := range callers {
		tokens[name] = "cs_test" + name[:4] + "_abcdefghijklmnopqrstuvwxyz"
		file += fmt.Sprintf("- {id: test%s, digest: \"sha256:%x\", %s}\n", name[:4], sha256.Sum256([]byte(tokens[name])), who)
	}
	s := servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_ROLE": "control", "CONFIG_TOKENS_FILE": write("tokens.yaml", file),
		"CONFIG_POLICY_FILE": write("policy.yaml", `rules:
  - {who: ["user:editor", "user:keeper"], may: [read, write], namespaces: ["*", "_shared"], environments: ["*", "_all"]}
  - {who: ["user:keeper"], may: [read-sensitive], namespaces: ["pay"], environments: ["production"]}
`),
	}})
	api := adminv1.NewConfigAdminServiceClient(s.Conn(t))
	as := func(name string) context.Context {
		return metadata.AppendToOutgoingContext(deadline(t), "authorization", "Bearer "+tokens[name])
	}
	for _, text := range []string{"canary-old", "canary-new"} {
		if _, err := api.Commit(as("editor"), in("pay", "production", set("password", text), set("open", "open-"+text))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := api.Commit(as("editor"), in("pay", "test", set("password", "canary-test"))); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutSchema(as("editor"), &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{"properties":{"password":{"x-sensitive":true}}}`)}); err != nil {
		t.Fatal(err)
	}
	production := &adminv1.DiffRequest_Side{Environment: "production"}
	dry := in("pay", "production", set("password", "canary-next"))
	dry.DryRun = true
	calls := map[string]func(context.Context) (proto.Message, error){
		"Commit": func(ctx context.Context) (proto.Message, error) { return api.Commit(ctx, dry) },
		"Rollback": func(ctx context.Context) (proto.Message, error) {
			return api.Rollback(ctx, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 1, DryRun: true})
		},
		"GetVersion": func(ctx context.Context) (proto.Message, error) {
			return api.GetVersion(ctx, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "production"})
		},
		"GetScope": func(ctx context.Context) (proto.Message, error) {
			return api.GetScope(ctx, &adminv1.GetScopeRequest{Namespace: "pay", Environment: "production"})
		},
		"Diff": func(ctx context.Context) (proto.Message, error) {
			return api.Diff(ctx, &adminv1.DiffRequest{Namespace: "pay", Environment: "production", From: &adminv1.DiffRequest_Side{Version: 1}, To: &adminv1.DiffRequest_Side{}})
		},
	}
	for name, call := range calls {
		for caller, sees := range map[string]bool{"editor": false, "keeper": true, "service": true} {
			got, err := call(as(caller))
			if caller == "service" && (name == "Commit" || name == "Rollback") {
				refusedAs(t, err, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)
				continue
			}
			if err != nil {
				t.Errorf("%s by %s: %v", name, caller, err)
				continue
			}
			text := prototext.Format(got)
			shown := strings.Contains(strings.ReplaceAll(text, "open-canary", ""), "canary-")
			if shown != sees || strings.Contains(text, "masked:") == sees || name != "Commit" && !strings.Contains(text, "open-canary") {
				t.Errorf("%s by %s: %s", name, caller, text)
			}
		}
	}
	// Who may see one side only sees neither.
	got, err := api.Diff(as("keeper"), &adminv1.DiffRequest{Namespace: "pay", From: production, To: &adminv1.DiffRequest_Side{Environment: "test"}})
	if err != nil || strings.Contains(strings.ReplaceAll(prototext.Format(got), "open-canary", ""), "canary-") {
		t.Errorf("%v, %v", got, err)
	}
	_, err = api.Commit(as("keeper"), in("_shared", "_all", set("password", "canary-shared")))
	refusedAs(t, err, codes.FailedPrecondition, configv1.ErrorReason_SCHEMA_VIOLATION, "violates x-sensitive")
	if strings.Contains(fmt.Sprint(err), "canary") {
		t.Errorf("the refusal repeats the value: %v", err)
	}
	// The service itself reads it as ever.
	client := configv1.NewConfigServiceClient(s.Conn(t))
	entry, err := client.Get(as("service"), &configv1.GetRequest{Key: "password"})
	if err != nil || entry.GetEntry().GetValue().GetStringValue() != "canary-new" {
		t.Errorf("%v, %v", entry, err)
	}
}
