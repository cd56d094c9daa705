package daemon_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

const own = configv1.Layer_SERVICE_ENVIRONMENT

// kept is an etcd behind a proxy, and a directory that servers keep their last known
// good configuration in.
type kept struct {
	etcd  *servertest.Etcd
	proxy *robust.Proxy
	dir   string
}

func newKept(t *testing.T) *kept {
	t.Helper()
	etcd := servertest.StartEtcd(t)
	proxy, err := robust.NewProxy(strings.TrimPrefix(etcd.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return &kept{etcd, proxy, t.TempDir()}
}

func (k *kept) start(t *testing.T, noWait bool) *servertest.Server {
	t.Helper()
	return servertest.Start(t, servertest.Options{Etcd: k.etcd, NoWait: noWait, Settings: map[string]string{
		"ETCD_ENDPOINTS": k.proxy.Addr(), "CONFIG_CACHE_DIR": k.dir,
	}})
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// next receives messages until one fits.
func next(t *testing.T, stream configv1.ConfigService_WatchClient, what string, fits func(*configv1.WatchResponse) bool) *configv1.WatchResponse {
	t.Helper()
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		if fits(m) {
			return m
		}
	}
}

func live(m *configv1.WatchResponse) bool { return m.GetState().GetSource() == configv1.State_LIVE }

func TestAServerStartsFromDiskWhileTheStoreIsAway(t *testing.T) {
	k, ctx := newKept(t), patient(t)
	first := k.start(t, false)
	last := first.Set(t, own, "a", `{"b": [1, null]}`)
	before, err := first.Client(t).List(ctx, &configv1.ListRequest{MinRevision: last})
	if err != nil {
		t.Fatal(err)
	}
	first.Stop(t) // saves

	k.proxy.Part()
	second := k.start(t, false)
	got, err := second.Client(t).List(ctx, &configv1.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	st := got.GetState()
	if st.GetSource() != configv1.State_DISK || st.GetFreshness() != configv1.State_STALE {
		t.Errorf("from disk: %v", st)
	}
	if st.GetEpoch() != before.GetState().GetEpoch() || st.GetRevision() != before.GetState().GetRevision() || st.GetVerifiedTime() == nil {
		t.Errorf("from disk: %v, saved %v", st, before.GetState())
	}
	if len(got.GetEntries()) != 1 || got.GetEntries()[0].String() != before.GetEntries()[0].String() {
		t.Errorf("from disk: %v, saved %v", got.GetEntries(), before.GetEntries())
	}
	until(ctx, t, "readiness with the configuration from disk", func() bool { return ready(t, second) })

	// A stream that began on disk goes on when the store is back: the same epoch.
	stream, err := second.Client(t).Watch(ctx, &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	next(t, stream, "the snapshot from disk", func(m *configv1.WatchResponse) bool { return m.GetSnapshot() != nil && !live(m) })
	second.Set(t, own, "c", `1`)
	k.proxy.Join()
	m := next(t, stream, "the change made meanwhile", live)
	if d := m.GetDelta(); m.GetState().GetEpoch() != st.GetEpoch() || len(d.GetEntries()) != 1 || d.GetEntries()[0].GetKey() != "c" {
		t.Errorf("when the store is back: %v", m)
	}
}

func TestWhoWasAheadOfTheDiskWaits(t *testing.T) {
	k, ctx := newKept(t), patient(t)
	first := k.start(t, false)
	first.Stop(t)
	ahead := k.etcd.Commit(t, servertest.Write{Namespace: "payment-service", Environment: "development", Layer: own, Key: "a", JSON: "1"})
	k.proxy.Part()
	second := k.start(t, false)
	got, err := second.Client(t).List(ctx, &configv1.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := second.Client(t).Watch(ctx, &configv1.WatchRequest{Resume: &configv1.ResumePoint{Epoch: got.GetState().GetEpoch(), Revision: ahead}})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("a client that has seen more got %v, %v; want NOT_READY", m, err)
	}
}

func TestWithoutDiskAndStoreThereIsNoConfiguration(t *testing.T) {
	k, ctx := newKept(t), patient(t)
	k.proxy.Part()
	server := k.start(t, true)
	_, err := server.Client(t).List(ctx, &configv1.ListRequest{})
	if reason(err) != configv1.ErrorReason_NOT_READY.String() {
		t.Errorf("List answers %v; want NOT_READY", err)
	}
	if ready(t, server) {
		t.Error("ready without a configuration")
	}
}

// What is on disk and may not be used is as good as nothing, and does not stop the start.
func TestADamagedCacheIsRefusedAndReplaced(t *testing.T) {
	k, ctx := newKept(t), patient(t)
	first := k.start(t, false)
	last := first.Set(t, own, "a", "1")
	if _, err := first.Client(t).Get(ctx, &configv1.GetRequest{Key: "a", MinRevision: last}); err != nil {
		t.Fatal(err)
	}
	first.Stop(t)
	files, err := filepath.Glob(filepath.Join(k.dir, "development.payment-service", "last-known-good.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.proxy.Part()
	second := k.start(t, true)
	if _, err := second.Client(t).Get(ctx, &configv1.GetRequest{Key: "a"}); reason(err) != configv1.ErrorReason_NOT_READY.String() {
		t.Errorf("Get on a damaged cache: %v; want NOT_READY", err)
	}
	k.proxy.Join()
	until(ctx, t, "a configuration from the store", func() bool {
		_, err := second.Client(t).Get(ctx, &configv1.GetRequest{Key: "a"})
		return err == nil
	})
	second.Stop(t)
	k.proxy.Part()
	third := k.start(t, false)
	if _, err := third.Client(t).Get(ctx, &configv1.GetRequest{Key: "a"}); err != nil {
		t.Errorf("after the damage was replaced: %v", err)
	}
}

func reason(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func ready(t *testing.T, s *servertest.Server) bool {
	t.Helper()
	resp, err := http.Get(s.Ops + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func until(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}
