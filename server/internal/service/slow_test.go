package service_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// A reader that does not read is not buffered for: it gets the latest state with the
// next message, without a gap, and it is not cut.
func TestSlowReaderIsCoalesced(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	slow := &side{s.Server, configv1.NewConfigServiceClient(conn)}
	w := slow.watch(t, &configv1.WatchRequest{})
	at := w.next(t).GetState()

	// 5,000 changes of 2 KiB, while nobody reads: ten megabytes, were they kept.
	const changes, keys = 5000, 10
	pad := strings.Repeat("x", 2<<10)
	var last int64
	for i := range changes {
		last = s.Set(t, own, fmt.Sprintf("key%d", i%keys), fmt.Sprintf(`"%d-%s"`, i, pad))
	}
	s.settle(t, last)

	state := map[string]*configv1.Entry{}
	messages, bytes := 0, 0
	for at.GetRevision() < last {
		m := w.next(t)
		if m.GetCheckpoint() != nil {
			at = m.GetState() // the writing took long
			continue
		}
		messages, bytes = messages+1, bytes+proto.Size(m)
		if m.GetDelta().GetFromRevision() != at.GetRevision() || m.GetState().GetRevision() <= at.GetRevision() {
			t.Fatalf("message %d goes from %d to %d, want from %d", messages, m.GetDelta().GetFromRevision(), m.GetState().GetRevision(), at.GetRevision())
		}
		for _, e := range m.GetDelta().GetEntries() {
			state[e.GetKey()] = e
		}
		at = m.GetState()
	}
	t.Logf("%d changes arrived as %d messages of %d bytes", changes, messages, bytes)
	// What the server itself took over in one step was no change of its own.
	if skipped := int(s.metric(t, "configservice_coalesced_changes_total")); skipped == 0 || skipped+messages > changes {
		t.Errorf("%d changes arrived as %d messages, and %d count as coalesced", changes, messages, skipped)
	}
	if messages > changes/10 || bytes > 1<<20 {
		t.Errorf("%d changes arrived as %d messages of %d bytes: they were kept for the reader", changes, messages, bytes)
	}
	for i := changes - keys; i < changes; i++ {
		key, want := fmt.Sprintf("key%d", i%keys), fmt.Sprintf("%d-", i)
		if got := state[key].GetValue().GetStringValue(); !strings.HasPrefix(got, want) {
			t.Errorf("%s ends as %.20q, want %q", key, got, want)
		}
	}
	s.Set(t, own, "key0", `"end"`)
	if d := w.delta(t); flat(d.GetEntries()) != "key0=end@SERVICE_ENVIRONMENT" {
		t.Errorf("afterwards came %.200v", d)
	}
}
