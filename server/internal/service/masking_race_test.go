package service_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// flip deletes all there is of pay, its schema included, and puts it back, each in one
// transaction, again and again until the test ends: at no revision is there a value without
// its mark.
func flip(t *testing.T, endpoint string) {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Get(deadline(t), "/config-service/v1/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	var remove, restore []clientv3.Op
	for _, kv := range all.Kvs {
		if strings.Contains(string(kv.Key), "/pay") {
			remove = append(remove, clientv3.OpDelete(string(kv.Key)))
			restore = append(restore, clientv3.OpPut(string(kv.Key), string(kv.Value)))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			_, _ = c.Txn(ctx).Then(remove...).Commit()
			_, _ = c.Txn(ctx).Then(restore...).Commit()
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait(); c.Close() })
}

// A service and its schema go and come while they are read by who may not see what is
// sensitive: every answer has both as they were at one moment.
func TestAValueIsMaskedByTheSchemaOfItsMoment(t *testing.T) {
	t.Parallel()
	m := startMasked(t, nil, "control")
	m.commit(t, "pay", "production", set("password", "canary-1"))
	m.commit(t, "pay", "production", set("password", "canary-2"))
	m.commit(t, "pay", "test", set("password", "canary-3"))
	m.schema(t, marksPassword)
	flip(t, m.Etcd.Endpoint)
	reader, writer := m.as(deadline(t), "reader"), m.as(deadline(t), "writer")
	production, test := &adminv1.DiffRequest_Side{Environment: "production"}, &adminv1.DiffRequest_Side{Environment: "test"}
	first := &adminv1.DiffRequest_Side{Environment: "production", Version: 1}
	dry := in("pay", "production", set("password", "next"))
	dry.DryRun = true
	for name, call := range map[string]func() (proto.Message, error){
		"GetScope": func() (proto.Message, error) {
			return m.admin.GetScope(reader, &adminv1.GetScopeRequest{Namespace: "pay", Environment: "production"})
		},
		"GetVersion": func() (proto.Message, error) {
			return m.admin.GetVersion(reader, &adminv1.GetVersionRequest{Namespace: "pay", Environment: "production"})
		},
		"Diff": func() (proto.Message, error) {
			return m.admin.Diff(reader, &adminv1.DiffRequest{Namespace: "pay", From: production, To: test})
		},
		"Diff of a version": func() (proto.Message, error) {
			return m.admin.Diff(reader, &adminv1.DiffRequest{Namespace: "pay", From: first, To: production})
		},
		"Commit": func() (proto.Message, error) { return m.admin.Commit(writer, dry) },
		"Rollback": func() (proto.Message, error) {
			return m.admin.Rollback(writer, &adminv1.RollbackRequest{Namespace: "pay", Environment: "production", ToVersion: 1, DryRun: true})
		},
	} {
		seen, told := 0, 0 // answers with a value that is masked, or is not
		for i := 0; i < 60 || seen+told == 0; i++ {
			got, err := call()
			if code := status.Code(err); err != nil && code != codes.NotFound && code != codes.InvalidArgument {
				t.Fatalf("%s: %v", name, err)
			}
			switch text := prototext.Format(got); {
			case strings.Contains(text, "canary"):
				told++
			case strings.Contains(text, "masked:"):
				seen++
			}
		}
		if told > 0 {
			t.Errorf("%s: %d answers show the value, %d are masked", name, told, seen)
		}
	}
}
