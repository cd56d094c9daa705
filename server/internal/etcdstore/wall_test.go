package etcdstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// The second wall: what etcd itself refuses to one service's credential. Every way into
// etcd is tried past our own check, with etcd's own client: with the token of pay in
// production, and without any credential. No byte of what is not pay's may come out.

// outcome is how an attempt has to end.
type outcome int

const (
	refused outcome = iota // by etcd
	own                    // answered, with what the service may read
	known                  // answered to every user; without configuration, which is looked at too
)

// attempt is one thing that an attacker tries. It returns all that etcd answered.
type attempt struct {
	name    string
	service outcome // of the service's credential
	anyone  outcome // of no credential
	try     func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error)
}

const (
	root    = "/config-service/v1/"
	entry   = root + "entries/"
	mine    = entry + "production/pay/"
	foreign = "canary" // is in every key and value that is not pay's
)

// world is what lies in the etcd under attack.
type world struct {
	*registered
	token string
	lease int64 // of root, on a foreign key
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{registered: protected(t)}
	ctx := within(t)
	for _, id := range [][2]string{{"pay", "production"}, {"payments", "production"}, {"pay", "test"}, {"orders", "production"}} {
		_, token, err := w.Register(ctx, admin(t, id[0], id[1]))
		if err != nil {
			t.Fatal(err)
		}
		if w.token == "" {
			w.token = token
		}
	}
	lease, err := w.root.Grant(ctx, 3600)
	if err != nil {
		t.Fatal(err)
	}
	w.lease = int64(lease.ID)
	w.put(t, mine+"a", "1")
	w.put(t, mine+"b", "2")
	w.put(t, entry+"_all/pay/a", "1")
	w.put(t, entry+"production/_shared/a", "1")
	w.put(t, entry+"_all/_shared/a", "1")
	for _, scope := range foreignScopes {
		w.put(t, root+scope+"canary", `"canary of `+scope+`"`)
	}
	if _, err := w.root.Put(ctx, entry+"production/payments/canary-leased", `"canary"`, clientv3.WithLease(lease.ID)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) put(t *testing.T, key, value string) {
	t.Helper()
	if _, err := w.root.Put(within(t), key, value); err != nil {
		t.Fatal(err)
	}
}

// foreignScopes are of others; some names are pay's own, longer or shorter.
var foreignScopes = []string{
	"entries/production/payments/", "entries/production/pa/", "entries/production/orders/", "entries/test/pay/", "entries/_all/payments/", "entries/_all/orders/",
	"entries/test/_shared/", "entries/productions/pay/", "services/test/", "scopes/production/pay/", "history/production/pay/", "schemas/pay/",
}

// targets are ranges that hold what is not pay's.
func targets() map[string][2]string {
	t := map[string][2]string{
		"everything":                       {"\x00", "\x00"},
		"from its own first key on":        {mine + "a", "\x00"},
		"from its own last key on":         {mine + "zzz", "\x00"},
		"its own range and a byte more":    {mine, entry + "production/pay0\x00"},
		"its own range and a byte before":  {entry + "production/pay.", entry + "production/pay0"},
		"its own name as a prefix":         {entry + "production/pay", entry + "production/paz"},
		"its environment":                  {entry + "production/", entry + "production0"},
		"all entries":                      {entry, root + "entries0"},
		"all of the product":               {root, "/config-service/v10"},
		"from the shared to its own range": {entry + "production/_shared/", entry + "production/pay0"},
		"from one own scope to another":    {entry + "_all/pay/", entry + "production/pay0"},
		"the record of its own":            {root + "services/production/pay", ""},
		"the record of another":            {root + "services/production/payments", ""},
		"its own name without the slash":   {entry + "production/pay", ""},
		"the end of its own range":         {entry + "production/pay0", ""},
		"the empty range":                  {"", "\x00"},
	}
	for _, scope := range foreignScopes {
		t["a key of "+scope] = [2]string{root + scope + "canary", ""}
		t["all of "+scope] = [2]string{root + scope, root + scope[:len(scope)-1] + "0"}
	}
	return t
}

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

// leases: a service can have leases, which hold nothing while it can write nothing.
func leases(w *world) []attempt {
	return []attempt{
		{"lease: grant", known, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewLeaseClient(conn).LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: 60}))
		}},
		{"lease: attach a key of its own", refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewKVClient(conn).Put(ctx, &pb.PutRequest{Key: []byte(mine + "a"), Value: []byte("x"), Lease: w.lease}))
		}},
		{"lease: attach a key by keeping its value", refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewKVClient(conn).Put(ctx, &pb.PutRequest{Key: []byte(mine + "a"), IgnoreValue: true, Lease: w.lease}))
		}},
		{"lease: keys of another's", refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewLeaseClient(conn).LeaseTimeToLive(ctx, &pb.LeaseTimeToLiveRequest{ID: w.lease, Keys: true}))
		}},
		{"lease: time of another's", known, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewLeaseClient(conn).LeaseTimeToLive(ctx, &pb.LeaseTimeToLiveRequest{ID: w.lease}))
		}},
		{"lease: revoke another's", refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewLeaseClient(conn).LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: w.lease}))
		}},
		{"lease: list", refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewLeaseClient(conn).LeaseLeases(ctx, &pb.LeaseLeasesRequest{}))
		}},
		{"lease: keep another's alive", refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			stream, err := pb.NewLeaseClient(conn).LeaseKeepAlive(ctx)
			if err != nil {
				return nil, err
			}
			if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: w.lease}); err != nil {
				return nil, err
			}
			return one(stream.Recv())
		}},
	}
}

