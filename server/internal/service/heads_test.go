package service_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
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
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/servertest"
)

// board is what a reader of WatchHeads knows.
type board struct {
	grpc.ServerStreamingClient[adminv1.WatchHeadsResponse]
	scopes   map[string]string
	listed   bool
	revision int64
}

func watchHeads(t *testing.T, ctx context.Context, api adminv1.ConfigAdminServiceClient, req *adminv1.WatchHeadsRequest) *board {
	t.Helper()
	stream, err := api.WatchHeads(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	return &board{ServerStreamingClient: stream, scopes: map[string]string{}}
}

// take is one message, or why there is none.
func (b *board) take() error {
	m, err := b.Recv()
	if err != nil {
		return err
	}
	for _, h := range m.GetScopes() {
		b.scopes[h.GetNamespace()+"/"+h.GetEnvironment()] = fmt.Sprintf("%d:%d", h.GetVersion(), h.GetKeys())
	}
	for _, id := range m.GetDeleted() {
		name := id.GetNamespace() + "/" + id.GetEnvironment()
		if _, ok := b.scopes[name]; !ok {
			return fmt.Errorf("%s is gone, and was not told", name)
		}
		delete(b.scopes, name)
	}
	if b.listed && (!m.GetListed() || m.GetRevision() < b.revision) {
		return fmt.Errorf("after revision %d came %v", b.revision, m)
	}
	b.listed, b.revision = m.GetListed(), m.GetRevision()
	return nil
}

func (b *board) flat() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(b.scopes)) {
		out = append(out, name+"@"+b.scopes[name])
	}
	return strings.Join(out, " ")
}

// until reads until the reader knows this.
func (b *board) until(t *testing.T, want string) {
	t.Helper()
	for !b.listed || b.flat() != want {
		if err := b.take(); err != nil {
			t.Fatalf("the stream ended with %v at %s, want %s", err, b.flat(), want)
		}
	}
}

// ends reads until the stream ends.
func (b *board) ends(t *testing.T, code codes.Code, reason configv1.ErrorReason) {
	t.Helper()
	for {
		if err := b.take(); err != nil {
			st := status.Convert(err)
			if refusedAs(t, err, code, reason); reason == configv1.ErrorReason_STORE_UNAVAILABLE && fault.RetryDelay(st) == 0 {
				t.Errorf("%v does not say when to come back", err)
			}
			return
		}
	}
}

