package gateway

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/requestid"
)

// forwarded are the request headers that reach the interceptors, as metadata of the
// same name in lower case. All others stop here. Authorization is none of them: it
// travels as evidence.
var forwarded = []string{"Traceparent", "Tracestate", "X-Request-Id"}

// acceptOnly are the headers of a cleaned request that forwards none, by what it accepts. Nobody writes to them.
var acceptOnly = func() map[string]http.Header {
	only := map[string]http.Header{}
	for _, accept := range []string{mimeJSON, mimeText, mimeNDJSON, mimeSSE} {
		only[accept] = http.Header{"Accept": {accept}}
	}
	return only
}()

// cleanHeader returns the forwarded headers, each with exactly one value, and the media type that is accepted. The
// result is only read.
func cleanHeader(h http.Header, accept string) (http.Header, error) {
	clean := acceptOnly[accept]
	for _, name := range forwarded {
		switch values := h[name]; len(values) {
		case 0:
		case 1:
			if len(clean) == 1 {
				clean = maps.Clone(clean)
			}
			clean[name] = values
		default:
			return nil, fault.Field("header "+name, errors.New("is given more than once; accepted: one value"))
		}
	}
	return clean, nil
}

func incomingHeader(name string) (string, bool) {
	return strings.ToLower(name), name != "Accept"
}

func outgoingHeader(name string) (string, bool) {
	return textproto.CanonicalMIMEHeaderKey(name), name == requestid.Key
}

// conditionKey finds the condition of the request in its context.
type conditionKey struct{}

// condition is on what terms an answer is to be the one that the client has.
type condition struct {
	ifNoneMatch string // the headers, joined
	untagged    bool   // the answer that is asked for has no tag
}

// stated is every answer: it carries a State.
type stated interface{ GetState() *configv1.State }

// headers are the headers of an answer, and room for their values: that saves an
// allocation for each. Names are in canonical form.
type headers struct {
	http.Header
	values []string
}

func (h *headers) set(name, value string) {
	h.values = append(h.values, value)
	n := len(h.values)
	h.Header[name] = h.values[n-1 : n : n]
}

// writeHeaders writes the state as headers and answers a condition that still holds
// with 304. It is called once for a unary answer, and for a stream once without and
// then with every message; of these only the first can still write headers.
func (s *said) writeHeaders(ctx context.Context, w http.ResponseWriter, m proto.Message) error {
	answer, ok := m.(stated)
	if !ok {
		w.Header().Set("Cache-Control", "no-store") // should the stream fail before its first message
		return nil
	}
	st := answer.GetState()
	h := headers{w.Header(), make([]string, 0, 4)}
	s.write(h.Header, st)
	h.set("Vary", "Accept, Authorization")

	on, _ := ctx.Value(conditionKey{}).(condition)
	var changed string
	switch m := m.(type) {
	case *configv1.GetResponse:
		e := m.GetEntry()
		h.set("Config-Layer", e.GetLayer().String())
		// With the layer, for after a restart from disk the revision alone could stand
		// for another entry: what was brought into effect by another key's write is dated
		// by its own again.
		changed = strconv.FormatInt(e.GetRevision(), 10) + "." + strconv.Itoa(int(e.GetLayer()))
	case *configv1.ListResponse:
		if on.untagged {
			h.set("Cache-Control", "no-store")
			return nil
		}
		changed = strconv.FormatInt(m.GetChangedRevision(), 10)
	default:
		h.set("Cache-Control", "no-store")
		return nil
	}
	h.set("Cache-Control", "no-cache")
	tag := `"` + st.GetEpoch() + "-" + changed + `"`
	h.set("Etag", "W/"+tag)
	if matches(on.ifNoneMatch, tag) {
		w.Header().Del("Content-Type")
		w.WriteHeader(http.StatusNotModified) // the body that follows is dropped
	}
	return nil
}

// matches says whether an If-None-Match header names the tag, by weak comparison.
func matches(condition, tag string) bool {
	if condition == "" {
		return false
	}
	for one := range strings.SplitSeq(condition, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
