package daemon

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// Services of grpc.health.v1, beside "" and that of ConfigService.
const (
	healthLiveness  = "liveness"
	healthReadiness = "readiness"
)

// Health is what probes see.
//
//   - liveness: the process turns.
//   - readiness and "": a configuration is loaded, or the start has waited long enough
//     for one. Once passed it stays: that the store is gone later is no reason to take
//     the application out of service.
//   - configservice.v1.ConfigService: a configuration is loaded; calls are answered.
//
// All but liveness end when the server stops.
type Health struct {
	grpc *health.Server
	said atomic.Pointer[string] // why not ready; nil when ready

	log *slog.Logger

	mu      sync.Mutex // guards stopped, and each change as a whole
	stopped bool
}

func newHealth(log *slog.Logger) *Health {
	h := &Health{grpc: health.NewServer(), log: log}
	h.grpc.SetServingStatus(healthLiveness, healthpb.HealthCheckResponse_SERVING)
	h.notReady("no configuration is loaded yet")
	h.grpc.SetServingStatus(configv1.ConfigService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_NOT_SERVING)
	return h
}

func (h *Health) notReady(why string) {
	h.said.Store(&why)
	h.set(healthpb.HealthCheckResponse_NOT_SERVING, "", healthReadiness)
}

// ready says so for the services, and for readiness. A server that stops stays not
// ready.
func (h *Health) ready(services ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return
	}
	h.said.Store(nil)
	h.set(healthpb.HealthCheckResponse_SERVING, append(services, "", healthReadiness)...)
}

func (h *Health) set(s healthpb.HealthCheckResponse_ServingStatus, services ...string) {
	for _, name := range services {
		h.grpc.SetServingStatus(name, s)
	}
}

// follow makes the server ready when a configuration is loaded, or after wait
// (0: never). It returns then, or when ctx ends.
func (h *Health) follow(ctx context.Context, loaded <-chan struct{}, wait time.Duration) {
	var enough <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		enough = t.C
	}
	for {
		select {
		case <-loaded:
			h.ready(configv1.ConfigService_ServiceDesc.ServiceName)
			return
		case <-enough:
			h.log.Warn("ready without a configuration, so that a rollout goes on; calls answer NOT_READY", "waited", wait.String())
			h.ready()
		case <-ctx.Done():
			return
		}
	}
}

// stop says that the server is going away.
func (h *Health) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	why := "stopping"
	h.said.Store(&why)
	h.set(healthpb.HealthCheckResponse_NOT_SERVING, "", healthReadiness, configv1.ConfigService_ServiceDesc.ServiceName)
}

// ServeHTTP answers /healthz and /readyz.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	why := h.said.Load()
	switch {
	case r.URL.Path == "/healthz":
		_, _ = io.WriteString(w, "ok\n")
	case why != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "not ready: "+*why+"\n")
	default:
		_, _ = io.WriteString(w, "ready\n")
	}
}
