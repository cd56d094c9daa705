package gateway_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

const own = configv1.Layer_SERVICE_ENVIRONMENT

// fieldsOf decodes an object of JSON and keeps its numbers as they are written.
func fieldsOf(t *testing.T, body string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return out
}

func names(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// A value leaves as the JSON it came in as: the type never changes on the way.
func TestValuesKeepTheirType(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	tests := []struct {
		key, stored string
		want        any    // of entry.value
		plain       string // as text/plain
	}{
		{"integer", `20`, json.Number("20"), "20"},
		{"negative", `-7`, json.Number("-7"), "-7"},
		{"zero", `0`, json.Number("0"), "0"},
		{"decimal", `2.5`, json.Number("2.5"), "2.5"},
		{"small", `1e-7`, json.Number("1e-7"), "1e-7"},
		{"large", `1e20`, json.Number("100000000000000000000"), "100000000000000000000"},
		{"largest-integer", `9007199254740991`, json.Number("9007199254740991"), "9007199254740991"},
		{"quoted-integer", `"9007199254740993"`, "9007199254740993", "9007199254740993"},
		{"null", `null`, nil, "null"},
		{"true", `true`, true, "true"},
		{"text", `"a <b> & \"c\""`, `a <b> & "c"`, `a <b> & "c"`},
		{"empty", `""`, "", ""},
		{"lines", `"a\r\nb\n"`, "a\r\nb\n", "a\r\nb\n"},
		{"unicode", `"\u00e9\ud83d\ude00"`, "é😀", "é😀"},
		{"list", ` [ 1 , "x", null ] `, []any{json.Number("1"), "x", nil}, `[1,"x",null]`},
		{"object", `{"b": {"c": "<"}, "a": 2}`, map[string]any{"a": json.Number("2"), "b": map[string]any{"c": "<"}}, `{"a":2,"b":{"c":"<"}}`},
	}
	var last int64
	for _, tt := range tests {
		last = s.Set(t, own, tt.key, tt.stored)
	}
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			entry := fieldsOf(t, s.get(t, at("/v1/config/"+tt.key, last)).body)["entry"].(map[string]any)
			if value, set := entry["value"]; !set || !sameJSON(value, tt.want) {
				t.Errorf("value is %#v (there: %t), want %#v", value, set, tt.want)
			}
			plain := s.get(t, at("/v1/config/"+tt.key, last), "Accept: text/plain")
			if plain.body != tt.plain {
				t.Errorf("as text it is %q, want %q", plain.body, tt.plain)
			}
			if got := plain.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type of text is %q", got)
			}
		})
	}
}

// sameJSON compares decoded JSON; two numbers are the same when their doubles are.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		x, errX := a.Float64()
		y, errY := b.Float64()
		return ok && errX == nil && errY == nil && x == y
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameJSON)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name := range a {
			if _, there := b[name]; !there || !sameJSON(a[name], b[name]) {
				return false
			}
		}
		return true
	}
	return a == b
}

// The names and shapes of an answer are the contract of every client without
// generated code.
func TestShapeOfAnswers(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	revision := s.Set(t, own, "a", `1`)
	state := []string{"environment", "epoch", "freshness", "namespace", "revision", "source", "verified_time"}
	entry := []string{"key", "layer", "masked", "revision", "value"}
	tests := []struct {
		path  string
		top   []string
		entry func(map[string]any) any
	}{
		{"/v1/config/a", []string{"entry", "state"}, func(m map[string]any) any { return m["entry"] }},
		{"/v1/config", []string{"changed_revision", "entries", "invalid_keys", "state"}, func(m map[string]any) any { return m["entries"].([]any)[0] }},
		{"/v1/explain/a", []string{"candidates", "entry", "similar_keys", "state"}, func(m map[string]any) any { return m["entry"] }},
	}
	s.get(t, at("/v1/config", revision))
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			a := s.get(t, tt.path)
			if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
				t.Fatalf("answered %d %s", a.status, a.header.Get("Content-Type"))
			}
			m := fieldsOf(t, a.body)
			if got := names(m); !slices.Equal(got, tt.top) {
				t.Errorf("the answer has %q, want %q", got, tt.top)
			}
			if got := names(m["state"].(map[string]any)); !slices.Equal(got, state) {
				t.Errorf("the state has %q, want %q", got, state)
			}
			e := tt.entry(m).(map[string]any)
			if got := names(e); !slices.Equal(got, entry) {
				t.Errorf("the entry has %q, want %q", got, entry)
			}
			if want := strconv.FormatInt(revision, 10); e["revision"] != want || e["layer"] != "SERVICE_ENVIRONMENT" {
				t.Errorf("the entry is %v, want the revision as the text %q and the layer by name", e, want)
			}
		})
	}
}

