package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// Services of grpc.health.v1, beside "" and that of ConfigService.
const (
	healthLiveness  = "liveness"
	healthReadiness = "readiness"
	healthFreshness = "freshness"
)

// Health is what probes see.
//
//   - liveness: the process turns.
//   - readiness and "": a configuration came from the store; or there is one from disk,
//     and the store failed once or did not answer for a second; or the start has waited
//     long enough for one. Once passed it stays: that the store is gone later is no
//     reason to take the application out of service.
//   - configservice.v1.ConfigService: a configuration is loaded; calls are answered.
//   - freshness: what is served is FRESH.
//
// All but liveness end when the server stops.
type Health struct {
	grpc *health.Server
	said atomic.Pointer[string] // why not ready; nil when ready

	copied  func() telemetry.Copy
	missing func() string // required keys; nil or empty: none
	now     func() time.Time
	log     *slog.Logger

	mu      sync.Mutex // guards stopped, and each change as a whole
	stopped bool
}

func newHealth(copied func() telemetry.Copy, now func() time.Time, log *slog.Logger) *Health {
	h := &Health{grpc: health.NewServer(), copied: copied, now: now, log: log}
	h.grpc.SetServingStatus(healthLiveness, healthpb.HealthCheckResponse_SERVING)
	h.notReady("no configuration is loaded yet")
	h.set(healthpb.HealthCheckResponse_NOT_SERVING, configv1.ConfigService_ServiceDesc.ServiceName, healthFreshness)
	return h
}

func (h *Health) notReady(why string) {
	h.said.Store(&why)
	h.set(healthpb.HealthCheckResponse_NOT_SERVING, "", healthReadiness)
}

// ready says so. A server that stops stays not ready.
func (h *Health) ready() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.said.Store(nil)
		h.set(healthpb.HealthCheckResponse_SERVING, "", healthReadiness)
	}
}

// answers says that calls are answered.
func (h *Health) answers() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.set(healthpb.HealthCheckResponse_SERVING, configv1.ConfigService_ServiceDesc.ServiceName)
	}
}

func (h *Health) set(s healthpb.HealthCheckResponse_ServingStatus, services ...string) {
	for _, name := range services {
		h.grpc.SetServingStatus(name, s)
	}
}

// storeFirst is how long the start prefers the store to what is on disk.
const storeFirst = time.Second

// starting is what happens at a start. Each channel is closed when it has.
type starting struct {
	loaded <-chan struct{} // a configuration is in, from the store or from disk
	live   <-chan struct{} // one from the store is in
	failed <-chan struct{} // the store could not be followed
}

// follow makes the server ready; after wait (0: never) without a configuration. It
// returns when there is nothing left to say, or when ctx ends.
func (h *Health) follow(ctx context.Context, s starting, wait time.Duration) {
	var enough, late <-chan time.Time
	if wait > 0 {
		enough = time.After(wait)
	}
	var failed <-chan struct{} // counts from when there is a configuration
	for {
		select {
		case <-s.loaded:
			h.answers()
			s.loaded, enough = nil, nil
			select {
			case <-s.live: // it came from the store
			default:
				failed, late = s.failed, time.After(storeFirst)
				continue
			}
		case <-s.live:
			h.answers()
		case <-failed:
			h.log.Warn("ready with the configuration from disk: the store cannot be followed")
		case <-late:
			h.log.Warn("ready with the configuration from disk: the store has not answered yet")
		case <-enough:
			h.log.Warn("ready without a configuration, so that a rollout goes on; calls answer NOT_READY", "waited", wait.String())
			h.ready()
			continue
		case <-ctx.Done():
			return
		}
		h.ready()
		return
	}
}

// lookEvery is how long the health of freshness may lag behind the clock. It is asked
// for rather than announced: a copy turns stale by two clocks, one of which goes on
// while a machine sleeps, and no timer follows that one.
const lookEvery = 500 * time.Millisecond

// followFreshness keeps the service freshness true until ctx ends.
func (h *Health) followFreshness(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for fresh, before := false, false; ; {
		if c := h.copied(); c.Fresh != fresh {
			fresh = c.Fresh
			h.fresh(fresh)
			switch age := telemetry.Seconds(h.now(), c.Verified); {
			case !fresh:
				h.log.Warn("what is served is stale: the store has not vouched for it since", "verified_age_seconds", age, "revision", c.Confirmed)
			case before:
				h.log.Info("what is served is fresh again", "verified_age_seconds", age, "revision", c.Confirmed)
			}
			before = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *Health) fresh(is bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if is && !h.stopped {
		status = healthpb.HealthCheckResponse_SERVING
	}
	h.set(status, healthFreshness)
}

// stop says that the server is going away.
func (h *Health) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	why := "stopping"
	h.said.Store(&why)
	h.set(healthpb.HealthCheckResponse_NOT_SERVING, "", healthReadiness, healthFreshness, configv1.ConfigService_ServiceDesc.ServiceName)
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
		_, _ = io.WriteString(w, "not ready: "+*why+"\n"+h.details())
	default:
		_, _ = io.WriteString(w, "ready\n"+h.details())
	}
}

// details are the lines of /readyz after the first, for people: readiness does not
// depend on them.
func (h *Health) details() string {
	c := h.copied()
	freshness, age := "stale", "never"
	if c.Fresh {
		freshness = "fresh"
	}
	if s := telemetry.Seconds(h.now(), c.Verified); !math.IsInf(s, 1) {
		age = strconv.FormatFloat(s, 'f', 1, 64)
	}
	lines := fmt.Sprintf("freshness: %s\nsource: %s\nverified_age_seconds: %s\nrevision: %d\n", freshness, c.Source(), age, c.Confirmed)
	if h.missing != nil {
		if keys := h.missing(); keys != "" {
			lines += "missing_required_keys: " + keys + "\n"
		}
	}
	return lines
}
