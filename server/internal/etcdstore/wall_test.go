package etcdstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// The second wall: what etcd itself refuses to one service's credential. Every way into
// etcd is tried past our own check, with etcd's own client: with the token of pay in
// production, and without any credential. No byte of what is not pay's may come out.

// outcome is how an attempt has to end.
type outcome int

const (
	refused outcome = iota // by etcd
	own                    // answered, with what the service may read
	known                  // answered to every user; without configuration, which is looked at too
)

// attempt is one thing that an attacker tries. It returns all that etcd answered.
type attempt struct {
	name    string
	service outcome // of the service's credential
	anyone  outcome // of no credential
	try     func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error)
}

const (
	root    = "/config-service/v1/"
	entry   = root + "entries/"
	mine    = entry + "production/pay/"
	foreign = "canary" // is in every key and value that is not pay's
)

// world is what lies in the etcd under attack.
type world struct {
	*registered
	token string
	lease int64 // of root, on a foreign key
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{registered: protected(t)}
	ctx := within(t)
	for _, id := range [][2]string{{"pay", "production"}, {"payments", "production"}, {"pay", "test"}, {"orders", "production"}} {
		_, token, err := w.Register(ctx, admin(t, id[0], id[1]))
		if err != nil {
			t.Fatal(err)
		}
		if w.token == "" {
			w.token = token
		}
	}
	lease, err := w.root.Grant(ctx, 3600)
	if err != nil {
		t.Fatal(err)
	}
	w.lease = int64(lease.ID)
	w.put(t, mine+"a", "1")
	w.put(t, mine+"b", "2")
	w.put(t, entry+"_all/pay/a", "1")
	w.put(t, entry+"production/_shared/a", "1")
	w.put(t, entry+"_all/_shared/a", "1")
	w.put(t, root+"schemas/pay", `{"schema":{}}`)
	for _, name := range []string{"pa", "payments", "orders", "pay-a"} {
		w.put(t, root+"schemas/"+name, `{"schema":{"title":"canary"}}`)
	}
	for _, scope := range foreignScopes {
		w.put(t, root+scope+"canary", `"canary of `+scope+`"`)
	}
	if _, err := w.root.Put(ctx, entry+"production/payments/canary-leased", `"canary"`, clientv3.WithLease(lease.ID)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) put(t *testing.T, key, value string) {
	t.Helper()
	if _, err := w.root.Put(within(t), key, value); err != nil {
		t.Fatal(err)
	}
}

// foreignScopes are of others; some names are pay's own, longer or shorter.
var foreignScopes = []string{
	"entries/production/payments/", "entries/production/pa/", "entries/production/orders/", "entries/test/pay/", "entries/_all/payments/", "entries/_all/orders/",
	"entries/test/_shared/", "entries/productions/pay/", "services/test/", "scopes/production/pay/", "history/production/pay/", "schemas/pay/",
}

// targets are ranges that hold what is not pay's.
func targets() map[string][2]string {
	t := map[string][2]string{
		"everything":                       {"\x00", "\x00"},
		"from its own first key on":        {mine + "a", "\x00"},
		"from its own last key on":         {mine + "zzz", "\x00"},
		"its own range and a byte more":    {mine, entry + "production/pay0\x00"},
		"its own range and a byte before":  {entry + "production/pay.", entry + "production/pay0"},
		"its own name as a prefix":         {entry + "production/pay", entry + "production/paz"},
		"its environment":                  {entry + "production/", entry + "production0"},
		"all entries":                      {entry, root + "entries0"},
		"all of the product":               {root, "/config-service/v10"},
		"from the shared to its own range": {entry + "production/_shared/", entry + "production/pay0"},
		"from one own scope to another":    {entry + "_all/pay/", entry + "production/pay0"},
		"the record of its own":            {root + "services/production/pay", ""},
		"the record of another":            {root + "services/production/payments", ""},
		"its own name without the slash":   {entry + "production/pay", ""},
		"the end of its own range":         {entry + "production/pay0", ""},
		"the empty range":                  {"", "\x00"},
		"all schemas":                      {root + "schemas/", root + "schemas0"},
		"its own schema and what follows":  {root + "schemas/pay", root + "schemas/paz"},
		"its own schema and a byte more":   {root + "schemas/pay", root + "schemas/pay-b"},
		"up to its own schema":             {root + "schemas/pa", root + "schemas/pay\x00"},
		"from its own schema on":           {root + "schemas/pay", "\x00"},
		"the schema of another":            {root + "schemas/payments", ""},
		"the schema of a shorter name":     {root + "schemas/pa", ""},
	}
	for _, scope := range foreignScopes {
		t["a key of "+scope] = [2]string{root + scope + "canary", ""}
		t["all of "+scope] = [2]string{root + scope, root + scope[:len(scope)-1] + "0"}
	}
	return t
}

// isRefusal says whether etcd said no because of who asked. A request that is malformed
// for everybody, such as for the empty key, is no leak either.
func isRefusal(err error) bool {
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unauthenticated:
		return true
	}
	for _, words := range []string{"permission denied", "user name is empty", "key is not provided"} {
		if strings.Contains(fmt.Sprint(err), words) {
			return true
		}
	}
	return false
}

