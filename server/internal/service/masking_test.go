package service_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// masked is a control server with a service pay, and callers of its configuration: keeper
// has read-sensitive, reader has not, and service is pay itself.
type masked struct {
	*servertest.Server
	admin  adminv1.ConfigAdminServiceClient
	config configv1.ConfigServiceClient
	tokens map[string]string
	policy string // the file
}

const maskedRules = `rules:
  - {who: ["user:keeper", "user:writer", "user:reader"], may: [read], namespaces: ["*", "_shared"], environments: ["*", "_all"]}
  - {who: ["user:keeper", "user:writer"], may: [write], namespaces: ["*", "_shared"], environments: ["*", "_all"]}
  - {who: ["user:keeper"], may: [read-sensitive], namespaces: ["*"], environments: ["*", "_all"]}
`

func startMasked(t *testing.T, etcd *servertest.Etcd, role string) *masked {
	t.Helper()
	return startMaskedWith(t, etcd, role, nil)
}

// startMaskedWith also takes settings; AUTH_TOKEN_FILE is the content of the file.
func startMaskedWith(t *testing.T, etcd *servertest.Etcd, role string, more map[string]string) *masked {
	t.Helper()
	dir := t.TempDir()
	m := &masked{tokens: map[string]string{}, policy: filepath.Join(dir, "policy.yaml")}
	file := ""
	for name, who := range map[string]string{"keeper": "user: keeper", "reader": "user: reader", "writer": "user: writer", "service": "service: pay, environment: production"} {
		m.tokens[name] = "cs_test" + name[:4] + "_abcdefghijklmnopqrstuvwxyz"
		file += fmt.Sprintf("- {id: test%s, digest: \"sha256:%x\", %s}\n", name[:4], sha256.Sum256([]byte(m.tokens[name])), who)
	}
	m.write(t, m.policy, maskedRules)
	m.write(t, filepath.Join(dir, "tokens.yaml"), file)
	settings := map[string]string{"CONFIG_ROLE": role, "CONFIG_TOKENS_FILE": filepath.Join(dir, "tokens.yaml"), "CONFIG_POLICY_FILE": m.policy}
	for name, value := range more {
		if name == "AUTH_TOKEN_FILE" {
			path := filepath.Join(dir, "etcd.token")
			m.write(t, path, value)
			value = path
		}
		settings[name] = value
	}
	m.Server = servertest.Start(t, servertest.Options{Etcd: etcd, Settings: settings})
	m.admin, m.config = adminv1.NewConfigAdminServiceClient(m.Conn(t)), m.Client(t)
	return m
}

func (m *masked) write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func (m *masked) as(ctx context.Context, name string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+m.tokens[name])
}

// commit writes as keeper, and returns the revision.
func (m *masked) commit(t *testing.T, namespace, environment string, changes ...*adminv1.Change) int64 {
	t.Helper()
	resp, err := m.admin.Commit(m.as(deadline(t), "keeper"), in(namespace, environment, changes...))
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetRevision()
}

