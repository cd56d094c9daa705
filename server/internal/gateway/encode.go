package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// The answers that carry configuration are written out here, without reflection: that
// is a third of what a REST call costs, and their form is the same in every build,
// which protojson does not promise. A fuzz test holds it against protojson. All other
// messages go through protojson.

// everything is how protojson writes: names as in the contract, no field left out.
var everything = protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}

// encode returns a message as one line of JSON.
func encode(m proto.Message) ([]byte, error) {
	b := make([]byte, 0, 512)
	switch m := m.(type) {
	case *configv1.GetResponse:
		b = appendState(beginGot(b, m.GetEntry()), m.GetState())
	case *configv1.ListResponse:
		b = appendEntries(append(b, `{"entries":`...), m.GetEntries())
		b = appendStrings(append(b, `,"invalid_keys":`...), m.GetInvalidKeys())
		b = appendState(append(b, `,"state":`...), m.GetState())
		b = appendInt64(append(b, `,"changed_revision":`...), m.GetChangedRevision())
		b = appendHidden(append(b, `,"hidden_entries":`...), m.GetHiddenEntries())
	case *configv1.WatchResponse:
		b = appendState(append(b, `{"state":`...), m.GetState())
		b = appendEvent(b, m)
	default:
		return compacted(everything.Marshal(m))
	}
	return append(b, '}'), nil
}

// beginGot begins a GetResponse, up to its state.
func beginGot(b []byte, e *configv1.Entry) []byte {
	return append(appendEntry(append(b, `{"entry":`...), e), `,"state":`...)
}

// compacted takes out the spaces in which protojson differs from build to build.
func compacted(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return nil, fmt.Errorf("compact what protojson wrote: %w", err)
	}
	return out.Bytes(), nil
}

func appendEvent(b []byte, m *configv1.WatchResponse) []byte {
	switch ev := m.GetEvent().(type) {
	case *configv1.WatchResponse_Snapshot:
		b = appendEntries(append(b, `,"snapshot":{"entries":`...), ev.Snapshot.GetEntries())
		b = appendStrings(append(b, `,"invalid_keys":`...), ev.Snapshot.GetInvalidKeys())
	case *configv1.WatchResponse_Delta:
		b = appendEntries(append(b, `,"delta":{"entries":`...), ev.Delta.GetEntries())
		b = appendStrings(append(b, `,"deleted_keys":`...), ev.Delta.GetDeletedKeys())
		b = appendInt64(append(b, `,"from_revision":`...), ev.Delta.GetFromRevision())
		b = appendStrings(append(b, `,"invalid_keys":`...), ev.Delta.GetInvalidKeys())
	case *configv1.WatchResponse_Checkpoint:
		b = append(b, `,"checkpoint":{`...)
	}
	return append(b, '}')
}

func appendState(b []byte, st *configv1.State) []byte {
	b = appendString(append(b, `{"epoch":`...), st.GetEpoch())
	b = appendInt64(append(b, `,"revision":`...), st.GetRevision())
	b = appendString(append(b, `,"freshness":`...), st.GetFreshness().String())
	b = appendString(append(b, `,"source":`...), st.GetSource().String())
	if t := st.GetVerifiedTime(); t != nil {
		b = append(b, `,"verified_time":"`...)
		b = append(t.AsTime().AppendFormat(b, timeLayout(t.GetNanos())), '"')
	}
	b = appendString(append(b, `,"namespace":`...), st.GetNamespace())
	b = appendString(append(b, `,"environment":`...), st.GetEnvironment())
	return append(b, '}')
}

// timeLayout has none, three, six or nine digits after the second, as JSON of protobuf.
func timeLayout(nanos int32) string {
	switch {
	case nanos == 0:
		return "2006-01-02T15:04:05Z"
	case nanos%1e6 == 0:
		return "2006-01-02T15:04:05.000Z"
	case nanos%1e3 == 0:
		return "2006-01-02T15:04:05.000000Z"
	}
	return "2006-01-02T15:04:05.000000000Z"
}

func appendEntries(b []byte, entries []*configv1.Entry) []byte {
	b = append(b, '[')
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEntry(b, e)
	}
	return append(b, ']')
}

// appendEntry leaves out the value that a masked entry has not.
func appendEntry(b []byte, e *configv1.Entry) []byte {
	b = appendString(append(b, `{"key":`...), e.GetKey())
	if e.GetValue() != nil {
		b = appendValue(append(b, `,"value":`...), e.GetValue())
	}
	b = appendInt64(append(b, `,"revision":`...), e.GetRevision())
	b = appendString(append(b, `,"layer":`...), e.GetLayer().String())
	b = strconv.AppendBool(append(b, `,"masked":`...), e.GetMasked())
	return append(b, '}')
}

// appendHidden leaves out the value of an entry that has none.
func appendHidden(b []byte, hidden []*configv1.HiddenEntry) []byte {
	b = append(b, '[')
	for i, h := range hidden {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"key":`...), h.GetKey())
		b = appendString(append(b, `,"layer":`...), h.GetLayer().String())
		if h.GetValue() != nil {
			b = appendValue(append(b, `,"value":`...), h.GetValue())
		}
		b = appendInt64(append(b, `,"revision":`...), h.GetRevision())
		if by := h.GetHiddenBy(); by != nil {
			b = appendString(append(b, `,"hidden_by":{"key":`...), by.GetKey())
			b = append(appendString(append(b, `,"layer":`...), by.GetLayer().String()), '}')
		}
		b = append(strconv.AppendBool(append(b, `,"masked":`...), h.GetMasked()), '}')
	}
	return append(b, ']')
}

func appendValue(b []byte, v *structpb.Value) []byte {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_BoolValue:
		return strconv.AppendBool(b, kind.BoolValue)
	case *structpb.Value_NumberValue:
		return appendNumber(b, kind.NumberValue)
	case *structpb.Value_StringValue:
		return appendString(b, kind.StringValue)
	case *structpb.Value_ListValue:
		b = append(b, '[')
		for i, item := range kind.ListValue.GetValues() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, item)
		}
		return append(b, ']')
	case *structpb.Value_StructValue:
		b = append(b, '{')
		fields := kind.StructValue.GetFields()
		for i, name := range slices.Sorted(maps.Keys(fields)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(append(appendString(b, name), ':'), fields[name])
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// appendNumber writes a finite number, as all numbers here are.
func appendNumber(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 && !(f == 0 && math.Signbit(f)) {
		return strconv.AppendInt(b, int64(f), 10)
	}
	text, err := json.Marshal(f)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

// appendInt64 writes an int64 as a string, as JSON of protobuf does: it can be beyond
// what a double holds.
func appendInt64(b []byte, i int64) []byte {
	return append(strconv.AppendInt(append(b, '"'), i, 10), '"')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

const hex = "0123456789abcdef"

// appendString writes valid UTF-8, as all texts here are.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}
