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

// More than one message can hold is refused in words, not by the client's transport;
// what is smaller is still answered.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	large := `"` + strings.Repeat("x", 256<<10-2) + `"`
	w := s.watch(t, &configv1.WatchRequest{})
	w.snapshot(t)
	var revision int64
	for i := range 15 {
		revision = s.Set(t, own, fmt.Sprintf("large.key%02d", i), large)
	}
	s.settle(t, revision)
	fits, err := s.List(deadline(t), &configv1.ListRequest{})
	if err != nil || len(fits.GetEntries()) != 15 || proto.Size(fits) < 15*256<<10 {
		t.Fatalf("%d entries in %d bytes: %v", len(fits.GetEntries()), proto.Size(fits), err)
	}
	for i := 15; i < 17; i++ {
		s.Set(t, own, fmt.Sprintf("large.key%02d", i), large)
	}
	revision = s.Set(t, own, "small", `"x"`)
	s.settle(t, revision)

	_, err = s.List(deadline(t), &configv1.ListRequest{})
	f := wantFailure(t, err, codes.ResourceExhausted, "TOO_LARGE")
	if !strings.Contains(f.message, "prefix or keys") {
		t.Errorf("the message does not say what to do: %s", f.message)
	}
	_, err = s.List(deadline(t), &configv1.ListRequest{Prefix: "large"})
	wantFailure(t, err, codes.ResourceExhausted, "TOO_LARGE")
	_, err = s.watch(t, &configv1.WatchRequest{}).Recv()
	wantFailure(t, err, codes.ResourceExhausted, "TOO_LARGE")

	if e := s.entry(t, "large.key16", revision); len(e.GetValue().GetStringValue()) != 256<<10-2 {
		t.Errorf("get answers %d bytes", len(e.GetValue().GetStringValue()))
	}
	if _, err := s.List(deadline(t), &configv1.ListRequest{Keys: []string{"small", "large.key00"}}); err != nil {
		t.Errorf("a part of it: %v", err)
	}
	if _, err := s.Explain(deadline(t), &configv1.ExplainRequest{Key: "large.key00"}); err != nil {
		t.Errorf("explain: %v", err)
	}
	if got := flat(s.watch(t, &configv1.WatchRequest{Prefix: "small"}).snapshot(t).GetEntries()); got != "small=x@SERVICE_ENVIRONMENT" {
		t.Errorf("a part of it, watched: %s", got)
	}
	// A stream that was open before goes on: each of its steps is small.
	for m := w.next(t); m.GetState().GetRevision() < revision; m = w.next(t) {
	}
}