// administration is everything else that etcd serves.
func administration() []attempt {
	auth := func(name string, service, anyone outcome, try func(context.Context, pb.AuthClient) (proto.Message, error)) attempt {
		return attempt{"auth: " + name, service, anyone, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(try(ctx, pb.NewAuthClient(conn)))
		}}
	}
	cluster := func(name string, service, anyone outcome, try func(context.Context, pb.ClusterClient) (proto.Message, error)) attempt {
		return attempt{"cluster: " + name, service, anyone, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(try(ctx, pb.NewClusterClient(conn)))
		}}
	}
	keep := func(name string, service, anyone outcome, try func(context.Context, pb.MaintenanceClient) (proto.Message, error)) attempt {
		return attempt{"maintenance: " + name, service, anyone, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(try(ctx, pb.NewMaintenanceClient(conn)))
		}}
	}
	const myRole = "config-service.production.pay"
	return []attempt{
		{"compact", refused, refused, func(ctx context.Context, conn *grpc.ClientConn) ([]proto.Message, error) {
			return one(pb.NewKVClient(conn).Compact(ctx, &pb.CompactionRequest{Revision: 3}))
		}},
		auth("status", known, known, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.AuthStatus(ctx, &pb.AuthStatusRequest{})
		}),
		auth("disable", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.AuthDisable(ctx, &pb.AuthDisableRequest{})
		}),
		auth("list the users", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.UserList(ctx, &pb.AuthUserListRequest{})
		}),
		auth("look at root", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.UserGet(ctx, &pb.AuthUserGetRequest{Name: "root"})
		}),
		auth("add a user", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.UserAdd(ctx, &pb.AuthUserAddRequest{Name: "eve", Password: "eve"})
		}),
		auth("delete a user", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.UserDelete(ctx, &pb.AuthUserDeleteRequest{Name: "config-service-control"})
		}),
		auth("change the password of root", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.UserChangePassword(ctx, &pb.AuthUserChangePasswordRequest{Name: "root", Password: "eve"})
		}),
		auth("take a role", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.UserGrantRole(ctx, &pb.AuthUserGrantRoleRequest{User: "config-service-control", Role: myRole})
		}),
		auth("drop a role", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.UserRevokeRole(ctx, &pb.AuthUserRevokeRoleRequest{Name: "root", Role: "root"})
		}),
		auth("list the roles", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.RoleList(ctx, &pb.AuthRoleListRequest{})
		}),
		auth("look at its own role", known, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.RoleGet(ctx, &pb.AuthRoleGetRequest{Role: myRole})
		}),
		auth("look at another's role", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.RoleGet(ctx, &pb.AuthRoleGetRequest{Role: "config-service.production.payments"})
		}),
		auth("add a role", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.RoleAdd(ctx, &pb.AuthRoleAddRequest{Name: "eve"})
		}),
		auth("delete its own role", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.RoleDelete(ctx, &pb.AuthRoleDeleteRequest{Role: myRole})
		}),
		auth("forbid itself something", refused, refused, func(ctx context.Context, c pb.AuthClient) (proto.Message, error) {
			return c.RoleRevokePermission(ctx, &pb.AuthRoleRevokePermissionRequest{Role: myRole, Key: []byte(mine), RangeEnd: []byte(entry + "production/pay0")})
		}),
		cluster("list the members", known, refused, func(ctx context.Context, c pb.ClusterClient) (proto.Message, error) {
			return c.MemberList(ctx, &pb.MemberListRequest{Linearizable: true})
		}),
		cluster("add a member", refused, refused, func(ctx context.Context, c pb.ClusterClient) (proto.Message, error) {
			return c.MemberAdd(ctx, &pb.MemberAddRequest{PeerURLs: []string{"http://127.0.0.1:1"}})
		}),
		cluster("add a learner", refused, refused, func(ctx context.Context, c pb.ClusterClient) (proto.Message, error) {
			return c.MemberAdd(ctx, &pb.MemberAddRequest{PeerURLs: []string{"http://127.0.0.1:1"}, IsLearner: true})
		}),
		cluster("remove a member", refused, refused, func(ctx context.Context, c pb.ClusterClient) (proto.Message, error) {
			return c.MemberRemove(ctx, &pb.MemberRemoveRequest{ID: 1})
		}),
		cluster("update a member", refused, refused, func(ctx context.Context, c pb.ClusterClient) (proto.Message, error) {
			return c.MemberUpdate(ctx, &pb.MemberUpdateRequest{ID: 1, PeerURLs: []string{"http://127.0.0.1:1"}})
		}),
		cluster("promote a member", refused, refused, func(ctx context.Context, c pb.ClusterClient) (proto.Message, error) {
			return c.MemberPromote(ctx, &pb.MemberPromoteRequest{ID: 1})
		}),
		keep("status", known, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.Status(ctx, &pb.StatusRequest{})
		}),
		keep("look at the alarms", known, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.Alarm(ctx, &pb.AlarmRequest{Action: pb.AlarmRequest_GET})
		}),
		keep("raise an alarm", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.Alarm(ctx, &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, Alarm: pb.AlarmType_NOSPACE})
		}),
		keep("end an alarm", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.Alarm(ctx, &pb.AlarmRequest{Action: pb.AlarmRequest_DEACTIVATE, Alarm: pb.AlarmType_NOSPACE})
		}),
		keep("defragment", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.Defragment(ctx, &pb.DefragmentRequest{})
		}),
		keep("hash", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.Hash(ctx, &pb.HashRequest{})
		}),
		keep("hash of the keys", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.HashKV(ctx, &pb.HashKVRequest{})
		}),
		keep("move the leader", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.MoveLeader(ctx, &pb.MoveLeaderRequest{TargetID: 1})
		}),
		keep("downgrade", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			return c.Downgrade(ctx, &pb.DowngradeRequest{Action: pb.DowngradeRequest_VALIDATE, Version: "3.6.0"})
		}),
		keep("snapshot", refused, refused, func(ctx context.Context, c pb.MaintenanceClient) (proto.Message, error) {
			stream, err := c.Snapshot(ctx, &pb.SnapshotRequest{})
			if err != nil {
				return nil, err
			}
			return stream.Recv()
		}),
	}
}

