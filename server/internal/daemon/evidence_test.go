package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// The rules of a policy file that say who callers are.
var (
	byServiceAccount = `{jwt: "system:serviceaccount:{environment}:{service}"}`
	byDNS            = `{dns: "{service}.internal", environment: production}`
	bySPIFFE         = `{spiffe: "spiffe://example.org/ns/{environment}/sa/{service}"}`
	byUser           = fmt.Sprintf("{uid: %d, service: uid-service, environment: production}", os.Geteuid())
)

// identities is a policy file that says who callers are, and allows nothing beside their own.
func identities(rules ...string) string {
	text := "identities:\n"
	for _, r := range rules {
		text += "- " + r + "\n"
	}
	return text + "rules: []\n"
}

// house is an etcd with a service for each evidence, each with one value.
type house struct {
	*servertest.Etcd
	news atomic.Int64 // how often there were some
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{Etcd: servertest.StartEtcd(t)}
	for _, kind := range []string{"jwt", "dns", "spiffe", "uid"} {
		h.set(t, kind+"-service", "production", "a", "of "+kind)
	}
	h.set(t, "dns-service", "development", "a", "elsewhere")
	return h
}

func (h *house) set(t *testing.T, namespace, environment, key, text string) {
	t.Helper()
	h.Commit(t, servertest.Write{
		Namespace: namespace, Environment: environment, Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: key, JSON: fmt.Sprintf("%q", text),
	})
}

// seesItsOwn wants a visitor to see its own scope, and nothing of the others, over each
// transport.
func seesItsOwn(t *testing.T, v *visitor, value string) {
	t.Helper()
	if got := v.gets(t, ""); got != each(value) {
		t.Errorf("%s gets %q of its own", v.name, got)
	}
	if got := v.gets(t, v.name); got != each(value) {
		t.Errorf("%s gets %q by its name", v.name, got)
	}
	for _, foreign := range []string{"jwt-service", "dns-service", "spiffe-service", "uid-service", "nobody"} {
		if foreign == v.name {
			continue
		}
		if got := v.gets(t, foreign); got != each("PERMISSION_DENIED") {
			t.Errorf("%s gets %q of %s", v.name, got, foreign)
		}
	}
}

// goOn shows that visitors are undisturbed: their streams bring what is written now. It is
// written under a key of its own: of one that another test writes too they may bring the
// newer value alone.
func (h *house) goOn(t *testing.T, step string, streams map[*visitor]*watching) {
	t.Helper()
	for v, w := range streams {
		text := step + " for " + v.name
		h.set(t, v.name, "production", fmt.Sprintf("news%d", h.news.Add(1)), text)
		w.goesOn(t, v.name, text)
	}
}

// comesToGet waits until a visitor gets something of its own.
func comesToGet(t *testing.T, v *visitor, answer string) {
	t.Helper()
	until(within(t), t, v.name+" gets "+answer, func() bool { return v.gets(t, "") == each(answer) })
}

// TestEveryEvidenceOpensItsOwn: tokens of a cluster and client certificates over TLS, each
// with what makes it end, which disturbs nobody else.
func TestEveryEvidenceOpensItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, role := range []string{"shared", "control"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			h.evidenceEnds(t, role)
		})
	}
}

