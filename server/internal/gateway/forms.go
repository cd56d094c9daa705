package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
)

// Each form is how answers look in one media type. The gateway calls Marshal with a
// message, and for a stream with {"result": message} or {"error": status}.

func newJSON() *runtime.JSONPb {
	return &runtime.JSONPb{MarshalOptions: everything}
}

// jsonForm is the message in JSON, with the names of the contract. A stream in it has
// the frames of ndjsonForm.
type jsonForm struct{ *runtime.JSONPb }

func (f jsonForm) Marshal(v any) ([]byte, error) { return ndjsonForm(f).Marshal(v) }

func (jsonForm) ContentType(any) string { return mimeJSON }

// textForm is the bare value of one key, or sorted lines of key=value.
type textForm struct{ *runtime.JSONPb }

func (textForm) ContentType(any) string { return mimeText + "; charset=utf-8" }

func (textForm) Marshal(v any) ([]byte, error) {
	switch m := v.(type) {
	case *configv1.GetResponse:
		return plain(m.GetEntry().GetValue())
	case *configv1.ListResponse:
		return lines(m.GetEntries())
	case *spb.Status:
		st := status.FromProto(m)
		return []byte(fault.ReasonOf(st) + ": " + st.Message() + "\n"), nil
	}
	return nil, fmt.Errorf("no text form of %T", v)
}

// plain is a string as its bytes, any other value as compact JSON; no newline.
func plain(v *structpb.Value) ([]byte, error) {
	if s, ok := v.GetKind().(*structpb.Value_StringValue); ok {
		return []byte(s.StringValue), nil
	}
	return compact(v)
}

func compact(v *structpb.Value) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v.AsInterface()); err != nil {
		return nil, fmt.Errorf("encode a value: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// lines is one line an entry. One that is masked is left out: its line would be a value. A string that would not stay on its line, or could be
// taken for another value, is written as JSON.
func lines(entries []*configv1.Entry) ([]byte, error) {
	var out bytes.Buffer
	for _, e := range entries {
		if e.GetMasked() {
			continue
		}
		text, err := plain(e.GetValue())
		if err == nil && isAmbiguous(e.GetValue(), text) {
			text, err = compact(e.GetValue())
		}
		if err != nil {
			return nil, err
		}
		out.WriteString(e.GetKey())
		out.WriteByte('=')
		out.Write(text)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

func isAmbiguous(v *structpb.Value, text []byte) bool {
	_, isString := v.GetKind().(*structpb.Value_StringValue)
	return isString && (bytes.ContainsAny(text, "\r\n") || json.Valid(text))
}

// ndjsonForm is one JSON object a line: {"result": ...} or {"error": ...}.
type ndjsonForm struct{ *runtime.JSONPb }

func (ndjsonForm) ContentType(v any) string {
	if _, isStatus := v.(*spb.Status); isStatus {
		return mimeJSON
	}
	return mimeNDJSON
}

func (ndjsonForm) Marshal(v any) ([]byte, error) {
	name, m, err := frame(v)
	if err != nil {
		return nil, err
	}
	body, err := encode(m)
	if err != nil || name == "" {
		return body, err
	}
	return slices.Concat([]byte(`{"`+name+`":`), body, []byte("}")), nil
}

// frame takes a message of a stream out of its wrapper. A message without one has no
// name.
func frame(v any) (name string, m proto.Message, err error) {
	switch chunk := v.(type) {
	case map[string]any:
		if m, ok := chunk["result"].(proto.Message); ok {
			return "result", m, nil
		}
	case map[string]proto.Message:
		if m := chunk["error"]; m != nil {
			return "error", m, nil
		}
	case proto.Message:
		return "", chunk, nil
	}
	return "", nil, fmt.Errorf("no frame but %T", v)
}

// sseForm is Server-Sent Events: the kind of the message is the event, its epoch and
// revision the id that a browser resumes from.
type sseForm struct{ *runtime.JSONPb }

func (sseForm) ContentType(any) string { return mimeSSE }

func (sseForm) Delimiter() []byte { return []byte("\n\n") }

func (sseForm) Marshal(v any) ([]byte, error) {
	_, m, err := frame(v)
	if err != nil {
		return nil, err
	}
	data, err := encode(m)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	out.WriteString("event: " + eventName(m) + "\n")
	if r, ok := m.(*configv1.WatchResponse); ok {
		st := r.GetState()
		out.WriteString("id: " + st.GetEpoch() + "." + strconv.FormatInt(st.GetRevision(), 10) + "\n")
	}
	out.WriteString("data: ")
	out.Write(data) // one line: JSON escapes line breaks
	return []byte(out.String()), nil
}

func eventName(m proto.Message) string {
	r, ok := m.(*configv1.WatchResponse)
	if !ok {
		return "error"
	}
	switch r.GetEvent().(type) {
	case *configv1.WatchResponse_Snapshot:
		return "snapshot"
	case *configv1.WatchResponse_Delta:
		return "delta"
	}
	return "checkpoint"
}
