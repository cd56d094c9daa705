package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// An entry that another key's write brought into effect is dated by that write, and
// after a restart from disk by its own again. A tag from before must not match then.
func TestATagFromBeforeARestartNamesItsOwnEntry(t *testing.T) {
	t.Parallel()
	o := servertest.Options{Etcd: servertest.StartEtcd(t), Settings: map[string]string{"CONFIG_CACHE_DIR": t.TempDir()}}
	s := open(t, o)
	write := func(layer configv1.Layer, json string) servertest.Write {
		return servertest.Write{Namespace: "payment-service", Environment: "development", Layer: layer, Key: "k", JSON: json, Delete: json == ""}
	}
	read := func(s *site, revision int64, condition string) answer {
		return s.do(t, http.MethodGet, fmt.Sprintf("/v1/config/k?min_revision=%d", revision), "Accept: text/plain", "If-None-Match: "+condition)
	}
	first := o.Etcd.Commit(t, write(configv1.Layer_SERVICE_ENVIRONMENT, `"env"`), write(configv1.Layer_SERVICE, `"service"`))
	read(s, first, "")
	second := o.Etcd.Commit(t, write(configv1.Layer_SERVICE_ENVIRONMENT, ""), write(configv1.Layer_SHARED, `"shared"`))
	before := read(s, second, "")
	if before.body != "service" || !strings.Contains(before.header.Get("Etag"), fmt.Sprint("-", second)) {
		t.Fatalf("before the restart: %q, tag %s", before.body, before.header.Get("Etag"))
	}
	last := o.Etcd.Commit(t, write(configv1.Layer_SERVICE, ""))
	if got := read(s, last, ""); got.body != "shared" {
		t.Fatalf("after the delete: %q", got.body)
	}
	s.Stop(t)
	after := read(open(t, o), last, before.header.Get("Etag"))
	if after.status != http.StatusOK || after.body != "shared" {
		t.Errorf("a tag of %q is answered with %d %q, tag %s", before.body, after.status, after.body, after.header.Get("Etag"))
	}
}
