package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// everyPath is every path that answers something.
var everyPath = []string{"/v1/config", "/v1/config/a", "/v1/explain/a", "/v1/watch", "/openapi.json", "/healthz", "/readyz", "/sidecar-template.yml", "/nowhere"}

// A page in a browser reaches loopback under any name that its author points there.
// So a request has to be for a name that is known.
func TestHost(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{Settings: map[string]string{"CONFIG_ALLOWED_HOSTS": "config.internal,10.1.2.3,fd00::1"}})
	s.get(t, at("/v1/config", s.Set(t, own, "a", `"canary"`)))
	tests := []struct {
		host string
		ok   bool
	}{
		{"localhost", true},
		{"localhost:1", true},
		{"LocalHost:65535", true},
		{"127.0.0.1", true},
		{"127.0.0.1:8080", true},
		{"[::1]", true},
		{"[::1]:8080", true},
		{"config.internal", true},
		{"CONFIG.internal:80", true},
		{"10.1.2.3:8080", true},
		{"[fd00::1]:8080", true},
		{"evil.com", false},
		{"evil.com:8080", false},
		{"localhost.evil.com", false},
		{"localhost.evil.com:8080", false},
		{"evil.com:localhost", false},
		{"localhost@evil.com", false},
		{"evil.com@localhost", false},
		{"localhost:8080@evil.com", false},
		{"evil.localhost", false},
		{"localhost:evil.com", false},
		{"localhost:8080:evil.com", false},
		{"127.0.0.1.evil.com", false},
		{"127.0.0.2", false},
		{"127.1", false},
		{"0.0.0.0", false},
		{"2130706433", false},
		{"[::ffff:127.0.0.1]", false},
		{"[::]", false},
		{"localhost,evil.com", false},
		{"config.internal.evil.com", false},
		{"xconfig.internal", false},
		{"", false},
	}
	for _, tt := range tests {
		for _, path := range everyPath {
			if path == "/v1/watch" && tt.ok {
				continue
			}
			a := s.raw(t, http.MethodGet, "GET "+path+" HTTP/1.1\r\nHost: "+tt.host+"\r\nAccept: application/json\r\n\r\n")
			if !tt.ok && a.status != http.StatusBadRequest { // what is no host at all, the server refuses by itself
				wantRefused(t, a, http.StatusForbidden, "PERMISSION_DENIED", "CONFIG_ALLOWED_HOSTS")
			} else if tt.ok && (a.status == http.StatusForbidden || a.status == http.StatusBadRequest) {
				t.Errorf("GET %s for the host %q: %d %s", path, tt.host, a.status, a.body)
			}
			if !tt.ok && strings.Contains(a.body, "canary") {
				t.Errorf("the host %q got data", tt.host)
			}
			if t.Failed() {
				t.Fatalf("GET %s for the host %q", path, tt.host)
			}
		}
	}
}

// The name that counts is the one the request is for, however it is written.
func TestHostIsNotTricked(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.get(t, at("/v1/config", s.Set(t, own, "a", `"canary"`)))
	for name, request := range map[string]string{
		"an absolute target":           "GET http://evil.com/v1/config HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"two hosts":                    "GET /v1/config HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n\r\n",
		"no host":                      "GET /v1/config HTTP/1.1\r\n\r\n",
		"no host, an old protocol":     "GET /v1/config HTTP/1.0\r\n\r\n",
		"a forwarded host":             "GET /v1/config HTTP/1.1\r\nHost: evil.com\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n\r\n",
		"a host with a line break":     "GET /v1/config HTTP/1.1\r\nHost: evil.com\r\n localhost\r\n\r\n",
		"a host with a space":          "GET /v1/config HTTP/1.1\r\nHost: localhost evil.com\r\n\r\n",
		"a header with a space in it":  "GET /v1/config HTTP/1.1\r\nHost : localhost\r\n\r\n",
		"user information in a target": "GET http://localhost@evil.com/v1/config HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		a := s.raw(t, http.MethodGet, request)
		if a.status != http.StatusForbidden && a.status != http.StatusBadRequest || strings.Contains(a.body, "canary") {
			t.Errorf("%s: answered %d %s", name, a.status, a.body)
		}
	}
}

// Reading is what an attacker wants here, so a page of another site is refused for
// GET as well, on every path: also those that only tell that this service is here.
func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	host := strings.TrimPrefix(s.URL, "http://")
	tests := []struct {
		headers []string
		ok      bool
	}{
		{nil, true},
		{[]string{"Sec-Fetch-Site: none"}, true},
		{[]string{"Sec-Fetch-Site: same-origin"}, true},
		{[]string{"Origin: http://" + host}, true},
		{[]string{"Origin: http://" + host, "Sec-Fetch-Site: same-origin"}, true},
		{[]string{"Origin: http://LOCALHOST:7", "Host: localhost:7"}, true},
		{[]string{"Sec-Fetch-Site: cross-site"}, false},
		{[]string{"Sec-Fetch-Site: same-site"}, false},
		{[]string{"Sec-Fetch-Site: anything"}, false},
		{[]string{"Origin: http://evil.com"}, false},
		{[]string{"Origin: https://evil.com", "Sec-Fetch-Site: same-origin"}, false},
		{[]string{"Origin: http://" + host, "Sec-Fetch-Site: cross-site"}, false},
		{[]string{"Origin: null"}, false},
		{[]string{"Origin: http://localhost:1"}, false},
		{[]string{"Origin: http://localhost"}, false},
		{[]string{"Origin: http://" + host + ".evil.com"}, false},
		{[]string{"Origin: http://" + host + "@evil.com"}, false},
		{[]string{"Origin: file://"}, false},
		{[]string{"Origin: chrome-extension://abc"}, false},
		{[]string{"Origin: %%%"}, false},
	}
	for _, tt := range tests {
		for _, path := range everyPath {
			if path == "/v1/watch" && tt.ok {
				continue
			}
			a := s.get(t, path, tt.headers...)
			switch {
			case tt.ok && a.status == http.StatusForbidden:
				t.Errorf("GET %s with %q is refused: %s", path, tt.headers, a.body)
			case !tt.ok:
				wantRefused(t, a, http.StatusForbidden, "PERMISSION_DENIED", "another site")
			}
			if t.Failed() {
				t.Fatalf("GET %s with %q", path, tt.headers)
			}
		}
	}
}

