package etcdstore_test

import (
	"context"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func attempts(w *world) []attempt {
	var all []attempt
	for name, rng := range targets() {
		all = append(all, reads(name, rng)...)
		all = append(all, watches(name, rng)...)
		all = append(all, transactions(name, rng)...)
		all = append(all, writes(name, rng)...)
	}
	for name, rng := range map[string][2]string{
		"its own key": {mine + "a", ""}, "its own range": {mine, entry + "production/pay0"}, "its own in every environment": {entry + "_all/pay/", entry + "_all/pay0"},
		"shared": {entry + "production/_shared/", entry + "production/_shared0"}, "shared in every environment": {entry + "_all/_shared/", entry + "_all/_shared0"},
		"its own schema": {root + "schemas/pay", ""}, "its own schema as a range": {root + "schemas/pay", root + "schemas/pay\x00"},
	} {
		all = append(all, writes(name, rng)...)
		for _, a := range append(append(reads(name, rng), watches(name, rng)...), transactions(name, rng)...) {
			if !strings.Contains(a.name, "delete") && !strings.Contains(a.name, "put") {
				a.service = own
			}
			all = append(all, a)
		}
	}
	return append(append(all, leases(w)...), administration()...)
}

func one[M proto.Message](m M, err error) ([]proto.Message, error) {
	return []proto.Message{m}, err
}

func reads(name string, rng [2]string) []attempt {
	var all []attempt
	for how, r := range map[string]*pb.RangeRequest{
		"linearizable": {}, "serializable": {Serializable: true}, "keys only": {KeysOnly: true}, "count only": {CountOnly: true}, "serializable count": {CountOnly: true, Serializable: true},
		"limit 1": {Limit: 1}, "descending": {Limit: 1, SortOrder: pb.RangeRequest_DESCEND, SortTarget: pb.RangeRequest_VALUE}, "of the past": {Revision: 5},
	} {
		r.Key, r.RangeEnd = []byte(rng[0]), []byte(rng[1])
		all = append(all, attempt{"range " + how + ": " + name, refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			got, err := pb.NewKVClient(conn).Range(ctx, r)
			if status.Code(err) == codes.OutOfRange && how == "of the past" {
				return nil, nil
			}
			return one(got, err)
		}})
	}
	return all
}

// watches take the events that there have been, if there are any.
func watches(name string, rng [2]string) []attempt {
	var all []attempt
	for how, r := range map[string]*pb.WatchCreateRequest{
		"from the beginning": {StartRevision: 1}, "with the values before": {StartRevision: 1, PrevKv: true}, "with progress": {StartRevision: 1, ProgressNotify: true}, "in parts": {StartRevision: 1, Fragment: true},
	} {
		r.Key, r.RangeEnd = []byte(rng[0]), []byte(rng[1])
		all = append(all, attempt{"watch " + how + ": " + name, refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return watchAll(ctx, conn, r)
		}})
	}
	return all
}

func watchAll(ctx context.Context, conn *grpc.ClientConn, r *pb.WatchCreateRequest) (seen []proto.Message, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := pb.NewWatchClient(conn).Watch(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: r}}); err != nil {
		return nil, err
	}
	for {
		m, err := stream.Recv()
		if err != nil && len(seen) > 0 && ctx.Err() != nil { // it was let, and there is nothing
			return seen, nil
		}
		if err != nil {
			return seen, err
		}
		seen = append(seen, m)
		time.AfterFunc(2*time.Second, cancel)
		switch {
		case m.GetCanceled():
			if strings.Contains(m.GetCancelReason(), "permission denied") || strings.Contains(m.GetCancelReason(), "user name is empty") {
				return seen, status.Error(codes.PermissionDenied, m.GetCancelReason())
			}
			return seen, status.Error(codes.Unknown, m.GetCancelReason())
		case len(m.GetEvents()) > 0:
			return seen, nil
		}
	}
}