func (h *house) evidenceEnds(t *testing.T, role string) {
	dir := t.TempDir()
	site, first, second := servertest.NewAuthority(t), servertest.NewAuthority(t), servertest.NewAuthority(t)
	key, next := newClusterKey(t, "first"), newClusterKey(t, "second")
	keys := file(t, dir, "jwks.json", jwks(t, key))
	policy := file(t, dir, "policy.yaml", identities(byServiceAccount, byDNS, bySPIFFE))
	authorities := file(t, dir, "authorities.pem", pemOf(t, first))
	cert := site.Server(t)
	s := servertest.Start(t, servertest.Options{Etcd: h.Etcd, Settings: map[string]string{
		"CONFIG_ROLE": role, "CONFIG_POLICY_FILE": policy, "CONFIG_JWKS": keys, "CONFIG_JWT_ISSUER": clusterIssuer,
		"CONFIG_TLS_CERT_FILE": cert.File, "CONFIG_TLS_KEY_FILE": cert.KeyFile, "CONFIG_TLS_CLIENT_CA_FILE": authorities,
	}})
	account := func(k clusterKey) *visitor {
		return overTLS(t, s, site, "jwt-service", k.project(t, "production", "jwt-service", nil))
	}
	named := func(a *servertest.Authority) *visitor {
		return overTLS(t, s, site, "dns-service", "", a.Client(t, []string{"dns-service.internal"}))
	}
	workload := func(a *servertest.Authority) *visitor {
		return overTLS(t, s, site, "spiffe-service", "", a.Client(t, nil, "spiffe://example.org/ns/production/sa/spiffe-service"))
	}
	byToken, byName, byWorkload := account(key), named(first), workload(first)
	seesItsOwn(t, byToken, "of jwt")
	seesItsOwn(t, byName, "of dns")
	seesItsOwn(t, byWorkload, "of spiffe")
	strangers := []*visitor{overTLS(t, s, site, "nobody", ""), overTLS(t, s, site, "nobody", "", first.Client(t, []string{"dns-service.elsewhere"}))}
	for _, claims := range []map[string]any{
		{"aud": []string{"https://kubernetes.default.svc"}}, {"iss": "https://other.example"}, {"exp": time.Now().Add(-time.Hour).Unix()},
		{"nbf": time.Now().Add(time.Hour).Unix()}, {"sub": "system:node:node-1"}, {"sub": "system:serviceaccount:production:jwt-service:x"},
	} {
		strangers = append(strangers, overTLS(t, s, site, fmt.Sprint(claims), key.project(t, "production", "jwt-service", claims)))
	}
	for _, v := range append(strangers, account(next)) {
		if got := v.gets(t, ""); got != each("UNAUTHENTICATED") {
			t.Errorf("%s gets %q", v.name, got)
		}
	}

	token, name, spiffe := byToken.watch(t), byName.watch(t), byWorkload.watch(t)
	began := time.Now()
	servertest.WriteFile(t, keys, jwks(t, next))
	token.end(t, "a token whose key is gone", "UNAUTHENTICATED", began)
	comesToGet(t, byToken, "UNAUTHENTICATED")
	byToken = account(next)
	comesToGet(t, byToken, "of jwt")
	token = byToken.watch(t)
	h.goOn(t, role+": the key", map[*visitor]*watching{byToken: token, byName: name, byWorkload: spiffe})

	began = time.Now()
	servertest.WriteFile(t, authorities, pemOf(t, second))
	name.end(t, "a certificate whose authority is gone", "UNAUTHENTICATED", began)
	spiffe.end(t, "another such", "UNAUTHENTICATED", began)
	comesToGet(t, byName, "UNAUTHENTICATED") // over the connections that it has
	byName, byWorkload = named(second), workload(second)
	comesToGet(t, byName, "of dns")
	comesToGet(t, byWorkload, "of spiffe")
	name, spiffe = byName.watch(t), byWorkload.watch(t)
	h.goOn(t, role+": the authority", map[*visitor]*watching{byToken: token, byName: name, byWorkload: spiffe})

	began = time.Now()
	servertest.WriteFile(t, policy, identities(byServiceAccount, `{dns: "{service}.internal", environment: development}`, bySPIFFE))
	name.end(t, "who is somebody else now", "PERMISSION_DENIED", began)
	comesToGet(t, byName, "elsewhere") // of the other environment
	h.goOn(t, role+": the mapping", map[*visitor]*watching{byToken: token, byWorkload: spiffe})
	began = time.Now()
	servertest.WriteFile(t, policy, identities(byServiceAccount))
	spiffe.end(t, "whom no rule names any more", "UNAUTHENTICATED", began)
	comesToGet(t, byWorkload, "UNAUTHENTICATED")
	h.goOn(t, role+": the other mapping", map[*visitor]*watching{byToken: token})
}

