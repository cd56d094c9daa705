package gateway_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// recordsOf are the records of a log with a message.
func recordsOf(t *testing.T, log *journal, msg string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log.text()) {
		record := map[string]any{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if record["msg"] == msg {
			out = append(out, record)
		}
	}
	return out
}

// Who refuses a request says so: to the caller with an id, to the operator with the
// same id in the log at debug level, and with a number. What tells of an attack is audited,
// each time.
func TestRefusalsAreAccountedFor(t *testing.T) {
	t.Parallel()
	log := &journal{}
	s := open(t, servertest.Options{Log: telemetry.NewLogger(log, "debug", "json")})
	const times = 3
	tests := []struct {
		by, method, path string
		headers          []string
		audited          string
	}{
		{"host", "GET", "/v1/config", []string{"Host: evil.com"}, "GET /v1/config"},
		{"origin", "GET", "/v1/config", []string{"Sec-Fetch-Site: cross-site"}, "GET /v1/config"},
		{"path", "GET", "/nowhere", nil, ""},
		{"method", "POST", "/v1/config", nil, ""},
		{"accept", "GET", "/v1/config", []string{"Accept: image/png"}, ""},
		{"query", "GET", "/v1/config?x=y", nil, ""},
		{"header", "GET", "/v1/config", []string{"Traceparent: a", "Traceparent: b"}, ""},
	}
	for _, tt := range tests {
		for range times {
			a := s.do(t, tt.method, tt.path, tt.headers...)
			id := a.header.Get("X-Request-Id")
			if a.status < 400 || len(id) != 16 {
				t.Fatalf("%s: answered %d with the request id %q", tt.by, a.status, id)
			}
			var record map[string]any
			for _, r := range recordsOf(t, log, "request refused") {
				if r["request_id"] == id {
					record = r
				}
			}
			if record["by"] != tt.by || record["error"] == "" || record["level"] != "DEBUG" {
				t.Errorf("%s: the log says %v", tt.by, record)
			}
			audits := slices.DeleteFunc(recordsOf(t, log, "audit"), func(r map[string]any) bool { return r["request_id"] != id })
			switch {
			case tt.audited == "" && len(audits) > 0, tt.audited != "" && len(audits) != 1:
				t.Errorf("%s: audited as %v", tt.by, audits)
			case tt.audited != "":
				r := audits[0]
				if r["method"] != tt.audited || r["decision"] != "denied" || r["reason"] != "by its "+tt.by || !strings.HasPrefix(r["peer"].(string), "127.0.0.1:") {
					t.Errorf("%s: audited as %v", tt.by, r)
				}
			}
		}
	}
	metrics, err := http.Get(s.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer metrics.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(metrics.Body); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		if line := `configservice_rest_refused_total{reason="` + tt.by + `"} 3`; !strings.Contains(body.String(), line) {
			t.Errorf("the metrics do not say %s", line)
		}
	}
	// An id that the caller brings is kept; one that could break a line is not.
	if a := s.do(t, "GET", "/nowhere", "X-Request-Id: mine-1"); a.header.Get("X-Request-Id") != "mine-1" {
		t.Errorf("the request id became %q", a.header.Get("X-Request-Id"))
	}
	if a := s.do(t, "GET", "/nowhere", "X-Request-Id: a b"); a.header.Get("X-Request-Id") == "a b" {
		t.Error("a request id with a space is kept")
	}
}
