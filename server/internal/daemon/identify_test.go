package daemon_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/servertest"
)

// known is what a caller with a token gets over each transport: its value, or a reason.
func known(t *testing.T, s *servertest.Server, token string) (answers [3]string) {
	t.Helper()
	ctx := within(t)
	resp, err := s.Client(t).Get(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), &configv1.GetRequest{Key: "a"})
	answers[0] = resp.GetEntry().GetValue().GetStringValue()
	if err != nil {
		answers[0] = fault.ReasonOf(status.Convert(err))
	}
	for i, path := range []string{"/v1/config/a", "/v1/watch?keys=a"} {
		answers[i+1] = asked(ctx, t, s.URL+path, token)
	}
	return answers
}

// asked is the first line of an answer of REST, cut to what tells.
func asked(ctx context.Context, t *testing.T, url, token string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	for _, word := range []string{"of payments", "of orders", "UNAUTHENTICATED", "KEY_NOT_FOUND", "NOT_READY"} {
		if strings.Contains(line, word) {
			return word
		}
	}
	return line
}

func all(answer string) [3]string { return [3]string{answer, answer, answer} }

// TestEachServiceSeesItsOwn: a shared server, whose tokens come and go with their file.
func TestEachServiceSeesItsOwn(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	for namespace, value := range map[string]string{"payment-service": `"of payments"`, "order-service": `"of orders"`} {
		etcd.Commit(t, servertest.Write{Namespace: namespace, Environment: "production", Layer: configv1.Layer_SERVICE, Key: "a", JSON: value})
	}
	payments, paymentsLine := servertest.NewToken(t, "payment-service", "production")
	orders, ordersLine := servertest.NewToken(t, "order-service", "production")
	next, nextLine := servertest.NewToken(t, "payment-service", "production")
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	servertest.WriteFile(t, path, paymentsLine+ordersLine)
	log := &record{}
	server := servertest.Start(t, servertest.Options{
		Etcd: etcd, Log: slog.New(slog.NewJSONHandler(log, nil)),
		Settings: map[string]string{"CONFIG_ROLE": "shared", "CONFIG_TOKENS_FILE": path},
	})
	holds := func(step string, want map[string]string) {
		t.Helper()
		until(within(t), t, step, func() bool {
			for token, answer := range want {
				if known(t, server, token) != all(answer) {
					return false
				}
			}
			return true
		})
	}
	holds("each has its own", map[string]string{payments: "of payments", orders: "of orders", next: "UNAUTHENTICATED", "": "UNAUTHENTICATED"})
	servertest.WriteFile(t, path, paymentsLine+ordersLine+nextLine)
	holds("a second token is taken", map[string]string{payments: "of payments", next: "of payments"})
	servertest.WriteFile(t, path, "- {id: "+strings.TrimSpace(payments)+"}\n")
	until(within(t), t, "a bad file is said", func() bool {
		return value(t, server, `configservice_files_good{files="tokens"}`) == "0"
	})
	holds("a bad file changes nothing", map[string]string{payments: "of payments", orders: "of orders", next: "of payments"})
	servertest.WriteFile(t, path, nextLine)
	holds("revoked tokens are refused", map[string]string{payments: "UNAUTHENTICATED", orders: "UNAUTHENTICATED", next: "of payments"})
	servertest.WriteFile(t, path, "[]\n")
	holds("no token is taken", map[string]string{payments: "UNAUTHENTICATED", next: "UNAUTHENTICATED"})

	if got := value(t, server, `configservice_authentications_total{evidence="token",result="ok"}`); got == "0" || got == "none" {
		t.Errorf("%s good tokens were counted", got)
	}
	text := log.String()
	for _, token := range []string{payments, orders, next} {
		if strings.Contains(text, strings.Split(token, "_")[2]) {
			t.Errorf("the log has a token:\n%s", text)
		}
	}
	for _, want := range []string{"has a token as its id", "no usable credential: an Authorization header with something else"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %q:\n%s", want, text)
		}
	}
}