func pemOf(t *testing.T, a *servertest.Authority) string {
	t.Helper()
	text, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheUserOfASocketOpensItsOwn: the kernel says who calls, until the policy file says
// otherwise.
func TestTheUserOfASocketOpensItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, role := range []string{"shared", "control"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			dir := shortDir(t)
			key := newClusterKey(t, "first")
			policy := file(t, dir, "policy.yaml", identities(byServiceAccount, byUser))
			servertest.Start(t, servertest.Options{Etcd: h.Etcd, Settings: map[string]string{
				"CONFIG_ROLE": role, "CONFIG_POLICY_FILE": policy, "CONFIG_JWKS": file(t, dir, "jwks.json", jwks(t, key)), "CONFIG_JWT_ISSUER": clusterIssuer,
				"CONFIG_HTTP_ADDR": "unix:" + filepath.Join(dir, "rest"), "CONFIG_GRPC_ADDR": "unix:" + filepath.Join(dir, "rpc"),
			}})
			user, account := overSockets(t, dir, "uid-service", ""), overSockets(t, dir, "jwt-service", key.project(t, "production", "jwt-service", nil))
			seesItsOwn(t, user, "of uid")
			seesItsOwn(t, account, "of jwt") // what is brought says more than who brings it
			if got := overSockets(t, dir, "a wrong token", "eyJ").gets(t, ""); got != each("UNAUTHENTICATED") {
				t.Errorf("a wrong token is answered %q", got)
			}

			mine, others := user.watch(t), account.watch(t)
			began := time.Now()
			servertest.WriteFile(t, policy, identities(byServiceAccount, fmt.Sprintf("{uid: %d, service: uid-service, environment: production}", os.Geteuid()+1)))
			mine.end(t, "a user that no rule names any more", "UNAUTHENTICATED", began)
			comesToGet(t, user, "UNAUTHENTICATED")
			h.goOn(t, role+": the user", map[*visitor]*watching{account: others})
		})
	}
}

// TestKeysOfAnIssuersSite: keys come from a site that a private authority vouches for, and
// that wants to know who asks. All of it is replaced while the server runs.
func TestKeysOfAnIssuersSite(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t), t.TempDir()
	door, private := servertest.NewAuthority(t), servertest.NewAuthority(t)
	key, next := newClusterKey(t, "first"), newClusterKey(t, "second")
	issuer := newSite(t, private, jwks(t, key), "first-token-of-the-server")
	token := file(t, dir, "token", "first-token-of-the-server\n")
	cert := door.Server(t)
	s := servertest.Start(t, servertest.Options{Etcd: h.Etcd, Settings: map[string]string{
		"CONFIG_ROLE": "shared", "CONFIG_POLICY_FILE": file(t, dir, "policy.yaml", identities(byServiceAccount, bySPIFFE)),
		"CONFIG_JWKS": issuer.URL + "/openid/v1/jwks", "CONFIG_JWT_ISSUER": clusterIssuer,
		"CONFIG_JWKS_CA_FILE": private.File, "CONFIG_JWKS_TOKEN_FILE": token,
		"CONFIG_TLS_CERT_FILE": cert.File, "CONFIG_TLS_KEY_FILE": cert.KeyFile, "CONFIG_TLS_CLIENT_CA_FILE": door.File,
	}})
	account := overTLS(t, s, door, "jwt-service", key.project(t, "production", "jwt-service", nil))
	workload := overTLS(t, s, door, "spiffe-service", "", door.Client(t, nil, "spiffe://example.org/ns/production/sa/spiffe-service"))
	comesToGet(t, account, "of jwt")
	seesItsOwn(t, account, "of jwt")
	seesItsOwn(t, workload, "of spiffe")

	// A token with a key that is new has the keys fetched; the key before is then gone.
	ofToken, ofWorkload := account.watch(t), workload.watch(t)
	document, bearer := jwks(t, next), "second-token-of-the-server"
	issuer.document.Store(&document)
	issuer.token.Store(&bearer)
	servertest.WriteFile(t, token, bearer)
	rotated := overTLS(t, s, door, "jwt-service", next.project(t, "production", "jwt-service", nil))
	began := time.Now()
	comesToGet(t, rotated, "of jwt")
	ofToken.end(t, "a token whose key its issuer took back", "UNAUTHENTICATED", began)
	comesToGet(t, account, "UNAUTHENTICATED")
	h.goOn(t, "the keys", map[*visitor]*watching{workload: ofWorkload, rotated: rotated.watch(t)})
	if n := issuer.refused.Load(); n != 0 {
		t.Errorf("the site was asked %d times with a token that is not its own", n)
	}
}
