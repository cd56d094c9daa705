package gateway_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// post sends a body as JSON, unless the headers say something else.
func (s *site) post(t *testing.T, path, body string, headers ...string) answer {
	t.Helper()
	lines := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n", path, servertest.AdminToken)
	if !strings.Contains(strings.Join(headers, "\n"), "Content-Type") {
		lines += "Content-Type: application/json\r\n"
	}
	for _, h := range headers {
		lines += h + "\r\n"
	}
	w := s.dial(t)
	// The server may answer and close before it has read everything.
	go io.WriteString(w, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", lines, len(body), body))
	return w.answer(t, http.MethodPost)
}

const listing = "/v1/admin/list-services"

// got says whether a request came as far as the service: what it answers is not the
// gateway's affair.
func (a answer) got(t *testing.T) bool {
	t.Helper()
	switch a.status {
	case http.StatusOK:
		return true
	case http.StatusServiceUnavailable:
		return a.refusal(t).reason() == "STORE_UNAVAILABLE"
	case http.StatusBadRequest:
		return a.refusal(t).reason() == "STORE_UNSUITABLE"
	}
	return false
}

// What is not one message of the contract is refused with a line that says what is wrong
// and where.
func TestPostBodies(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, tt := range []struct{ name, body, field, words string }{
		{"nothing", "", "body", "is empty; accepted: one JSON object, {} at least"},
		{"spaces", " \r\n\t", "body", "is empty"},
		{"a number", "1", "body", "is no JSON object"},
		{"null", "null", "body", "is no JSON object"},
		{"a text", `"x"`, "body", "is no JSON object"},
		{"a list", "[]", "body", "is no JSON object"},
		{"half an object", `{"namespace":"a`, "body", "ends in the middle"},
		{"an open object", `{"namespace":"a"`, "body", "ends in the middle"},
		{"two objects", `{} {}`, "body", "goes on after the JSON value, at byte 4"},
		{"a tail", `{}x`, "body", "goes on after the JSON value, at byte 3"},
		{"a comment", `{} // x`, "body", "goes on after"},
		{"single quotes", `{'namespace':'a'}`, "body", "is no JSON at byte 2"},
		{"a trailing comma", `{"namespace":"a",}`, "body", "is no JSON at byte 18"},
		{"NaN", `{"page_size":NaN}`, "body", "is no JSON at byte 14"},
		{"Infinity", `{"page_size":-Infinity}`, "body", "is no JSON at byte"},
		{"not UTF-8", "{\"namespace\":\"a\xff\"}", "body", "is not UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "body", "is not UTF-8"},
		{"a byte order mark", "\ufeff{}", "body", "is no JSON at byte 1"},
		{"half a surrogate", `{"namespace":"\ud800"}`, "namespace", "cannot be read; accepted: UTF-8 text"},
		{"an unknown field", `{"namespace":"a","namespaces":"b"}`, "body", `has the field "namespaces", which this method does not have; accepted: namespace, environment, page_size, page_token`},
		{"a field in another spelling", `{"Namespace":"a"}`, "body", `has the field "Namespace"`},
		{"a hostile field", `{"a\u0000\u001b[31m\u202e":1}`, "body", `has the field "a\x00\x1b[31m\u202e"`},
		{"a field twice", `{"namespace":"a","namespace":"a"}`, "body", `has the name "namespace" twice in one object`},
		{"a field twice, once escaped", `{"namespace":"a","n\u0061mespace":"b"}`, "body", `has the name "namespace" twice`},
		{"a name twice, within", `{"namespace":{"a":1,"b":[{}],"a":2}}`, "body", `has the name "a" twice`},
		{"a field by two names", `{"page_size":1,"pageSize":2}`, "body", "has a field by two names"},
		{"a number for a text", `{"namespace":1}`, "namespace", "cannot be read; accepted: UTF-8 text"},
		{"an object for a text", `{"namespace":{}}`, "namespace", "cannot be read"},
		{"a fraction for an integer", `{"page_size":1.5}`, "page_size", "cannot be read; accepted: an integer"},
		{"too large an integer", `{"page_size":2147483648}`, "page_size", "cannot be read; accepted: an integer"},
		{"depth", `{"namespace":` + deep + `}`, "body", "is nested deeper than 64 levels at byte"},
		{"depth of objects", strings.Repeat(`{"namespace":`, 5_000), "body", "is nested deeper than 64 levels"},
		{"a page too large", `{"page_size":1001}`, "page_size", "is 1001; accepted: 1 to 1000, or 0 for the default"},
		{"a page token that is none", `{"page_token":"abc"}`, "page_token", "accepted: next_page_token of the page before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := s.post(t, listing, tt.body)
			wantRefused(t, a, http.StatusBadRequest, "INVALID_ARGUMENT", tt.words, "accepted:")
			if f := a.refusal(t).fields(); len(f) != 1 || f[0] != tt.field {
				t.Errorf("the refusal names %q, want %q", f, tt.field)
			}
			if m := a.refusal(t).Message; len(m) > 512 || strings.ContainsFunc(m, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("the message is long, or not plain: %q", m)
			}
		})
	}
	for _, body := range []string{
		`{}`, " {\r\n}\t", `{"namespace":null}`, `{"page_size":"10"}`, `{"pageSize":10}`,
		`{"page_size":1000}`, `{"namespace":"` + strings.Repeat("a", 63) + `"}`, `{}` + strings.Repeat(" ", 1<<20-2),
	} {
		if a := s.post(t, listing, body); !a.got(t) || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%.80q: answered %d %v %s", body, a.status, a.header, a.body)
		}
	}
}

