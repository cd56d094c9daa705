package configclient

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// Layer says which of the four layers a value comes from, strongest first.
type Layer string

// The layers of service payment-service in environment production.
const (
	ServiceEnvironment Layer = "SERVICE_ENVIRONMENT" // payment-service in production
	Service            Layer = "SERVICE"             // payment-service in every environment
	SharedEnvironment  Layer = "SHARED_ENVIRONMENT"  // every service in production
	Shared             Layer = "SHARED"              // every service in every environment
)

// Entry is a key with its value.
type Entry struct {
	Key string
	// Value is a nil (JSON null), bool, float64, string, []any or map[string]any. A list
	// or a map belongs to the caller.
	Value    any
	Layer    Layer
	Revision int64 // at which it last changed
}

// copied returns the entry with a value that belongs to the caller.
func (e *Entry) copied() Entry {
	out := *e
	out.Value = copied(e.Value)
	return out
}

func copied(value any) any {
	switch v := value.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = copied(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = copied(item)
		}
		return out
	}
	return value
}

// stored is an entry in memory. It never changes.
type stored struct {
	Entry
	// past is, for every kind of value that this one is not, the last one that the key had
	// since it appeared; the newest first.
	past []Entry
}

// content is all entries at one moment. It never changes.
type content struct {
	entries  map[string]*stored
	invalid  map[string]bool // whose value is unusable and never was good: neither there nor not
	masked   map[string]bool // that are there, with a value that is not told to this program
	revision int64           // of the step that made it
}

// view is what the client stands for after a message. It never changes.
type view struct {
	epoch                  string
	revision               int64
	namespace, environment string
	fresh                  bool
	source                 Source
	verified               time.Time // of a file: when it was written; zero: unknown
	content                *content
}

// outOfStep is a message that does not begin where the view ends. Only a new Snapshot helps.
type outOfStep struct{ problem string }

func (e *outOfStep) Error() string { return "its stream is out of step: " + e.problem }

// advance returns the view after a message, which is applied whole or not at all.
// old is the view that the stream continues; nil: only a Snapshot may come. kept is the
// last view, whatever the stream continues: a Snapshot keeps from it what it calls invalid.
func advance(old, kept *view, m *configv1.WatchResponse) (*view, error) {
	next, err := begin(m.GetState())
	if err != nil {
		return nil, &outOfStep{err.Error()}
	}
	snapshot := m.GetSnapshot()
	if old == nil && snapshot == nil {
		return nil, &outOfStep{"it does not begin with a snapshot"}
	}
	if old != nil {
		if err := continues(old, next, snapshot != nil); err != nil {
			return nil, &outOfStep{err.Error()}
		}
	}
	switch event := m.GetEvent().(type) {
	case *configv1.WatchResponse_Snapshot:
		next.content, err = replaced(kept, next, event.Snapshot)
	case *configv1.WatchResponse_Delta:
		next.content, err = amended(old, next, event.Delta)
	case *configv1.WatchResponse_Checkpoint:
		next.content = old.content
	default:
		err = errors.New("a message of an unknown form")
	}
	if err != nil {
		return nil, &outOfStep{err.Error()}
	}
	return next, nil
}

// begin takes over a State.
func begin(s *configv1.State) (*view, error) {
	if s.GetEpoch() == "" || s.GetRevision() <= 0 || !isLabel(s.GetNamespace()) || !isLabel(s.GetEnvironment()) {
		return nil, errors.New("a message without a complete state")
	}
	v := &view{
		epoch: s.GetEpoch(), revision: s.GetRevision(),
		namespace: s.GetNamespace(), environment: s.GetEnvironment(),
		fresh: s.GetFreshness() == configv1.State_FRESH, source: Live,
	}
	if s.GetSource() == configv1.State_DISK {
		v.source = Disk
	}
	if t := s.GetVerifiedTime(); t.IsValid() {
		v.verified = t.AsTime()
	}
	return v, nil
}

func (v *view) scope() string { return v.namespace + "/" + v.environment }

func continues(old, next *view, snapshot bool) error {
	switch {
	case next.scope() != old.scope():
		return fmt.Errorf("the scope is %s after %s", next.scope(), old.scope())
	case next.epoch != old.epoch && !snapshot:
		return errors.New("the epoch changed without a snapshot")
	case next.epoch == old.epoch && next.revision < old.revision:
		return fmt.Errorf("revision %d after %d", next.revision, old.revision)
	}
	return nil
}