// TestWatchHeads follows scopes that come, change and go.
func TestWatchHeads(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	etcd.Protect(t)
	e := administrator(t, servertest.Options{Etcd: etcd})
	empty := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{Namespace: "nobody"})
	empty.until(t, "")
	e.done(t, commit(set("a", "1"), set("b", "1")))
	e.Etcd.Commit(t, servertest.Write{Namespace: "raw", Environment: "production", Layer: own, Key: "a", JSON: "1"})
	all := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{})
	all.until(t, "pay/production@1:2 raw/production@0:0")
	ofPay := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{Namespace: "pay"})
	tests := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{Environment: "test"})
	named := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{Namespace: "pay", Environment: "test"})

	e.done(t, &adminv1.CommitRequest{Namespace: "pay", Message: "m", Changes: []*adminv1.Change{at("production", unset("b")), at("test", set("a", 1.0))}})
	e.done(t, &adminv1.CommitRequest{Namespace: "orders", Environment: "test", Message: "m", Changes: []*adminv1.Change{set("a", 1.0)}})
	all.until(t, "orders/test@1:1 pay/production@2:1 pay/test@1:1 raw/production@0:0")
	ofPay.until(t, "pay/production@2:1 pay/test@1:1")
	tests.until(t, "orders/test@1:1 pay/test@1:1")
	named.until(t, "pay/test@1:1")

	// What is written past this service moves no head; a scope that is there nowhere else is told.
	e.Etcd.Commit(t, servertest.Write{Namespace: "pay", Environment: "production", Layer: own, Key: "c", JSON: "1"},
		servertest.Write{Namespace: "raw", Environment: "production", Layer: own, Key: "a", Delete: true},
		servertest.Write{Namespace: "raw", Environment: "test", Layer: own, Key: "a", JSON: "1"})
	all.until(t, "orders/test@1:1 pay/production@2:1 pay/test@1:1 raw/test@0:0")
	e.done(t, commit(set("d", 1.0)))
	all.until(t, "orders/test@1:1 pay/production@4:3 pay/test@1:1 raw/test@0:0")

	if _, err := e.RegisterService(e.ctx, &adminv1.RegisterServiceRequest{Namespace: "orders", Environment: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DeleteService(e.ctx, &adminv1.DeleteServiceRequest{Namespace: "orders", Environment: "test"}); err != nil {
		t.Fatal(err)
	}
	all.until(t, "pay/production@4:3 pay/test@1:1 raw/test@0:0")
	tests.until(t, "pay/test@1:1 raw/test@0:0")
	if ofPay.until(t, "pay/production@4:3 pay/test@1:1"); len(empty.scopes) != 0 {
		t.Errorf("nobody has %v", empty.scopes)
	}
	e.Stop(t)
	all.ends(t, codes.Unavailable, configv1.ErrorReason_NOT_READY)
}

// TestWatchHeadsSaysWhereItIs: a stream on which nothing happens says so.
func TestWatchHeadsSaysWhereItIs(t *testing.T) {
	t.Parallel()
	e := administrator(t, servertest.Options{})
	b := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{})
	b.until(t, "")
	revision := e.done(t, &adminv1.CommitRequest{Namespace: "pay", Environment: "test", Message: "m", Changes: []*adminv1.Change{set("a", 1.0)}}).GetRevision()
	b.until(t, "pay/test@1:1")
	last := e.Etcd.Commit(t, servertest.Write{Namespace: "pay", Environment: "test", Layer: own, Key: "c", JSON: "1"})
	for messages := 0; b.revision < last; messages++ {
		if err := b.take(); err != nil || messages > 2 {
			t.Fatalf("%d messages, at %d, want %d; %v", messages, b.revision, last, err)
		}
	}
	if revision >= last {
		t.Errorf("revision %d is not after %d", last, revision)
	}
}

// TestWatchHeadsEndsWithTheStore, and whoever comes then is told the same.
func TestWatchHeadsEndsWithTheStore(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcdAt(t, servertest.FreeAddress(t))
	e := administrator(t, servertest.Options{Etcd: etcd})
	e.done(t, commit(set("a", "1")))
	b := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{})
	b.until(t, "pay/production@1:1")
	etcd.Stop()
	b.ends(t, codes.Unavailable, configv1.ErrorReason_STORE_UNAVAILABLE)
	watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{}).ends(t, codes.Unavailable, configv1.ErrorReason_STORE_UNAVAILABLE)
	_, err := e.ListNamespaces(e.ctx, &adminv1.ListNamespacesRequest{})
	refusedAs(t, err, codes.Unavailable, configv1.ErrorReason_STORE_UNAVAILABLE)
	_, err = e.Search(e.ctx, &adminv1.SearchRequest{Key: "a"})
	refusedAs(t, err, codes.Unavailable, configv1.ErrorReason_STORE_UNAVAILABLE)
	etcd.Restart(t)
	for {
		b := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{})
		if err := b.take(); err == nil {
			b.until(t, "pay/production@1:1")
			return
		} else if status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
	}
}

// ruled is a control server with users, whose rules a test changes.
type ruled struct {
	*servertest.Server
	adminv1.ConfigAdminServiceClient
	tokens, policy string
}

func userToken(name string) string { return "cs_test" + name + "_abcdefghijklmnopqrstuvwxyz" }

func ruledBy(t *testing.T, rules string, callers map[string]string) *ruled {
	t.Helper()
	dir := t.TempDir()
	r := &ruled{tokens: filepath.Join(dir, "tokens.yaml"), policy: filepath.Join(dir, "policy.yaml")}
	r.callers(t, callers)
	servertest.WriteFile(t, r.policy, "rules:\n"+rules)
	r.Server = servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_ROLE": "control", "CONFIG_TOKENS_FILE": r.tokens, "CONFIG_POLICY_FILE": r.policy, "CONFIG_MAX_STREAMS_PER_CONNECTION": "5",
	}})
	r.ConfigAdminServiceClient = adminv1.NewConfigAdminServiceClient(r.Conn(t))
	return r
}