// The headers repeat the state, so that a shell script sees it too.
func TestStateHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	revision := s.Set(t, own, "a", `1`)
	s.get(t, at("/v1/config", revision))
	for _, path := range []string{"/v1/config/a", "/v1/config", "/v1/explain/a"} {
		for _, accept := range []string{"application/json", "text/plain"} {
			a := s.get(t, path, "Accept: "+accept)
			if a.status == http.StatusNotAcceptable {
				continue
			}
			state := fieldsOf(t, s.get(t, path).body)["state"].(map[string]any)
			for header, field := range map[string]string{
				"Config-Epoch": "epoch", "Config-Revision": "revision", "Config-Freshness": "freshness",
				"Config-Source": "source", "Config-Namespace": "namespace", "Config-Environment": "environment",
			} {
				if got := a.header.Get(header); got == "" || got != state[field] {
					t.Errorf("%s as %s: %s is %q, the state says %q", path, accept, header, got, state[field])
				}
			}
			if _, err := time.Parse(time.RFC3339Nano, a.header.Get("Config-Verified-Time")); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if a.header.Get("Vary") != "Accept, Authorization" || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: headers %v", path, a.header)
			}
		}
	}
	if got := s.get(t, "/v1/config/a").header.Get("Config-Layer"); got != "SERVICE_ENVIRONMENT" {
		t.Errorf("Config-Layer is %q", got)
	}
}

// A list as text is for people and for grep: one line an entry, sorted, and a string
// that could be taken for another value, or for two lines, is quoted.
func TestListAsText(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	var last int64
	for key, stored := range map[string]string{
		"b": `20`, "a.z": `"plain text"`, "a-b": `"20"`, "a.b": `"null"`, "c": `"x\ny"`, "d": `{"k": [true]}`, "e": `""`, "f": `"a=b"`, "g": `null`,
	} {
		last = s.Set(t, own, key, stored)
	}
	a := s.get(t, at("/v1/config", last), "Accept: text/plain")
	const want = "a-b=\"20\"\na.b=\"null\"\na.z=plain text\nb=20\nc=\"x\\ny\"\nd={\"k\":[true]}\ne=\nf=a=b\ng=null\n"
	if a.status != http.StatusOK || a.body != want {
		t.Errorf("answered %d\n%s\nwant\n%s", a.status, a.body, want)
	}
}

// Errors keep the form that was asked for: a script that wants text gets one line.
func TestErrorsAsText(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	for path, want := range map[string]string{
		"/v1/config/absent":       "KEY_NOT_FOUND: ",
		"/v1/config/a..b":         "INVALID_ARGUMENT: ",
		"/v1/config?bogus=1":      "INVALID_ARGUMENT: ",
		"/v1/config?namespace=xy": "PERMISSION_DENIED: ",
		"/nowhere":                "NO_SUCH_METHOD: ",
	} {
		a := s.get(t, path, "Accept: text/plain")
		if !strings.HasPrefix(a.body, want) || strings.Count(a.body, "\n") != 1 || !strings.HasSuffix(a.body, "\n") {
			t.Errorf("%s: answered %q, want one line that begins with %q", path, a.body, want)
		}
		if got := a.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", path, got)
		}
	}
}
