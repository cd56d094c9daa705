package endpoint_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// TestWhoIsNotKnownIsAudited: whatever a stranger sends, over either transport, it is one
// record that says why, without what it showed.
func TestWhoIsNotKnownIsAudited(t *testing.T) {
	t.Parallel()
	h := serveGuarded(t)
	h.admit("cs_known", "payments", time.Time{})
	calls := 0
	for _, text := range append([]string{"", "payments", "_shared"}, hostile...) {
		text = strings.ToValidUTF8(text, "?")
		ctx := metadata.AppendToOutgoingContext(deadline(t), "authorization", "Bearer "+canary)
		if _, err := h.client.Get(ctx, &configv1.GetRequest{Key: "a", Namespace: text, Environment: text}); refusalOf(err).reason != "UNAUTHENTICATED" {
			t.Errorf("a stranger who asks for %.40q is answered %v", text, err)
		}
		calls++
	}
	for _, path := range []string{"/v1/config/a", "/v1/config?namespace=payments", "/v1/watch"} {
		req, err := http.NewRequestWithContext(deadline(t), http.MethodGet, h.rest+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+canary)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a stranger at %s is answered %d", path, resp.StatusCode)
		}
		calls++
	}
	if _, err := h.client.Get(metadata.AppendToOutgoingContext(deadline(t), "authorization", "Bearer cs_known"), &configv1.GetRequest{Key: "a"}); err != nil {
		t.Errorf("who is known is answered %v", err) // and makes no record
	}
	text := h.log.text()
	audits := slices.DeleteFunc(lines(t, text), func(r map[string]any) bool { return r["msg"] != "audit" })
	if len(audits) != calls {
		t.Errorf("%d calls of strangers make %d records", calls, len(audits))
	}
	for _, r := range audits {
		if r["decision"] != "denied" || r["reason"] != "UNAUTHENTICATED: no usable credential: no such token" || r["who"] != "" || r["evidence"] != "" || r["action"] != "read" || r["peer"] == "" {
			t.Errorf("the record is %v", r)
		}
		for _, field := range []string{"namespace", "environment"} {
			if name := r[field].(string); len(name) > 64*6+5 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("the %s of a record is %q", field, name)
			}
		}
	}
	if strings.Contains(text, canary) || strings.Contains(text, "cs_known") {
		t.Error("the log holds a token")
	}
}
