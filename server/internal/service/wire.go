package service

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// wired is the wire form of an entry, kept with it. The message is shared by all
// answers and never written to.
type wired struct {
	entry *configv1.Entry
	size  int
	err   error
}

func wire(e *snapshot.Entry) (*wired, error) {
	w := e.Form(buildWired).(*wired)
	return w, w.err
}

func buildWired(e *snapshot.Entry) any {
	w := &wired{entry: &configv1.Entry{Key: e.Key, Revision: e.Revision, Layer: configv1.Layer(e.Layer), Masked: e.Masked}}
	if !e.Masked {
		value, err := wireValue(e.Value)
		if err != nil {
			return &wired{err: fmt.Errorf("key %q: %w", e.Key, err)}
		}
		w.entry.Value = value
	}
	w.size = proto.Size(w.entry)
	return w
}

func wireValue(v snapshot.Value) (*structpb.Value, error) {
	var decoded any
	if err := json.Unmarshal([]byte(v.JSON()), &decoded); err != nil {
		return nil, fmt.Errorf("decode a canonical value: %w", err)
	}
	return structpb.NewValue(decoded)
}

// framed is what a part of an answer takes: its field number, its length, itself.
func framed(size int) int { return 1 + protowire.SizeBytes(size) }

// wireAll returns the wire form of entries, and the keys of the invalid ones. It
// refuses what does not fit one message beside the other keys that it is to name.
func wireAll(entries []*snapshot.Entry, others ...string) (usable []*configv1.Entry, invalid []string, err error) {
	usable = make([]*configv1.Entry, 0, len(entries))
	size := 0
	for _, key := range others {
		size += framed(len(key))
	}
	for _, e := range entries {
		if e.Invalid() {
			size += framed(len(e.Key))
			invalid = append(invalid, e.Key)
			continue
		}
		w, err := wire(e)
		if err != nil {
			return nil, nil, err
		}
		size += framed(w.size)
		usable = append(usable, w.entry)
	}
	if size > maxAnswer {
		return nil, nil, fault.New(configv1.ErrorReason_TOO_LARGE,
			"the %d selected entries have %d bytes; accepted: at most %d in one answer; select less by prefix or keys",
			len(entries), size, maxAnswer)
	}
	return usable, invalid, nil
}

// wireState returns the wire form of a view's state. The message is shared by all answers and never written to.
func wireState(v replica.View) *configv1.State { return v.StateForm(buildState).(*configv1.State) }

func buildState(st replica.State) any {
	out := &configv1.State{
		Epoch:       st.Epoch,
		Revision:    st.Revision,
		Freshness:   configv1.State_STALE,
		Source:      configv1.State_DISK,
		Namespace:   st.Scope.Namespace,
		Environment: st.Scope.Environment,
	}
	if st.Live {
		out.Source = configv1.State_LIVE
	}
	if st.Fresh {
		out.Freshness = configv1.State_FRESH
	}
	if !st.Verified.IsZero() {
		out.VerifiedTime = timestamppb.New(st.Verified)
	}
	return out
}

func explain(v replica.View, key string) (*configv1.ExplainResponse, error) {
	out := &configv1.ExplainResponse{State: wireState(v)}
	absent := true
	for _, c := range v.Explain(key) {
		w, err := wireCandidate(c, v.Masks(key))
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
		out.Candidates = append(out.Candidates, w)
		absent = absent && c.Item == nil
	}
	if absent {
		out.SimilarKeys = v.Similar(key)
	}
	if e := v.Find(key); e != nil && !e.Invalid() {
		w, err := wire(e)
		if err != nil {
			return nil, err
		}
		out.Entry = w.entry
	}
	if size := proto.Size(out); size > maxAnswer {
		return nil, fault.New(configv1.ErrorReason_TOO_LARGE, "the candidates have %d bytes; accepted: at most %d in one answer", size, maxAnswer)
	}
	return out, nil
}

// wireCandidate tells of one that is masked that there is something, and not what is wrong
// with it: that would say something of it.
func wireCandidate(c snapshot.Candidate, masked bool) (*configv1.Candidate, error) {
	w := &configv1.Candidate{Layer: configv1.Layer(c.Layer), Outcome: configv1.Candidate_Outcome(c.Outcome)}
	if c.Item == nil {
		return w, nil
	}
	w.Revision, w.Masked = c.Item.Revision, masked
	if c.Item.Problem != "" {
		w.Problem = &configv1.Candidate_Problem{Description: c.Item.Problem, Revision: c.Item.ProblemRevision}
		if masked {
			w.Problem.Description = "value is unusable"
		}
	}
	if !c.Item.Value.IsZero() && !masked {
		value, err := wireValue(c.Item.Value)
		if err != nil {
			return nil, err
		}
		w.Value = value
	}
	if c.HidBy != nil {
		w.HiddenBy = &configv1.Candidate_Hider{Key: c.HidBy.Key, Layer: configv1.Layer(c.HidBy.Layer)}
	}
	return w, nil
}
