package etcdstore_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/authpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/servertest"
)

func TestANamespaceIsDeletedInEveryEnvironmentOrNotAtAll(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	for _, environment := range []string{"production", "test"} {
		if _, _, err := r.Register(ctx, admin(t, "pay", environment)); err != nil {
			t.Fatal(err)
		}
	}
	r.etcd.Commit(t,
		servertest.Write{Namespace: "pay", Environment: "production", Layer: configv1.Layer_SERVICE, Key: "a", JSON: "1"},
		servertest.Write{Namespace: "pay", Environment: "production", Layer: layer, Key: "a", JSON: "1"},
		servertest.Write{Namespace: "pay", Environment: "only-entries", Layer: layer, Key: "a", JSON: "1"},
		servertest.Write{Namespace: "pay", Environment: "production", Layer: configv1.Layer_SHARED, Key: "a", JSON: "1"},
		servertest.Write{Namespace: "payments", Environment: "production", Layer: layer, Key: "a", JSON: "1"})
	for _, key := range []string{"scopes/test/pay", "history/test/pay/1", "history/gone/pay/1", "schemas/pay", "scopes/test/payments", "history/test/payments/1", "schemas/payments"} {
		if _, err := r.root.Put(ctx, "/config-service/v1/"+key, "{}"); err != nil {
			t.Fatal(err)
		}
	}
	before, err := r.root.Get(ctx, "/config-service/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	// Bob may not do it in test, Carol not for all environments.
	for _, user := range []string{"bob", "carol"} {
		for _, namespace := range []string{"pay", "nothing"} {
			p, _ := policy.Parse([]byte(rules))
			g, err := policy.By(func() *policy.Policy { return p })(&identity.Identity{User: user}, policy.Administer, namespace, "")
			if err == nil {
				_, _, err = r.Delete(ctx, g)
			}
			if !errors.Is(err, policy.ErrDenied) {
				t.Errorf("%s deletes %s everywhere: %v", user, namespace, err)
			}
		}
	}
	if after, err := r.root.Get(ctx, "/config-service/", clientv3.WithPrefix(), clientv3.WithCountOnly()); err != nil || after.Count != before.Count {
		t.Errorf("somebody who is denied has deleted: %d keys of %d are left, %v", after.Count, before.Count, err)
	}
	keys, tokens, err := r.Delete(ctx, admin(t, "pay", ""))
	if err != nil || keys != 3 || tokens != 2 {
		t.Errorf("deleted %d keys and %d tokens, %v; want 3 and 2", keys, tokens, err)
	}
	left, err := r.root.Get(ctx, "/config-service/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, kv := range left.Kvs {
		names = append(names, strings.TrimPrefix(string(kv.Key), "/config-service/v1/"))
	}
	if want := "[entries/_all/_shared/a entries/production/payments/a history/test/payments/1 schemas/payments scopes/test/payments]"; fmt.Sprint(names) != want {
		t.Errorf("there is left %v; want %s", names, want)
	}
	if _, _, err := r.Delete(ctx, admin(t, "pay", "")); !errors.Is(err, etcdstore.ErrNotRegistered) {
		t.Errorf("deleted again: %v", err)
	}
}

func TestAListShowsWhatTheHolderMayAdminister(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	for _, id := range [][2]string{{"pay", "test"}, {"pay", "production"}, {"orders", "production"}, {"payments", "production"}} {
		if _, _, err := r.Register(ctx, admin(t, id[0], id[1])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.root.Put(ctx, "/config-service/v1/services/production/broken", "{"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		g    policy.Grant
		want string
	}{
		{admin(t, "", ""), "[orders/production pay/production pay/test payments/production]"},
		{admin(t, "pay", ""), "[pay/production pay/test]"},
		{admin(t, "", "test"), "[pay/test]"},
		{admin(t, "pay", "test"), "[pay/test]"},
		{grant(t, "bob", policy.Administer, "", ""), "[pay/production]"},
		{grant(t, "carol", policy.Administer, "", ""), "[pay/production pay/test]"},
	} {
		services, err := r.List(ctx, test.g)
		var names []string
		for _, s := range services {
			names = append(names, s.Scope.String())
		}
		if err != nil || fmt.Sprint(names) != test.want {
			t.Errorf("%s sees %v, %v; want %s", test.g.Holder().Name(), names, err, test.want)
		}
	}
}

// A grant for something else permits nothing, and the store is not even asked.
func TestOnlyAGrantToAdministerOpensTheRegistry(t *testing.T) {
	t.Parallel()
	r := etcdstore.NewRegistry(etcdstore.RegistryConfig{Log: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader})
	defer r.Close()
	for name, g := range map[string]policy.Grant{"none": {}, "to read": grant(t, "bob", policy.Read, "pay", "production")} {
		for what, err := range map[string]error{
			"register": third3(r.Register(t.Context(), g)), "rotate": third3(r.Rotate(t.Context(), g, 0)),
			"revoke": third3(r.Revoke(t.Context(), g)), "delete": third3(r.Delete(t.Context(), g)),
			"list": func() error { _, err := r.List(t.Context(), g); return err }(),
		} {
			if !errors.Is(err, policy.ErrDenied) {
				t.Errorf("with the grant %s: %s: %v", name, what, err)
			}
		}
	}
}

func TestAnEtcdWithoutAuthenticationIsUnsuitable(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	ctx := within(t)
	reg := etcd.Registry(t)
	g := admin(t, "pay", "production")
	for what, err := range map[string]error{
		"register": third3(reg.Register(ctx, g)), "rotate": third3(reg.Rotate(ctx, g, 0)), "revoke": third3(reg.Revoke(ctx, g)), "delete": third3(reg.Delete(ctx, g)),
	} {
		if !errors.Is(err, etcdstore.ErrUnsuitable) || !strings.Contains(err.Error(), "bootstrap") {
			t.Errorf("%s: %v; want that the store is unsuitable, and what to do", what, err)
		}
	}
	root := open(t, etcd, "", "")
	if got, err := root.Get(ctx, "/", clientv3.WithPrefix(), clientv3.WithCountOnly()); err != nil || got.Count != 0 {
		t.Errorf("there is something in the store: %v, %v", got, err)
	}
}

// The roles of an earlier version lack the schemas. A control server gives them what they
// lack, and nothing to services that are not registered, or have no token.
func TestRolesOfAnEarlierVersionAreCompleted(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	const schemas = "/config-service/v1/schemas/"
	for _, namespace := range []string{"pay", "orders"} {
		if _, _, err := r.Register(ctx, admin(t, namespace, "production")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.root.RoleRevokePermission(ctx, "config-service.production."+namespace, schemas+namespace, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := r.Revoke(ctx, admin(t, "orders", "production")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.root.RoleAdd(ctx, etcdstore.SharedUser); err != nil {
		t.Fatal(err)
	}
	reads := func(role, key string) bool {
		got, err := r.root.RoleGet(ctx, role)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(got.Perm, func(p *authpb.Permission) bool { return string(p.Key) == key })
	}
	if err := r.another(t).Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	for role, key := range map[string]string{"config-service.production.pay": schemas + "pay", etcdstore.SharedUser: schemas} {
		if !reads(role, key) {
			t.Errorf("the role %s was not given %s", role, key)
		}
	}
	if reads("config-service.production.orders", schemas+"orders") {
		t.Error("a service without a token was given something")
	}
	if _, err := r.root.RoleGet(ctx, "config-service.production.nothing"); err == nil {
		t.Error("a role was made")
	}
}
