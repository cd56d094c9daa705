package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

var layers = []configv1.Layer{own, ofService, sharedEnv, shared}

// Every set of layers that can hold a key, and who wins: Get, List and Explain agree.
func TestLayers(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	var writes []servertest.Write
	want := map[string]configv1.Layer{}
	for set := range 1 << len(layers) {
		key := fmt.Sprintf("key-%04b", set)
		for i, layer := range layers {
			if set&(1<<i) == 0 {
				continue
			}
			writes = append(writes, servertest.Write{
				Namespace: "payment-service", Environment: "development", Layer: layer, Key: key, JSON: `"` + layer.String() + `"`,
			})
			if want[key] == 0 {
				want[key] = layer
			}
		}
	}
	revision := s.Etcd.Commit(t, writes...)
	var list []string
	for set := range 1 << len(layers) {
		key := fmt.Sprintf("key-%04b", set)
		explained, err := s.Explain(deadline(t), &configv1.ExplainRequest{Key: key})
		if set == 0 {
			_, err := s.Get(deadline(t), &configv1.GetRequest{Key: key, MinRevision: revision})
			wantFailure(t, err, codes.NotFound, "KEY_NOT_FOUND")
		} else {
			e := s.entry(t, key, revision)
			if e.GetLayer() != want[key] || e.GetValue().GetStringValue() != want[key].String() || e.GetRevision() != revision || e.GetKey() != key {
				t.Errorf("get %s: %v, want the value of %s at %d", key, e, want[key], revision)
			}
			list = append(list, key+"="+want[key].String()+"@"+want[key].String())
			explained, err = s.Explain(deadline(t), &configv1.ExplainRequest{Key: key})
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range explained.GetCandidates() {
			outcome := configv1.Candidate_HIDDEN
			switch {
			case set&(1<<i) == 0:
				outcome = configv1.Candidate_ABSENT
			case layers[i] == want[key]:
				outcome = configv1.Candidate_EFFECTIVE
			}
			if c.GetLayer() != layers[i] || c.GetOutcome() != outcome {
				t.Errorf("explain %s: candidate %d is %v, want %s %s", key, i, c, layers[i], outcome)
			}
			if present := outcome != configv1.Candidate_ABSENT; (c.GetValue() != nil) != present || (c.GetRevision() == revision) != present {
				t.Errorf("explain %s: candidate %d is %v", key, i, c)
			}
			if h := c.GetHiddenBy(); (h != nil) != (outcome == configv1.Candidate_HIDDEN) || (h != nil && (h.GetKey() != key || h.GetLayer() != want[key])) {
				t.Errorf("explain %s: candidate %d is hidden by %v", key, i, h)
			}
		}
		if len(explained.GetCandidates()) != len(layers) || explained.GetEntry().GetLayer() != want[key] {
			t.Errorf("explain %s: %v", key, explained)
		}
	}
	resp, err := s.List(deadline(t), &configv1.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := flat(resp.GetEntries(), resp.GetInvalidKeys()...); got != strings.Join(list, " ") {
		t.Errorf("list answers\n%s\nwant\n%s", got, strings.Join(list, " "))
	}
	if resp.GetChangedRevision() != revision {
		t.Errorf("changed_revision is %d, want %d", resp.GetChangedRevision(), revision)
	}
}

// The effective keys form a tree: a key is never both a value and the parent of others.
func TestTree(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.Set(t, own, "a", `1`)
	s.Set(t, ofService, "a.b", `2`)
	s.Set(t, own, "c.d", `3`)
	s.Set(t, shared, "c", `4`)
	revision := s.Set(t, shared, "e", `5`)
	s.settle(t, revision)
	for key, hider := range map[string]string{"a.b": "a", "c": "c.d"} {
		_, err := s.Get(deadline(t), &configv1.GetRequest{Key: key})
		wantFailure(t, err, codes.NotFound, "KEY_NOT_FOUND")
		resp, err := s.Explain(deadline(t), &configv1.ExplainRequest{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		hidden := slices.IndexFunc(resp.GetCandidates(), func(c *configv1.Candidate) bool { return c.GetOutcome() == configv1.Candidate_HIDDEN })
		if hidden < 0 || resp.GetEntry() != nil {
			t.Fatalf("explain %s: %v", key, resp)
		}
		if by := resp.GetCandidates()[hidden].GetHiddenBy(); by.GetKey() != hider || by.GetLayer() != own {
			t.Errorf("%s is hidden by %v, want %s", key, by, hider)
		}
	}
	resp, err := s.List(deadline(t), &configv1.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, e := range resp.GetEntries() {
		keys = append(keys, e.GetKey())
	}
	if !slices.Equal(keys, []string{"a", "c.d", "e"}) {
		t.Errorf("the effective keys are %q", keys)
	}
	// What was hidden comes into effect when its hider goes, and is dated then.
	gone := s.Delete(t, own, "a")
	if e := s.entry(t, "a.b", gone); e.GetRevision() != gone {
		t.Errorf("a.b came into effect at %d, says %d", gone, e.GetRevision())
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{Namespace: "billing", Environment: "production"})
	revision := s.Set(t, own, "a", `1`)
	st := s.settle(t, revision).GetState()
	if st.GetEpoch() == "" || st.GetRevision() < revision || st.GetFreshness() != configv1.State_FRESH ||
		st.GetSource() != configv1.State_LIVE || st.GetVerifiedTime() == nil || st.GetNamespace() != "billing" || st.GetEnvironment() != "production" {
		t.Errorf("the state is %v", st)
	}
	// A request may name the scope it gets anyway.
	for method, err := range s.everyMethod(deadline(t), "billing", "production") {
		if err != nil {
			t.Errorf("%s by name: %v", method, err)
		}
	}
}

func TestKeyNotFound(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	var revision int64
	for _, key := range []string{"database.pool_size", "database.pool_time", "database.url", "feature.a", "feature.b", "feature.c", "feature.d", "feature.e", "feature.f"} {
		revision = s.Set(t, shared, key, `"canary-value"`)
	}
	s.Etcd.Commit(t, servertest.Write{Namespace: "other", Environment: "development", Layer: own, Key: "database.pool_sizf", JSON: `1`})
	s.settle(t, revision)
	tests := []struct {
		key, similar string // the nearest first; "": none
		count        int
	}{
		{"database.pool_siz", "database.pool_size", 2},
		{"Database.Pool_Size", "database.pool_size", 2},
		{"database.pool-size", "database.pool_size", 2},
		{"feature", "feature.a", 5}, // a parent: the keys below it
		{"feature.x", "feature.a", 5},
		{"nothing.like.it", "", 0},
		{"q", "", 0},
	}
	for _, tt := range tests {
		_, err := s.Get(deadline(t), &configv1.GetRequest{Key: tt.key})
		f := wantFailure(t, err, codes.NotFound, "KEY_NOT_FOUND")
		similar := strings.Split(f.metadata["similar_keys"], ",")
		if tt.similar == "" {
			if f.metadata["similar_keys"] != "" || strings.Contains(f.message, "similar") {
				t.Errorf("%s: %s %v", tt.key, f.message, f.metadata)
			}
			continue
		}
		if similar[0] != tt.similar || len(similar) != tt.count {
			t.Errorf("%s: similar keys %q, want %d from %s on", tt.key, similar, tt.count, tt.similar)
		}
		if !strings.Contains(f.message, "similar keys: "+strings.Join(similar, ", ")) || !strings.Contains(f.message, `"`+tt.key+`"`) {
			t.Errorf("%s: the message is %q", tt.key, f.message)
		}
		if strings.Contains(f.message, "canary") || strings.Contains(f.message, "sizf") {
			t.Errorf("%s: the message tells of values, or of others: %s", tt.key, f.message)
		}
		resp, err := s.Explain(deadline(t), &configv1.ExplainRequest{Key: tt.key})
		if err != nil || !slices.Equal(resp.GetSimilarKeys(), similar) {
			t.Errorf("explain %s: %v %v, want the same similar keys", tt.key, resp.GetSimilarKeys(), err)
		}
	}
}

// A key that a layer has but another key hides is not said to be missing without a
// word: the answer names what hides it.
func TestGetSaysWhatHidesAKey(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.Set(t, ofService, "database.name", `"payments"`)
	revision := s.Set(t, own, "database.name.suffix", `"x"`)
	_, err := s.Get(deadline(t), &configv1.GetRequest{Key: "database.name", MinRevision: revision})
	f := wantFailure(t, err, codes.NotFound, "KEY_NOT_FOUND")
	if !strings.Contains(f.message, "of layer SERVICE is hidden in payment-service/development by key database.name.suffix of layer SERVICE_ENVIRONMENT") {
		t.Errorf("the message is %q", f.message)
	}
}
