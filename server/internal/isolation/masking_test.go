package isolation

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// secrets is a service whose schema marks keys, a keeper who sees them, and a reader who may
// read the service and see none of them. `secret` is marked all the time; `flip` now and then,
// and holds its canary only then.
type secrets struct {
	servers map[string]*servertest.Server // by role
	bearer  map[string]string
	secret  string
	flip    string
	dir     string
}

const secretRules = `rules:
- {who: ["user:keeper"], may: [read, write, read-sensitive], namespaces: ["*", "_shared"], environments: ["*", "_all"]}
- {who: ["user:reader"], may: [read], namespaces: ["*", "_shared"], environments: ["*", "_all"]}
`

func newSecrets(t *testing.T) *secrets {
	t.Helper()
	s := &secrets{servers: map[string]*servertest.Server{}, bearer: map[string]string{}, secret: valueMark + random(10), flip: valueMark + random(10), dir: t.TempDir()}
	etcd, file := servertest.StartEtcd(t), ""
	for _, user := range []string{"keeper", "reader"} {
		token := tokenMark + "test" + user + "_" + random(20)
		s.bearer[user] = "Bearer " + token
		file += fmt.Sprintf("- {id: test%s, digest: \"sha256:%x\", user: %s}\n", user, sha256.Sum256([]byte(token)), user)
	}
	for name, text := range map[string]string{"tokens.yaml": file, "policy.yaml": secretRules} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What lies in a weaker layer, from before the mark, is masked as well.
	etcd.Commit(t, servertest.Write{Namespace: "pay", Environment: environment, Layer: configv1.Layer_SHARED, Key: "secret", JSON: fmt.Sprintf("%q", s.secret)})
	for _, role := range []string{"control", "shared"} {
		s.servers[role] = servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{
			"CONFIG_ROLE": role, "CONFIG_TOKENS_FILE": filepath.Join(s.dir, "tokens.yaml"), "CONFIG_POLICY_FILE": filepath.Join(s.dir, "policy.yaml"),
		}})
		s.servers[role].Conn(t)
	}
	return s
}

func (s *secrets) as(ctx context.Context, user string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", s.bearer[user])
}

// change goes through one round of marks and values. It returns false when ctx has ended.
func (s *secrets) change(ctx context.Context, t *testing.T, n int) bool {
	api := adminv1.NewConfigAdminServiceClient(s.servers["control"].Conn(t))
	ctx = s.as(ctx, "keeper")
	schema := func(marked ...string) error {
		properties := map[string]any{"round": map[string]any{"const": float64(n)}}
		for _, key := range marked {
			properties[key] = map[string]any{"x-sensitive": true}
		}
		v, err := structpb.NewValue(map[string]any{"title": fmt.Sprint(n), "properties": properties})
		if err == nil {
			_, err = api.PutSchema(ctx, &adminv1.PutSchemaRequest{Namespace: "pay", Schema: v})
		}
		return err
	}
	commit := func(key, text string) error {
		_, err := api.Commit(ctx, &adminv1.CommitRequest{Namespace: "pay", Environment: environment, Message: "m", Changes: []*adminv1.Change{
			{Key: key, Operation: &adminv1.Change_Set{Set: structpb.NewStringValue(fmt.Sprintf("%s-%d", text, n))}},
		}})
		return err
	}
	for _, step := range []func() error{
		func() error { return schema("secret", "flip") },
		func() error { return commit("flip", s.flip) }, // at once: a mark that came later would tell
		func() error { return commit("secret", s.secret) },
		func() error { return commit("open", "open") },
		func() error { return commit("flip", "harmless") },
		func() error { return schema("secret") },
		func() error { return commit("secret", s.secret+"-again") },
	} {
		if err := step(); err != nil {
			if ctx.Err() == nil {
				t.Errorf("round %d: %v", n, err)
			}
			return false
		}
	}
	return true
}

