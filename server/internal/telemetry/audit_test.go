package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/config-service/config-service/server/internal/telemetry"
)

var event = telemetry.Event{
	Who: "user:alice", Evidence: "JWT", Credential: "alice@example.org", Action: "administer", Method: "/x/RotateToken",
	Namespace: "payment-service", Environment: "production", Decision: telemetry.Allowed, RequestID: "id-1", Peer: "10.0.0.1:2",
}

// trail is an Audit that writes to a log of a level and a format, with a clock that stands.
type trail struct {
	*telemetry.Audit
	log     bytes.Buffer
	now     time.Time
	metrics *telemetry.Metrics
}

func newTrail(level, format string) *trail {
	a := &trail{now: time.Unix(1e9, 0)}
	clock := func() time.Time { return a.now }
	a.metrics = telemetry.NewMetrics("test", clock)
	a.Audit = telemetry.NewAudit(nil, telemetry.NewLogger(&a.log, level, format), a.metrics.AuditRecords, clock)
	return a
}

// records decodes JSON lines.
func records(t *testing.T, text string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, r)
	}
	return out
}

func TestARecordSaysAllAtAnyLevel(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"debug", "info", "warn", "error"} {
		a := newTrail(level, "json")
		a.Write(t.Context(), event)
		got := records(t, a.log.String())
		if len(got) != 1 {
			t.Fatalf("at level %s: %v", level, got)
		}
		delete(got[0], "time")
		want := map[string]any{
			"level": "INFO", "msg": "audit", "who": "user:alice", "evidence": "JWT", "credential": "alice@example.org",
			"action": "administer", "method": "/x/RotateToken", "namespace": "payment-service", "environment": "production",
			"decision": "allowed", "reason": "", "request_id": "id-1", "peer": "10.0.0.1:2",
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("at level %s (-want +got):\n%s", level, diff)
		}
	}
	a := newTrail("info", "json")
	dry := event
	dry.DryRun = true
	a.Write(t.Context(), dry)
	if got := records(t, a.log.String()); got[0]["dry_run"] != true {
		t.Errorf("of a dry run: %v", got)
	}
	var none *telemetry.Audit
	none.Write(t.Context(), event) // and nothing happens
}

func TestHostileTextsStayInARecord(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		for _, text := range []string{
			"a\r\nb", "\n{\"level\":\"ERROR\",\"msg\":\"audit\"}", `"}` + "\n", "\x1b[2J\x1b[31m", "\u202eevil", "%s%d%!x", "\x00", "\xff\xfe",
			"who=user:root decision=allowed", strings.Repeat("x", 10<<10), "\u2028", "a=b \"c\"",
		} {
			a := newTrail("info", format)
			e := event
			e.Who, e.Credential, e.Method, e.Namespace, e.Environment, e.Reason, e.RequestID, e.Peer = text, text, text, text, text, text, text, text
			a.Write(t.Context(), e)
			line, ended := strings.CutSuffix(a.log.String(), "\n")
			if !ended || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e || r == 0x2028 }) {
				t.Errorf("%s: %.40q makes %.200q", format, text, a.log.String())
			}
			if format == "json" && len(records(t, a.log.String())) != 1 {
				t.Errorf("%.40q makes %.200q", text, a.log.String())
			}
			if format == "text" && strings.Count(line, " decision=") > 1 {
				if unquoted := strings.Count(line, " decision=allowed reason="); unquoted != 1 {
					t.Errorf("%.40q makes fields: %.400q", text, line)
				}
			}
		}
	}
}

