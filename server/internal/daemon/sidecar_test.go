package daemon_test

import (
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// TestASidecarThatAsks: with tokens, keys and authorities a sidecar still serves one
// service: only that one's credentials open it, and people by a rule.
func TestASidecarThatAsks(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t), t.TempDir()
	h.set(t, "jwt-service", "development", "a", "elsewhere")
	const alice = `{jwt: "system:serviceaccount:people:alice", user: alice}`
	const read = `{who: ["user:alice"], may: [read], namespaces: ["*"], environments: ["*"]}`
	who := identities(alice, byServiceAccount, bySPIFFE)
	allowed := who[:len(who)-len("rules: []\n")] + "rules:\n- " + read + "\n"
	policy := file(t, dir, "policy.yaml", allowed)
	token, line := servertest.NewToken(t, "jwt-service", "production")
	foreign, foreignLine := servertest.NewToken(t, "dns-service", "production")
	authority, key := servertest.NewAuthority(t), newClusterKey(t, "first")
	cert := authority.Server(t)
	s := servertest.Start(t, servertest.Options{Etcd: h.Etcd, Namespace: "jwt-service", Environment: "production", Settings: map[string]string{
		"CONFIG_TOKENS_FILE": file(t, dir, "tokens.yaml", line+foreignLine), "CONFIG_POLICY_FILE": policy,
		"CONFIG_JWKS": file(t, dir, "jwks.json", jwks(t, key)), "CONFIG_JWT_ISSUER": clusterIssuer,
		"CONFIG_TLS_CERT_FILE": cert.File, "CONFIG_TLS_KEY_FILE": cert.KeyFile, "CONFIG_TLS_CLIENT_CA_FILE": authority.File,
	}})
	account := func(namespace, name string) *visitor {
		return overTLS(t, s, authority, name, key.project(t, namespace, name, nil))
	}
	workload := func(environment, name string) *visitor {
		return overTLS(t, s, authority, name, "", authority.Client(t, nil, "spiffe://example.org/ns/"+environment+"/sa/"+name))
	}
	person := account("people", "alice")
	person.name = "jwt-service" // which is the one that she reads here
	own := []*visitor{overTLS(t, s, authority, "jwt-service", token), account("production", "jwt-service"), workload("production", "jwt-service"), person}
	for _, v := range own {
		seesItsOwn(t, v, "of jwt")
	}
	for _, v := range []*visitor{
		overTLS(t, s, authority, "dns-service", foreign), account("production", "dns-service"), workload("production", "spiffe-service"),
		account("development", "jwt-service"), workload("development", "jwt-service"),
	} {
		for _, namespace := range []string{"", "jwt-service", v.name} {
			if got := v.gets(t, namespace); got != each("PERMISSION_DENIED") {
				t.Errorf("%s gets %q of %q", v.name, got, namespace)
			}
		}
	}
	for _, v := range []*visitor{overTLS(t, s, authority, "nobody", ""), workload("production", "a/b")} {
		if got := v.gets(t, ""); got != each("UNAUTHENTICATED") {
			t.Errorf("%s gets %q", v.name, got)
		}
	}

	mine, hers := own[1].watch(t), person.watch(t)
	began := time.Now()
	servertest.WriteFile(t, policy, who)
	hers.end(t, "whose rule is gone", "PERMISSION_DENIED", began)
	comesToGet(t, person, "PERMISSION_DENIED")
	h.goOn(t, "the rule", map[*visitor]*watching{own[1]: mine})
}

// TestWhoAmIInASidecarThatAsks: it says who somebody is, and what that one may do here.
func TestWhoAmIInASidecarThatAsks(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t), t.TempDir()
	policy := identities(`{jwt: "system:serviceaccount:people:alice", user: alice}`, byServiceAccount, bySPIFFE)
	policy = policy[:len(policy)-len("rules: []\n")] + "rules:\n- {who: [\"user:alice\"], may: [read, administer], namespaces: [\"jwt-service\"], environments: [\"*\"]}\n"
	authority, key := servertest.NewAuthority(t), newClusterKey(t, "first")
	cert := authority.Server(t)
	s := servertest.Start(t, servertest.Options{Etcd: h.Etcd, Namespace: "jwt-service", Environment: "production", Settings: map[string]string{
		"CONFIG_POLICY_FILE": file(t, dir, "policy.yaml", policy),
		"CONFIG_JWKS":        file(t, dir, "jwks.json", jwks(t, key)), "CONFIG_JWT_ISSUER": clusterIssuer,
		"CONFIG_TLS_CERT_FILE": cert.File, "CONFIG_TLS_KEY_FILE": cert.KeyFile, "CONFIG_TLS_CLIENT_CA_FILE": authority.File,
	}})
	read, elsewhere := &configv1.CanIRequest{Action: configv1.Action_READ}, &configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "dns-service", Environment: "production"}
	here := &configv1.CanIRequest{Action: configv1.Action_READ, Namespace: "jwt-service", Environment: "production"}
	administer := &configv1.CanIRequest{Action: configv1.Action_ADMINISTER, Namespace: "jwt-service", Environment: "production"}
	for _, test := range []struct {
		who      *visitor
		name     string
		evidence configv1.Identity_Evidence
		may      map[*configv1.CanIRequest]bool
	}{
		{overTLS(t, s, authority, "", key.project(t, "production", "jwt-service", nil)), "service:jwt-service/production", configv1.Identity_JWT, map[*configv1.CanIRequest]bool{read: true, here: true, elsewhere: false, administer: false}},
		{overTLS(t, s, authority, "", "", authority.Client(t, nil, "spiffe://example.org/ns/production/sa/jwt-service")), "service:jwt-service/production", configv1.Identity_CERTIFICATE, map[*configv1.CanIRequest]bool{read: true, here: true, elsewhere: false, administer: false}},
		{overTLS(t, s, authority, "", key.project(t, "people", "alice", nil)), "user:alice", configv1.Identity_JWT, map[*configv1.CanIRequest]bool{here: true, elsewhere: false, administer: false}},
		{overTLS(t, s, authority, "", key.project(t, "production", "dns-service", nil)), "service:dns-service/production", configv1.Identity_JWT, map[*configv1.CanIRequest]bool{read: false, here: false, elsewhere: false, administer: false}},
	} {
		conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(credentials.NewTLS(test.who.tls)))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		client, ctx := configv1.NewAccessServiceClient(conn), test.who.with(within(t))
		got, err := client.WhoAmI(ctx, &configv1.WhoAmIRequest{})
		if err != nil || got.GetRole() != "sidecar" || got.GetIdentity().GetName() != test.name || got.GetIdentity().GetEvidence() != test.evidence {
			t.Errorf("%s is told %v, %v", test.name, got, err)
		}
		for ask, want := range test.may {
			if got, err := client.CanI(ctx, ask); err != nil || got.GetAllowed() != want || got.GetReason() == "" {
				t.Errorf("%s asks %v and is told %v, %v", test.name, ask, got, err)
			}
		}
	}
}
