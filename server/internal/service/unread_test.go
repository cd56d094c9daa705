package service_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// A shared server of which etcd's user is of an earlier version cannot read the schemas. Who
// needs them is told so; everybody else is served, and once it may read them, all are.
func TestASharedServerThatMayNotReadTheSchemas(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	etcd.Protect(t)
	etcd.Commit(t, servertest.Write{Namespace: "pay", Environment: "production", Layer: own, Key: "password", JSON: `"canary"`})
	root, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd.Endpoint}, Username: "root", Password: etcd.RootPassword(), DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const user, base = "config-service-shared", "/config-service/v1/"
	ctx := deadline(t)
	_, put := root.Put(ctx, base+"schemas/pay", `{"schema":`+marksPassword+`}`)
	_, role := root.RoleAdd(ctx, user)
	_, permission := root.RoleGrantPermission(ctx, user, base+"entries/", base+"entries0", clientv3.PermissionType(clientv3.PermRead))
	_, account := root.UserAdd(ctx, user, "password")
	_, granted := root.UserGrantRole(ctx, user, user)
	if err := errors.Join(put, role, permission, account, granted); err != nil {
		t.Fatal(err)
	}
	proxy, err := robust.NewProxy(strings.TrimPrefix(etcd.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	m := startMaskedWith(t, etcd, "shared", map[string]string{"ETCD_ENDPOINTS": proxy.Addr(), "AUTH_TOKEN_FILE": "password"})
	request := &configv1.ListRequest{Namespace: "pay", Environment: "production"}
	for _, caller := range []string{"service", "keeper"} {
		if got, err := m.config.List(m.as(ctx, caller), request); err != nil || marked(got.GetEntries()) != "password=canary" {
			t.Errorf("%s gets %v, %v", caller, got, err)
		}
	}
	_, err = m.config.List(m.as(ctx, "reader"), request)
	wantFailure(t, err, codes.Unavailable, "NOT_READY")
	_, err = m.config.Get(m.as(ctx, "reader"), &configv1.GetRequest{Namespace: "pay", Environment: "production", Key: "absent"})
	wantFailure(t, err, codes.Unavailable, "NOT_READY")
	status, err := m.config.GetStatus(m.as(ctx, "reader"), &configv1.GetStatusRequest{Namespace: "pay", Environment: "production"})
	if err != nil || status.GetSchema() != configv1.GetStatusResponse_UNKNOWN || status.GetState() == nil {
		t.Errorf("the status is %v, %v", status, err)
	}
	if _, err := root.RoleGrantPermission(ctx, user, base+"schemas/", base+"schemas0", clientv3.PermissionType(clientv3.PermRead)); err != nil {
		t.Fatal(err)
	}
	proxy.Cut() // it looks when it connects, and every minute
	for {
		got, err := m.config.List(m.as(ctx, "reader"), request)
		if err == nil {
			if marked(got.GetEntries()) != "password=***" {
				t.Errorf("the reader gets %v", got)
			}
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("the schemas stay unread: %v", err)
		}
	}
}
