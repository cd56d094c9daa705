package service_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// granted is a stream of a caller who may read.
type granted struct {
	grpc.ServerStream
	ctx context.Context
}

func (g granted) Context() context.Context { return g.ctx }

// A resume point ahead of the server is waited for, but not after its epoch has ended:
// then the stream begins anew, at once.
func TestResumeAheadAcrossAnEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replica.New(time.Now)
		svc := service.New(r, telemetry.NewMetrics("test", time.Now), time.Now, make(chan struct{}))
		channel := (&inprocgrpc.Channel{}).WithServerStreamInterceptor(
			func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
				grant, err := policy.Sidecar(&identity.Identity{Namespace: "a", Environment: "b"}, policy.Read, "", "")
				if err != nil {
					return err
				}
				return handler(srv, granted{stream, policy.WithGrant(stream.Context(), grant)})
			})
		configv1.RegisterConfigServiceServer(channel, svc)
		r.Replace(snapshot.Listing{Epoch: "e1", Revision: 7, Verified: time.Now()})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w, err := configv1.NewConfigServiceClient(channel).Watch(ctx, &configv1.WatchRequest{Resume: &configv1.ResumePoint{Epoch: "e1", Revision: 100}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it waits for revision 100
		began := time.Now()
		r.Replace(snapshot.Listing{Epoch: "e2", Revision: 3, Verified: time.Now()})
		m, err := w.Recv()
		if err != nil || m.GetSnapshot() == nil || m.GetState().GetEpoch() != "e2" {
			t.Errorf("the stream began with %v %v", m, err)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("it began %s after the new epoch", d)
		}
		cancel()
		for err == nil {
			_, err = w.Recv()
		}
	})
}
