package gateway

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// FuzzEncode holds the written-out JSON against protojson: the same message in the
// same text, but for the spaces that protojson sets by chance.
func FuzzEncode(f *testing.F) {
	f.Add("database.pool_size", "text", 20.0, int64(7), uint64(1))
	f.Add("a", "\x00\x1f\"\\\n\r\t\u2028\u00e9\U0001F600<>&/\x7f", -0.5, int64(-1), uint64(2))
	f.Add("a", "", 1e21, int64(1)<<62, uint64(3))
	f.Add("a.b-c_d", "null", -1e-7, int64(0), uint64(4))
	f.Add("a", "x", 9007199254740991.0, int64(5), uint64(5))
	f.Fuzz(func(t *testing.T, key, text string, number float64, integer int64, seed uint64) {
		if !utf8.ValidString(key) || !utf8.ValidString(text) || number-number != 0 {
			t.Skip("no message can hold it")
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, m := range messages(rng, key, text, number, integer) {
			got, err := encode(m)
			if err != nil {
				t.Fatal(err)
			}
			loose, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := json.Compact(&want, loose); err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(got, want.Bytes()) {
				continue
			}
			// The same text can be escaped in two ways; then the content decides.
			back := m.ProtoReflect().New().Interface()
			if err := protojson.Unmarshal(got, back); err != nil || !proto.Equal(back, m) {
				t.Errorf("%s\nis not\n%s: %v", got, want.Bytes(), err)
			}
		}
	})
}

func messages(rng *rand.Rand, key, text string, number float64, integer int64) []proto.Message {
	entry := func() *configv1.Entry {
		e := &configv1.Entry{Key: key, Value: value(rng, 0, text, number), Revision: integer, Layer: configv1.Layer(rng.IntN(5))}
		if rng.IntN(4) == 0 {
			e.Value, e.Masked = nil, true
		}
		return e
	}
	st := &configv1.State{
		Epoch: text, Revision: integer, Freshness: configv1.State_Freshness(rng.IntN(3)), Source: configv1.State_Source(rng.IntN(3)),
		Namespace: key, Environment: text,
	}
	if rng.IntN(2) == 0 {
		st.VerifiedTime = &timestamppb.Timestamp{Seconds: rng.Int64N(4e9), Nanos: []int32{0, 5e8, 123456e3, 7}[rng.IntN(4)]}
	}
	entries := []*configv1.Entry{entry(), entry()}[:rng.IntN(3)]
	return []proto.Message{
		&configv1.GetResponse{Entry: entry(), State: st},
		&configv1.ListResponse{Entries: entries, InvalidKeys: []string{key, text}[:rng.IntN(3)], State: st, ChangedRevision: integer},
		&configv1.WatchResponse{State: st, Event: &configv1.WatchResponse_Snapshot{Snapshot: &configv1.Snapshot{Entries: entries}}},
		&configv1.WatchResponse{State: st, Event: &configv1.WatchResponse_Delta{Delta: &configv1.Delta{
			Entries: entries, DeletedKeys: []string{key}, FromRevision: integer, InvalidKeys: []string{text},
		}}},
		&configv1.WatchResponse{State: st, Event: &configv1.WatchResponse_Checkpoint{Checkpoint: &configv1.Checkpoint{}}},
		&configv1.ExplainResponse{Entry: entry(), State: st},
	}
}

func value(rng *rand.Rand, depth int, text string, number float64) *structpb.Value {
	n := 6
	if depth > 3 {
		n = 4
	}
	switch rng.IntN(n) {
	case 0:
		return structpb.NewNullValue()
	case 1:
		return structpb.NewBoolValue(rng.IntN(2) == 0)
	case 2:
		return structpb.NewNumberValue(number)
	case 3:
		return structpb.NewStringValue(text)
	case 4:
		list := &structpb.ListValue{}
		for range rng.IntN(3) {
			list.Values = append(list.Values, value(rng, depth+1, text, number))
		}
		return structpb.NewListValue(list)
	}
	fields := map[string]*structpb.Value{}
	for _, name := range []string{text, "b", "a"}[:rng.IntN(4)] {
		fields[name] = value(rng, depth+1, text, number)
	}
	return structpb.NewStructValue(&structpb.Struct{Fields: fields})
}
