package daemon_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// becomes asks again until a text matches, and fails when it does not within patience.
func becomes(t *testing.T, what, pattern string, text func() string) string {
	t.Helper()
	want := regexp.MustCompile(pattern)
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	deadline := time.Now().Add(patience)
	for {
		got := text()
		if want.MatchString(got) {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s stays %q, want %q", what, got, pattern)
		}
		<-pace.C
	}
}

const serving, notServing = healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING

func nextStatus(t *testing.T, stream healthpb.Health_WatchClient) healthpb.HealthCheckResponse_ServingStatus {
	t.Helper()
	m, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return m.GetStatus()
}

// Parted from its store a server stays ready and says that it is stale: everywhere at
// the same time, and not before its last proof is 15 s old.
func TestHealthTellsTheTruthWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	proxy, err := robust.NewProxy(strings.TrimPrefix(etcd.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	s := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{"ETCD_ENDPOINTS": proxy.Addr()}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	health := healthpb.NewHealthClient(s.Conn(t))
	freshness, err := health.Watch(ctx, &healthpb.HealthCheckRequest{Service: "freshness"})
	if err != nil {
		t.Fatal(err)
	}
	for nextStatus(t, freshness) != serving {
	}
	readyz := func() string { return get(t, s.URL+"/readyz") }
	becomes(t, "/readyz", `^ready\nfreshness: fresh\nsource: live\nverified_age_seconds: \d+\.\d\nrevision: \d+\n$`, readyz)

	proxy.Part()
	if got := nextStatus(t, freshness); got != notServing {
		t.Fatalf("freshness becomes %s", got)
	}
	now := time.Now()
	answer, err := s.Client(t).List(ctx, &configv1.ListRequest{})
	if err != nil || answer.GetState().GetFreshness() != configv1.State_STALE {
		t.Errorf("freshness is NOT_SERVING and an answer %v, %v", answer.GetState(), err)
	}
	if age := now.Sub(answer.GetState().GetVerifiedTime().AsTime()); age < 15*time.Second {
		t.Errorf("freshness is NOT_SERVING %s after the last proof, want 15 s", age)
	}
	if text := readyz(); !strings.HasPrefix(text, "ready\nfreshness: stale\nsource: live\n") {
		t.Errorf("/readyz says %q", text)
	}
	for series, want := range map[string]string{"configservice_fresh": "0", "configservice_store_connected": "0", "configservice_loaded": "1"} {
		if got := value(t, s, series); got != want {
			t.Errorf("%s is %s, want %s", series, got, want)
		}
	}
	for service, want := range map[string]healthpb.HealthCheckResponse_ServingStatus{
		"": serving, "liveness": serving, "readiness": serving, "configservice.v1.ConfigService": serving, "freshness": notServing,
	} {
		if got, err := health.Check(ctx, &healthpb.HealthCheckRequest{Service: service}); err != nil || got.GetStatus() != want {
			t.Errorf("%q is %s, %v; want %s", service, got.GetStatus(), err, want)
		}
	}
	if text := get(t, s.Ops+"/healthz"); text != "ok\n" {
		t.Errorf("/healthz says %q", text)
	}

	proxy.Join()
	if got := nextStatus(t, freshness); got != serving {
		t.Errorf("afterwards freshness becomes %s", got)
	}
	becomes(t, "/readyz", "^ready\nfreshness: fresh\n", readyz)
}

func TestHealthBeforeTheFirstConfiguration(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1"}})
	const want = "not ready: no configuration is loaded yet\nfreshness: stale\nsource: none\nverified_age_seconds: never\nrevision: 0\n"
	for _, url := range []string{s.URL, s.Ops} {
		if got := get(t, url+"/readyz"); got != want {
			t.Errorf("/readyz says %q, want %q", got, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	health := healthpb.NewHealthClient(s.Conn(t))
	if got, err := health.Check(ctx, &healthpb.HealthCheckRequest{Service: "freshness"}); err != nil || got.GetStatus() != notServing {
		t.Errorf("freshness is %s, %v", got.GetStatus(), err)
	}
	if _, err := health.Check(ctx, &healthpb.HealthCheckRequest{Service: "nothing"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown service: %v", err)
	}
}

func TestProfilesOnlyByFlag(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	without := servertest.Start(t, servertest.Options{Etcd: etcd})
	with := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{"CONFIG_PPROF": "true"}})
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/pprof/profile?seconds=1", "/debug/pprof/symbol", "/debug/pprof/trace?seconds=1"} {
		for url, want := range map[string]int{without.Ops: http.StatusNotFound, with.Ops: http.StatusOK, with.URL: http.StatusNotFound} {
			resp, err := http.Get(url + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s is %s, want %d", path, resp.Status, want)
			}
		}
	}
}