// The form of a request is checked before its body is read.
func TestPostForms(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	if _, err := zip.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, body string
		headers    []string
		status     int
	}{
		{"with charset", "{}", []string{"Content-Type: application/json; charset=utf-8"}, 0},
		{"with charset in quotes", "{}", []string{`Content-Type: Application/JSON;charset="UTF-8"`}, 0},
		{"without a type", "{}", []string{"X-No-Content-Type: x"}, 415},
		{"an empty type", "{}", []string{"Content-Type: "}, 415},
		{"text", "{}", []string{"Content-Type: text/plain"}, 415},
		{"a form", "namespace=a", []string{"Content-Type: application/x-www-form-urlencoded"}, 415},
		{"another form", "{}", []string{"Content-Type: multipart/form-data; boundary=x"}, 415},
		{"another JSON", "{}", []string{"Content-Type: application/vnd.api+json"}, 415},
		{"another charset", "{}", []string{"Content-Type: application/json; charset=utf-16"}, 415},
		{"another parameter", "{}", []string{"Content-Type: application/json; version=1"}, 415},
		{"two types", "{}", []string{"Content-Type: application/json", "Content-Type: text/plain"}, 415},
		{"two types in a line", "{}", []string{"Content-Type: application/json, text/plain"}, 415},
		{"gzip", bomb.String(), []string{"Content-Encoding: gzip"}, 415},
		{"identity", "{}", []string{"Content-Encoding: identity"}, 415},
		{"an encoding without a name", "{}", []string{"Content-Encoding: "}, 415},
		{"an answer that is not there", "{}", []string{"Accept: image/png"}, 406},
		{"an override", "{}", []string{"X-HTTP-Method-Override: GET"}, 0},
		{"an override by the gateway's own rule", "{}", []string{"X-HTTP-Method-Override: GET", "Content-Type: application/x-www-form-urlencoded"}, 415},
		{"two requests ids", "{}", []string{"X-Request-Id: a", "X-Request-Id: b"}, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := s.post(t, listing, tt.body, tt.headers...)
			switch {
			case tt.status == 0 && !a.got(t):
				t.Errorf("answered %d %s", a.status, a.body)
			case tt.status != 0:
				wantRefused(t, a, tt.status, "INVALID_ARGUMENT", "accepted:")
			}
		})
	}
	for _, path := range []string{listing + "?namespace=a", listing + "?x", "/v1/admin/register-service?namespace=a&environment=b"} {
		wantRefused(t, s.post(t, path, "{}"), http.StatusBadRequest, "INVALID_ARGUMENT", "query is not taken on this path")
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		wantMethodRefused(t, s.do(t, method, listing, "X-Http-Method-Override: POST"), "POST")
	}
	for _, headers := range [][]string{{"Origin: http://evil.com"}, {"Sec-Fetch-Site: cross-site"}} {
		wantRefused(t, s.post(t, listing, "{}", headers...), http.StatusForbidden, "PERMISSION_DENIED", "another site")
	}
}

