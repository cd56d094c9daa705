package service_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// TestListTellsWhatIsHidden, to who asks for it.
func TestListTellsWhatIsHidden(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.Set(t, own, "a.b", "1")
	s.Set(t, ofService, "a", `"parent"`)
	s.Set(t, ofService, "x", `{"is": "one"}`)
	s.Set(t, sharedEnv, "a.b", "2")
	s.Set(t, sharedEnv, "x.y", "3")
	s.Set(t, shared, "x.y", "{")
	usable := s.Set(t, shared, "a.b", "4")
	last := s.Set(t, shared, "a.b", "{")
	list := func(req *configv1.ListRequest) (*configv1.ListResponse, string) {
		t.Helper()
		req.MinRevision = last
		resp, err := s.List(deadline(t), req)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, h := range resp.GetHiddenEntries() {
			out = append(out, fmt.Sprintf("%s@%s by %s@%s", h.GetKey(), h.GetLayer(), h.GetHiddenBy().GetKey(), h.GetHiddenBy().GetLayer()))
		}
		return resp, strings.Join(out, ", ")
	}
	resp, got := list(&configv1.ListRequest{IncludeHidden: true})
	const aHidden = "a@SERVICE by a.b@SERVICE_ENVIRONMENT, a.b@SHARED_ENVIRONMENT by a.b@SERVICE_ENVIRONMENT, a.b@SHARED by a.b@SERVICE_ENVIRONMENT"
	const xHidden = "x.y@SHARED_ENVIRONMENT by x@SERVICE, x.y@SHARED by x@SERVICE"
	if want := aHidden + ", " + xHidden; got != want {
		t.Fatalf("hidden: %s, want %s", got, want)
	}
	h := resp.GetHiddenEntries()
	if h[0].GetValue().GetStringValue() != "parent" || h[1].GetValue().GetNumberValue() != 2 || h[3].GetValue().GetNumberValue() != 3 {
		t.Errorf("values: %v", h)
	}
	if h[2].GetValue().GetNumberValue() != 4 || h[2].GetRevision() != usable {
		t.Errorf("the last good value of an unusable one: %v", h[2])
	}
	if h[4].GetValue() != nil || h[4].GetRevision() != 0 {
		t.Errorf("one that was never usable: %v", h[4])
	}
	plain, got := list(&configv1.ListRequest{})
	resp.HiddenEntries, resp.State, plain.State = nil, nil, nil
	if got != "" || !proto.Equal(resp, plain) {
		t.Errorf("without being asked: %s, %v", got, plain)
	}
	if _, got := list(&configv1.ListRequest{IncludeHidden: true, Prefix: "x"}); got != xHidden {
		t.Errorf("below x: %s", got)
	}
	if _, got := list(&configv1.ListRequest{IncludeHidden: true, Keys: []string{"a", "nothing"}}); got != "a@SERVICE by a.b@SERVICE_ENVIRONMENT" {
		t.Errorf("of the key a: %s", got)
	}
}

// TestHiddenEntriesFitTheMessage, or the answer says how to ask for less.
func TestHiddenEntriesFitTheMessage(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	large := `"` + strings.Repeat("x", 250<<10) + `"`
	var last int64
	for i := range 10 {
		s.Set(t, own, fmt.Sprintf("k%d", i), large)
		last = s.Set(t, shared, fmt.Sprintf("k%d", i), large)
	}
	if resp, err := s.List(deadline(t), &configv1.ListRequest{MinRevision: last}); err != nil || len(resp.GetEntries()) != 10 {
		t.Fatalf("without what is hidden: %v", err)
	}
	_, err := s.List(deadline(t), &configv1.ListRequest{IncludeHidden: true})
	f := wantFailure(t, err, codes.ResourceExhausted, "TOO_LARGE")
	if !strings.Contains(f.message, "the list with what is hidden has") {
		t.Errorf("the refusal says %q", f.message)
	}
	if resp, err := s.List(deadline(t), &configv1.ListRequest{IncludeHidden: true, Keys: []string{"k1"}}); err != nil || len(resp.GetHiddenEntries()) != 1 {
		t.Errorf("of one key: %v", err)
	}
}
