package daemon_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const patience = 2 * time.Minute

// refused finds the count of a connection that failed.
var refused = regexp.MustCompile(`configservice_store_restarts_total\{reason="[a-z_]+"\} [1-9]`)

// guarded is an etcd with authentication on. Each user may read the four ranges of
// payment-service in development and nothing else.
func guarded(t *testing.T, users map[string]string) (*servertest.Etcd, *clientv3.Client) {
	t.Helper()
	etcd := servertest.StartEtcd(t)
	open := func(user, password string) *clientv3.Client {
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd.Endpoint}, Username: user, Password: password, DialTimeout: patience, Logger: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	setup := open("", "")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(setup.UserAdd(ctx, "root", "root"))
	must(setup.UserGrantRole(ctx, "root", "root"))
	must(setup.RoleAdd(ctx, "reader"))
	for _, id := range snapshot.LayersOf(snapshot.ScopeID{Namespace: "payment-service", Environment: "development"}) {
		prefix := etcdstore.EntryKey(id, "")
		must(setup.RoleGrantPermission(ctx, "reader", prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermRead)))
	}
	for user, password := range users {
		must(setup.UserAdd(ctx, user, password))
		must(setup.UserGrantRole(ctx, user, "reader"))
	}
	must(setup.AuthEnable(ctx))
	root := open("root", "root")
	must(root.Put(ctx, etcdstore.EntryKey(snapshot.ScopeID{Namespace: "payment-service", Environment: "development"}, "a"), "1"))
	return etcd, root
}

func serve(t *testing.T, etcd *servertest.Etcd, token string, wait bool) *servertest.Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return servertest.Start(t, servertest.Options{Etcd: etcd, NoWait: !wait, Settings: map[string]string{"AUTH_TOKEN_FILE": path}})
}

func TestATokenIsACredentialOfEtcd(t *testing.T) {
	etcd, root := guarded(t, map[string]string{"payment-service.development.k7": "s3cr_et", "payment-service": "just a password"})
	for name, token := range map[string]string{"token": "cs_k7_s3cr_et\n", "password": "just a password\n"} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, etcd, token, true)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			put, err := root.Put(ctx, etcdstore.EntryKey(snapshot.ScopeID{Namespace: "payment-service", Environment: "development"}, "a"), "2")
			if err != nil {
				t.Fatal(err)
			}
			got, err := server.Client(t).Get(ctx, &configv1.GetRequest{Key: "a", MinRevision: put.Header.Revision})
			if err != nil || got.GetEntry().GetValue().GetNumberValue() != 2 {
				t.Errorf("got %v, %v; want the change of a guarded etcd", got, err)
			}
		})
	}
}

func TestAWrongTokenIsSaidAndNeverShown(t *testing.T) {
	etcd, _ := guarded(t, map[string]string{"payment-service.development.k7": "right"})
	server := serve(t, etcd, "cs_k7_wrong-canary", false)
	deadline := time.Now().Add(patience)
	for {
		text := get(t, server.Ops+"/metrics")
		if refused.MatchString(text) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the refusal was not counted")
		}
	}
	answer := get(t, server.URL+"/v1/config/a")
	if !strings.Contains(answer, "NOT_READY") || strings.Contains(answer, "canary") || strings.Contains(answer, "127.0.0.1") {
		t.Errorf("the answer is %s; want NOT_READY, without token or endpoint", answer)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// awaitMetric returns when what /metrics says holds.
func awaitMetric(t *testing.T, server *servertest.Server, what string, holds *regexp.Regexp) {
	t.Helper()
	for deadline := time.Now().Add(2 * patience); !holds.MatchString(get(t, server.Ops+"/metrics")); {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s; metrics:\n%s", what, get(t, server.Ops+"/metrics"))
		}
	}
}

var (
	renewedOnce  = regexp.MustCompile(`configservice_credential_renewals_total\{result="ok"\} 1\n`)
	renewedTwice = regexp.MustCompile(`configservice_credential_renewals_total\{result="ok"\} 2\n`)
	notRenewed   = regexp.MustCompile(`configservice_credential_renewals_total\{result="failed"\} [1-9]`)
	fileIsBad    = regexp.MustCompile(`configservice_files_good\{files="store_credential"\} 0\n`)
	revoked      = regexp.MustCompile(`configservice_store_restarts_total\{reason="revoked"\} [1-9]`)
)

// TestATokenIsRotated: the file changes, the old user is deleted, and no write is late
// or lost; a token that is not good, or that etcd does not know, changes nothing; and a
// user that is deleted is said to be revoked.
func TestATokenIsRotated(t *testing.T) {
	etcd, root := guarded(t, map[string]string{"payment-service.development.k1": "one", "payment-service.development.k2": "two"})
	path := filepath.Join(t.TempDir(), "token")
	swap(t, path, "cs_k1_one")
	log := &record{}
	server := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{"AUTH_TOKEN_FILE": path}, Log: slog.New(slog.NewTextHandler(log, nil))})
	ctx := within(t)
	arrives := func(value string) {
		t.Helper()
		put, err := root.Put(ctx, etcdstore.EntryKey(snapshot.ScopeID{Namespace: "payment-service", Environment: "development"}, "a"), value)
		if err != nil {
			t.Fatal(err)
		}
		for {
			got, err := server.Client(t).Get(ctx, &configv1.GetRequest{Key: "a", MinRevision: put.Header.Revision})
			if err == nil && got.GetEntry().GetValue().GetStringValue() == strings.Trim(value, `"`) {
				return
			}
			if ctx.Err() != nil {
				t.Fatalf("%s did not arrive: %v, %v", value, got, err)
			}
		}
	}
	deleted := func(user string) {
		t.Helper()
		if _, err := root.UserDelete(ctx, user); err != nil {
			t.Fatal(err)
		}
	}

	arrives(`"by the first"`)
	swap(t, path, "cs_k2_two")
	awaitMetric(t, server, "the second token is in use", renewedOnce)
	deleted("payment-service.development.k1")
	arrives(`"by the second"`)

	swap(t, path, "\n")
	awaitMetric(t, server, "the file is bad", fileIsBad)
	arrives(`"by the second, the file is bad"`)

	swap(t, path, "cs_k3_canary")
	awaitMetric(t, server, "etcd refuses the third token", notRenewed)
	arrives(`"by the second, the third is refused"`)
	if _, err := root.UserAdd(ctx, "payment-service.development.k3", "canary"); err != nil {
		t.Fatal(err)
	}
	if _, err := root.UserGrantRole(ctx, "payment-service.development.k3", "reader"); err != nil {
		t.Fatal(err)
	}
	awaitMetric(t, server, "etcd takes the third token", renewedTwice)
	deleted("payment-service.development.k2")
	arrives(`"by the third"`)
	if text := get(t, server.Ops+"/metrics"); refused.MatchString(text) {
		t.Error("a connection was given up")
	}

	deleted("payment-service.development.k3")
	awaitMetric(t, server, "the revocation is said", revoked)
	if answer := get(t, server.URL+"/v1/config/a"); !strings.Contains(answer, "by the third") {
		t.Errorf("after the revocation the answer is %s", answer)
	}
	becomes(t, "the log", "reason=revoked", log.String)
	if text := log.String(); strings.Contains(text, "canary") {
		t.Errorf("the log has the token:\n%s", text)
	}
}
