package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// A query that is not understood is refused, and the refusal says which parameter and
// what would be accepted: a filter that is silently ignored answers too much.
func TestQueryIsStrict(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	const get, list = "namespace, environment, min_revision", "prefix, keys, namespace, environment, min_revision"
	const watch = "prefix, keys, namespace, environment, resume.epoch, resume.revision, checkpoint_interval"
	const malformed = "percent-encoded"
	tests := []struct {
		path, field, accepted string
	}{
		// Unknown, and everything that only looks like a name of the contract.
		{"/v1/config?bogus=1", `"bogus"`, list},
		{"/v1/config?bogus", `"bogus"`, list},
		{"/v1/config?=1", `""`, list},
		{"/v1/config?prefix=a&bogus=1", `"bogus"`, list},
		{"/v1/config?minRevision=1", `"minRevision"`, list},
		{"/v1/config?Prefix=a", `"Prefix"`, list},
		{"/v1/config?prefix%20=a", `"prefix "`, list},
		{"/v1/config?keys%5B0%5D=a", `"keys[0]"`, list},
		{"/v1/config?keys.a=a", `"keys.a"`, list},
		{"/v1/config?key=a", `"key"`, list},
		{"/v1/config?key%00=a", `"key\x00"`, list},
		{"/v1/config?%c3%a9=a", `"\u00e9"`, list},
		{"/v1/config/a?bogus=1", `"bogus"`, get},
		{"/v1/config/a?key=b", `"key"`, get},
		{"/v1/config/a?prefix=b", `"prefix"`, get},
		{"/v1/explain/a?key=b", `"key"`, "namespace, environment"},
		{"/v1/explain/a?min_revision=1", `"min_revision"`, "namespace, environment"},
		{"/v1/watch?checkpointInterval=5s", `"checkpointInterval"`, watch},
		{"/v1/watch?checkpoint_interval.seconds=5", `"checkpoint_interval.seconds"`, watch},
		{"/v1/watch?resume=x", `"resume"`, watch},
		{"/v1/watch?resume.bogus=x", `"resume.bogus"`, watch},
		{"/v1/watch?resume.epoch.x=x", `"resume.epoch.x"`, watch},
		{"/v1/watch?min_revision=1", `"min_revision"`, watch},
		// Given twice.
		{"/v1/config?prefix=a&prefix=b", "prefix", "one value"},
		{"/v1/config?prefix=a&prefix=a", "prefix", "one value"},
		{"/v1/config/a?namespace=payment-service&namespace=other", "namespace", "one value"},
		{"/v1/watch?resume.epoch=a&resume.epoch=b", "resume.epoch", "one value"},
		// Not readable as what it is.
		{"/v1/config?min_revision=abc", "min_revision", "an integer"},
		{"/v1/config?min_revision=", "min_revision", "an integer"},
		{"/v1/config?min_revision=1.5", "min_revision", "an integer"},
		{"/v1/config?min_revision=1e3", "min_revision", "an integer"},
		{"/v1/config?min_revision=9223372036854775808", "min_revision", "an integer"},
		{"/v1/config?min_revision=%201", "min_revision", "an integer"},
		{"/v1/watch?checkpoint_interval=5", "checkpoint_interval", "as in 5s"},
		{"/v1/watch?checkpoint_interval=", "checkpoint_interval", "as in 5s"},
		{"/v1/watch?resume.epoch=a&resume.revision=x", "resume.revision", "an integer"},
		// Readable and out of range.
		{"/v1/config?min_revision=-1", "min_revision", "0 or a revision"},
		{"/v1/watch?checkpoint_interval=0.5s", "checkpoint_interval", "1s to 5m0s"},
		{"/v1/watch?checkpoint_interval=301s", "checkpoint_interval", "1s to 5m0s"},
		{"/v1/watch?checkpoint_interval=-1s", "checkpoint_interval", "1s to 5m0s"},
		{"/v1/watch?resume.epoch=a", "resume.revision", "state.revision"},
		{"/v1/watch?resume.revision=1", "resume.epoch", "state.epoch"},
		{"/v1/watch?resume.epoch=" + strings.Repeat("e", 129) + "&resume.revision=1", "resume.epoch", "state.epoch"},
		{"/v1/config?keys=", "keys[0]", "joined by single dots"},
		{"/v1/config?keys=a&keys=a..b", "keys[1]", "joined by single dots"},
		{"/v1/config?" + strings.Repeat("keys=a&", 1001) + "prefix=a", "keys", "at most 1000"},
	}
	for _, tt := range tests {
		t.Run(tt.path[:min(len(tt.path), 60)], func(t *testing.T) {
			a := s.get(t, tt.path)
			if strings.HasPrefix(tt.path, "/v1/watch") && strings.HasPrefix(a.body, `{"error":`) {
				// The handler refused it, in a frame of the stream.
				a.body = strings.TrimSuffix(strings.TrimPrefix(a.body, `{"error":`), "}\n")
			}
			wantField(t, a, tt.field)
			if !strings.Contains(a.body, tt.accepted) {
				t.Errorf("the refusal does not say that %q is accepted: %s", tt.accepted, a.body)
			}
		})
	}
	for _, query := range []string{"prefix=%zz", "prefix=%", "prefix=%2", "%zz=a", "prefix=a;keys=b", "prefix=a&keys=%f"} {
		t.Run(query, func(t *testing.T) {
			a := s.raw(t, http.MethodGet, "GET /v1/config?"+query+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
			wantField(t, a, "query")
			if !strings.Contains(a.body, malformed) {
				t.Errorf("answered %s", a.body)
			}
		})
	}
}

func TestQueryIsTaken(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.Set(t, own, "db.size", `1`)
	s.Set(t, own, "db2", `1`)
	last := s.Set(t, own, "x", `1`)
	s.get(t, at("/v1/config", last))
	for query, want := range map[string]string{
		"":                        "db.size=1\ndb2=1\nx=1\n",
		"?":                       "db.size=1\ndb2=1\nx=1\n",
		"?prefix=":                "db.size=1\ndb2=1\nx=1\n",
		"?prefix=db":              "db.size=1\n",
		"?prefix=d%62":            "db.size=1\n",
		"?keys=x&keys=db2&keys=x": "db2=1\nx=1\n",
		"?prefix=db&keys=x":       "db.size=1\nx=1\n",
		"?keys=absent":            "",
		"?min_revision=0&keys=x&namespace=payment-service&environment=development": "x=1\n",
		"?namespace=&environment=&keys=x":                                          "x=1\n",
		"?min_revision=" + digits(last):                                            "db.size=1\ndb2=1\nx=1\n",
	} {
		a := s.get(t, "/v1/config"+query, "Accept: text/plain")
		if a.status != http.StatusOK || a.body != want {
			t.Errorf("%s: answered %d %q, want %q", query, a.status, a.body, want)
		}
	}
}