// judge runs an attempt and says what is wrong with its end.
func judge(t *testing.T, a attempt, want outcome, conn *grpc.ClientConn) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen, err := a.try(ctx, conn)
	for _, m := range seen {
		raw, e := proto.Marshal(m)
		if e != nil {
			t.Fatal(e)
		}
		if strings.Contains(string(raw), foreign) || strings.Contains(string(raw), "payments") || strings.Contains(string(raw), "orders") {
			t.Errorf("%s: another service's bytes came out", a.name)
		}
	}
	switch {
	case want == refused && err == nil:
		t.Errorf("%s: etcd did it", a.name)
	case want == refused && !isRefusal(err):
		t.Errorf("%s: ended with %v; want a refusal", a.name, err)
	case want != refused && err != nil:
		t.Errorf("%s: ended with %v; want an answer", a.name, err)
	}
}

func TestTheSecondWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.all(t)
	service := open(t, w.etcd, "pay.production."+tokenForm.FindStringSubmatch(w.token)[1], tokenForm.FindStringSubmatch(w.token)[2])
	anyone := open(t, w.etcd, "", "")
	all := attempts(w)
	began := time.Now()
	for _, a := range all {
		judge(t, a, a.service, service.ActiveConnection())
		judge(t, a, a.anyone, anyone.ActiveConnection())
	}
	t.Logf("FIGURES second wall: %d attempts, each with a service's credential and with none, in %.1f s", len(all), time.Since(began).Seconds())
	if len(all) < 500 {
		t.Errorf("only %d attempts", len(all))
	}
	if after := w.all(t); after != before {
		t.Error("the store is not as before")
	}
	for _, name := range []string{"payments.production.x", "root", etcdControl} { // its own secret opens nobody else
		if _, err := service.Authenticate(within(t), name, tokenForm.FindStringSubmatch(w.token)[2]); err == nil {
			t.Errorf("the secret of pay opens %s", name)
		}
	}
	if _, err := service.Get(within(t), mine+"a"); err != nil {
		t.Errorf("after all that the service cannot read its own: %v", err)
	}
}

const etcdControl = "config-service-control"

// all is what is in the store.
func (w *world) all(t *testing.T) string {
	t.Helper()
	got, err := w.root.Get(within(t), "", clientv3.WithFromKey())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, kv := range got.Kvs {
		fmt.Fprintf(&b, "%s=%s@%d\n", kv.Key, kv.Value, kv.ModRevision)
	}
	return b.String()
}

// TestTheSecondWallIsTested: were the role as wide as an environment, the attempts would
// tell.
func TestTheSecondWallIsTested(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := within(t)
	if _, err := w.root.RoleGrantPermission(ctx, "config-service.production.pay", entry+"production/", entry+"production0", clientv3.PermissionType(clientv3.PermRead)); err != nil {
		t.Fatal(err)
	}
	service := open(t, w.etcd, "pay.production."+tokenForm.FindStringSubmatch(w.token)[1], tokenForm.FindStringSubmatch(w.token)[2])
	leaks := 0
	for _, a := range attempts(w) {
		if strings.HasPrefix(a.name, "watch") && strings.Contains(a.name, "its own") { // there may be nothing to wait for
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if seen, err := a.try(ctx, service.ActiveConnection()); err == nil && a.service == refused && len(seen) > 0 {
			leaks++
		}
		cancel()
	}
	if leaks < 50 {
		t.Errorf("a role that is too wide shows in %d attempts only", leaks)
	}
}
