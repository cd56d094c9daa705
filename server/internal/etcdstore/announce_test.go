package etcdstore

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// slowEtcd is an etcd that takes its time to announce watches, as a busy one does.
type slowEtcd struct {
	etcdserverpb.UnimplementedKVServer
	etcdserverpb.UnimplementedWatchServer
	announce chan struct{}
	early    chan struct{} // a progress request came before the announcement
	asked    chan struct{}
}

func (e *slowEtcd) Range(context.Context, *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	return &etcdserverpb.RangeResponse{Header: &etcdserverpb.ResponseHeader{ClusterId: 1, Revision: 1, RaftTerm: 1}}, nil
}

// Watch announces the first watch at once and the second when the test says so.
func (e *slowEtcd) Watch(stream etcdserverpb.Watch_WatchServer) error {
	created := 0
	for {
		req, err := stream.Recv()
		if err != nil {
			return err
		}
		switch r := req.GetRequestUnion().(type) {
		case *etcdserverpb.WatchRequest_CreateRequest:
			created++
			announcement := &etcdserverpb.WatchResponse{WatchId: r.CreateRequest.GetWatchId(), Created: true, Header: &etcdserverpb.ResponseHeader{}}
			if created == 1 {
				err = stream.Send(announcement)
			} else {
				go func() { <-e.announce; _ = stream.Send(announcement) }()
			}
			if err != nil {
				return err
			}
		case *etcdserverpb.WatchRequest_ProgressRequest:
			select {
			case <-e.announce:
				select {
				case e.asked <- struct{}{}:
				default:
				}
			default:
				close(e.early)
				return nil
			}
		}
	}
}

type emptySink struct{}

func (emptySink) Content() (snapshot.Content, <-chan struct{}) { return snapshot.Content{}, nil }
func (emptySink) Replace(snapshot.Listing)                     {}
func (emptySink) Advance(snapshot.Batch)                       {}

// A progress answer overtakes the events of watches that are not announced yet, so it
// must not be asked for before: it would vouch for changes that have not arrived.
func TestProgressIsNotAskedForBeforeEveryWatchIsAnnounced(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	etcd := &slowEtcd{announce: make(chan struct{}), early: make(chan struct{}), asked: make(chan struct{}, 1)}
	server := grpc.NewServer()
	etcdserverpb.RegisterKVServer(server, etcd)
	etcdserverpb.RegisterWatchServer(server, etcd)
	go func() { _ = server.Serve(l) }()
	defer server.Stop()

	nudges := make(chan struct{})
	source := NewSource(Config{
		Endpoints: []string{"http://" + l.Addr().String()},
		Scopes:    []snapshot.ScopeID{{Namespace: "a", Environment: "b"}, {Namespace: "c", Environment: "d"}},
		Nudges:    nudges, AuditEvery: time.Hour,
		Log: slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics("test", time.Now),
		Now: time.Now, Rand: rand.New(rand.NewPCG(1, 2)),
	}, emptySink{})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	ended := make(chan struct{})
	go func() { defer close(ended); source.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	for range 200 { // each is taken by the follower; a request that it sent would be here by then
		select {
		case nudges <- struct{}{}:
		case <-etcd.early:
			t.Fatal("progress was asked for before every watch was announced")
		case <-ctx.Done():
			t.Fatal("the source takes no nudges")
		}
	}
	close(etcd.announce)
	for {
		select {
		case nudges <- struct{}{}:
		case <-etcd.asked:
			return
		case <-etcd.early:
			t.Fatal("progress was asked for before every watch was announced")
		case <-ctx.Done():
			t.Fatal("progress was never asked for")
		}
	}
}
