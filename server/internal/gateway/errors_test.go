package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// One table: what goes wrong, its HTTP status, its reason, and the code in the body.
func TestErrors(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.Set(t, own, "db.pool_size", `1`)
	s.Set(t, own, "bad", `{"canary`)
	var last int64
	for _, key := range strings.Split("abcdefghijklmnopq", "") {
		last = s.Set(t, service, key, `"`+strings.Repeat("x", 250<<10)+`"`)
	}
	s.get(t, at("/v1/config/a", last))
	loading := open(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1", "CONFIG_START_WAIT": "0s"}})
	tests := []struct {
		site   *site
		path   string
		status int
		reason string
		code   int
		words  string
	}{
		{s, "/v1/config/db.pool_siz", 404, "KEY_NOT_FOUND", 5, "db.pool_size"},
		{s, "/v1/config/bad", 400, "VALUE_INVALID", 9, "bad"},
		{s, "/v1/config/a..b", 400, "INVALID_ARGUMENT", 3, "key"},
		{s, "/v1/config?environment=production", 403, "PERMISSION_DENIED", 7, "leave both out"},
		{s, "/v1/config", 429, "TOO_LARGE", 8, "prefix or keys"},
		{s, "/nowhere", 404, "NO_SUCH_METHOD", 12, "/v1/config/{key}"},
		{loading, "/v1/config", 503, "NOT_READY", 14, "no configuration is loaded"},
		{loading, "/v1/config/a", 503, "NOT_READY", 14, "no configuration is loaded"},
		{loading, "/v1/explain/a", 503, "NOT_READY", 14, "no configuration is loaded"},
		{loading, "/v1/config?environment=production", 403, "PERMISSION_DENIED", 7, "leave both out"},
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.reason, func(t *testing.T) {
			a := tt.site.get(t, tt.path)
			wantRefused(t, a, tt.status, tt.reason, tt.words)
			r := a.refusal(t)
			if r.Code != tt.code || strings.Contains(a.body, "canary") {
				t.Errorf("the code is %d, want %d; the body %s", r.Code, tt.code, a.body)
			}
			wait := ""
			if tt.reason == "NOT_READY" {
				wait = "1"
			}
			if got := a.header.Get("Retry-After"); got != wait {
				t.Errorf("Retry-After is %q", got)
			}
			for _, name := range []string{"ETag", "Config-Epoch", "Config-Revision"} {
				if got := a.header.Get(name); got != "" {
					t.Errorf("an error has the %s %q", name, got)
				}
			}
		})
	}
	if got := s.get(t, "/v1/config/db.pool_siz").refusal(t).Details[0].Metadata["similar_keys"]; got != "db.pool_size" {
		t.Errorf("similar_keys is %q", got)
	}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/openapi.json": http.StatusOK} {
		if a := loading.get(t, path); a.status != want {
			t.Errorf("while nothing is loaded, %s answers %d %s", path, a.status, a.body)
		}
	}
}