// A flood of refusals is bounded and counted; what is allowed is always written.
func TestAFloodIsBounded(t *testing.T) {
	t.Parallel()
	for _, decision := range []telemetry.Decision{telemetry.Denied, telemetry.Failed} {
		a := newTrail("info", "json")
		refused := event
		refused.Decision = decision
		flood := func() {
			for range 10_000 {
				a.Write(t.Context(), refused)
			}
		}
		flood()
		if n := len(records(t, a.log.String())); n != 200 {
			t.Errorf("10,000 %s at once make %d records, want 200", decision, n)
		}
		a.log.Reset()
		a.now = a.now.Add(time.Second)
		flood()
		got := records(t, a.log.String())
		if len(got) != 100 || got[0]["more_since_last"] != float64(9_800) || got[1]["more_since_last"] != nil {
			t.Errorf("10,000 %s a second later make %d records, the first %v", decision, len(got), got[0])
		}
		a.log.Reset()
		for range 1000 {
			a.Write(t.Context(), event)
		}
		if got := records(t, a.log.String()); len(got) != 1000 || got[0]["more_since_last"] != float64(9_900) {
			t.Errorf("1,000 allowed beside the flood make %d records, the first %v", len(got), got[0])
		}
		for d, want := range map[telemetry.Decision]float64{decision: 20_000, telemetry.Allowed: 1000} {
			if n := testutil.ToFloat64(a.metrics.AuditRecords.WithLabelValues(string(d))); n != want {
				t.Errorf("%s: %v are counted, want %v", d, n, want)
			}
		}
	}
}

// Who shows no credential can refuse nobody a record: what a known caller is denied is
// written beside any flood of denials to nobody.
func TestAFloodOfNobodyHidesNoCaller(t *testing.T) {
	t.Parallel()
	a := newTrail("info", "json")
	known := event
	known.Decision = telemetry.Denied
	nobody := known
	nobody.Who = ""
	for range 1000 {
		a.Write(t.Context(), nobody)
	}
	a.log.Reset()
	a.Write(t.Context(), known)
	if got := records(t, a.log.String()); len(got) != 1 || got[0]["who"] != event.Who {
		t.Errorf("what a known caller was denied is in the records %v", got)
	}
}

// The file is appended to, for this user alone, and begun anew when it lost its name.
func TestTheAuditFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte("{\"msg\":\"before\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newTrail("info", "text")
	clock := func() time.Time { return a.now }
	file, err := telemetry.OpenAppend(path, clock)
	if err != nil {
		t.Fatal(err)
	}
	audit := telemetry.NewAudit(file, telemetry.NewLogger(&a.log, "error", "text"), a.metrics.AuditRecords, clock)
	count := func(path string, want int) {
		t.Helper()
		text, err := os.ReadFile(path)
		if n := len(records(t, string(text))); err != nil || n != want {
			t.Errorf("%s has %d records, %v; want %d", path, n, err, want)
		}
	}
	audit.Write(t.Context(), event)
	count(path, 2)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	audit.Write(t.Context(), event) // within the time that is not looked in
	count(path+".1", 3)
	a.now = a.now.Add(5 * time.Second)
	audit.Write(t.Context(), event)
	audit.Write(t.Context(), event)
	count(path+".1", 3)
	count(path, 2)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the new file: %v, %v", info, err)
	}
	// Who gives it another name may have made the next one.
	if err := errors.Join(os.Rename(path, path+".2"), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	a.now = a.now.Add(5 * time.Second)
	audit.Write(t.Context(), event)
	count(path+".2", 2)
	count(path, 1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	a.now = a.now.Add(5 * time.Second)
	audit.Write(t.Context(), event)
	count(path, 1)
	if a.log.Len() > 0 {
		t.Errorf("the log has %s", &a.log)
	}

	// What cannot be written there is in the log, which says so.
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		audit.Write(t.Context(), event)
	}
	text := a.log.String()
	if strings.Count(text, "msg=audit") != 3 || strings.Count(text, "the audit file cannot be written") != 1 {
		t.Errorf("without its file it logs %s", text)
	}
}

func TestBadAuditFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, loose := filepath.Join(dir, "pipe"), filepath.Join(dir, "loose")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(loose, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(loose, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, word := range map[string]string{
		filepath.Join(dir, "missing", "x"): "no such file",
		dir:                                "is a directory",
		pipe:                               "accepted: the path of a file",
		"/dev/null":                        "no regular file",
		loose:                              "any user may write",
		"":                                 "no such file",
	} {
		f, err := telemetry.OpenAppend(path, time.Now)
		if err == nil {
			t.Errorf("%q is opened", path)
			_ = f.Close()
			continue
		}
		if text := err.Error(); !strings.Contains(text, word) || !strings.Contains(text, "accepted: ") || strings.Contains(text, "\n") {
			t.Errorf("%q: %s; want one line with %q", path, text, word)
		}
	}
}