// TestWhatASidecarAsksFor: nothing unless it was told how to tell its callers apart.
func TestWhatASidecarAsksFor(t *testing.T) {
	t.Parallel()
	token, line := servertest.NewToken(t, "payment-service", "development")
	foreign, foreignLine := servertest.NewToken(t, "order-service", "development")
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	servertest.WriteFile(t, path, line+foreignLine)
	etcd := servertest.StartEtcd(t)
	for _, namespace := range []string{"payment-service", "order-service"} {
		etcd.Commit(t, servertest.Write{Namespace: namespace, Environment: "development", Layer: configv1.Layer_SERVICE, Key: "a", JSON: `"of payments"`})
	}
	for name, test := range map[string]struct {
		settings map[string]string
		want     map[string]string
	}{
		"nothing": {nil, map[string]string{"": "of payments", token: "of payments", "anything": "of payments"}},
		"tokens":  {map[string]string{"CONFIG_TOKENS_FILE": path}, map[string]string{"": "UNAUTHENTICATED", token: "of payments", "anything": "UNAUTHENTICATED", foreign: "PERMISSION_DENIED"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: test.settings})
			for token, want := range test.want {
				if got := known(t, server, token)[0]; got != want {
					t.Errorf("%q gets %q, want %q", token, got, want)
				}
			}
		})
	}
}

// TestFilesThatTellNobody: a server does not start with them, and says which setting
// named them.
func TestFilesThatTellNobody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		servertest.WriteFile(t, path, content)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, line := servertest.NewToken(t, "a", "b")
	good := file("good", line, 0o644)
	for name, test := range map[string]struct {
		settings map[string]string
		words    []string
	}{
		"no tokens file":        {map[string]string{"CONFIG_TOKENS_FILE": dir + "/missing"}, []string{"--tokens-file (CONFIG_TOKENS_FILE)", "does not exist"}},
		"a tokens file for all": {map[string]string{"CONFIG_TOKENS_FILE": file("open", line, 0o666)}, []string{"CONFIG_TOKENS_FILE", "any user may write"}},
		"a bad tokens file":     {map[string]string{"CONFIG_TOKENS_FILE": file("bad", "- {id: cs_abcd_canarycanarycanary}", 0o600)}, []string{"CONFIG_TOKENS_FILE", "line 1, entry 1", "revoke it"}},
		"no keys file":          {map[string]string{"CONFIG_JWKS": dir + "/missing", "CONFIG_JWT_ISSUER": "i"}, []string{"--jwks (CONFIG_JWKS)", "does not exist"}},
		"a keys file for all":   {map[string]string{"CONFIG_JWKS": file("open.json", "{}", 0o602), "CONFIG_JWT_ISSUER": "i"}, []string{"CONFIG_JWKS", "any user may write"}},
		"a keys file of none":   {map[string]string{"CONFIG_JWKS": file("bad.json", `{"keys":[{"kty":"oct","k":"canary"}]}`, 0o600), "CONFIG_JWT_ISSUER": "i"}, []string{"CONFIG_JWKS", "a secret", "accepted: a JWKS document"}},
		"no authorities":        {map[string]string{"CONFIG_JWKS": "https://127.0.0.1:1/keys", "CONFIG_JWT_ISSUER": "i", "CONFIG_JWKS_CA_FILE": dir + "/missing"}, []string{"CONFIG_JWKS_CA_FILE", "does not exist"}},
		"no token for the keys": {map[string]string{"CONFIG_JWKS": "https://127.0.0.1:1/keys", "CONFIG_JWT_ISSUER": "i", "CONFIG_JWKS_TOKEN_FILE": dir + "/missing"}, []string{"CONFIG_JWKS_TOKEN_FILE", "does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.settings["CONFIG_ROLE"] = "shared"
			if test.settings["CONFIG_TOKENS_FILE"] == "" {
				test.settings["CONFIG_TOKENS_FILE"] = good
			}
			err := startWith(t, test.settings)
			if err == nil {
				t.Fatal("the daemon starts")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v; without %q", err, word)
				}
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q quotes the file, or is not one line", err)
			}
		})
	}
}

