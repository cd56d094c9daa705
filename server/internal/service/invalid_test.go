package service_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// unusable is what can stand in the store and is no value.
var unusable = map[string]string{
	"empty":      ``,
	"text":       `canary`,
	"cut":        `{"canary":`,
	"more":       `1 "canary"`,
	"bytes":      "\"canary\xff\"",
	"integer":    `9007199254740993`,
	"decimal":    `0.1234567890123456789`,
	"range":      `1e999`,
	"twice":      `{"canary":1,"canary":2}`,
	"surrogate":  `"canary\ud800"`,
	"deep":       strings.Repeat("[", 31) + strings.Repeat("]", 31),
	"large":      `"` + strings.Repeat("canary", (256<<10)/6+1) + `"`,
	"comment":    "1 // canary",
	"nan":        `NaN`,
	"not-quoted": `{canary: 1}`,
}

// A stored value that nobody can use, and that never was usable, is an error of its
// own: neither absent nor the weaker layer's.
func TestUnusableValues(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	var revision int64
	for key, stored := range unusable {
		s.Set(t, shared, key, `"weaker"`)
		revision = s.Set(t, own, key, stored)
	}
	s.settle(t, revision)
	for key := range unusable {
		_, err := s.Get(deadline(t), &configv1.GetRequest{Key: key})
		if err == nil {
			t.Errorf("%s is usable", key)
			continue
		}
		f := wantFailure(t, err, codes.FailedPrecondition, "VALUE_INVALID")
		if !strings.Contains(f.message, `"`+key+`"`) || !strings.Contains(f.message, "SERVICE_ENVIRONMENT") {
			t.Errorf("%s: the message does not say where: %s", key, f.message)
		}
		if strings.Contains(f.message, "canary") || len(f.message) > 512 {
			t.Errorf("%s: the message holds the value: %.200s", key, f.message)
		}
		resp, err := s.Explain(deadline(t), &configv1.ExplainRequest{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		first, last := resp.GetCandidates()[0], resp.GetCandidates()[3]
		if first.GetOutcome() != configv1.Candidate_INVALID || first.GetValue() != nil || first.GetProblem().GetRevision() == 0 || resp.GetEntry() != nil {
			t.Errorf("explain %s: %v", key, first)
		}
		if d := first.GetProblem().GetDescription(); d == "" || strings.Contains(d, "canary") {
			t.Errorf("explain %s: the problem is %q", key, d)
		}
		if last.GetOutcome() != configv1.Candidate_HIDDEN || last.GetHiddenBy().GetLayer() != own {
			t.Errorf("explain %s: the weaker candidate is %v", key, last)
		}
	}
	resp, err := s.List(deadline(t), &configv1.ListRequest{})
	if err != nil || len(resp.GetEntries()) != 0 || len(resp.GetInvalidKeys()) != len(unusable) {
		t.Errorf("list answers %d entries and the invalid keys %q (%v), want all invalid", len(resp.GetEntries()), resp.GetInvalidKeys(), err)
	}
	if snapshot := s.watch(t, &configv1.WatchRequest{Prefix: "cut"}).snapshot(t); flat(snapshot.GetEntries(), snapshot.GetInvalidKeys()...) != "cut!" {
		t.Errorf("the snapshot is %v", snapshot)
	}
}

// The life of a key whose value goes bad and good again, as Watch, Get and List tell it.
func TestValueGoesBadAndGood(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	w := s.watch(t, &configv1.WatchRequest{})
	w.snapshot(t)
	check := func(step, want string) {
		t.Helper()
		d := w.delta(t)
		if got := strings.TrimSpace(flat(d.GetEntries(), d.GetInvalidKeys()...) + " -" + strings.Join(d.GetDeletedKeys(), ",")); got != want {
			t.Errorf("%s: the delta is %q, want %q", step, got, want)
		}
	}
	set := func(key, json string) int64 { return s.Set(t, own, key, json) }

	set("bad", `{`)
	check("bad from the start", "bad! -")
	revision := set("bad", `"good"`)
	check("now good", "bad=good@SERVICE_ENVIRONMENT -")
	if e := s.entry(t, "bad", revision); e.GetRevision() != revision {
		t.Errorf("the entry is %v", e)
	}
	rejected := s.metric(t, "configservice_rejected_values_total")

	// The last good value stays, and nothing else is held up by the bad one.
	bad := set("bad", `{"canary":`)
	set("other", `"x"`)
	check("bad again, and another key", "other=x@SERVICE_ENVIRONMENT -")
	if e := s.entry(t, "bad", bad); e.GetValue().GetStringValue() != "good" || e.GetRevision() != revision {
		t.Errorf("instead of the last good value there is %v", e)
	}
	if got := s.metric(t, "configservice_rejected_values_total"); got != rejected+1 {
		t.Errorf("%v values are rejected, want %v", got, rejected+1)
	}
	resp, err := s.Explain(deadline(t), &configv1.ExplainRequest{Key: "bad"})
	if err != nil {
		t.Fatal(err)
	}
	if c := resp.GetCandidates()[0]; c.GetOutcome() != configv1.Candidate_EFFECTIVE || c.GetRevision() != revision || c.GetProblem().GetRevision() != bad {
		t.Errorf("explained as %v", c)
	}
	list, err := s.List(deadline(t), &configv1.ListRequest{})
	if err != nil || flat(list.GetEntries(), list.GetInvalidKeys()...) != "bad=good@SERVICE_ENVIRONMENT other=x@SERVICE_ENVIRONMENT" {
		t.Errorf("listed as %v %v", list, err)
	}

	// Deleted means gone: there is no last good value of what was deleted.
	s.Delete(t, own, "bad")
	check("deleted", "-bad")
	again := set("bad", `{`)
	check("bad after the delete", "bad! -")
	s.settle(t, again)
	_, err = s.Get(deadline(t), &configv1.GetRequest{Key: "bad"})
	wantFailure(t, err, codes.FailedPrecondition, "VALUE_INVALID")
	s.Delete(t, own, "bad")
	check("deleted while bad", "-bad")
}

// metric reads one metric; a pattern can say with which labels.
func (s *side) metric(t *testing.T, name string) float64 {
	t.Helper()
	resp, err := http.Get(s.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(fmt.Sprintf(`(?m)^%s (\S+)$`, name)).FindSubmatch(body)
	if m == nil {
		t.Fatalf("there is no metric %s", name)
	}
	value, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
