package main_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// doorsOfFiles are what the settings of doors name.
type doorsOfFiles struct {
	token, tokens, policy, jwks string
	authority                   *servertest.Authority
	cert                        servertest.Certificate
}

func newDoors(t *testing.T) *doorsOfFiles {
	t.Helper()
	dir := t.TempDir()
	d := &doorsOfFiles{authority: servertest.NewAuthority(t), tokens: filepath.Join(dir, "tokens.yaml"), policy: filepath.Join(dir, "policy.yaml"), jwks: filepath.Join(dir, "jwks.json")}
	d.cert = d.authority.Server(t)
	var line string
	d.token, line = servertest.NewToken(t, "doors", "test")
	servertest.WriteFile(t, d.tokens, line)
	servertest.WriteFile(t, d.policy, "identities:\n- {uid: 1, user: a}\nrules: []\n")
	servertest.WriteFile(t, d.jwks, `{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`)
	return d
}

const (
	wide   = "0.0.0.0:0"
	narrow = "127.0.0.1:0"
)

// at are the listeners of REST and gRPC, and further settings.
func at(rest, rpc string, more ...string) []string {
	return append([]string{"ENVIRONMENT=test", "SERVICE_NAME=doors", "CONFIG_HTTP_ADDR=" + rest, "CONFIG_GRPC_ADDR=" + rpc, "CONFIG_OPS_ADDR=" + narrow}, more...)
}

// doorsThatStayShut are settings that would let in anybody, or show tokens to anybody: a
// server does not start with them, and says which and what is accepted in one line.
func doorsThatStayShut(t *testing.T, p *product) {
	d := newDoors(t)
	tokens, jwks, policy := "CONFIG_TOKENS_FILE="+d.tokens, "CONFIG_JWKS="+d.jwks, "CONFIG_POLICY_FILE="+d.policy
	cert, key, ca := "CONFIG_TLS_CERT_FILE="+d.cert.File, "CONFIG_TLS_KEY_FILE="+d.cert.KeyFile, "CONFIG_TLS_CLIENT_CA_FILE="+d.authority.File
	socket := "unix:" + filepath.Join(shortDir(t), "s")
	const rest, rpc = "--http-addr (CONFIG_HTTP_ADDR)", "--grpc-addr (CONFIG_GRPC_ADDR)"
	for _, test := range []struct {
		env   []string
		words []string
	}{
		{at(wide, narrow), []string{rest, `"0.0.0.0:0"`, "other machines could read the configuration", "CONFIG_TOKENS_FILE", "CONFIG_JWKS", "CONFIG_TLS_CLIENT_CA_FILE", "CONFIG_ALLOW_UNAUTHENTICATED=true"}},
		{at(narrow, wide), []string{rpc, `"0.0.0.0:0"`, "other machines could read the configuration", "accepted: "}},
		{at("[::]:0", narrow), []string{rest, `"[::]:0"`, "other machines"}},
		{at(narrow, ":0"), []string{rpc, `":0"`, "other machines"}},
		{at(narrow, wide, cert, key), []string{rpc, "other machines"}},                 // TLS alone asks nobody
		{at(narrow, wide, policy), []string{rest, "callers cannot show who they are"}}, // a policy alone asks nobody
		{at(wide, narrow, tokens), []string{rest, "tokens would come in over plaintext", "CONFIG_TLS_CERT_FILE", "CONFIG_ALLOW_PLAINTEXT=true"}},
		{at(narrow, wide, tokens), []string{rpc, "tokens would come in over plaintext", "accepted: "}},
		{at(narrow, wide, jwks, "CONFIG_JWT_ISSUER=i"), []string{rpc, "tokens would come in over plaintext"}},
		{at(narrow, wide, tokens, "CONFIG_ALLOW_UNAUTHENTICATED=true"), []string{rpc, "tokens would come in over plaintext"}},
		{at(narrow, wide, ca), []string{"--tls-client-ca-file (CONFIG_TLS_CLIENT_CA_FILE)", "plaintext", "accepted: "}},
		{at(narrow, narrow, "CONFIG_ROLE=shared"), []string{rest, "callers cannot show who they are", "accepted: with --tokens-file"}},
		{at(narrow, narrow, "CONFIG_ROLE=control", policy), []string{rest, "callers cannot show who they are"}},
		{at(wide, narrow, "CONFIG_ROLE=shared", tokens), []string{rest, "tokens would come in over plaintext"}},
		{at(narrow, narrow, "CONFIG_ROLE=control", tokens, "CONFIG_ALLOW_UNAUTHENTICATED=true"), []string{"--allow-unauthenticated (CONFIG_ALLOW_UNAUTHENTICATED)", "control", "accepted: "}},
		{at(socket, narrow, "CONFIG_ROLE=shared", cert, key, ca), []string{rest, "nothing says who its callers are", "--policy-file (CONFIG_POLICY_FILE)"}},
		{at(narrow, narrow, "CONFIG_ROLE=admin"), []string{"--role (CONFIG_ROLE)", `"admin"`, "accepted: sidecar, shared, control"}},
		{at(narrow, narrow, jwks), []string{"--jwt-issuer (CONFIG_JWT_ISSUER)", "empty", "accepted: "}},
		{at(narrow, narrow, "CONFIG_JWKS=http://issuer.example/keys", "CONFIG_JWT_ISSUER=i"), []string{"--jwks (CONFIG_JWKS)", "plaintext", "accepted: "}},
		{at(narrow, narrow, "CONFIG_TOKENS_FILE=/missing"), []string{"--tokens-file (CONFIG_TOKENS_FILE)", `"/missing"`, "does not exist"}},
	} {
		p.fails(t, test.env, []string{"serve"}, test.words...)
	}
}