// isRefusal says whether etcd said no because of who asked. A request that is malformed
// for everybody, such as for the empty key, is no leak either.
func isRefusal(err error) bool {
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unauthenticated:
		return true
	}
	for _, words := range []string{"permission denied", "user name is empty", "key is not provided"} {
		if strings.Contains(fmt.Sprint(err), words) {
			return true
		}
	}
	return false
}

// judge runs an attempt and says what is wrong with its end.
func judge(t *testing.T, a attempt, want outcome, conn *grpc.ClientConn) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen, err := a.try(ctx, conn)
	for _, m := range seen {
		raw, e := proto.Marshal(m)
		if e != nil {
			t.Fatal(e)
		}
		if strings.Contains(string(raw), foreign) || strings.Contains(string(raw), "payments") || strings.Contains(string(raw), "orders") {
			t.Errorf("%s: another service's bytes came out", a.name)
		}
	}
	switch {
	case want == refused && err == nil:
		t.Errorf("%s: etcd did it", a.name)
	case want == refused && !isRefusal(err):
		t.Errorf("%s: ended with %v; want a refusal", a.name, err)
	case want != refused && err != nil:
		t.Errorf("%s: ended with %v; want an answer", a.name, err)
	}
}

func TestTheSecondWall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.all(t)
	service := open(t, w.etcd, "pay.production."+tokenForm.FindStringSubmatch(w.token)[1], tokenForm.FindStringSubmatch(w.token)[2])
	anyone := open(t, w.etcd, "", "")
	all := attempts(w)
	began := time.Now()
	for _, a := range all {
		judge(t, a, a.service, service.ActiveConnection())
		judge(t, a, a.anyone, anyone.ActiveConnection())
	}
	t.Logf("FIGURES second wall: %d attempts, each with a service's credential and with none, in %.1f s", len(all), time.Since(began).Seconds())
	if len(all) < 500 {
		t.Errorf("only %d attempts", len(all))
	}
	if after := w.all(t); after != before {
		t.Error("the store is not as before")
	}
	for _, name := range []string{"payments.production.x", "root", etcdControl} { // its own secret opens nobody else
		if _, err := service.Authenticate(within(t), name, tokenForm.FindStringSubmatch(w.token)[2]); err == nil {
			t.Errorf("the secret of pay opens %s", name)
		}
	}
	if _, err := service.Get(within(t), mine+"a"); err != nil {
		t.Errorf("after all that the service cannot read its own: %v", err)
	}
}