// Whatever a path looks like, it is one of the routes or nothing: no spelling of it
// reaches data.
func TestPaths(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.Set(t, own, "a", `"canary"`)
	s.Etcd.Commit(t, servertest.Write{Namespace: "other", Environment: "development", Layer: own, Key: "a", JSON: `"canary"`})
	s.get(t, at("/v1/config", s.Set(t, own, "etc.passwd", `"canary"`)))
	const nowhere, malformed = "NO_SUCH_METHOD", "INVALID_ARGUMENT"
	tests := map[string]string{
		"/":                       nowhere,
		"/v1":                     nowhere,
		"/v1/":                    nowhere,
		"/v1/configs":             nowhere,
		"/v1/config.json":         nowhere,
		"/V1/config":              nowhere,
		"/v1/Config/a":            nowhere,
		"/v2/config":              nowhere,
		"//v1/config":             nowhere,
		"/v1//config":             nowhere,
		"/./v1/config":            nowhere,
		"/v1/./config":            nowhere,
		"/x/../v1/config":         nowhere,
		"/v1/explain":             nowhere,
		"/v1/watch/":              nowhere,
		"/v1/watch/a":             nowhere,
		"/v1/admin/commit":        nowhere,
		"/metrics":                nowhere,
		"/metrics/../v1/config":   nowhere,
		"/debug/pprof/":           nowhere,
		"/healthz/":               nowhere,
		"//healthz":               nowhere,
		"/healthz/../healthz":     nowhere,
		"/openapi.json/":          nowhere,
		"/sidecar-template.yml":   nowhere, // of a sidecar
		"/favicon.ico":            nowhere,
		"/v1%2Fconfigs":           nowhere,
		"/v1/config/":             malformed, // an empty key
		"/v1/explain/":            malformed,
		"/v1/config/a/":           malformed,
		"/v1/config//a":           malformed,
		"/v1/config/a//b":         malformed,
		"/v1/config/..":           malformed,
		"/v1%2Fconfig/..":         malformed,
		"/v1/config/.":            malformed,
		"/v1/config/../config":    malformed,
		"/v1/config/../config/a":  malformed,
		"/v1/config/..%2f..":      malformed,
		"/v1/config/..%2F..%2Fa":  malformed,
		"/v1/config/%2e%2e":       malformed,
		"/v1/config/%2e%2e%2fa":   malformed,
		"/v1/config/%252e":        malformed,
		"/v1/config/%252e%252e":   malformed,
		"/v1/config/a%2Fb":        malformed,
		"/v1/config/a%252Fb":      malformed,
		"/v1/config/%2Fa":         malformed,
		"/v1/config/etc/passwd":   malformed,
		"/v1/config/etc%5Cpasswd": malformed,
		"/v1/config/a%00":         malformed,
		"/v1/config/a%0d%0aX:1":   malformed,
		"/v1/config/a%20":         malformed,
		"/v1/config/a:b":          malformed,
		"/v1/config/:a":           malformed,
		"/v1/config/a;b=c":        malformed,
		"/v1/config/a%3fx":        malformed,
		"/v1/config/a%23":         malformed,
		"/v1/config/a#fragment":   malformed,
		"/v1/config/%ff%fe":       malformed,
		"/v1/config/%EF%BD%81":    malformed, // a fullwidth a
		"/v1/config/a%E2%80%AE":   malformed, // right to left
		"/v1/config/*":            malformed,
		"/v1/config/**":           malformed,
		"/v1/config/%7Bkey%7D":    malformed,
		"/v1/explain/../config/a": malformed,
		"/v1/config/a.":           malformed,
		"/v1/config/.a":           malformed,
	}
	for path, reason := range tests {
		a := s.raw(t, http.MethodGet, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
		status, words := http.StatusNotFound, "/v1/config/{key}"
		if reason == malformed {
			status, words = http.StatusBadRequest, "key "
		}
		wantRefused(t, a, status, reason, "accepted: ", words)
		if strings.Contains(a.body, "canary") || a.header.Get("Location") != "" {
			t.Errorf("%s answers with data, or leads elsewhere: %v %s", path, a.header, a.body)
		}
		if t.Failed() {
			t.Fatalf("GET %s", path)
		}
	}
	for _, path := range []string{"/v1/config/a%", "/v1/config/%zz", "v1/config", "*", "/v1/config/a\x00", "/v1/config/a b"} {
		if a := s.raw(t, http.MethodGet, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); a.status != http.StatusBadRequest && a.status != http.StatusNotFound {
			t.Errorf("%q: answered %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/v1/config/%61", "/v1/config/a?", "/v1/confi%67/a"} { // as RFC 3986 has it, /v1/config/a
		if a := s.get(t, path, "Accept: text/plain"); a.status != http.StatusOK || a.body != "canary" {
			t.Errorf("%q: answered %d %s", path, a.status, a.body)
		}
	}
}
