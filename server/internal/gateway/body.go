package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
)

const (
	maxUnwanted = 64 << 10 // of a body that no route takes; a small one is ignored
	maxBody     = 1 << 20  // of one that the route takes
	// maxCommit is that of a commit: 640 KiB of keys and values, each byte of which can take
	// six as \u0061, and what stands around 4,000 changes.
	maxCommit = 5 << 20
	maxDepth  = 64 // levels of nesting of it
	// maxParts is how many braces, brackets and commas a body may have, which bounds how many
	// messages it can stand for: one byte each of the keys and values of a commit, and those
	// around 4,000 changes.
	maxParts = 640<<10 + 32<<10
	// maxExplained is how long a body may be of which it is said where it is wrong: that
	// costs much, and nobody has said yet who sent it.
	maxExplained = 64 << 10
	bodyTimeout  = 5 * time.Second // to send it
)

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

// takesLarge says whether the route would read a body that is announced to be large, or not
// how large it is.
func (rt *route) takesLarge(r *http.Request) bool {
	return rt.takesBody() && hasBody(r) && (r.ContentLength < 0 || r.ContentLength > maxExplained && r.ContentLength <= rt.mostBody())
}

// withoutBody is a request of nobody who is known, with an empty message in place of what it
// brings, for the chain to refuse. Its connection is given up.
func withoutBody(w http.ResponseWriter, r *http.Request) *http.Request {
	w.Header().Set("Connection", "close")
	empty := r.WithContext(r.Context())
	empty.Body, empty.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
	return empty
}

// drainBody reads a body that no route wants, within bounds. When all of it is read
// the connection has no deadline any more.
func drainBody(w http.ResponseWriter, r *http.Request) error {
	if !hasBody(r) {
		return nil
	}
	err := readBody(w, r, io.Discard, maxUnwanted, "none, and at most")
	r.Body = http.NoBody
	return err
}

// readBody reads a body of at most so many bytes. One that is announced to be larger is
// refused unread.
func readBody(w http.ResponseWriter, r *http.Request, into io.Writer, most int64, accepted string) error {
	tooLarge := &fault.Error{
		Reason:  configv1.ErrorReason_TOO_LARGE,
		Message: fmt.Sprintf("the body is too large; accepted: %s %d bytes", accepted, most),
		HTTP:    http.StatusRequestEntityTooLarge,
	}
	if r.ContentLength > most {
		w.Header().Set("Connection", "close")
		return tooLarge
	}
	_, err := io.Copy(into, http.MaxBytesReader(innermost(w), r.Body, most))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge
	case err != nil:
		return fault.Field("body", fmt.Errorf("could not be read; accepted: %s %d bytes, sent within %s", accepted, most, bodyTimeout))
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // unsupported only where there is no socket
	return nil
}

// innermost is the writer of net/http itself, by which a MaxBytesReader has the
// connection closed; in a wrapper it does not look for it.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// cleanBody returns the request as a route that takes a body sees it: a POST without
// query, its body read whole and checked, and no header that is not on the list; or why
// it is refused. What it refuses before it has read the body, net/http reads on within the
// deadline, or closes.
func (rt *route) cleanBody(w http.ResponseWriter, r *http.Request, ev *identity.Evidence) (clean *http.Request, by string, err error) {
	if r.Method != http.MethodPost {
		return nil, byMethod, wrongMethod(w, rt.allow)
	}
	accept, err := negotiate(r.Header.Values("Accept"), rt.offers)
	if err != nil {
		return nil, byAccept, err
	}
	if r.URL.RawQuery != "" {
		return nil, byQuery, fault.Field("query", errors.New("is not taken on this path; accepted: the fields in the body, as a JSON object"))
	}
	header, err := cleanHeader(r.Header, accept)
	if err == nil {
		err = checkContent(r.Header)
	}
	if err != nil {
		return nil, byHeader, err
	}
	var body bytes.Buffer
	if hasBody(r) {
		if err := readBody(w, r, &body, rt.mostBody(), "at most"); err != nil {
			return nil, byBody, err
		}
	}
	if err := rt.checkBody(body.Bytes()); err != nil {
		return nil, byBody, err
	}
	clean = r.WithContext(identity.WithEvidence(r.Context(), ev))
	clean.Header = header
	clean.Body, clean.ContentLength = io.NopCloser(&body), int64(body.Len())
	return clean, "", nil
}