// TestKeysThatCannotBeFetched: the server starts and goes on, refuses the tokens that
// are signed with them, and says so.
func TestKeysThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	token, line := servertest.NewToken(t, "payment-service", "development")
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	servertest.WriteFile(t, path, line)
	server := servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_ROLE": "shared", "CONFIG_TOKENS_FILE": path, "CONFIG_JWKS": "https://127.0.0.1:1/keys", "CONFIG_JWT_ISSUER": "https://issuer.example",
	}})
	until(within(t), t, "it is counted", func() bool {
		failed := value(t, server, `configservice_jwks_fetches_total{result="failed"}`)
		return failed != "0" && failed != "none" && value(t, server, `configservice_files_good{files="jwks"}`) == "0"
	})
	if got := known(t, server, token); got[0] != "KEY_NOT_FOUND" || got[1] != "KEY_NOT_FOUND" {
		t.Errorf("an opaque token gets %q", got)
	}
	if got := known(t, server, "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AAAA"); got != all("UNAUTHENTICATED") {
		t.Errorf("a JSON Web Token gets %q", got)
	}
}

// TestTokensBesideCertificates: where tokens are taken too, who shows no certificate is
// let in with one; a certificate of another authority opens nothing.
func TestTokensBesideCertificates(t *testing.T) {
	t.Parallel()
	authority := servertest.NewAuthority(t)
	token, line := servertest.NewToken(t, "payment-service", "development")
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	servertest.WriteFile(t, path, line)
	cert := authority.Server(t)
	server := servertest.Start(t, servertest.Options{Settings: map[string]string{
		"CONFIG_ROLE": "shared", "CONFIG_TOKENS_FILE": path,
		"CONFIG_TLS_CERT_FILE": cert.File, "CONFIG_TLS_KEY_FILE": cert.KeyFile, "CONFIG_TLS_CLIENT_CA_FILE": authority.File,
	}})
	mine, strangers := authority.Client(t, []string{"a.example"}), servertest.NewAuthority(t).Client(t, []string{"a.example"})
	for name, test := range map[string]struct {
		shows *servertest.Certificate
		token string
		want  int // 0: no answer
	}{
		"a token":                            {nil, token, http.StatusNotFound},
		"nothing":                            {nil, "", http.StatusUnauthorized},
		"a certificate that no rule names":   {&mine, "", http.StatusUnauthorized},
		"a certificate and a token":          {&mine, token, http.StatusNotFound},
		"another authority's, and the token": {&strangers, token, 0},
	} {
		cfg := &tls.Config{RootCAs: authority.Pool}
		if test.shows != nil {
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &test.shows.TLS, nil }
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}, Timeout: patience}
		req, err := http.NewRequestWithContext(within(t), http.MethodGet, strings.Replace(server.URL, "http:", "https:", 1)+"/v1/config/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.token != "" {
			req.Header.Set("Authorization", "Bearer "+test.token)
		}
		got := 0
		if resp, err := client.Do(req); err == nil {
			got = resp.StatusCode
			resp.Body.Close()
		}
		if got != test.want {
			t.Errorf("%s: answered %d, want %d", name, got, test.want)
		}
	}
}

// TestAStreamWithoutACredential: it is refused before its request, which may never come: it
// takes no place from those who are known.
func TestAStreamWithoutACredential(t *testing.T) {
	t.Parallel()
	_, line := servertest.NewToken(t, "payment-service", "development")
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	servertest.WriteFile(t, path, line)
	server := servertest.Start(t, servertest.Options{Settings: map[string]string{"CONFIG_ROLE": "shared", "CONFIG_TOKENS_FILE": path}})
	stream, err := server.Conn(t).NewStream(within(t), &grpc.StreamDesc{ServerStreams: true}, configv1.ConfigService_Watch_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&configv1.WatchResponse{}); fault.ReasonOf(status.Convert(err)) != "UNAUTHENTICATED" {
		t.Errorf("it ends with %v", err)
	}
}