func (r *ruled) callers(t *testing.T, callers map[string]string) {
	t.Helper()
	var file strings.Builder
	for name, who := range callers {
		fmt.Fprintf(&file, "- {id: test%s, digest: \"sha256:%x\", %s}\n", name, sha256.Sum256([]byte(userToken(name))), who)
	}
	servertest.WriteFile(t, r.tokens, file.String())
}

func (r *ruled) as(t *testing.T, name string) context.Context {
	return metadata.AppendToOutgoingContext(deadline(t), "authorization", "Bearer "+userToken(name))
}

const (
	rootMay = "  - {who: [\"user:root\"], may: [read, write], namespaces: [\"*\", \"_shared\"], environments: [\"*\", \"_all\"]}\n"
	annaMay = "  - {who: [\"user:anna\"], may: [read], namespaces: [\"%s\"], environments: [\"production\"]}\n"
)

var people = map[string]string{
	"root": "user: root", "anna": "user: anna", "carl": "user: carl", "serv": "service: pay, environment: production",
}

// TestWatchHeadsFollowsTheGrant: a caller sees what it may read, at every moment.
func TestWatchHeadsFollowsTheGrant(t *testing.T) {
	t.Parallel()
	const servMay = "  - {who: [\"service:pay/production\"], may: [read], namespaces: [\"orders\"], environments: [\"test\"]}\n"
	r := ruledBy(t, servMay+rootMay+fmt.Sprintf(annaMay, "pay"), people)
	for _, namespace := range []string{"pay", "orders", "_shared"} {
		for _, environment := range []string{"production", "test"} {
			if _, err := r.Commit(r.as(t, "root"), &adminv1.CommitRequest{Namespace: namespace, Environment: environment, Message: "m", Changes: []*adminv1.Change{set("a", "x")}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	anna := watchHeads(t, r.as(t, "anna"), r, &adminv1.WatchHeadsRequest{})
	anna.until(t, "pay/production@1:1")
	serv := watchHeads(t, r.as(t, "serv"), r, &adminv1.WatchHeadsRequest{})
	serv.until(t, "orders/test@1:1 pay/production@1:1")
	// Where it has no scope of the name of its own.
	part := watchHeads(t, r.as(t, "serv"), r, &adminv1.WatchHeadsRequest{Namespace: "orders"})
	part.until(t, "orders/test@1:1")
	named := watchHeads(t, r.as(t, "anna"), r, &adminv1.WatchHeadsRequest{Namespace: "pay", Environment: "production"})
	named.until(t, "pay/production@1:1")
	watchHeads(t, r.as(t, "anna"), r, &adminv1.WatchHeadsRequest{Namespace: "orders", Environment: "production"}).ends(t, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)
	carl := watchHeads(t, r.as(t, "carl"), r, &adminv1.WatchHeadsRequest{})
	carl.until(t, "")
	// As many as one connection may have; they count as those of Watch.
	watchHeads(t, r.as(t, "carl"), r, &adminv1.WatchHeadsRequest{}).ends(t, codes.ResourceExhausted, configv1.ErrorReason_TOO_MANY_STREAMS)

	servertest.WriteFile(t, r.policy, "rules:\n"+servMay+rootMay+fmt.Sprintf(annaMay, "pay")+fmt.Sprintf(annaMay, "orders"))
	anna.until(t, "orders/production@1:1 pay/production@1:1")
	servertest.WriteFile(t, r.policy, "rules:\n"+servMay+rootMay+fmt.Sprintf(annaMay, "orders"))
	anna.until(t, "orders/production@1:1")
	if _, err := r.Commit(r.as(t, "root"), &adminv1.CommitRequest{Namespace: "orders", Environment: "test", Message: "m", Changes: []*adminv1.Change{set("b", "x")}}); err != nil {
		t.Fatal(err)
	}
	part.until(t, "orders/test@2:2")
	named.ends(t, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)
	servertest.WriteFile(t, r.policy, "rules:\n"+rootMay)
	anna.ends(t, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)

	part.ends(t, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)

	// The service still has its own; a token that stands for somebody else ends it.
	for _, namespace := range []string{"orders", "pay"} {
		if _, err := r.Commit(r.as(t, "root"), &adminv1.CommitRequest{Namespace: namespace, Environment: "production", Message: "m", Changes: []*adminv1.Change{set("b", "x")}}); err != nil {
			t.Fatal(err)
		}
	}
	serv.until(t, "pay/production@2:2")
	moved := maps.Clone(people)
	moved["serv"] = "service: orders, environment: production"
	r.callers(t, moved)
	serv.ends(t, codes.Unauthenticated, configv1.ErrorReason_UNAUTHENTICATED)
	delete(moved, "carl")
	r.callers(t, moved)
	carl.ends(t, codes.Unauthenticated, configv1.ErrorReason_UNAUTHENTICATED)
}

// TestSlowReaderOfHeads gets the latest, and keeps nobody else waiting.
func TestSlowReaderOfHeads(t *testing.T) {
	t.Parallel()
	e := administrator(t, servertest.Options{})
	conn, err := grpc.NewClient(e.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for n := range 100 { // their heads fill the window
		req := &adminv1.CommitRequest{Namespace: fmt.Sprintf("service-%03d-%s", n, strings.Repeat("x", 50)), Message: "m"}
		for env := range 20 {
			req.Changes = append(req.Changes, at(fmt.Sprintf("environment-%02d-%s", env, strings.Repeat("y", 40)), set("a", "x")))
		}
		e.done(t, req)
	}
	slow := watchHeads(t, e.ctx, adminv1.NewConfigAdminServiceClient(conn), &adminv1.WatchHeadsRequest{})
	if _, err := slow.Header(); err != nil { // it has begun
		t.Fatal(err)
	}
	quick := watchHeads(t, e.ctx, e, &adminv1.WatchHeadsRequest{Namespace: "pay"})
	const commits = 100
	for n := range commits {
		e.done(t, commit(set("a", float64(n))))
		quick.until(t, fmt.Sprintf("pay/production@%d:1", n+1))
	}
	messages := 0
	for ; slow.scopes["pay/production"] != fmt.Sprintf("%d:1", commits); messages++ {
		if err := slow.take(); err != nil {
			t.Fatal(err)
		}
	}
	if len(slow.scopes) != 2001 || messages > commits/10 {
		t.Errorf("%d scopes in %d messages", len(slow.scopes), messages)
	}
}

// TestNamespacesAreThoseOfNow: who lists right after a commit or a put finds it.
func TestNamespacesAreThoseOfNow(t *testing.T) {
	t.Parallel()
	e := administrator(t, servertest.Options{})
	began := time.Now()
	for n := range 200 {
		name := fmt.Sprintf("service-%d", n)
		if n%2 == 0 {
			e.done(t, &adminv1.CommitRequest{Namespace: name, Environment: "test", Message: "m", Changes: []*adminv1.Change{set("a", "x")}})
		} else {
			e.Etcd.Commit(t, servertest.Write{Namespace: name, Environment: "test", Layer: own, Key: "a", JSON: "1"})
		}
		resp, err := e.ListNamespaces(e.ctx, &adminv1.ListNamespacesRequest{Namespace: name})
		if err != nil || len(resp.GetScopes()) != 1 {
			t.Fatalf("right after it came to be, %s has %v, %v", name, resp, err)
		}
		found, err := e.Search(e.ctx, &adminv1.SearchRequest{Namespace: name, Key: "a"})
		if err != nil || len(found.GetResults()) != 1 {
			t.Fatalf("right after it was written, in %s is found %v, %v", name, found, err)
		}
	}
	t.Logf("%s for a write, a list and a search", (time.Since(began) / 200).Round(time.Microsecond))
}