// doorsThatOpen are what the same listeners start with.
func doorsThatOpen(t *testing.T, p *product) {
	d := newDoors(t)
	p.etcd.Commit(t, servertest.Write{Namespace: "doors", Environment: "test", Layer: 1, Key: "a", JSON: `"of doors"`})
	tokens, store := "CONFIG_TOKENS_FILE="+d.tokens, "ETCD_ENDPOINTS="+p.etcd.Endpoint
	cert, key, ca := "CONFIG_TLS_CERT_FILE="+d.cert.File, "CONFIG_TLS_KEY_FILE="+d.cert.KeyFile, "CONFIG_TLS_CLIENT_CA_FILE="+d.authority.File
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	servertest.WriteFile(t, policy, "identities:\n- {dns: \"{service}.internal\", environment: test}\nrules: []\n")
	mine := d.authority.Client(t, []string{"doors.internal"})
	for _, role := range []string{"sidecar", "shared", "control"} {
		for _, test := range []struct {
			env    []string
			secure bool
			token  string
			shows  []tls.Certificate
		}{
			{[]string{tokens, "CONFIG_ALLOW_PLAINTEXT=true"}, false, d.token, nil},
			{[]string{tokens, cert, key}, true, d.token, nil},
			{[]string{"CONFIG_POLICY_FILE=" + policy, cert, key, ca}, true, "", []tls.Certificate{mine.TLS}},
		} {
			s := p.serve(t, at(wide, wide, append(test.env, store, "CONFIG_ROLE="+role)...))
			_, port, err := net.SplitHostPort(s.http)
			if err != nil {
				t.Fatal(err)
			}
			url := "http://127.0.0.1:" + port + "/v1/config/a"
			if test.secure {
				url = "https" + url[len("http"):]
			}
			ask := func(token string, shows []tls.Certificate) (int, []byte) {
				transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: d.authority.Pool, Certificates: shows}}
				return fetch(t, &http.Client{Transport: transport, Timeout: patience}, url, token)
			}
			for status := 503; status == 503; { // it may have nothing yet
				var body []byte
				if status, body = ask(test.token, test.shows); status != 503 && !bytes.Contains(body, []byte("of doors")) {
					t.Errorf("%s with %q answers %d %s", role, test.env, status, body)
				}
			}
			if status, body := ask("", nil); status == http.StatusOK || bytes.Contains(body, []byte("of doors")) {
				t.Errorf("%s with %q answers a stranger %d %s", role, test.env, status, body)
			}
			s.stops(syscall.SIGTERM)
		}
	}
}

// fetch returns 0 where a connection is refused.
func fetch(t *testing.T, client *http.Client, url, token string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body.Bytes()
}