func transactions(name string, rng [2]string) []attempt {
	key, end := []byte(rng[0]), []byte(rng[1])
	read := &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: key, RangeEnd: end}}}
	put := &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: key, Value: []byte("x"), PrevKv: true}}}
	keep := &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: key, IgnoreValue: true, PrevKv: true}}}
	remove := &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{Key: key, RangeEnd: end, PrevKv: true}}}
	nest := func(then, otherwise *pb.RequestOp) *pb.RequestOp {
		txn := &pb.TxnRequest{}
		if then != nil {
			txn.Success = []*pb.RequestOp{then}
		}
		if otherwise != nil {
			txn.Failure = []*pb.RequestOp{otherwise}
		}
		return &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: txn}}
	}
	true1 := &pb.Compare{Key: []byte(mine + "a"), Target: pb.Compare_VERSION, Result: pb.Compare_GREATER, TargetUnion: &pb.Compare_Version{Version: 0}}
	false1 := &pb.Compare{Key: []byte(mine + "a"), Target: pb.Compare_VERSION, Result: pb.Compare_EQUAL, TargetUnion: &pb.Compare_Version{Version: 0}}
	txns := map[string]*pb.TxnRequest{
		"then read":                 {Success: []*pb.RequestOp{read}},
		"then read of a true guess": {Compare: []*pb.Compare{true1}, Success: []*pb.RequestOp{read}},
		"else read":                 {Compare: []*pb.Compare{false1}, Failure: []*pb.RequestOp{read}},
		"else read, not taken":      {Compare: []*pb.Compare{true1}, Failure: []*pb.RequestOp{read}},
		"nested read":               {Success: []*pb.RequestOp{nest(read, nil)}},
		"nested else read":          {Compare: []*pb.Compare{false1}, Failure: []*pb.RequestOp{nest(read, nil)}},
		"twice nested read":         {Success: []*pb.RequestOp{nest(nest(read, nil), nil)}},
		"thrice nested else read":   {Success: []*pb.RequestOp{nest(nest(nest(nil, read), nil), nil)}},
		"read beside its own":       {Success: []*pb.RequestOp{{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte(mine + "a")}}}, read}},
	}
	if rng[1] == "" { // a key
		txns["put with the value before"] = &pb.TxnRequest{Success: []*pb.RequestOp{put}}
		txns["put that keeps the value"] = &pb.TxnRequest{Success: []*pb.RequestOp{keep}}
		txns["nested put with the value before"] = &pb.TxnRequest{Success: []*pb.RequestOp{nest(put, nil)}}
	}
	txns["delete with the value before"] = &pb.TxnRequest{Success: []*pb.RequestOp{remove}}
	txns["nested delete with the value before"] = &pb.TxnRequest{Success: []*pb.RequestOp{nest(remove, nil)}}
	for what, c := range map[string]*pb.Compare{
		"value":    {Target: pb.Compare_VALUE, TargetUnion: &pb.Compare_Value{Value: []byte(`"d`)}, Result: pb.Compare_LESS},
		"version":  {Target: pb.Compare_VERSION, TargetUnion: &pb.Compare_Version{Version: 0}, Result: pb.Compare_GREATER},
		"creation": {Target: pb.Compare_CREATE, TargetUnion: &pb.Compare_CreateRevision{CreateRevision: 0}, Result: pb.Compare_GREATER},
		"revision": {Target: pb.Compare_MOD, TargetUnion: &pb.Compare_ModRevision{ModRevision: 0}, Result: pb.Compare_GREATER},
		"lease":    {Target: pb.Compare_LEASE, TargetUnion: &pb.Compare_Lease{Lease: 0}, Result: pb.Compare_GREATER},
	} {
		c.Key, c.RangeEnd = key, end
		txns["compare the "+what] = &pb.TxnRequest{Compare: []*pb.Compare{c}}
		txns["nested compare of the "+what] = &pb.TxnRequest{Success: []*pb.RequestOp{{Request: &pb.RequestOp_RequestTxn{RequestTxn: &pb.TxnRequest{Compare: []*pb.Compare{c}}}}}}
	}
	var all []attempt
	for how, txn := range txns {
		all = append(all, attempt{"transaction, " + how + ": " + name, refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewKVClient(conn).Txn(ctx, txn))
		}})
	}
	return all
}

func writes(name string, rng [2]string) []attempt {
	key, end := []byte(rng[0]), []byte(rng[1])
	all := []attempt{
		{"delete: " + name, refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewKVClient(conn).DeleteRange(ctx, &pb.DeleteRangeRequest{Key: key, RangeEnd: end}))
		}},
		{"delete with the values before: " + name, refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewKVClient(conn).DeleteRange(ctx, &pb.DeleteRangeRequest{Key: key, RangeEnd: end, PrevKv: true}))
		}},
	}
	if rng[1] == "" {
		for how, r := range map[string]*pb.PutRequest{"": {}, " with the value before": {PrevKv: true}, " that keeps the value": {IgnoreValue: true, PrevKv: true}} {
			r.Key = key
			if !r.IgnoreValue {
				r.Value = []byte("x")
			}
			all = append(all, attempt{"put" + how + ": " + name, refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
				return one(pb.NewKVClient(conn).Put(ctx, r))
			}})
		}
	}
	return all
}
