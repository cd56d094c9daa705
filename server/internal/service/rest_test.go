package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// post sends JSON to a method of the administration as the user admin of StartControl.
func post(t *testing.T, s *servertest.Server, method, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(deadline(t), http.MethodPost, s.URL+"/v1/admin/"+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+servertest.AdminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return resp.StatusCode, out
}

// lines collects what a server logs.
type lines struct {
	mu  sync.Mutex // guards all
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func TestTheWriteSideByREST(t *testing.T) {
	t.Parallel()
	log := &lines{}
	s := servertest.StartControl(t, servertest.Options{Log: slog.New(slog.NewJSONHandler(log, nil))})
	code, got := post(t, s, "commit", `{"namespace":"pay","message":"first","request_id":"r1","changes":[
		{"environment":"test","key":"a","set":null},{"environment":"production","key":"b.c","set":{"x":[1,"canary-value",true]}},{"environment":"production","key":"d","set":9007199254740991}]}`)
	versions, _ := got["versions"].([]any)
	if code != http.StatusOK || len(versions) != 2 || got["revision"] == "0" {
		t.Fatalf("%d %v", code, got)
	}
	if first := versions[0].(map[string]any); first["environment"] != "production" || first["version"] != "1" || first["author"] != "user:admin" || first["kind"] != "COMMIT" {
		t.Errorf("version: %v", first)
	}
	for _, c := range []struct {
		method, body string
		code         int
		reason       string
	}{
		{"commit", `{"namespace":"pay","environment":"production","message":"m","changes":[{"key":"d","set":9007199254740993}]}`, 400, "INVALID_ARGUMENT"},
		{"commit", `{"namespace":"pay","environment":"production","message":"m","changes":[{"key":"d","set":1,"delete":true}]}`, 400, "INVALID_ARGUMENT"},
		{"commit", `{"namespace":"pay","environment":"production","message":"m","changes":[{"key":"d","set":1}],"expected_versions":{"production":7}}`, 409, "VERSION_CONFLICT"},
		{"commit", `{"namespace":"pay","environment":"production","message":"m","changes":[{"key":"d","set":1}],"extra":1}`, 400, "INVALID_ARGUMENT"},
		{"commit", `{"namespace":"pay","environment":"production","message":"m","changes":[{"key":"d","set":"` + strings.Repeat("x", 5<<20) + `"}]}`, 413, "TOO_LARGE"},
		{"commit", `{"namespace":"pay","environment":"production","message":"m","changes":[{"key":"d","set":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}]}`, 400, "INVALID_ARGUMENT"},
		{"rollback", `{"namespace":"pay","environment":"production","to_version":5}`, 404, "VERSION_NOT_FOUND"},
		{"get-version", `{"namespace":"pay","environment":"production","version":"x"}`, 400, "INVALID_ARGUMENT"},
	} {
		code, got := post(t, s, c.method, c.body)
		if code != c.code || !strings.Contains(fmt.Sprint(got["details"]), c.reason) {
			t.Errorf("%s %.120s: %d %v", c.method, c.body, code, got)
		}
	}
	// As much as a commit may have fits, with every character escaped.
	var changes []string
	for i := range 4 {
		changes = append(changes, fmt.Sprintf(`{"key":"big%d","set":"%s"}`, i, strings.Repeat(`\"`, 75_000)))
	}
	if code, got := post(t, s, "commit", `{"namespace":"pay","environment":"production","message":"m","changes":[`+strings.Join(changes, ",")+`]}`); code != http.StatusOK {
		t.Errorf("%d %.300v", code, got)
	}
	code, got = post(t, s, "get-version", `{"namespace":"pay","environment":"production","version":1}`)
	entries, _ := got["entries"].([]any)
	if code != http.StatusOK || len(entries) != 2 || entries[1].(map[string]any)["content"].(map[string]any)["value"] != float64(9007199254740991) {
		t.Errorf("%d %.300v", code, got)
	}
	if code, got = post(t, s, "list-namespaces", `{}`); code != http.StatusOK || len(got["scopes"].([]any)) != 2 {
		t.Errorf("%d %v", code, got)
	}
	if code, got = post(t, s, "put-schema", `{"namespace":"pay","schema":{"required":["zz"]}}`); code != http.StatusOK || len(got["violations"].([]any)) != 2 {
		t.Errorf("%d %v", code, got)
	}
	audited := false
	for line := range strings.Lines(log.text()) {
		if strings.Contains(line, `"msg":"audit"`) && strings.Contains(line, "ConfigAdminService/Commit") && strings.Contains(line, `"environment":"production,test"`) && strings.Contains(line, `"namespace":"pay"`) {
			audited = true
		}
	}
	if !audited || strings.Contains(log.text(), "canary-value") {
		t.Errorf("the log has the record: %t, and says:\n%s", audited, log.text())
	}
}
