package service_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// sent is a stream that takes down what the handler sends, and when.
type sent struct {
	grpc.ServerStreamingServer[configv1.WatchResponse]
	ctx      context.Context
	began    time.Time
	messages []*configv1.WatchResponse
	at       []time.Duration
}

func (s *sent) Context() context.Context { return s.ctx }

func (s *sent) SendMsg(message any) error {
	m := message.(proto.Message).ProtoReflect().Interface().(*configv1.WatchResponse)
	s.messages, s.at = append(s.messages, m), append(s.at, time.Since(s.began))
	return nil
}

// A stream whose store is lost says so when the last proof is 15 s old, and says at
// once when the store is back: by a checkpoint, also when nothing else happens.
func TestWatchSaysWhenTheStoreIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		copy := replica.New(time.Now)
		copy.Replace(snapshot.Listing{Epoch: "e", Revision: 5, Verified: time.Now()})
		grant, err := policy.Sidecar(&identity.Identity{Namespace: "pay", Environment: "production"}, policy.Read, "", "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(policy.WithGrant(t.Context(), grant))
		stream := &sent{ctx: ctx, began: time.Now()}
		svc := service.New(copy, telemetry.NewMetrics("test", time.Now), time.Now, nil)
		ended := make(chan error, 1)
		go func() {
			ended <- svc.Watch(&configv1.WatchRequest{CheckpointInterval: durationpb.New(5 * time.Minute)}, stream)
		}()

		time.Sleep(40 * time.Second) // on the clock of the bubble: no proof comes
		synctest.Wait()
		copy.Advance(snapshot.Batch{Revision: 6, Verified: time.Now()})
		synctest.Wait()
		cancel()
		<-ended

		want := []struct {
			freshness configv1.State_Freshness
			at        time.Duration
		}{
			{configv1.State_FRESH, 0},
			{configv1.State_STALE, replica.FreshFor + 1},
			{configv1.State_FRESH, 40 * time.Second},
		}
		if len(stream.messages) != len(want) {
			t.Fatalf("%d messages at %v, want a snapshot and two checkpoints", len(stream.messages), stream.at)
		}
		for i, w := range want {
			m := stream.messages[i]
			if m.GetState().GetFreshness() != w.freshness || stream.at[i] != w.at {
				t.Errorf("message %d: %s after %v, want %s after %v", i, m.GetState().GetFreshness(), stream.at[i], w.freshness, w.at)
			}
			if isCheckpoint := m.GetCheckpoint() != nil; isCheckpoint != (i > 0) {
				t.Errorf("message %d is a checkpoint: %v", i, isCheckpoint)
			}
		}
	})
}

// Proofs that only extend the freshness are no news, and checkpoints keep their
// interval.
func TestWatchIsQuietWhileTheStoreVouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		copy := replica.New(time.Now)
		copy.Replace(snapshot.Listing{Epoch: "e", Revision: 5, Verified: time.Now()})
		grant, err := policy.Sidecar(&identity.Identity{Namespace: "pay", Environment: "production"}, policy.Read, "", "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(policy.WithGrant(t.Context(), grant))
		stream := &sent{ctx: ctx, began: time.Now()}
		svc := service.New(copy, telemetry.NewMetrics("test", time.Now), time.Now, nil)
		ended := make(chan error, 1)
		go func() { ended <- svc.Watch(&configv1.WatchRequest{}, stream) }()
		for i := range 9 {
			time.Sleep(7 * time.Second)
			copy.Advance(snapshot.Batch{Revision: int64(6 + i), Verified: time.Now()})
		}
		synctest.Wait()
		cancel()
		<-ended
		if len(stream.messages) != 5 { // 63 s: the snapshot, and one every 15 s
			t.Errorf("messages at %v; want the snapshot and a checkpoint every 15 s", stream.at)
		}
		for i, m := range stream.messages {
			if m.GetState().GetFreshness() != configv1.State_FRESH {
				t.Errorf("message %d is %s", i, m.GetState().GetFreshness())
			}
		}
	})
}

// A step can be larger than what it leads to: many long keys gone, and large values
// come. It arrives as a snapshot then.
func TestAStepAboveOneMessageIsASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scope := snapshot.ScopeID{Namespace: "pay", Environment: "production"}
		one, err := snapshot.ParseValue([]byte("1"))
		if err != nil {
			t.Fatal(err)
		}
		large, err := snapshot.ParseValue([]byte(`"` + strings.Repeat("x", 250<<10) + `"`))
		if err != nil {
			t.Fatal(err)
		}
		var before, after []snapshot.Change
		for i := range 6000 {
			before = append(before, snapshot.Change{Key: fmt.Sprintf("%04d%s", i, strings.Repeat("k", 240)), Revision: 1, Value: one})
		}
		for i := range 12 {
			after = append(after, snapshot.Change{Key: fmt.Sprintf("large%02d", i), Revision: 2, Value: large})
		}
		copy := replica.New(time.Now)
		list := func(revision int64, changes []snapshot.Change) {
			copy.Replace(snapshot.Listing{Epoch: "e", Revision: revision, Verified: time.Now(), Scopes: map[snapshot.ScopeID][]snapshot.Change{scope: changes}})
		}
		list(1, before)
		grant, err := policy.Sidecar(&identity.Identity{Namespace: scope.Namespace, Environment: scope.Environment}, policy.Read, "", "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(policy.WithGrant(t.Context(), grant))
		stream := &sent{ctx: ctx, began: time.Now()}
		svc := service.New(copy, telemetry.NewMetrics("test", time.Now), time.Now, nil)
		ended := make(chan error, 1)
		go func() { ended <- svc.Watch(&configv1.WatchRequest{}, stream) }()
		synctest.Wait()
		list(2, after)
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the stream ended with %v", err)
		}
		if len(stream.messages) != 2 || len(stream.messages[1].GetSnapshot().GetEntries()) != len(after) {
			t.Errorf("%d messages; want the second to be a snapshot of %d entries", len(stream.messages), len(after))
		}
	})
}
