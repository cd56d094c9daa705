package daemon_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/servertest"
)

func putSchema(t *testing.T, etcd *servertest.Etcd, namespace, text string) {
	t.Helper()
	cfg := clientv3.Config{Endpoints: []string{etcd.Endpoint}, DialTimeout: patience, Logger: zap.NewNop()}
	if etcd.RootPassword() != "" {
		cfg.Username, cfg.Password = "root", etcd.RootPassword()
	}
	c, err := clientv3.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Put(t.Context(), "/config-service/v1/schemas/"+namespace, `{"schema":`+text+`}`); err != nil {
		t.Fatal(err)
	}
}

func missingKeys(t *testing.T, s *servertest.Server) float64 {
	t.Helper()
	return families(t, s)["configservice_required_keys_missing"].GetMetric()[0].GetGauge().GetValue()
}

// Operators are told which required keys are missing, and the server is ready all the same.
func TestMissingRequiredKeysAreShown(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	putSchema(t, etcd, "payment-service", `{"required":["a","b"]}`)
	var log record
	s := servertest.Start(t, servertest.Options{Etcd: etcd, Log: telemetry.NewLogger(&log, "info", "json")})
	readyz := func() string { return get(t, s.Ops+"/readyz") }
	becomes(t, "/readyz", `^ready\n(?s:.*)\nmissing_required_keys: a, b\n$`, readyz)
	if n := missingKeys(t, s); n != 2 {
		t.Errorf("the metric says %v", n)
	}
	s.Set(t, configv1.Layer_SERVICE_ENVIRONMENT, "a", `1`)
	becomes(t, "/readyz", `\nmissing_required_keys: b\n$`, readyz)
	s.Set(t, configv1.Layer_SERVICE_ENVIRONMENT, "b", `1`)
	becomes(t, "/readyz", `\nrevision: \d+\n$`, readyz)
	if n := missingKeys(t, s); n != 0 {
		t.Errorf("the metric says %v", n)
	}
	if n := strings.Count(log.String(), "service's schema requires are missing"); n != 2 {
		t.Errorf("missing keys were logged %d times, want once for each change", n)
	}
	if !strings.Contains(log.String(), `"keys":"a, b"`) || !strings.Contains(log.String(), `"keys":"b"`) {
		t.Error("the keys are not named")
	}
}

// With a role of an earlier version a sidecar cannot read its schema: it says that it does not
// know, and nothing else.
func TestASidecarWhoseRoleIsOldDoesNotKnowItsSchema(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	etcd.Protect(t)
	putSchema(t, etcd, "payment-service", `{"required":["a"]}`)
	ctx := within(t)
	root, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd.Endpoint}, Username: "root", Password: etcd.RootPassword(), DialTimeout: patience, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const base, schema = "/config-service/v1/", "/config-service/v1/schemas/payment-service"
	permit := func(key, end string) {
		t.Helper()
		if _, err := root.RoleGrantPermission(ctx, "pay", key, end, clientv3.PermissionType(clientv3.PermRead)); err != nil {
			t.Fatal(err)
		}
	}
	_, madeRole := root.RoleAdd(ctx, "pay")
	_, madeUser := root.UserAdd(ctx, "payment-service", "password")
	_, granted := root.UserGrantRole(ctx, "payment-service", "pay")
	if err := errors.Join(madeRole, madeUser, granted); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{"development/payment-service", "_all/payment-service", "development/_shared", "_all/_shared"} {
		permit(base+"entries/"+scope+"/", base+"entries/"+scope+"0")
	}
	permit(schema, "")
	begin := func(log *record) *servertest.Server {
		return servertest.Start(t, servertest.Options{Etcd: etcd, Log: telemetry.NewLogger(log, "info", "json"), Settings: map[string]string{"AUTH_TOKEN_FILE": file(t, t.TempDir(), "token", "password")}})
	}
	var log record
	s := begin(&log)
	becomes(t, "the status", "KNOWN.*a", func() string { return get(t, s.URL+"/v1/status") })
	if _, err := root.RoleRevokePermission(ctx, "pay", schema, ""); err != nil {
		t.Fatal(err)
	}
	var second record
	old := begin(&second)
	old.Set(t, configv1.Layer_SERVICE_ENVIRONMENT, "x", `1`)
	becomes(t, "the value", "1", func() string { return get(t, old.URL+"/v1/config/x") })
	if got := get(t, old.URL+"/v1/status"); !strings.Contains(got, `"schema":"UNKNOWN"`) {
		t.Errorf("the status is %s", got)
	}
	if n := missingKeys(t, old); !math.IsNaN(n) {
		t.Errorf("the metric says %v", n)
	}
	for line := range strings.Lines(second.String()) {
		if strings.Contains(line, "schema") || strings.Contains(line, "ERROR") {
			t.Errorf("it is logged: %s", line)
		}
	}
}