func (rt *route) mostBody() int64 {
	if rt.method == "Commit" {
		return maxCommit
	}
	return maxBody
}

// checkContent refuses a body in another form than JSON: also what a page of a browser can
// send without asking first.
func checkContent(h http.Header) error {
	const accepted = "application/json"
	unsupported := func(name string, problem error) error {
		e := fault.Field("header "+name, problem)
		e.HTTP = http.StatusUnsupportedMediaType
		return e
	}
	if len(h.Values("Content-Encoding")) > 0 {
		return unsupported("Content-Encoding", errors.New("is set; accepted: a body that is not encoded"))
	}
	switch values := h.Values("Content-Type"); {
	case len(values) == 0:
		return unsupported("Content-Type", errors.New("is missing; accepted: "+accepted))
	case len(values) > 1:
		return unsupported("Content-Type", errors.New("is given more than once; accepted: "+accepted))
	default:
		typ, parameters, err := mime.ParseMediaType(values[0])
		charset, given := parameters["charset"]
		delete(parameters, "charset")
		if err != nil || typ != mimeJSON || len(parameters) > 0 || (given && !strings.EqualFold(charset, "utf-8")) {
			return unsupported("Content-Type", fmt.Errorf("is %s; accepted: %s, in UTF-8", quoteName(values[0]), accepted))
		}
	}
	return nil
}

// checkBody refuses a body that is not exactly one message of the contract.
func (rt *route) checkBody(body []byte) error {
	const accepted = "accepted: one JSON object"
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return fault.Field("body", errors.New("is empty; "+accepted+", {} at least"))
	case !utf8.Valid(body):
		return fault.Field("body", errors.New("is not UTF-8; "+accepted))
	}
	if n := parts(body); n > maxParts {
		return fault.Field("body", fmt.Errorf("has %d braces, brackets and commas; accepted: at most %d", n, maxParts))
	}
	if len(body) > maxExplained && !rt.reads(body) {
		return fault.Field("body", fmt.Errorf("cannot be read; %s with the fields %s", accepted, rt.fieldNames()))
	}
	if err := checkJSON(body); err != nil {
		return fault.Field("body", fmt.Errorf("%w; %s", err, accepted))
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return fault.Field("body", errors.New("is no JSON object; "+accepted))
	}
	names := slices.Sorted(maps.Keys(fields))
	for _, name := range names {
		if rt.field(name) == nil {
			return fault.Field("body", fmt.Errorf("has the field %s, which this method does not have; accepted: %s", quoteName(name), rt.fieldNames()))
		}
	}
	if rt.reads(body) {
		return nil
	}
	for _, name := range names {
		one, err := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err != nil || !rt.reads(one) {
			return fault.Field(string(rt.field(name).Name()), fmt.Errorf("cannot be read; accepted: %s", form(rt.field(name))))
		}
	}
	return fault.Field("body", errors.New("has a field by two names; accepted: each field once")) // nothing else is left
}

// parts counts what begins or parts values of JSON, also where it stands in a text.
func parts(body []byte) (n int) {
	if len(body) <= maxParts {
		return 0
	}
	for _, c := range body {
		if c == '{' || c == '[' || c == ',' {
			n++
		}
	}
	return n
}

func (rt *route) reads(body []byte) bool {
	return protojson.Unmarshal(body, dynamicpb.NewMessage(rt.request)) == nil
}

// field returns the field of a name: that of the contract, or as JSON of protobuf has it.
func (rt *route) field(name string) protoreflect.FieldDescriptor {
	if f := rt.request.Fields().ByName(protoreflect.Name(name)); f != nil {
		return f
	}
	return rt.request.Fields().ByJSONName(name)
}

func (rt *route) fieldNames() string {
	var names []string
	for i := range rt.request.Fields().Len() {
		names = append(names, string(rt.request.Fields().Get(i).Name()))
	}
	return strings.Join(names, ", ")
}
