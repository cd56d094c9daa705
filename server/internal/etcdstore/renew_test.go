package etcdstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// While the store refuses a new credential, the connection is lost: the credential that
// last worked opens the next one. Once the store knows the new one it is taken up.
func TestACredentialThatIsRefusedDoesNotEndTheOneBefore(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	_, token, err := r.Register(ctx, admin(t, "payment-service", "development"))
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := robust.NewProxy(strings.TrimPrefix(r.etcd.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	file := filepath.Join(t.TempDir(), "token")
	save := func(token string) {
		if err := errors.Join(os.WriteFile(file+".next", []byte(token), 0o600), os.Rename(file+".next", file)); err != nil {
			t.Fatal(err)
		}
	}
	save(token)
	server := servertest.Start(t, servertest.Options{Etcd: r.etcd, Settings: map[string]string{"ETCD_ENDPOINTS": proxy.Addr(), "AUTH_TOKEN_FILE": file}})
	await := func(line string) {
		t.Helper()
		for !metric(t, server, line) {
			if ctx.Err() != nil {
				t.Fatalf("did not happen: %s", line)
			}
		}
	}
	read(ctx, t, server, server.Set(t, layer, "a", "1"))

	save("cs_unknown_secret")
	await(`configservice_credential_renewals_total{result="failed"} 1`)
	for n := range 2 { // the second time it is the one before that has to be remembered
		proxy.Part()
		last := server.Set(t, layer, "a", "2")
		proxy.Join()
		read(ctx, t, server, last)
		if !metric(t, server, `configservice_credential_renewals_total{result="ok"} 0`) {
			t.Errorf("after %d cuts: an unknown credential opened the store", n+1)
		}
	}
	id := "payment-service.development.unknown"
	_, made := r.root.UserAdd(ctx, id, "secret")
	_, granted := r.root.UserGrantRole(ctx, id, "config-service.development.payment-service")
	if err := errors.Join(made, granted); err != nil {
		t.Fatal(err)
	}
	await(`configservice_credential_renewals_total{result="ok"} 1`)
	if _, _, err := r.Revoke(ctx, admin(t, "payment-service", "development")); err != nil {
		t.Fatal(err)
	}
	read(ctx, t, server, server.Set(t, layer, "a", "3"))
}
