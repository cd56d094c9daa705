package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// frames are the lines of a watch as they come.
type frames struct {
	status int
	header http.Header
	lines  *bufio.Scanner
	close  func()
}

// watch opens a watch; the test ends it.
func (s *site) watch(t *testing.T, query string, headers ...string) *frames {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	resp := s.begin(t, ctx, http.MethodGet, "/v1/watch"+query, headers)
	w := &frames{resp.StatusCode, resp.Header, bufio.NewScanner(resp.Body), func() { cancel(); resp.Body.Close() }}
	w.lines.Buffer(nil, 8<<20)
	t.Cleanup(w.close)
	return w
}

func (w *frames) line(t *testing.T) string {
	t.Helper()
	if !w.lines.Scan() {
		t.Fatalf("the stream ended (status %d): %v", w.status, w.lines.Err())
	}
	return w.lines.Text()
}

// result reads one frame of NDJSON.
func (w *frames) result(t *testing.T) *configv1.WatchResponse {
	t.Helper()
	line := w.line(t)
	var frame map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &frame); err != nil || len(frame) != 1 || frame["result"] == nil {
		t.Fatalf("%q is no frame with a result alone: %v", line, err)
	}
	return message(t, frame["result"])
}

// news reads frames up to one that is no checkpoint.
func (w *frames) news(t *testing.T) *configv1.WatchResponse {
	t.Helper()
	for {
		if m := w.result(t); m.GetCheckpoint() == nil {
			return m
		}
	}
}

func message(t *testing.T, data []byte) *configv1.WatchResponse {
	t.Helper()
	var m configv1.WatchResponse
	if err := protojson.Unmarshal(data, &m); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return &m
}

// event is one Server-Sent Event.
type event struct{ name, id, data string }

func (w *frames) event(t *testing.T) event {
	t.Helper()
	var e event
	for line := w.line(t); line != ""; line = w.line(t) {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "event":
			e.name += value
		case "id":
			e.id += value
		case "data":
			e.data += value
		default:
			t.Fatalf("%q is no line of an event", line)
		}
	}
	return e
}

func (w *frames) wantEnd(t *testing.T) {
	t.Helper()
	if w.lines.Scan() {
		t.Errorf("more after the end: %q", w.lines.Text())
	}
	if err := w.lines.Err(); err != nil {
		t.Errorf("the body did not end but break: %v", err)
	}
}

const (
	ndjson = "Accept: application/x-ndjson"
	sse    = "Accept: text/event-stream"
)

func TestWatchAsNDJSON(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	revision := s.Set(t, own, "db.size", `1`)
	s.get(t, at("/v1/config", revision))
	w := s.watch(t, "?prefix=db&keys=x&checkpoint_interval=1s")
	if w.status != http.StatusOK || w.header.Get("Cache-Control") != "no-store" {
		t.Errorf("began with %d %v", w.status, w.header)
	}
	first := w.result(t)
	if got := first.GetSnapshot().GetEntries(); len(got) != 1 || got[0].GetKey() != "db.size" || got[0].GetValue().GetNumberValue() != 1 {
		t.Errorf("the snapshot is %v", first)
	}
	s.Set(t, own, "x", `null`)
	if d := w.news(t); len(d.GetDelta().GetEntries()) != 1 || d.GetDelta().GetFromRevision() < first.GetState().GetRevision() {
		t.Errorf("the delta is %v", d)
	}
	s.Delete(t, own, "db.size")
	if d := w.news(t); len(d.GetDelta().GetDeletedKeys()) != 1 || len(d.GetDelta().GetEntries()) != 0 {
		t.Errorf("the delta is %v", d)
	}
	if c := w.result(t); c.GetCheckpoint() == nil || c.GetState().GetFreshness() != configv1.State_FRESH {
		t.Errorf("after a second without news came %v", c)
	}
}

func TestWatchAsServerSentEvents(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	revision := s.Set(t, own, "a", `"x\r\n\ny"`)
	s.get(t, at("/v1/config", revision))
	w := s.watch(t, "?checkpoint_interval=1s", sse)
	if got := w.header.Get("Content-Type"); w.status != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("began with %d %s", w.status, got)
	}
	check := func(name string) {
		t.Helper()
		e := w.event(t)
		for e.name == "checkpoint" && name != "checkpoint" { // the machine is slow
			e = w.event(t)
		}
		m := message(t, []byte(e.data))
		if id := m.GetState().GetEpoch() + "." + digits(m.GetState().GetRevision()); e.name != name || e.id != id {
			t.Errorf("event %q with id %q, want %q with %q", e.name, e.id, name, id)
		}
		if strings.Contains(e.data, `"result"`) {
			t.Errorf("the data of %s is wrapped: %s", name, e.data)
		}
	}
	check("snapshot")
	s.Set(t, own, "a", `2`)
	check("delta")
	s.Delete(t, own, "a")
	check("delta")
	check("checkpoint")
}

