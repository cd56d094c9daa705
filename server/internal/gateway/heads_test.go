package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// watchHeads opens a stream by POST; the test ends it.
func (s *site) watchHeads(t *testing.T, body string, headers ...string) *frames {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/admin/watch-heads", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+servertest.AdminToken)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	w := &frames{resp.StatusCode, resp.Header, bufio.NewScanner(resp.Body), func() { cancel(); resp.Body.Close() }}
	w.lines.Buffer(nil, 8<<20)
	t.Cleanup(w.close)
	return w
}

func headsOf(t *testing.T, data []byte) string {
	t.Helper()
	var m adminv1.WatchHeadsResponse
	if err := protojson.Unmarshal(data, &m); err != nil || !m.GetListed() || m.GetRevision() == 0 {
		t.Fatalf("%s: %v", data, err)
	}
	var out []string
	for _, h := range m.GetScopes() {
		out = append(out, fmt.Sprintf("%s/%s@%d by %s", h.GetNamespace(), h.GetEnvironment(), h.GetVersion(), h.GetAuthor()))
	}
	return strings.Join(out, " ")
}

// TestWatchHeads streams over a POST: lines of JSON, or Server-Sent Events, and errors in the
// same frames or as an answer.
func TestWatchHeads(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	change := func(value int) {
		t.Helper()
		a := s.post(t, "/v1/admin/commit", fmt.Sprintf(`{"namespace":"pay","environment":"test","message":"m","changes":[{"key":"a","set":%d}]}`, value))
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	change(1)
	s.post(t, "/v1/admin/list-namespaces", `{}`) // waits until the copy has it
	lines := s.watchHeads(t, `{"namespace":"pay"}`)
	if got := lines.header.Get("Content-Type"); lines.status != http.StatusOK || got != "application/x-ndjson" || lines.header.Get("Etag") != "" {
		t.Errorf("answered %d %v", lines.status, lines.header)
	}
	events := s.watchHeads(t, `{}`, "Accept: text/event-stream")
	if got := events.header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	for version := 1; version < 3; version++ {
		want := fmt.Sprintf("pay/test@%d by user:admin", version)
		var frame struct{ Result json.RawMessage }
		if line := lines.line(t); json.Unmarshal([]byte(line), &frame) != nil || headsOf(t, frame.Result) != want {
			t.Errorf("%s, want %s", line, want)
		}
		if e := events.event(t); e.name != "heads" || e.id != "" || headsOf(t, []byte(e.data)) != want {
			t.Errorf("%+v, want %s", e, want)
		}
		if version == 1 {
			change(2)
		}
	}
	for body, status := range map[string]int{`{"namespace":"A"}`: 400, `{"nope":1}`: 400, ``: 400} {
		w := s.watchHeads(t, body)
		if w.status != status || w.header.Get("Content-Type") != "application/json" || !strings.Contains(w.line(t), `"reason":"INVALID_ARGUMENT"`) {
			t.Errorf("%s: %d %v", body, w.status, w.header)
		}
	}
	if w := s.watchHeads(t, `{}`, "Authorization: Bearer x"); w.status != http.StatusUnauthorized {
		t.Errorf("without a good token: %d", w.status)
	}
	if a := s.do(t, http.MethodGet, "/v1/admin/watch-heads"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
		t.Errorf("a GET: %d %v", a.status, a.header)
	}
	s.Stop(t)
	if line := lines.line(t); !strings.HasPrefix(line, `{"error":`) || !strings.Contains(line, "NOT_READY") {
		t.Errorf("at the stop: %s", line)
	}
}

// TestSearchOverREST answers what is found as JSON.
func TestSearchOverREST(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	s.post(t, "/v1/admin/commit", `{"namespace":"pay","environment":"test","message":"m","changes":[{"key":"Data.Base","set":"Some Text"}]}`)
	a := s.post(t, "/v1/admin/search", `{"key":"data.","value":"SOME"}`)
	var m adminv1.SearchResponse
	if err := protojson.Unmarshal([]byte(a.body), &m); err != nil || len(m.GetResults()) != 1 || m.GetResults()[0].GetContent().GetValue().GetStringValue() != "Some Text" {
		t.Errorf("%d %s, %v", a.status, a.body, err)
	}
	if a := s.post(t, "/v1/admin/search", `{}`); a.status != http.StatusBadRequest {
		t.Errorf("for nothing: %d %s", a.status, a.body)
	}
}

// TestHiddenEntriesOverREST: with them a list is no answer to keep, and no text.
func TestHiddenEntriesOverREST(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.Set(t, own, "a", "1")
	last := s.Set(t, configv1.Layer_SHARED, "a", `"weak"`)
	tagged := s.get(t, at("/v1/config", last))
	a := s.get(t, at("/v1/config", last)+"&include_hidden=true", "If-None-Match: *")
	hidden, _ := fieldsOf(t, a.body)["hidden_entries"].([]any)
	if a.status != http.StatusOK || a.header.Get("Etag") != "" || a.header.Get("Cache-Control") != "no-store" || len(hidden) != 1 {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	h := hidden[0].(map[string]any)
	if by := h["hidden_by"].(map[string]any); h["key"] != "a" || h["layer"] != "SHARED" || h["value"] != "weak" || by["key"] != "a" || by["layer"] != "SERVICE_ENVIRONMENT" {
		t.Errorf("hidden: %v", h)
	}
	if a := s.get(t, "/v1/config?include_hidden=false", "If-None-Match: "+tagged.header.Get("Etag")); a.status != http.StatusNotModified {
		t.Errorf("with false: %d %v", a.status, a.header)
	}
	if a := s.get(t, "/v1/config?include_hidden=true&prefix=none"); a.header.Get("Etag") != "" {
		t.Errorf("with nothing hidden there is the tag %s", a.header.Get("Etag"))
	}
	if a := s.get(t, "/v1/config?include_hidden=true", "Accept: text/plain"); a.status != http.StatusBadRequest || !strings.Contains(a.body, "include_hidden is not taken for text/plain") {
		t.Errorf("as text: %d %s", a.status, a.body)
	}
	if a := s.get(t, "/v1/config?include_hidden=maybe"); a.status != http.StatusBadRequest {
		t.Errorf("with maybe: %d %s", a.status, a.body)
	}
}
