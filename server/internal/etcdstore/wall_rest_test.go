package etcdstore_test

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

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
