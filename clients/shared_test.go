package clients_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// TestServerOnAnotherMachine runs what the READMEs of the stubs print for a shared server, which
// asks for a token over TLS.
func TestServerOnAnotherMachine(t *testing.T) {
	dir, authority := t.TempDir(), servertest.NewAuthority(t)
	certificate := authority.Server(t)
	token, line := servertest.NewToken(t, "payment-service", "development")
	in := func(name, text string) string {
		path := filepath.Join(dir, name)
		servertest.WriteFile(t, path, text)
		return path
	}
	etcd := servertest.StartEtcd(t)
	etcd.Commit(t, entry(poolSize, "20"))
	s := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{
		"CONFIG_ROLE": "shared", "CONFIG_TOKENS_FILE": in("tokens.yaml", line), "CONFIG_TLS_CERT_FILE": certificate.File, "CONFIG_TLS_KEY_FILE": certificate.KeyFile,
	}})
	right := []string{"config.example.com:9080", s.GRPC, `"service.token"`, `"` + in("service.token", token+"\n") + `"`, `"ca.pem"`, `"` + authority.File + `"`}
	other, _ := servertest.NewToken(t, "payment-service", "development")
	for _, q := range []struct {
		language, readme string
		prepare          func(t *testing.T, code string) (argv []string)
	}{
		{"ts", "typescript/README.md", typescriptQuickstart},
		{"java", "java/README.md", javaQuickstart},
	} {
		t.Run(q.language, func(t *testing.T) {
			code := blockOf(t, q.readme, "## A server on another machine", q.language)
			with := func(changes ...string) []string {
				return q.prepare(t, strings.NewReplacer(append(changes, right...)...).Replace(code))
			}
			if code, out, said := run(t, nil, with()...).ends(t); code != 0 || out != "20\n" || said != "" {
				t.Errorf("it ends with %d, %q and %q", code, out, said)
			}
			if code, out, said := run(t, nil, with(`"service.token"`, `"`+in("other.token", other)+`"`)...).ends(t); code == 0 || out != "" || !strings.Contains(strings.ToUpper(said), "UNAUTHENTICATED") {
				t.Errorf("with a token that is not known it ends with %d, %q and %q", code, out, said)
			}
			if code, out, said := run(t, nil, with(`"ca.pem"`, `"`+servertest.NewAuthority(t).File+`"`)...).ends(t); code == 0 || out != "" || !strings.Contains(strings.ToUpper(said), "UNAVAILABLE") && !strings.Contains(said, "certificate") {
				t.Errorf("with an authority that did not sign it ends with %d, %q and %q", code, out, said)
			}
		})
	}
}