// A body is at most 1 MiB, whatever is said about it, and one that does not come is not
// waited for.
func TestPostSizes(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	begin := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n", listing, servertest.AdminToken)
	const limit = 1 << 20
	chunked := func(size, sent int) string {
		return "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n{}%s", size, strings.Repeat(" ", sent-2))
	}
	for name, rest := range map[string]string{
		"one byte more, declared":     fmt.Sprintf("Content-Length: %d\r\n\r\n", limit+1),
		"one byte more, sent":         fmt.Sprintf("Content-Length: %d\r\n\r\n{}%s", limit+1, strings.Repeat(" ", limit-1)),
		"a gigabyte, declared":        "Content-Length: 1073741824\r\n\r\n{",
		"one byte more, in a chunk":   chunked(limit+1, limit+1) + "\r\n0\r\n\r\n",
		"a gigabyte that never comes": chunked(1<<30, limit+1),
	} {
		t.Run(name, func(t *testing.T) {
			w := s.dial(t)
			go io.WriteString(w, begin+rest)
			wantRefused(t, w.answer(t, http.MethodPost), http.StatusRequestEntityTooLarge, "TOO_LARGE", "at most 1048576 bytes")
			if !w.closed() {
				t.Error("the connection stays open; what follows on it is no request")
			}
		})
	}
	for name, rest := range map[string]string{
		"stops":           "Content-Length: 100\r\n\r\n{",
		"stops in chunks": "Transfer-Encoding: chunked\r\n\r\n2\r\n{",
		"was promised":    "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
	} {
		t.Run("a body that "+name, func(t *testing.T) {
			t.Parallel()
			w := s.dial(t)
			if _, err := io.WriteString(w, begin+rest); err != nil {
				t.Fatal(err)
			}
			a := w.answer(t, http.MethodPost)
			if a.status == http.StatusContinue {
				a = w.answer(t, http.MethodPost)
			}
			wantRefused(t, a, http.StatusBadRequest, "INVALID_ARGUMENT", "body could not be read", "sent within 5s")
			if !w.closed() {
				t.Error("the connection stays open")
			}
		})
	}
	w := s.dial(t) // the next request on a connection is answered as the first was
	for range 2 {
		if _, err := io.WriteString(w, begin+chunked(2, 2)+"\r\n0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if a := w.answer(t, http.MethodPost); !a.got(t) {
			t.Errorf("answered %d %s", a.status, a.body)
		}
	}
}

// What a role does not serve is not there, and the answer lists what is.
func TestRolesServeTheirPaths(t *testing.T) {
	t.Parallel()
	sidecar, control := open(t, servertest.Options{}), openControl(t)
	for _, method := range []string{"register-service", "rotate-token", "revoke-service", "list-services", "delete-service"} {
		a := sidecar.post(t, "/v1/admin/"+method, "{}")
		wantRefused(t, a, http.StatusNotFound, "NO_SUCH_METHOD", "/v1/config/{key}, /v1/config, /v1/watch", "/v1/whoami", "/openapi.json")
		if strings.Contains(a.body, "admin") {
			t.Errorf("the sidecar tells of the administration: %s", a.body)
		}
		if a := control.post(t, "/v1/admin/"+method, `{"x":1}`); a.status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %s", method, a.status, a.body)
		}
	}
	wantRefused(t, control.get(t, "/nowhere"), http.StatusNotFound, "NO_SUCH_METHOD", "/v1/whoami", "/v1/can-i", "POST /v1/admin/register-service")
}

// A caller asks about itself by GET.
func TestAccessOverREST(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	for query, words := range map[string]string{
		"":                              "action is missing; accepted: READ, WRITE, ADMINISTER, READ_SENSITIVE",
		"?action=":                      `action is ""; accepted: READ, WRITE`,
		"?action=1":                     `action is "1"; accepted: READ, WRITE`,
		"?action=read":                  `action is "read"; accepted: READ, WRITE`,
		"?action=ACTION_UNSPECIFIED":    "action is missing",
		"?action=READ&namespace=A":      "or _shared",
		"?action=READ&environment=_x":   "or _all",
		"?action=READ&action=WRITE":     "given more than once",
		"?action=READ&who=user:admin":   `"who" is no parameter of this path; accepted: action, namespace, environment`,
		"?action=READ&namespace=_all":   "namespace",
		"?action=READ&environment=a%00": "environment",
	} {
		wantRefused(t, s.get(t, "/v1/can-i"+query), http.StatusBadRequest, "INVALID_ARGUMENT", words, "accepted:")
	}
	wantRefused(t, s.get(t, "/v1/whoami?x=1"), http.StatusBadRequest, "INVALID_ARGUMENT", `"x" is no parameter of this path; accepted: none`)
	wantMethodRefused(t, s.do(t, http.MethodPost, "/v1/whoami"), "GET, HEAD")
	wantMethodRefused(t, s.do(t, http.MethodPost, "/v1/can-i"), "GET, HEAD")
	for _, path := range []string{"/v1/whoami", "/v1/can-i?action=READ&namespace=_shared&environment=_all"} {
		a := s.get(t, path)
		if a.status != http.StatusOK && a.refusal(t).reason() != "NO_SUCH_METHOD" {
			t.Errorf("%s: answered %d %s", path, a.status, a.body)
		}
		if a.header.Get("Cache-Control") != "no-store" || !json.Valid([]byte(a.body)) {
			t.Errorf("%s: answered with %v %s", path, a.header, a.body)
		}
	}
}