// TestNothingSensitiveComesOut: with the right to read and without that to see what is
// sensitive, no byte of it comes out of any method, over both transports, in both roles, while
// marks and values change.
func TestNothingSensitiveComesOut(t *testing.T) {
	s := newSecrets(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !s.change(ctx, t, 0) {
		t.FailNow()
	}
	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	var rounds, messages atomic.Int64
	running.Go(func() {
		for n := 1; s.change(background, t, n); n++ {
			rounds.Add(1)
		}
	})
	for _, server := range s.servers {
		running.Go(func() { s.watchGRPC(background, t, server, &messages) })
		running.Go(func() { s.watchREST(background, t, server, &messages) })
	}
	least := int64(15)
	if os.Getenv("SOAK") != "" {
		least = 300
	}
	calls, seen := 0, 0
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	all := methods(t)
	for rounds.Load() < least && !t.Failed() {
		for _, m := range all {
			for role, server := range s.servers {
				for _, user := range []string{"reader", "keeper"} {
					n, shown := s.call(ctx, t, m, role, server, client, user)
					calls, seen = calls+n, seen+shown
				}
			}
		}
	}
	stop()
	running.Wait()
	fmt.Printf("FIGURE masking: %d calls, %d rounds of marks and values, %d messages of watches; the keeper saw a canary %d times, the reader never\n", calls, rounds.Load(), messages.Load(), seen)
	if seen < 10 || messages.Load() < 4*least {
		t.Errorf("the keeper saw %d canaries, and the watches had %d messages: this proves nothing", seen, messages.Load())
	}
}

// call makes one call over both transports. It returns how many those are, and in how many
// answers the keeper saw what the reader may not.
func (s *secrets) call(ctx context.Context, t *testing.T, m method, role string, server *servertest.Server, client *http.Client, user string) (calls, seen int) {
	row, ok := rows[string(m.FullName())]
	if !ok { // TestEachServiceSeesItsOwn says so
		return 0, 0
	}
	fields := row.fields(&tenant{namespace: "pay", key: "secret"})
	for name, value := range map[string]string{"namespace": "pay", "environment": environment} {
		if f := m.Input().Fields().ByName(protoName(name)); f != nil && fields != nil {
			fields[name] = value
		}
	}
	if user == "keeper" && row.admin { // it is allowed to, and would
		return 0, 0
	}
	r := request{method: m, fields: fields, bearers: []string{s.bearer[user]}}
	over := map[string]answer{"gRPC": r.overGRPC(ctx, server.Conn(t))}
	rest, err := r.overREST(ctx, client, server.URL)
	if err != nil {
		t.Errorf("%s by REST: %v", m.Name(), err)
	}
	over["REST"] = rest
	for transport, got := range over {
		calls++
		if user == "keeper" {
			if bytes.Contains(got.bytes, []byte(s.secret)) {
				seen++
			}
			continue
		}
		if leak := s.leak(m, got.bytes); leak != "" {
			t.Errorf("%s of %s by %s tells the reader %s", m.Name(), role, transport, leak)
		}
		if m.FullName() == "configservice.v1.ConfigService.Get" && got.code != codes.PermissionDenied {
			t.Errorf("Get of %s by %s answers %s", role, transport, got.code)
		}
	}
	return calls, seen
}

// leak is what an answer holds that it must not. Whoever takes a mark away shows what lies in
// the history under it: of flip only ConfigService is asked, which answers what is.
func (s *secrets) leak(m method, text []byte) string {
	if bytes.Contains(text, []byte(s.secret)) {
		return "the secret"
	}
	if strings.HasPrefix(string(m.FullName()), "configservice.v1.") && bytes.Contains(text, []byte(s.flip)) {
		return "what was marked when it was written"
	}
	return ""
}

func (s *secrets) watchGRPC(ctx context.Context, t *testing.T, server *servertest.Server, messages *atomic.Int64) {
	stream, err := configv1.NewConfigServiceClient(server.Conn(t)).Watch(s.as(ctx, "reader"), &configv1.WatchRequest{Namespace: "pay", Environment: environment})
	for err == nil {
		var m *configv1.WatchResponse
		if m, err = stream.Recv(); err != nil {
			break
		}
		messages.Add(1)
		if text := prototext.Format(m); strings.Contains(text, s.secret) || strings.Contains(text, s.flip) {
			t.Errorf("a watch holds what is sensitive: %s", text)
		}
	}
	if ctx.Err() == nil {
		t.Errorf("a watch ended: %v", err)
	}
}

func (s *secrets) watchREST(ctx context.Context, t *testing.T, server *servertest.Server, messages *atomic.Int64) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/watch?namespace=pay&environment="+environment, nil)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", s.bearer["reader"])
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	for lines := bufio.NewReader(resp.Body); err == nil; {
		var line []byte
		line, err = lines.ReadBytes('\n')
		messages.Add(1)
		if bytes.Contains(line, []byte(s.secret)) || bytes.Contains(line, []byte(s.flip)) {
			t.Errorf("a watch by REST holds what is sensitive: %s", line)
		}
	}
	if ctx.Err() == nil {
		t.Errorf("a watch by REST ended: %v", err)
	}
}
