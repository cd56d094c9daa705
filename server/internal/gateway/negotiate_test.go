package gateway_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// An Accept header is read with its q-values; the most specific clause decides, and
// of equals the first offer of the path.
func TestAccept(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	const jsonType, text, ndjson, sse = "application/json", "text/plain; charset=utf-8", "application/x-ndjson", "text/event-stream"
	tests := []struct {
		path   string
		accept []string
		want   string // Content-Type; empty: 406
	}{
		{"/v1/config", nil, jsonType},
		{"/v1/config", []string{"*/*"}, jsonType},
		{"/v1/config", []string{"*"}, jsonType},
		{"/v1/config", []string{""}, jsonType},
		{"/v1/config", []string{" ,, "}, jsonType},
		{"/v1/config", []string{browser}, jsonType},
		{"/v1/config", []string{"application/json"}, jsonType},
		{"/v1/config", []string{"application/json;charset=utf-8"}, jsonType},
		{"/v1/config", []string{"Application/JSON"}, jsonType},
		{"/v1/config", []string{"application/*"}, jsonType},
		{"/v1/config", []string{"text/plain"}, text},
		{"/v1/config", []string{"text/*"}, text},
		{"/v1/config", []string{"text/plain, */*"}, jsonType},
		{"/v1/config", []string{"text/plain, */*;q=0.5"}, text},
		{"/v1/config", []string{"text/plain;q=0.9, application/json"}, jsonType},
		{"/v1/config", []string{"text/plain; q=0.9, application/json; q=0.8"}, text},
		{"/v1/config", []string{"text/plain;q=0.9, application/*;q=0.95"}, jsonType},
		{"/v1/config", []string{"*/*, application/json;q=0"}, text},
		{"/v1/config", []string{"*/*;q=0.1, application/*;q=0"}, text},
		{"/v1/config", []string{"application/json;q=0.5", "text/plain"}, text},
		{"/v1/config", []string{"image/png, text/plain;q=0.1"}, text},
		{"/v1/config", []string{"application/json;q=0"}, ""},
		{"/v1/config", []string{"*/*;q=0"}, ""},
		{"/v1/config", []string{"image/png"}, ""},
		{"/v1/config", []string{"text/event-stream"}, ""},
		{"/v1/config", []string{"application/json/x"}, ""},
		{"/v1/config", []string{"json"}, ""},
		{"/v1/config", []string{"application/json;q=NaN"}, ""},
		{"/v1/config", []string{"application/json;q=-1"}, ""},
		{"/v1/explain/a", nil, jsonType},
		{"/v1/explain/a", []string{browser}, jsonType},
		{"/v1/explain/a", []string{"text/plain"}, ""},
		{"/v1/explain/a", []string{"text/plain, */*;q=0.01"}, jsonType},
		{"/v1/watch", nil, ndjson},
		{"/v1/watch", []string{"*/*"}, ndjson},
		{"/v1/watch", []string{browser}, ndjson},
		{"/v1/watch", []string{"application/x-ndjson"}, ndjson},
		{"/v1/watch", []string{"application/json"}, jsonType},
		{"/v1/watch", []string{"application/json, text/plain, */*"}, ndjson},
		{"/v1/watch", []string{"text/event-stream"}, sse},
		{"/v1/watch", []string{"text/event-stream, */*;q=0.5"}, sse},
		{"/v1/watch", []string{"text/plain"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+strings.Join(tt.accept, " and "), func(t *testing.T) {
			var headers []string
			for _, a := range tt.accept {
				headers = append(headers, "Accept: "+a)
			}
			if tt.path == "/v1/watch" && tt.want != "" {
				w := s.watch(t, "", headers...)
				if got := w.header.Get("Content-Type"); w.status != http.StatusOK || got != tt.want {
					t.Errorf("answered %d %s, want %s", w.status, got, tt.want)
				}
				if line := w.line(t); !strings.HasPrefix(line, "event: snapshot") && !strings.HasPrefix(line, `{"result":{`) {
					t.Errorf("the first line is %q", line)
				}
				return
			}
			a := s.get(t, tt.path, headers...)
			if tt.want == "" {
				if a.status != http.StatusNotAcceptable || !strings.Contains(a.body, "accepted: application/") || !strings.Contains(a.body, "INVALID_ARGUMENT") {
					t.Errorf("answered %d %s, want 406 with what is accepted", a.status, a.body)
				}
				return
			}
			if got := a.header.Get("Content-Type"); a.status != http.StatusOK || got != tt.want {
				t.Errorf("answered %d %s, want %s", a.status, got, tt.want)
			}
		})
	}
}

// HEAD answers what GET would, without the body; a stream has no HEAD.
func TestHead(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.Set(t, own, "long", `"`+strings.Repeat("x", 10_000)+`"`)
	revision := s.Set(t, own, "a", `1`)
	s.get(t, at("/v1/config", revision))
	for _, path := range []string{
		"/v1/config/a", "/v1/config/long", "/v1/config", "/v1/explain/a", "/v1/config/absent", "/v1/config?x=y",
		"/healthz", "/readyz", "/openapi.json", "/nowhere",
	} {
		for _, accept := range []string{"*/*", "text/plain"} {
			get := s.get(t, path, "Accept: "+accept)
			head := s.do(t, http.MethodHead, path, "Accept: "+accept)
			if head.status != get.status || head.body != "" {
				t.Errorf("%s: HEAD answers %d with %d bytes, GET %d", path, head.status, len(head.body), get.status)
			}
			if get.header.Get("Content-Length") == "" {
				t.Errorf("%s: GET answers without Content-Length", path)
			}
			for _, a := range []answer{get, head} {
				for _, volatile := range []string{"Date", "Config-Verified-Time", "X-Request-Id"} {
					a.header.Del(volatile)
				}
			}
			if got, want := flat(head.header), flat(get.header); got != want {
				t.Errorf("%s as %s: HEAD has the headers\n%s\nGET has\n%s", path, accept, got, want)
			}
		}
	}
	wantMethodRefused(t, s.raw(t, http.MethodHead, "HEAD /v1/watch HTTP/1.1\r\nHost: localhost\r\n\r\n"), "GET")
}

func flat(h http.Header) string {
	var out strings.Builder
	_ = h.Write(&out) // a Builder takes everything
	return out.String()
}

// wantMethodRefused checks for a 405. A HEAD request has no body to check.
func wantMethodRefused(t *testing.T, a answer, allow string) {
	t.Helper()
	if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != allow {
		t.Errorf("answered %d with Allow %q, want 405 with %q", a.status, a.header.Get("Allow"), allow)
	}
	if a.body != "" {
		wantRefused(t, a, http.StatusMethodNotAllowed, "INVALID_ARGUMENT", "accepted: "+allow)
	}
	for name := range a.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the answer has %s: no page of another site may read here", name)
		}
	}
}

