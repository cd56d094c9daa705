package gateway_test

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// A Get with a request id goes the long way, through grpc-gateway's routing; the same one without does not. The answers
// are the same, but for that id.
func TestTheShortWayAnswersAsTheLongOne(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.Set(t, service, "a.text", `"x\"y"`)
	s.Set(t, service, "a.number", `1.5`)
	tag := s.tag(t, "/v1/config/a.text", s.Set(t, service, "a-b.C_d.0", `{"n":[null,true]}`))
	paths := []string{"a.text", "a.number", "a-b.C_d.0", "a", "absent", "a..b", ".a", "a.", "a_", strings.Repeat("k", 254), ""}
	conditions := [][]string{nil, {"Accept: text/plain"}, {"Accept: text/plain;q=0.1, */*"}, {"If-None-Match: " + tag}, {"If-None-Match: *"}, {"Authorization: Bearer x"}}
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, headers := range conditions {
				short, long := s.bothWays(t, method, "/v1/config/"+path, headers)
				if !reflect.DeepEqual(short, long) {
					t.Errorf("%s of %q with %q: the short way answers %v, the long one %v", method, path, headers, short, long)
				}
			}
		}
	}
}

// bothWays asks twice within one state of the server.
func (s *site) bothWays(t *testing.T, method, path string, headers []string) (short, long answer) {
	t.Helper()
	for {
		short = s.do(t, method, path, headers...)
		long = s.do(t, method, path, append(slices.Clone(headers), "X-Request-Id: id-1")...)
		if short.header.Get("Config-Verified-Time") == long.header.Get("Config-Verified-Time") {
			break
		}
	}
	for _, a := range []*answer{&short, &long} {
		maps.DeleteFunc(a.header, func(name string, _ []string) bool { return name == "X-Request-Id" || name == "Date" })
	}
	return short, long
}
