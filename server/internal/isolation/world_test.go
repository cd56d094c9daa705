package isolation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	environment = "production"
	// patience bounds hangs, and nothing else.
	patience = 20 * time.Minute
	// Canaries begin like this, so that one look finds all of them.
	valueMark = "canaryv"
	keyMark   = "canaryk"
	tokenMark = "cs_"
)

// tenant is a service with its marks. Its token changes while the test runs.
type tenant struct {
	namespace string
	value     string // in its values
	key       string // the name of a key of its own
	token     atomic.Pointer[string]
}

func (t *tenant) bearer() string { return "Bearer " + *t.token.Load() }

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// world is an etcd, many tenants, a control server for all of them, sidecars for some,
// and all that these write down.
type world struct {
	etcd     *servertest.Etcd
	tenants  []*tenant
	control  *servertest.Server
	sidecars []*servertest.Server // of the first tenants
	dir      string
	log      journal
	traces   *collector
	secrets  []string // of all tokens there ever were
	previous string   // entries of the tokens before
}

// journal collects what is logged.
type journal struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

// newWorld starts a world of tenants, the first of which have sidecars too.
func newWorld(t *testing.T, tenants, sidecars int) *world {
	t.Helper()
	w := &world{etcd: servertest.StartEtcd(t), dir: t.TempDir(), traces: collect(t)}
	for i := range tenants {
		// One name begins like the next: pay-1 and pay-11.
		tn := &tenant{namespace: fmt.Sprintf("pay-%d", i+1), value: valueMark + random(10), key: keyMark + random(10)}
		w.tenants = append(w.tenants, tn)
		w.write(t, tn, 0)
	}
	w.rotate(t)
	policy := filepath.Join(w.dir, "policy.yaml")
	rules := "rules:\n- {who: [\"user:nobody\"], may: [read, administer], namespaces: [\"*\"], environments: [\"*\"]}\n"
	if err := os.WriteFile(policy, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	log := telemetry.NewLogger(&w.log, "debug", "json")
	w.control = servertest.Start(t, servertest.Options{Etcd: w.etcd, Log: log, Settings: map[string]string{
		"CONFIG_ROLE": "control", "CONFIG_TOKENS_FILE": w.tokensFile(), "CONFIG_POLICY_FILE": policy,
		"CONFIG_AUDIT_FILE": w.auditFile(), "CONFIG_MAX_STREAMS_PER_CONNECTION": "1000",
	}})
	w.control.Conn(t) // made here, for many goroutines use it
	for i, tn := range w.tenants[:sidecars] {
		w.sidecars = append(w.sidecars, servertest.Start(t, servertest.Options{Etcd: w.etcd, Log: log, Namespace: tn.namespace, Environment: environment, Settings: map[string]string{
			"CONFIG_CACHE_DIR": filepath.Join(w.dir, fmt.Sprintf("cache-%d", i)),
		}}))
		w.sidecars[i].Conn(t)
	}
	return w
}

func (w *world) tokensFile() string { return filepath.Join(w.dir, "tokens.yaml") }
func (w *world) auditFile() string  { return filepath.Join(w.dir, "audit.jsonl") }

// write changes what a tenant has: a value of its own, one for all its environments, one
// in another environment, and a value that is unusable, which is logged.
func (w *world) write(t testing.TB, tn *tenant, n int) {
	t.Helper()
	json := fmt.Sprintf("%q", fmt.Sprintf("%s-%d", tn.value, n))
	at := servertest.Write{Namespace: tn.namespace, Environment: environment, Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: tn.key, JSON: json}
	everywhere, elsewhere, unusable := at, at, at
	everywhere.Layer, everywhere.Key = configv1.Layer_SERVICE, "everywhere."+tn.key
	elsewhere.Environment = "development"
	unusable.Key, unusable.JSON = "unusable", tn.value
	w.etcd.Commit(t, at, everywhere, elsewhere, unusable)
}

// rotate gives every tenant a new token, beside the one before. Who uses the one before
// that is refused from now on.
func (w *world) rotate(t testing.TB) {
	t.Helper()
	var entries strings.Builder
	fresh := make([]string, len(w.tenants))
	for i, tn := range w.tenants {
		id, secret := random(5), random(20)
		fresh[i] = tokenMark + id + "_" + secret
		w.secrets = append(w.secrets, secret)
		digest := sha256.Sum256([]byte(fresh[i]))
		fmt.Fprintf(&entries, "- {id: %s, digest: \"sha256:%s\", service: %s, environment: %s}\n", id, hex.EncodeToString(digest[:]), tn.namespace, environment)
	}
	if err := os.WriteFile(w.tokensFile()+".new", []byte(entries.String()+w.previous), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.tokensFile()+".new", w.tokensFile()); err != nil {
		t.Fatal(err)
	}
	w.previous = entries.String()
	if w.control != nil {
		w.untilTaken(t, fresh[0])
	}
	for i := range w.tenants {
		w.tenants[i].token.Store(&fresh[i])
	}
}

// untilTaken waits until the server knows a token.
func (w *world) untilTaken(t testing.TB, token string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, err := configv1.NewAccessServiceClient(w.control.Conn(t)).WhoAmI(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), &configv1.WhoAmIRequest{})
		if err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("the new tokens were not taken up: %v", err)
		}
	}
}
