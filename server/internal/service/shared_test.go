package service_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// Streams that stand at the same state get one message, whatever they began with, and
// those that select get their own.
func TestManyStreamsOfEverythingGetTheSameDelta(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	s.Set(t, own, "a", "1")
	last := s.Set(t, own, "b", "1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := s.Client(t).Get(ctx, &configv1.GetRequest{Key: "b", MinRevision: last}); err != nil {
		t.Fatal(err)
	}
	var streams []configv1.ConfigService_WatchClient
	for i := range 20 {
		req := &configv1.WatchRequest{}
		if i%5 == 4 {
			req.Keys = []string{"b"}
		}
		stream, err := s.Client(t).Watch(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		streams = append(streams, stream)
	}
	for round := range 5 {
		s.Etcd.Commit(t,
			servertest.Write{Namespace: "payment-service", Environment: "development", Layer: own, Key: "a", JSON: string(rune('2' + round))},
			servertest.Write{Namespace: "payment-service", Environment: "development", Layer: own, Key: "b", JSON: string(rune('2' + round))})
		var first *configv1.Delta
		for i, stream := range streams {
			var m *configv1.WatchResponse
			for m.GetDelta() == nil {
				var err error
				if m, err = stream.Recv(); err != nil {
					t.Fatal(err)
				}
			}
			d := m.GetDelta()
			if i%5 == 4 {
				if len(d.GetEntries()) != 1 || d.GetEntries()[0].GetKey() != "b" {
					t.Errorf("a stream of b got %v", d)
				}
				continue
			}
			if first == nil {
				first = d
			}
			if len(d.GetEntries()) != 2 || !proto.Equal(d, first) {
				t.Errorf("stream %d got %v, the first one %v", i, d, first)
			}
		}
	}
}