// schema gives pay a schema and returns its revision.
func (m *masked) schema(t *testing.T, text string) int64 {
	t.Helper()
	resp, err := m.admin.PutSchema(m.as(deadline(t), "keeper"), &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetSchema().GetRevision()
}

const marksPassword = `{"properties":{"password":{"x-sensitive":true}}}`

func (m *masked) list(t *testing.T, caller string, revision int64) (*configv1.ListResponse, string) {
	t.Helper()
	resp, err := m.config.List(m.as(deadline(t), caller), &configv1.ListRequest{Namespace: "pay", Environment: "production", MinRevision: revision})
	if err != nil {
		t.Fatal(err)
	}
	return resp, marked(resp.GetEntries())
}

// marked is entries as text, with what is masked as ***.
func marked(entries []*configv1.Entry) string {
	var out []string
	for _, e := range entries {
		text := "***"
		if !e.GetMasked() {
			text = e.GetValue().GetStringValue()
		} else if e.GetValue() != nil {
			text = "masked, with a value"
		}
		out = append(out, e.GetKey()+"="+text)
	}
	return strings.Join(out, " ")
}

func (m *masked) rest(t *testing.T, caller, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(deadline(t), http.MethodGet, m.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+m.tokens[caller])
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// Every answer of ConfigService, by who has the right and by who has not, in both roles that
// have callers of their own.
func TestConfigServiceMasks(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	control := startMasked(t, etcd, "control")
	control.commit(t, "_shared", "_all", set("password", "canary-shared"), set("open", "shared"))
	control.schema(t, marksPassword)
	last := control.commit(t, "pay", "production", set("password", "canary-own"), set("open", "o"))
	for role, m := range map[string]*masked{"control": control, "shared": startMasked(t, etcd, "shared")} {
		for caller, want := range map[string]string{"reader": "open=o password=***", "keeper": "open=o password=canary-own", "service": "open=o password=canary-own"} {
			sees := caller != "reader"
			if _, got := m.list(t, caller, last); got != want {
				t.Errorf("%s lists for %s %s; want %s", role, caller, got, want)
			}
			ctx := m.as(deadline(t), caller)
			explained, err := m.config.Explain(ctx, &configv1.ExplainRequest{Namespace: "pay", Environment: "production", Key: "password"})
			if err != nil {
				t.Fatal(err)
			}
			if text := prototext.Format(explained); strings.Contains(text, "canary") != sees || strings.Contains(text, "masked:") == sees {
				t.Errorf("%s explains to %s %s", role, caller, text)
			}
			if cs := explained.GetCandidates(); cs[0].GetMasked() == sees || cs[3].GetMasked() == sees || cs[1].GetMasked() || cs[0].GetRevision() == 0 || explained.GetEntry().GetMasked() == sees {
				t.Errorf("%s explains to %s %v", role, caller, explained)
			}
			stream, err := m.config.Watch(ctx, &configv1.WatchRequest{Namespace: "pay", Environment: "production"})
			if err != nil {
				t.Fatal(err)
			}
			if first, err := stream.Recv(); err != nil || marked(first.GetSnapshot().GetEntries()) != want {
				t.Errorf("%s streams to %s %v, %v", role, caller, first, err)
			}
			got, err := m.config.Get(ctx, &configv1.GetRequest{Namespace: "pay", Environment: "production", Key: "password"})
			if sees {
				if err != nil || got.GetEntry().GetValue().GetStringValue() != "canary-own" {
					t.Errorf("%s answers %s %v, %v", role, caller, got, err)
				}
				continue
			}
			refusedAs(t, err, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED, `key "password" of pay/production is marked as sensitive`, "user:reader", "read-sensitive in pay/production")
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the refusal holds the value: %v", err)
			}
		}
		m.overREST(t, role)
	}
}

func (m *masked) overREST(t *testing.T, role string) {
	t.Helper()
	const scope = "?namespace=pay&environment=production"
	for _, test := range []struct{ path, accept, want string }{
		{"/v1/config/password" + scope, "application/json", "read-sensitive"},
		{"/v1/config/password" + scope, "text/plain", "PERMISSION_DENIED: key"},
		{"/v1/config" + scope, "application/json", `{"key":"password","revision":`},
		{"/v1/config" + scope, "text/plain", "open=o\n"},
		{"/v1/explain/password" + scope, "application/json", `"masked":true`},
	} {
		resp, body := m.rest(t, "reader", test.path, "Accept", test.accept)
		if strings.Contains(body, "canary") || !strings.Contains(body, test.want) || (resp.StatusCode == http.StatusForbidden) != strings.HasPrefix(test.path, "/v1/config/") {
			t.Errorf("%s, %s as %s: %d %s", role, test.path, test.accept, resp.StatusCode, body)
		}
	}
	if _, body := m.rest(t, "reader", "/v1/config"+scope, "Accept", "text/plain"); strings.Contains(body, "password") {
		t.Errorf("%s: the list as text has %q; what is masked is left out", role, body)
	}
	// What is masked and what is not are different answers: no tag of one is good for the other.
	hidden, _ := m.rest(t, "reader", "/v1/config"+scope)
	shown, _ := m.rest(t, "keeper", "/v1/config"+scope)
	if hidden.Header.Get("Etag") == shown.Header.Get("Etag") {
		t.Errorf("%s: the masked answer has the tag of the other, %s", role, hidden.Header.Get("Etag"))
	}
	if again, _ := m.rest(t, "reader", "/v1/config"+scope, "If-None-Match", hidden.Header.Get("Etag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("%s: the masked answer is not recognised: %d", role, again.StatusCode)
	}
	if other, _ := m.rest(t, "keeper", "/v1/config"+scope, "If-None-Match", hidden.Header.Get("Etag")); other.StatusCode != http.StatusOK {
		t.Errorf("%s: who sees it is told %d for the tag of the masked answer", role, other.StatusCode)
	}
}

// next reads a stream until a message has entries, and returns these.
func (m *masked) next(t *testing.T, stream interface {
	Recv() (*configv1.WatchResponse, error)
}, want string) *configv1.WatchResponse {
	t.Helper()
	for {
		resp, err := stream.Recv()
		if err != nil {
			t.Fatalf("the stream ended before %q: %v", want, err)
		}
		entries := append(resp.GetSnapshot().GetEntries(), resp.GetDelta().GetEntries()...)
		if len(entries) == 0 {
			continue
		}
		if got := marked(entries); got != want {
			t.Fatalf("the stream has %q, want %q (%v)", got, want, resp)
		}
		return resp
	}
}

// A mark comes and goes, a value changes, the right comes and goes, all while a Watch is open.
func TestMarksChangeUnderAnOpenWatch(t *testing.T) {
	t.Parallel()
	m := startMasked(t, nil, "control")
	m.commit(t, "pay", "production", set("open", "o"), set("password", "p1"))
	stream, err := m.config.Watch(m.as(deadline(t), "reader"), &configv1.WatchRequest{Namespace: "pay", Environment: "production", CheckpointInterval: durationpb.New(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	open := m.next(t, stream, "open=o password=p1")
	m.schema(t, marksPassword)
	now := m.next(t, stream, "open=o password=***")
	if now.GetState().GetEpoch() == open.GetState().GetEpoch() || now.GetSnapshot() == nil {
		t.Errorf("what is masked now is told as %v", now)
	}
	m.commit(t, "pay", "production", set("password", "p2"))
	changed := m.next(t, stream, "password=***")
	if changed.GetDelta().GetFromRevision() == 0 {
		t.Errorf("a change of what is masked is told as %v", changed)
	}
	// What was seen before the mark is nothing to go on from.
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	again, err := m.config.Watch(m.as(ctx, "reader"), &configv1.WatchRequest{Namespace: "pay", Environment: "production",
		Resume: &configv1.ResumePoint{Epoch: open.GetState().GetEpoch(), Revision: changed.GetState().GetRevision()}})
	if err != nil {
		t.Fatal(err)
	}
	m.next(t, again, "open=o password=***")
	resumed, err := m.config.Watch(m.as(ctx, "reader"), &configv1.WatchRequest{Namespace: "pay", Environment: "production",
		Resume: &configv1.ResumePoint{Epoch: changed.GetState().GetEpoch(), Revision: changed.GetState().GetRevision()}})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := resumed.Recv(); err != nil || first.GetCheckpoint() == nil {
		t.Errorf("a resume of what is masked is answered with %v, %v", first, err)
	}
	m.write(t, m.policy, strings.Replace(maskedRules, `who: ["user:keeper"], may: [read-sensitive]`, `who: ["user:keeper", "user:reader"], may: [read-sensitive]`, 1))
	m.next(t, stream, "open=o password=p2")
	m.write(t, m.policy, maskedRules)
	m.next(t, stream, "open=o password=***")
	if _, err := m.admin.DeleteSchema(m.as(deadline(t), "keeper"), &adminv1.DeleteSchemaRequest{Namespace: "pay"}); err != nil {
		t.Fatal(err)
	}
	m.next(t, stream, "open=o password=p2")
}

// rawPut writes past this service.
func rawPut(t *testing.T, etcd *servertest.Etcd, key, value string) (revision int64) {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd.Endpoint}, DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Put(deadline(t), "/config-service/v1/"+key, value)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Header.GetRevision()
}

// A schema that somebody wrote past this service and that is none marks everything.
func TestASchemaThatCannotBeReadMarksEverything(t *testing.T) {
	t.Parallel()
	m := startMasked(t, nil, "control")
	m.commit(t, "pay", "production", set("open", "o"))
	for _, text := range []string{`{"schema":{"type":7}}`, `not JSON`, `{"schema":"x"}`} {
		if _, got := m.list(t, "reader", rawPut(t, m.Etcd, "schemas/pay", text)); got != "open=***" {
			t.Errorf("after %s: %s", text, got)
		}
		if _, got := m.list(t, "keeper", 0); got != "open=o" {
			t.Errorf("who has the right sees %s", got)
		}
		if _, err := m.admin.DeleteSchema(m.as(deadline(t), "writer"), &adminv1.DeleteSchemaRequest{Namespace: "pay"}); err == nil {
			t.Error("who has no right has deleted it")
		}
	}
}

// Who replaces or deletes a schema with marks could see what it marks.
func TestMarksAreTakenAwayByWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	m := startMasked(t, nil, "control")
	writer := m.as(deadline(t), "writer")
	put := func(text string, dry bool) error {
		_, err := m.admin.PutSchema(writer, &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, text), DryRun: dry})
		return err
	}
	for _, text := range []string{`{}`, `{"properties":{"a":{"type":"string"}}}`, marksPassword} {
		if err := put(text, false); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	remove := func() error {
		_, err := m.admin.DeleteSchema(writer, &adminv1.DeleteSchemaRequest{Namespace: "pay"})
		return err
	}
	for what, err := range map[string]error{"replaced": put(`{}`, false), "as a dry run": put(`{}`, true), "by the same": put(marksPassword, false), "deleted": remove()} {
		refusedAs(t, err, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED, "marks keys as sensitive", "read-sensitive in _all of pay")
		if t.Failed() {
			t.Fatal(what)
		}
	}
	m.schema(t, `{}`)
	if err := put(marksPassword, false); err != nil {
		t.Error(err)
	}
	if _, err := m.admin.DeleteSchema(m.as(deadline(t), "keeper"), &adminv1.DeleteSchemaRequest{Namespace: "pay"}); err != nil {
		t.Error(err)
	}
}

func TestASchemaIsReplacedAsExpected(t *testing.T) {
	t.Parallel()
	m := startMasked(t, nil, "control")
	ctx := m.as(deadline(t), "writer")
	put := func(expected int64, dry bool) (*adminv1.PutSchemaResponse, error) {
		return m.admin.PutSchema(ctx, &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{}`), ExpectedRevision: proto.Int64(expected), DryRun: dry})
	}
	_, err := put(7, false)
	refusedAs(t, err, codes.Aborted, configv1.ErrorReason_VERSION_CONFLICT, "there is no schema")
	first, err := put(0, false)
	if err != nil {
		t.Fatal(err)
	}
	revision := first.GetSchema().GetRevision()
	for _, dry := range []bool{false, true} {
		_, err = put(0, dry)
		refusedAs(t, err, codes.Aborted, configv1.ErrorReason_VERSION_CONFLICT, "no schema of pay was expected", "by user:writer")
		f := failureOf(t, err)
		if f.metadata["current_revision"] != fmt.Sprint(revision) || f.metadata["author"] != "user:writer" || f.metadata["time"] == "" || f.metadata["expected_revision"] != "0" {
			t.Errorf("the conflict says %v", f.metadata)
		}
	}
	second, err := put(revision, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.admin.DeleteSchema(ctx, &adminv1.DeleteSchemaRequest{Namespace: "pay", ExpectedRevision: proto.Int64(revision)})
	refusedAs(t, err, codes.Aborted, configv1.ErrorReason_VERSION_CONFLICT)
	gone, err := m.admin.DeleteSchema(ctx, &adminv1.DeleteSchemaRequest{Namespace: "pay", ExpectedRevision: proto.Int64(second.GetSchema().GetRevision())})
	if err != nil || gone.GetSchema().GetRevision() != second.GetSchema().GetRevision() {
		t.Errorf("deleted %v, %v", gone, err)
	}
	_, err = put(-1, false)
	refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT)
}
