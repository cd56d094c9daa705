package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// journal is what a server logs.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// A header that decides something may be there once: two say that somebody between
// the two ends reads it another way. (Authorization is evidence, and the identity's
// business.)
func TestHeadersGivenTwice(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	for _, name := range []string{"Traceparent", "Tracestate", "X-Request-Id"} {
		for _, path := range []string{"/v1/config", "/v1/config/a", "/v1/explain/a", "/v1/watch"} {
			wantField(t, s.get(t, path, name+": a", name+": a"), "header "+name)
		}
	}
}

// Headers that other software obeys change nothing here.
func TestHeadersThatAreNotObeyed(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.Etcd.Commit(t, servertest.Write{Namespace: "other", Environment: "development", Layer: own, Key: "a", JSON: `"canary"`})
	revision := s.Set(t, own, "a", `"mine"`)
	s.get(t, at("/v1/config", revision))
	for _, header := range []string{
		"Grpc-Metadata-X-Namespace: other", "Grpc-Metadata-Namespace: other", "X-Namespace: other", "Grpc-Timeout: 1n",
		"Grpc-Metadata-Grpc-Timeout: 1n", "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Original-Url: /v1/config",
		"X-Rewrite-Url: /v1/config", "X-Forwarded-Host: evil.com", "X-Forwarded-Prefix: /x", "Forwarded: host=evil.com",
		"Authorization: Bearer anything", "Authorization: garbage", "TE: trailers", "Expect: 100-continue", "Upgrade: h2c",
		"Range: bytes=0-1", "Accept-Encoding: gzip", "Content-Type: application/grpc", "If-Match: x", "Cookie: a=b",
	} {
		a := s.get(t, "/v1/config/a", "Accept: text/plain", header)
		if a.status != http.StatusOK || a.body != "mine" {
			t.Errorf("with %q: %d %q", header, a.status, a.body)
		}
		if a.header.Get("Config-Namespace") != "payment-service" {
			t.Errorf("with %q the answer is for %q", header, a.header.Get("Config-Namespace"))
		}
	}
}

// A request id is echoed, so that a caller finds its call in the log; an error always
// has one; and what could break a log line is replaced.
func TestRequestID(t *testing.T) {
	t.Parallel()
	var log journal
	s := open(t, servertest.Options{Log: telemetry.NewLogger(&log, "debug", "json")})
	s.get(t, at("/v1/config", s.Set(t, own, "a", `1`)))
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	const marker = "MARK"
	hostile := []string{
		marker + ` "}`, marker + `","level":"ERROR`, marker + `\n`, marker + " x", marker + "\tx", marker + "\u00e9", "\xff" + marker,
		marker + strings.Repeat("x", 128), marker + "\u202e",
	}
	paths := map[string]int{
		"/v1/config/a": 200, "/v1/config/absent": 404, "/v1/config/a..b": 400, "/v1/config?environment=production": 403,
		"/v1/watch?environment=production": 403,
	}
	for path, status := range paths {
		a := s.get(t, path)
		if got := a.header.Get("X-Request-Id"); a.status != status || made.MatchString(got) != (status != 200) {
			t.Errorf("%s: %d with the request id %q", path, a.status, got)
		}
		for _, id := range []string{"abc-123", "7c0ffee", "%s%d", strings.Repeat("x", 128), "a/b:c;d=e,f"} {
			if got := s.get(t, path, "X-Request-Id: "+id).header.Get("X-Request-Id"); got != id {
				t.Errorf("%s: %q comes back as %q", path, id, got)
			}
		}
		for _, id := range hostile {
			a := s.get(t, path, "X-Request-Id: "+id, "User-Agent: "+id)
			if got := a.header.Get("X-Request-Id"); got != "" && !made.MatchString(got) {
				t.Errorf("%s: the hostile id %q is answered with %q", path, id, got)
			}
		}
	}
	s.Stop(t)
	if text := log.text(); strings.Contains(text, marker) {
		t.Errorf("the log holds what a hostile request id said, %d bytes into it", strings.Index(text, marker))
	}
	if text := log.text(); !strings.Contains(text, `"request_id":"abc-123"`) {
		t.Error("the log has no line of a call by its request id")
	}
	for lines := bufio.NewScanner(strings.NewReader(log.text())); lines.Scan(); {
		var line struct{ Time, Level, Msg string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level == "" || line.Msg == "" {
			t.Errorf("%q is no log line: %v", lines.Text(), err)
		}
	}
}