// Nothing here is written to, so nothing but GET and HEAD is served, and a browser's
// preflight learns nothing.
func TestMethods(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	for path, allow := range map[string]string{
		"/v1/config": "GET, HEAD", "/v1/config/a": "GET, HEAD", "/v1/explain/a": "GET, HEAD", "/v1/status": "GET, HEAD", "/v1/watch": "GET",
		"/healthz": "GET, HEAD", "/readyz": "GET, HEAD", "/openapi.json": "GET, HEAD",
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "FOO"} {
			a := s.do(t, method, path, "X-Http-Method-Override: GET", "Access-Control-Request-Method: GET", "Content-Type: application/x-www-form-urlencoded")
			wantMethodRefused(t, a, allow)
		}
		wantMethodRefused(t, s.do(t, http.MethodPost, path), allow)
	}
	for name, request := range map[string]string{
		"the whole server": "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"a tunnel":         "CONNECT localhost:8080 HTTP/1.1\r\nHost: localhost:8080\r\n\r\n",
	} {
		a := s.raw(t, http.MethodOptions, request)
		if strings.Contains(flat(a.header), "Access-Control-") || strings.Contains(a.body, "entries") {
			t.Errorf("%s: %d %v %q", name, a.status, a.header, a.body)
		}
	}
}

// The document lists what the role serves, all of it and nothing else.
func TestOpenAPIListsEveryPath(t *testing.T) {
	t.Parallel()
	read := []string{"get /v1/config", "get /v1/config/{key}", "get /v1/explain/{key}", "get /v1/watch", "get /v1/status", "get /v1/whoami", "get /v1/can-i"}
	admin := []string{
		"post /v1/admin/register-service", "post /v1/admin/rotate-token", "post /v1/admin/revoke-service",
		"post /v1/admin/list-services", "post /v1/admin/delete-service",
		"post /v1/admin/commit", "post /v1/admin/rollback", "post /v1/admin/list-versions", "post /v1/admin/get-version", "post /v1/admin/diff",
		"post /v1/admin/get-scope", "post /v1/admin/list-namespaces",
		"post /v1/admin/put-schema", "post /v1/admin/get-schema", "post /v1/admin/delete-schema",
	}
	for name, role := range map[string]struct {
		site  *site
		paths []string
	}{
		"sidecar": {open(t, servertest.Options{}), read},
		"control": {openControl(t), slices.Concat(read, admin)},
	} {
		a := role.site.get(t, "/openapi.json")
		var doc struct {
			Swagger     string
			Paths       map[string]map[string]any
			Definitions map[string]any
			Tags        []struct{ Name string }
		}
		if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
			t.Fatal(err)
		}
		if a.header.Get("Content-Type") != "application/json" || doc.Swagger == "" {
			t.Errorf("%s: Content-Type %q, swagger %q", name, a.header.Get("Content-Type"), doc.Swagger)
		}
		for _, want := range role.paths {
			verb, path, _ := strings.Cut(want, " ")
			if doc.Paths[path][verb] == nil {
				t.Errorf("%s: there is no %s", name, want)
			}
			delete(doc.Paths, path)
		}
		for path := range doc.Paths {
			t.Errorf("%s: the document has %s, which is not served", name, path)
		}
		for _, m := range regexp.MustCompile(`"#/definitions/([^"]+)"`).FindAllStringSubmatch(a.body, -1) {
			if doc.Definitions[m[1]] == nil {
				t.Errorf("%s: the document refers to %s, which it does not have", name, m[1])
			}
		}
		if _, ok := doc.Definitions["v1RotateTokenRequest"]; ok != (name == "control") || len(doc.Tags) != map[string]int{"sidecar": 2, "control": 3}[name] {
			t.Errorf("%s: of the administration the document has %t, and the services %v", name, ok, doc.Tags)
		}
	}
}