// replaced is the content after a Snapshot. What it calls invalid keeps the value that is
// there: a sidecar that was restarted may have lost its last good one.
func replaced(old, next *view, s *configv1.Snapshot) (*content, error) {
	before := &content{}
	if old != nil && old.scope() == next.scope() {
		before = old.content
	}
	c := &content{make(map[string]*stored, len(s.GetEntries())), map[string]bool{}, map[string]bool{}, next.revision}
	if err := c.put(before, s.GetEntries()); err != nil {
		return nil, err
	}
	if err := c.spoil(before, s.GetInvalidKeys()); err != nil {
		return nil, err
	}
	if old != nil && before == old.content && maps.Equal(c.entries, before.entries) && maps.Equal(c.invalid, before.invalid) && maps.Equal(c.masked, before.masked) {
		return before, nil
	}
	return c, nil
}

func amended(old, next *view, d *configv1.Delta) (*content, error) {
	if d.GetFromRevision() != old.revision {
		return nil, fmt.Errorf("a delta from revision %d at %d", d.GetFromRevision(), old.revision)
	}
	c := &content{maps.Clone(old.content.entries), maps.Clone(old.content.invalid), cloned(old.content.masked), next.revision}
	for _, key := range d.GetDeletedKeys() {
		if !isKey(key) {
			return nil, errors.New("a deleted key that is none")
		}
		delete(c.entries, key)
		delete(c.invalid, key)
		delete(c.masked, key)
	}
	if err := c.put(old.content, d.GetEntries()); err != nil {
		return nil, err
	}
	return c, c.spoil(old.content, d.GetInvalidKeys())
}

// cloned is a map of its own, for what was nil too.
func cloned(m map[string]bool) map[string]bool {
	if m == nil {
		return map[string]bool{}
	}
	return maps.Clone(m)
}

// put adds entries, as successors of those from before. One that is masked is no value: what
// there was of it before is gone.
func (c *content) put(before *content, entries []*configv1.Entry) error {
	for _, in := range entries {
		if in.GetMasked() {
			if !isKey(in.GetKey()) {
				return errors.New("an entry that is malformed")
			}
			delete(c.entries, in.GetKey())
			delete(c.invalid, in.GetKey())
			c.masked[in.GetKey()] = true
			continue
		}
		value, err := fromProto(in.GetValue())
		if err != nil || !isKey(in.GetKey()) || in.GetRevision() < 0 {
			return errors.New("an entry that is malformed")
		}
		e := Entry{in.GetKey(), value, Layer(in.GetLayer().String()), in.GetRevision()}
		c.entries[e.Key] = before.entries[e.Key].succeededBy(e)
		delete(c.invalid, e.Key)
		delete(c.masked, e.Key)
	}
	return nil
}

// spoil notes keys whose value is unusable now.
func (c *content) spoil(before *content, keys []string) error {
	for _, key := range keys {
		if !isKey(key) {
			return errors.New("an invalid key that is none")
		}
		delete(c.masked, key)
		if s := before.entries[key]; s != nil {
			c.entries[key] = s
			continue
		}
		c.invalid[key] = true
	}
	return nil
}

// succeededBy is an entry after the one of the same key, which may be nil.
func (s *stored) succeededBy(e Entry) *stored {
	if s == nil {
		return &stored{Entry: e}
	}
	if equal(s.Value, e.Value) {
		if s.Revision == e.Revision && s.Layer == e.Layer {
			return s
		}
		return &stored{e, s.past}
	}
	past := slices.DeleteFunc(append([]Entry{s.Entry}, s.past...), func(p Entry) bool {
		return covers(kindOf(e.Value), kindOf(p.Value))
	})
	return &stored{e, past}
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// fromProto returns a value as Go has it. What no JSON has, a number that is none or a
// value that is absent, is an error.
func fromProto(v *structpb.Value) (any, error) {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_NullValue:
		return nil, nil
	case *structpb.Value_BoolValue:
		return kind.BoolValue, nil
	case *structpb.Value_NumberValue:
		if math.IsNaN(kind.NumberValue) || math.IsInf(kind.NumberValue, 0) {
			return nil, errors.New("a number that is none")
		}
		return kind.NumberValue, nil
	case *structpb.Value_StringValue:
		return kind.StringValue, nil
	case *structpb.Value_ListValue:
		items := kind.ListValue.GetValues()
		out := make([]any, len(items))
		for i, item := range items {
			value, err := fromProto(item)
			if err != nil {
				return nil, err
			}
			out[i] = value
		}
		return out, nil
	case *structpb.Value_StructValue:
		out := make(map[string]any, len(kind.StructValue.GetFields()))
		for name, item := range kind.StructValue.GetFields() {
			value, err := fromProto(item)
			if err != nil {
				return nil, err
			}
			out[name] = value
		}
		return out, nil
	}
	return nil, errors.New("no value")
}
