package service_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// ending is a stream that somebody ends while a message is taken.
type ending struct {
	grpc.ServerStream
	ctx  context.Context
	sent int
	end  func(sent int)
}

func (e *ending) Context() context.Context { return e.ctx }
func (e *ending) SendMsg(any) error        { e.sent++; e.end(e.sent); return nil }

var errEnded = errors.New("the grant ended")

// TestNothingIsSentAfterTheEnd: whatever there is to say when a stream is ended, it ends
// with the reason, and without another message.
func TestNothingIsSentAfterTheEnd(t *testing.T) {
	t.Parallel()
	scope := snapshot.ScopeID{Namespace: "payment-service", Environment: "production"}
	grant, err := policy.Sidecar(&identity.Identity{Namespace: scope.Namespace, Environment: scope.Environment}, policy.Read, "", "")
	if err != nil {
		t.Fatal(err)
	}
	content := func(revision int64) snapshot.Content {
		v, err := snapshot.ParseValue(fmt.Append(nil, revision))
		if err != nil {
			t.Fatal(err)
		}
		var none *snapshot.Scope
		return snapshot.Content{Epoch: "e", Cluster: 1, Revision: revision, Scopes: map[snapshot.ScopeID]*snapshot.Scope{
			scope: none.Apply([]snapshot.Change{{Key: "a", Value: v, Revision: revision}}),
		}}
	}
	for _, before := range []bool{true, false} {
		for range 50 { // half of them would send
			r := replica.New(time.Now)
			r.Restore(content(1))
			ctx, cancel := context.WithCancelCause(policy.WithGrant(t.Context(), grant))
			stream := &ending{ctx: ctx, end: func(int) {
				r.Restore(content(2)) // there is something new to say
				cancel(errEnded)
			}}
			want := 1
			if before {
				cancel(errEnded)
				want = 0
			}
			svc := service.New(r, telemetry.NewMetrics("test", time.Now), time.Now, make(chan struct{}))
			err := svc.Watch(&configv1.WatchRequest{}, &grpc.GenericServerStream[configv1.WatchRequest, configv1.WatchResponse]{ServerStream: stream})
			if !errors.Is(err, errEnded) || stream.sent != want {
				t.Fatalf("ended before the first message: %t; %d messages, %v", before, stream.sent, err)
			}
		}
	}
}
