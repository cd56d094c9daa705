package endpoint_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

// lines decodes a log: every line has to be one record.
func lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil || record["time"] == nil || record["level"] == nil || record["msg"] == nil {
			t.Errorf("%.300q is no log line: %v", line, err)
			continue
		}
		out = append(out, record)
	}
	return out
}

// work makes calls that succeed, that miss, and that are mistaken, over both
// transports.
func work(t *testing.T, s *servertest.Server) {
	t.Helper()
	client := s.Client(t)
	for _, key := range []string{"secret", "absent", "a..b"} {
		for range 3 {
			_, _ = client.Get(deadline(t), &configv1.GetRequest{Key: key}) // what it answers is tested elsewhere
			_, _ = client.Explain(deadline(t), &configv1.ExplainRequest{Key: key})
			_, _ = client.List(deadline(t), &configv1.ListRequest{Prefix: key})
			for _, path := range []string{"/v1/config/" + key, "/v1/explain/" + key, "/v1/config?prefix=" + key, "/nowhere", "/healthz"} {
				resp, err := http.Get(s.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
		}
	}
	w, err := client.Watch(deadline(t), &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Recv(); err != nil {
		t.Fatal(err)
	}
}

// A healthy service is quiet: neither a success nor a caller's mistake makes a line.
func TestSuccessIsNotLogged(t *testing.T) {
	t.Parallel()
	var log journal
	s := servertest.Start(t, servertest.Options{Log: telemetry.NewLogger(&log, "info", "json")})
	s.Set(t, own, "secret", `"`+canary+`"`)
	until(t, "the lines of the start", func() bool {
		return strings.Contains(log.text(), `"serving"`) && strings.Contains(log.text(), `"following the store"`)
	})
	before := log.text()
	work(t, s)
	if after := log.text(); after != before {
		t.Errorf("the calls made these lines: %s", strings.TrimPrefix(after, before))
	}
	s.Stop(t)
	lines(t, log.text())
}

// A refusal is one audit record that names the call; at debug level there is a line for the
// call too. A line never holds a value, at any level.
func TestRefusalIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log journal
	s := servertest.Start(t, servertest.Options{Log: telemetry.NewLogger(&log, "debug", "json")})
	s.Set(t, own, "bad", `{"`+canary)
	revision := s.Set(t, own, "secret", `"`+canary+`"`)
	if _, err := s.Client(t).List(deadline(t), &configv1.ListRequest{MinRevision: revision}); err != nil {
		t.Fatal(err)
	}
	work(t, s)
	_, _ = s.Client(t).Get(deadline(t), &configv1.GetRequest{Key: "bad"})
	const id = "call-4711"
	ctx := metadata.AppendToOutgoingContext(deadline(t), "x-request-id", id, "authorization", "Bearer "+canary, "x-evil", canary)
	if _, err := s.Client(t).Get(ctx, &configv1.GetRequest{Key: "secret", Environment: "production"}); err == nil {
		t.Fatal("a foreign scope is answered")
	}
	s.Stop(t)
	text := log.text()
	if strings.Contains(text, canary) {
		t.Errorf("the log holds a value: ...%s", text[max(0, strings.Index(text, canary)-300):][:300])
	}
	audited, called := 0, 0
	for _, record := range lines(t, text) {
		switch {
		case record["request_id"] != id:
		case record["msg"] == "audit" && record["level"] == "INFO" && record["method"] == "/configservice.v1.ConfigService/Get" && record["decision"] == "denied":
			audited++
		case record["level"] == "DEBUG" && record["grpc.method"] == "Get" && record["grpc.code"] == "PermissionDenied":
			called++
		default:
			t.Errorf("the refusal is logged as %v", record)
		}
	}
	if audited != 1 || called != 1 {
		t.Errorf("one refusal makes %d audit records and %d lines", audited, called)
	}
}

// What a caller can put into a line stays inside its field.
func TestHostileTextsInTheLog(t *testing.T) {
	t.Parallel()
	var log journal
	s := servertest.Start(t, servertest.Options{Log: telemetry.NewLogger(&log, "debug", "json")})
	conn, err := grpc.NewClient(s.GRPC, append(dialOptions, grpc.WithUserAgent(`evil"}%s{"level":"ERROR"}`))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := configv1.NewConfigServiceClient(conn)
	for _, text := range hostile {
		brief := text[:min(len(text), 1000)] // headers have a limit
		ctx := metadata.AppendToOutgoingContext(deadline(t), "x-request-id-bin", brief, "traceparent-bin", brief)
		_, _ = client.Get(ctx, &configv1.GetRequest{Key: strings.ToValidUTF8(text, "?")}) // what it answers is tested elsewhere
		_, _ = client.Get(ctx, &configv1.GetRequest{Key: "a", Namespace: strings.ToValidUTF8(text, "?")})
	}
	ids := []string{`"}`, `{"level":"ERROR"}`, "a b", "%s%d", strings.Repeat("x", 129), strings.Repeat("x", 10<<10), `\u001b`}
	for _, id := range ids {
		ctx := metadata.AppendToOutgoingContext(deadline(t), "x-request-id", id)
		_, _ = client.Get(ctx, &configv1.GetRequest{Key: "a", Environment: "production"})
	}
	s.Stop(t)
	text := log.text()
	calls := 0
	for _, record := range lines(t, text) {
		if record["grpc.method"] == "Get" {
			calls++
		}
		if level := record["level"]; level == "ERROR" {
			t.Errorf("a caller's text makes an error line: %v", record)
		}
		if id, ok := record["request_id"].(string); ok && (len(id) > 128 || strings.ContainsAny(id, " \"\\")) {
			t.Errorf("a line has the request id %q", id)
		}
	}
	if want := 2*len(hostile) + len(ids); calls != want {
		t.Errorf("%d calls make %d lines", want, calls)
	}
	if strings.ContainsFunc(strings.ReplaceAll(text, "\n", ""), func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) {
		t.Error("the log holds bytes that move a terminal's cursor")
	}
}