const etcdControl = "config-service-control"

// all is what is in the store.
func (w *world) all(t *testing.T) string {
	t.Helper()
	got, err := w.root.Get(within(t), "", clientv3.WithFromKey())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, kv := range got.Kvs {
		fmt.Fprintf(&b, "%s=%s@%d\n", kv.Key, kv.Value, kv.ModRevision)
	}
	return b.String()
}

// TestTheSecondWallIsTested: were the role as wide as an environment, the attempts would
// tell.
func TestTheSecondWallIsTested(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := within(t)
	if _, err := w.root.RoleGrantPermission(ctx, "config-service.production.pay", entry+"production/", entry+"production0", clientv3.PermissionType(clientv3.PermRead)); err != nil {
		t.Fatal(err)
	}
	service := open(t, w.etcd, "pay.production."+tokenForm.FindStringSubmatch(w.token)[1], tokenForm.FindStringSubmatch(w.token)[2])
	leaks := 0
	for _, a := range attempts(w) {
		if strings.HasPrefix(a.name, "watch") && strings.Contains(a.name, "its own") { // there may be nothing to wait for
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if seen, err := a.try(ctx, service.ActiveConnection()); err == nil && a.service == refused && len(seen) > 0 {
			leaks++
		}
		cancel()
	}
	if leaks < 50 {
		t.Errorf("a role that is too wide shows in %d attempts only", leaks)
	}
}
