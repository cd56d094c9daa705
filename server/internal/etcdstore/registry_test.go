package etcdstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/servertest"
)

// registered is a protected etcd with a registry whose clock the test moves.
type registered struct {
	*etcdstore.Registry
	etcd *servertest.Etcd
	root *clientv3.Client
	late atomic.Int64 // how far the clock is ahead
}

const rules = `rules:
- {who: ["user:alice"], may: [administer], namespaces: ["*"], environments: ["*"]}
- {who: ["user:bob"], may: [administer, read], namespaces: ["pay"], environments: ["production", "_all"]}
- {who: ["user:carol"], may: [administer], namespaces: ["pay", "nothing"], environments: ["production", "test"]}
`

func grant(t *testing.T, user string, a policy.Action, namespace, environment string) policy.Grant {
	t.Helper()
	p, err := policy.Parse([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	g, err := policy.By(func() *policy.Policy { return p })(&identity.Identity{Kind: identity.Token, User: user}, a, namespace, environment)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func admin(t *testing.T, namespace, environment string) policy.Grant {
	t.Helper()
	return grant(t, "alice", policy.Administer, namespace, environment)
}

func protected(t *testing.T) *registered {
	t.Helper()
	r := &registered{etcd: servertest.StartEtcd(t)}
	r.etcd.Protect(t)
	r.Registry = r.another(t)
	r.root = open(t, r.etcd, "root", r.etcd.RootPassword())
	return r
}

// another is the registry of another control server.
func (r *registered) another(t *testing.T) *etcdstore.Registry {
	t.Helper()
	reg := etcdstore.NewRegistry(etcdstore.RegistryConfig{
		Endpoints: []string{r.etcd.Endpoint},
		Access: func() (etcdstore.Access, <-chan struct{}) {
			return etcdstore.Access{User: etcdstore.ControlUser, Password: r.etcd.ControlPassword()}, nil
		},
		Log:  slog.New(slog.DiscardHandler),
		Now:  func() time.Time { return time.Now().Add(time.Duration(r.late.Load())) },
		Rand: rand.Reader,
	})
	t.Cleanup(reg.Close)
	return reg
}

func open(t *testing.T, etcd *servertest.Etcd, user, password string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd.Endpoint}, Username: user, Password: password, DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// within stands against a hang of a whole test, of which some run against a dozen etcds.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	t.Cleanup(cancel)
	return ctx
}

var tokenForm = regexp.MustCompile(`^cs_([a-z0-9]{4,32})_([a-z2-7]{26,})$`)

// opens says whether a token opens the store, as a sidecar's login.
func (r *registered) opens(t *testing.T, namespace, environment, token string) bool {
	t.Helper()
	m := tokenForm.FindStringSubmatch(token)
	if m == nil {
		t.Fatalf("a token of the wrong form, of %d bytes", len(token))
	}
	_, err := r.root.Authenticate(within(t), namespace+"."+environment+"."+m[1], m[2])
	if err != nil && !errors.Is(err, rpctypes.ErrAuthFailed) {
		t.Fatal(err)
	}
	return err == nil
}

// services are the users, the roles and the records in the store, of a namespace.
func (r *registered) state(t *testing.T, namespace string) (users, roles, records []string) {
	t.Helper()
	ctx := within(t)
	u, err := r.root.UserList(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ro, err := r.root.RoleList(ctx)
	if err != nil {
		t.Fatal(err)
	}
	k, err := r.root.Get(ctx, "/config-service/v1/services/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range k.Kvs {
		if strings.HasSuffix(string(kv.Key), "/"+namespace) {
			records = append(records, string(kv.Value))
		}
	}
	users = slices.DeleteFunc(u.Users, func(s string) bool { return !strings.HasPrefix(s, namespace+".") })
	roles = slices.DeleteFunc(ro.Roles, func(s string) bool { return !strings.HasSuffix(s, "."+namespace) })
	return users, roles, records
}

func TestAServiceIsRegisteredRotatedRevokedAndDeleted(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	g := admin(t, "pay", "production")

	service, first, err := r.Register(ctx, g)
	if err != nil || len(service.Tokens) != 1 || service.CreatedBy != "user:alice" || service.Scope != (snapshot.ScopeID{Namespace: "pay", Environment: "production"}) {
		t.Fatalf("registered as %+v, %v", service, err)
	}
	if !r.opens(t, "pay", "production", first) {
		t.Error("the first token does not open the store")
	}
	if _, _, err := r.Register(ctx, g); !errors.Is(err, etcdstore.ErrRegistered) {
		t.Errorf("registered twice: %v", err)
	}
	_, _, records := r.state(t, "pay")
	if _, secret, _ := strings.Cut(first[3:], "_"); len(records) != 1 || strings.Contains(records[0], secret) {
		t.Errorf("the record holds the secret, or is not there: %d records", len(records))
	}

	service, second, err := r.Rotate(ctx, g, time.Hour)
	if err != nil || len(service.Tokens) != 2 || service.Tokens[0].Expires.IsZero() || !service.Tokens[1].Expires.IsZero() {
		t.Fatalf("rotated: %+v, %v", service, err)
	}
	soon := service.Tokens[0].Expires
	service, third, err := r.Rotate(ctx, g, 2*time.Hour)
	if err != nil || len(service.Tokens) != 3 || !service.Tokens[0].Expires.Equal(soon) {
		t.Errorf("a token that ends sooner does not keep its time: %+v, %v", service, err)
	}
	for _, token := range []string{first, second, third} {
		if !r.opens(t, "pay", "production", token) {
			t.Error("a token does not open the store during the overlap")
		}
	}
	service, fourth, err := r.Rotate(ctx, g, 0)
	if err != nil || len(service.Tokens) != 1 || r.opens(t, "pay", "production", first) || r.opens(t, "pay", "production", third) || !r.opens(t, "pay", "production", fourth) {
		t.Errorf("without an overlap the others go on: %+v, %v", service, err)
	}

	service, ids, err := r.Revoke(ctx, g)
	if err != nil || len(ids) != 1 || len(service.Tokens) != 0 || r.opens(t, "pay", "production", fourth) {
		t.Errorf("revoked: %+v, %v, %v", service, ids, err)
	}
	if _, ids, err := r.Revoke(ctx, g); err != nil || len(ids) != 0 {
		t.Errorf("revoked again: %v, %v; want nothing", ids, err)
	}
	if _, _, err := r.Rotate(ctx, g, 0); !errors.Is(err, etcdstore.ErrNotRegistered) {
		t.Errorf("rotated what was revoked: %v", err)
	}
	if _, fifth, err := r.Register(ctx, g); err != nil || !r.opens(t, "pay", "production", fifth) {
		t.Errorf("registered again: %v", err)
	}

	r.etcd.Commit(t, servertest.Write{Namespace: "pay", Environment: "production", Layer: layer, Key: "a", JSON: "1"},
		servertest.Write{Namespace: "pay", Environment: "production", Layer: layer, Key: "b", JSON: "2"},
		servertest.Write{Namespace: "payments", Environment: "production", Layer: layer, Key: "a", JSON: "3"})
	keys, tokens, err := r.Delete(ctx, g)
	if err != nil || keys != 2 || tokens != 1 {
		t.Errorf("deleted %d keys and %d tokens, %v; want 2 and 1", keys, tokens, err)
	}
	users, roles, records := r.state(t, "pay")
	if len(users)+len(roles)+len(records) != 0 {
		t.Errorf("there is left: %v %v %v", users, roles, records)
	}
	if got, err := r.root.Get(ctx, "/config-service/v1/", clientv3.WithPrefix(), clientv3.WithKeysOnly()); err != nil || len(got.Kvs) != 1 || !strings.Contains(string(got.Kvs[0].Key), "/payments/") {
		t.Errorf("there is left %v, %v; want the key of payments", got, err)
	}
	for what, err := range map[string]error{
		"rotate": third3(r.Rotate(ctx, g, 0)), "revoke": third3(r.Revoke(ctx, g)), "delete": third3(r.Delete(ctx, g)),
	} {
		if !errors.Is(err, etcdstore.ErrNotRegistered) {
			t.Errorf("%s of nothing: %v", what, err)
		}
	}
}

func third3[A, B any](_ A, _ B, err error) error { return err }

func TestTheRoleReadsExactlyItsLayersAndItsSchema(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	// What somebody did by hand is corrected.
	const role = "config-service.production.pay"
	if _, err := r.root.RoleAdd(ctx, role); err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]string{{"/", "0"}, {"/config-service/v1/entries/production/pay/", "/config-service/v1/entries/production/pay0"}} {
		if _, err := r.root.RoleGrantPermission(ctx, role, p[0], p[1], clientv3.PermissionType(clientv3.PermReadWrite)); err != nil {
			t.Fatal(err)
		}
	}
	service, _, err := r.Register(ctx, admin(t, "pay", "production"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.root.RoleGet(ctx, role)
	if err != nil {
		t.Fatal(err)
	}
	var has []string
	for _, p := range got.Perm {
		has = append(has, fmt.Sprintf("%s %s-%s", authpb.Permission_Type_name[int32(p.PermType)], p.Key, p.RangeEnd))
	}
	slices.Sort(has)
	const e = "/config-service/v1/entries/"
	want := []string{
		"READ " + e + "_all/_shared/-" + e + "_all/_shared0", "READ " + e + "_all/pay/-" + e + "_all/pay0",
		"READ " + e + "production/_shared/-" + e + "production/_shared0", "READ " + e + "production/pay/-" + e + "production/pay0",
		"READ /config-service/v1/schemas/pay-",
	}
	if !slices.Equal(has, want) {
		t.Errorf("the role has\n%s\nwant\n%s", strings.Join(has, "\n"), strings.Join(want, "\n"))
	}
	user, err := r.root.UserGet(ctx, "pay.production."+service.Tokens[0].ID)
	if err != nil || !slices.Equal(user.Roles, []string{role}) {
		t.Errorf("the user has the roles %v, %v", user, err)
	}
}

// Of two that register the same service at once exactly one wins, whoever it is.
func TestTwoRegisterAtOnce(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	for round := range 5 {
		name := fmt.Sprintf("pay%d", round)
		var tokens [3]string
		var errs [3]error
		var all sync.WaitGroup
		for i := range tokens {
			reg, g := r.another(t), admin(t, name, "production")
			all.Go(func() { _, tokens[i], errs[i] = reg.Register(ctx, g) })
		}
		all.Wait()
		won := 0
		for i, err := range errs {
			switch {
			case err == nil:
				won++
				if !r.opens(t, name, "production", tokens[i]) {
					t.Error("the winner's token does not open the store")
				}
			case !errors.Is(err, etcdstore.ErrRegistered):
				t.Errorf("the loser is told %v", err)
			}
		}
		if users, _, _ := r.state(t, name); won != 1 || len(users) != 1 {
			t.Errorf("%d won, and the users are %v; want one", won, users)
		}
	}
}

// Rotations at once all succeed, and each token is as the record says.
func TestSeveralRotateAtOnce(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	g := admin(t, "pay", "production")
	if _, _, err := r.Register(ctx, g); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var tokens [4]string
	for i := range tokens {
		reg := r.another(t)
		all.Go(func() {
			var err error
			if _, tokens[i], err = reg.Rotate(ctx, g, time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, token := range tokens {
		if !r.opens(t, "pay", "production", token) {
			t.Error("a token does not open the store")
		}
	}
	if services, err := r.List(ctx, g); err != nil || len(services) != 1 || len(services[0].Tokens) != 5 {
		t.Errorf("listed %+v, %v; want five tokens", services, err)
	}
}
