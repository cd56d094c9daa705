package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

const service = configv1.Layer_SERVICE

// tag is the entity tag of a path, once a revision is in.
func (s *site) tag(t *testing.T, path string, revision int64) string {
	t.Helper()
	s.get(t, at("/v1/config", revision))
	a := s.get(t, path)
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("ETag"), `W/"`) {
		t.Fatalf("%s: %d with the tag %q", path, a.status, a.header.Get("ETag"))
	}
	return a.header.Get("ETag")
}

// A tag stands for one answer: it changes with that answer and with nothing else.
func TestTagFollowsItsAnswer(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	write := func(namespace string, layer configv1.Layer, key, json string) func() int64 {
		return func() int64 {
			return s.Etcd.Commit(t, servertest.Write{
				Namespace: namespace, Environment: "development", Layer: layer, Key: key, JSON: json, Delete: json == "",
			})
		}
	}
	s.Set(t, service, "db.size", `1`)
	first := s.Set(t, service, "db2", `1`)
	paths := []string{"/v1/config/db.size", "/v1/config", "/v1/config?prefix=db", "/v1/config?keys=db2"}
	const key, all, prefix, other = 1, 2, 4, 8
	steps := []struct {
		name    string
		write   func() int64
		changes int
	}{
		{"another key of this service", write("payment-service", service, "unrelated", `1`), all},
		{"another service", write("another-service", service, "db.size", `1`), 0},
		{"the same service, another environment", func() int64 {
			return s.Etcd.Commit(t, servertest.Write{Namespace: "payment-service", Environment: "production", Layer: own, Key: "db.size", JSON: `9`})
		}, 0},
		{"a key below the prefix", write("payment-service", service, "db.name", `"x"`), all | prefix},
		{"a key that only looks like the prefix", write("payment-service", service, "db2", `2`), all | other},
		{"an override", write("payment-service", own, "db.size", `2`), key | all | prefix},
		{"a weaker value that stays hidden", write("payment-service", service, "db.size", `3`), 0},
		{"the override deleted", write("payment-service", own, "db.size", ""), key | all | prefix},
		{"a key below the prefix deleted", write("payment-service", service, "db.name", ""), all | prefix},
		{"the selected key deleted", write("payment-service", service, "db2", ""), all | other},
		{"an unrelated key deleted", write("payment-service", service, "unrelated", ""), all},
		{"an unusable value, with a last good one", write("payment-service", service, "db.size", `{`), 0},
	}
	seen := map[string]bool{}
	last := map[string]string{}
	for _, path := range paths {
		last[path] = s.tag(t, path, first)
		seen[path+last[path]] = true
	}
	for _, step := range steps {
		revision := step.write()
		for i, path := range paths {
			tag := s.tag(t, path, revision)
			if changed := tag != last[path]; changed != (step.changes&(1<<i) != 0) {
				t.Errorf("%s: the tag of %s changed: %t", step.name, path, changed)
			} else if changed && seen[path+tag] {
				t.Errorf("%s: %s has a tag it had before", step.name, path)
			}
			last[path] = tag
			seen[path+tag] = true
		}
	}
}

func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	revision := s.Set(t, own, "a", `1`)
	for _, path := range []string{"/v1/config/a", "/v1/config", "/v1/config?prefix=a"} {
		tag := s.tag(t, path, revision)
		strong := strings.TrimPrefix(tag, "W/")
		tests := []struct {
			name    string
			headers []string
			fresh   bool
		}{
			{"the tag", []string{"If-None-Match: " + tag}, true},
			{"the tag, compared weakly", []string{"If-None-Match: " + strong}, true},
			{"any", []string{"If-None-Match: *"}, true},
			{"in a list", []string{`If-None-Match: "x-1", ` + tag + ` , "y-2"`}, true},
			{"in a list without spaces", []string{`If-None-Match: "x-1",` + tag}, true},
			{"in a second header", []string{`If-None-Match: "x-1"`, "If-None-Match: " + tag}, true},
			{"as text", []string{"Accept: text/plain", "If-None-Match: " + tag}, true},
			{"none", nil, false},
			{"another tag", []string{`If-None-Match: W/"x-1"`}, false},
			{"without quotes", []string{"If-None-Match: " + strings.Trim(strong, `"`)}, false},
			{"a part of it", []string{"If-None-Match: " + strong[:len(strong)-2] + `"`}, false},
			{"garbage", []string{`If-None-Match: ,,"`}, false},
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, tt := range tests {
				a := s.do(t, method, path, tt.headers...)
				want := http.StatusOK
				if tt.fresh {
					want = http.StatusNotModified
				}
				if a.status != want {
					t.Errorf("%s %s with %s: %d, want %d", method, path, tt.name, a.status, want)
				}
				if a.header.Get("ETag") != tag || a.header.Get("Config-Revision") == "" || a.header.Get("Vary") == "" {
					t.Errorf("%s %s with %s: headers %v", method, path, tt.name, a.header)
				}
				if a.status == http.StatusNotModified && (a.body != "" || a.header.Get("Content-Type") != "" || a.header.Get("Content-Length") != "") {
					t.Errorf("%s %s with %s: a 304 with content: %q %v", method, path, tt.name, a.body, a.header)
				}
			}
		}
	}
	t.Run("an error is never not modified", func(t *testing.T) {
		wantRefused(t, s.get(t, "/v1/config/absent", "If-None-Match: *"), http.StatusNotFound, "KEY_NOT_FOUND")
	})
	t.Run("an explanation has no tag", func(t *testing.T) {
		a := s.get(t, "/v1/explain/a", "If-None-Match: *")
		if a.status != http.StatusOK || a.header.Get("ETag") != "" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("answered %d with %v", a.status, a.header)
		}
	})
}