// A browser comes back with the id of the last event. It goes on from there when
// nothing changed, and begins anew in every other case.
func TestResumeByLastEventID(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	s.get(t, at("/v1/config", s.Set(t, own, "db.size", `1`)))
	const query = "?prefix=db"
	first := s.watch(t, query, sse)
	began := first.event(t)
	first.close()
	epoch, _, _ := strings.Cut(began.id, ".")

	resumed := func(t *testing.T, query, id, want string) {
		t.Helper()
		w := s.watch(t, query, sse, "Last-Event-ID: "+id)
		if w.status != http.StatusOK {
			t.Fatalf("%q is answered with %d: %s", id, w.status, w.line(t))
		}
		if e := w.event(t); e.name != want {
			t.Errorf("%q is answered with a %s, want a %s", id, e.name, want)
		}
	}
	t.Run("nothing changed", func(t *testing.T) { resumed(t, query, began.id, "checkpoint") })
	t.Run("nothing selected changed", func(t *testing.T) {
		s.get(t, at("/v1/config", s.Set(t, own, "other", `1`)))
		resumed(t, query, began.id, "checkpoint")
		resumed(t, "", began.id, "snapshot")
	})
	t.Run("something selected changed", func(t *testing.T) {
		s.get(t, at("/v1/config", s.Set(t, own, "db.size", `2`)))
		resumed(t, query, began.id, "snapshot")
	})
	t.Run("the query wins", func(t *testing.T) {
		now := s.get(t, "/v1/config").header
		resumed(t, query+"&resume.epoch="+now.Get("Config-Epoch")+"&resume.revision="+now.Get("Config-Revision"), began.id, "checkpoint")
	})
	for _, id := range []string{
		"other-epoch.1", "garbage", "", ".", ".5", epoch, epoch + ".", epoch + ".x", epoch + ".-1", epoch + ".0", epoch + ".1.5",
		epoch + ".99999999999999999999", "\xff\xfe.5", "\"';--.7", strings.Repeat("e", 1000) + ".5",
	} {
		t.Run("foreign or garbage", func(t *testing.T) { resumed(t, query, id, "snapshot") })
	}
}

// An error before the first frame is an HTTP error like any other, in the same form.
func TestErrorBeforeTheFirstFrame(t *testing.T) {
	t.Parallel()
	s := open(t, servertest.Options{})
	var big int64
	for _, key := range strings.Split("abcdefghijklmnopqrst", "") {
		big = s.Set(t, own, key, `"`+strings.Repeat("x", 250<<10)+`"`)
	}
	s.get(t, at("/v1/config/a", big))
	loading := open(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1"}})
	tests := []struct {
		name   string
		site   *site
		query  string
		status int
		reason string
	}{
		{"a foreign scope", s, "?environment=production", http.StatusForbidden, "PERMISSION_DENIED"},
		{"a malformed prefix", s, "?prefix=a..b", http.StatusBadRequest, "INVALID_ARGUMENT"},
		{"a malformed interval", s, "?checkpoint_interval=0s", http.StatusBadRequest, "INVALID_ARGUMENT"},
		{"too large", s, "", http.StatusTooManyRequests, "TOO_LARGE"},
		{"nothing loaded", loading, "", http.StatusServiceUnavailable, "NOT_READY"},
	}
	for _, tt := range tests {
		for _, accept := range []string{ndjson, sse} {
			t.Run(tt.name+" "+accept, func(t *testing.T) {
				w := tt.site.watch(t, tt.query, accept)
				if w.status != tt.status {
					t.Errorf("answered %d, want %d", w.status, tt.status)
				}
				var got refusal
				if err := json.Unmarshal([]byte(w.line(t)), &got); err != nil || got.reason() != tt.reason {
					t.Errorf("answered %v %v, want %s", got, err, tt.reason)
				}
				w.wantEnd(t)
				if w.header.Get("Content-Type") != "application/json" || (w.header.Get("Retry-After") != "") != (tt.reason == "NOT_READY") {
					t.Errorf("headers %v", w.header)
				}
				if w.header.Get("X-Request-Id") == "" || w.header.Get("Cache-Control") != "no-store" {
					t.Errorf("headers %v", w.header)
				}
			})
		}
	}
}

// failure reads the frame of an error, after which the stream has to end.
func (w *frames) failure(t *testing.T, accept string) refusal {
	t.Helper()
	var frame struct{ Error refusal }
	if accept == sse {
		e := w.event(t)
		if e.name != "error" || e.id != "" {
			t.Errorf("the event is %v", e)
		}
		if err := json.Unmarshal([]byte(e.data), &frame.Error); err != nil {
			t.Fatal(err)
		}
	} else if line := w.line(t); json.Unmarshal([]byte(line), &frame) != nil {
		t.Fatalf("%q is no error", line)
	}
	w.wantEnd(t)
	return frame.Error
}

// Once frames are out the status is, too: an error is the last frame.
func TestErrorAfterTheFirstFrame(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{ndjson, sse} {
		t.Run(accept, func(t *testing.T) {
			s := open(t, servertest.Options{})
			w := s.watch(t, "", accept)
			if accept == sse {
				w.event(t)
			} else {
				w.result(t)
			}
			s.Stop(t)
			r := w.failure(t, accept)
			if r.reason() != "NOT_READY" || r.Code != 14 || len(r.Details) < 2 || !regexp.MustCompile(`^\d+(\.\d+)?s$`).MatchString(r.Details[1].RetryDelay) {
				t.Errorf("the stream ended with %+v", r)
			}
		})
	}
}
