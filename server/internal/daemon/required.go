package daemon

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// maxNamedKeys is how many missing keys a log line and /readyz name.
const maxNamedKeys = 10

// judgeRest is the least time between two judgements of a sidecar's configuration.
const judgeRest = time.Second

// required is which keys the schema of a sidecar's service requires, and nobody has set. One
// goroutine, of follow, changes it.
type required struct {
	missing atomic.Pointer[[]string] // nil: it is not known
	log     *slog.Logger
}

// count is how many keys are missing; false: it is not known.
func (r *required) count() (int, bool) {
	keys := r.missing.Load()
	if keys == nil {
		return 0, false
	}
	return len(*keys), true
}

// words name the missing keys, or some of them; empty: none that is known.
func (r *required) words() string {
	keys := r.missing.Load()
	if keys == nil {
		return ""
	}
	return named(*keys)
}

func named(keys []string) string {
	if len(keys) > maxNamedKeys {
		return strings.Join(keys[:maxNamedKeys], ", ") + ", ..."
	}
	return strings.Join(keys, ", ")
}

// follow judges a scope's configuration whenever that or its schema changes, until ctx ends.
func (r *required) follow(ctx context.Context, copied *replica.Replica, of snapshot.ScopeID) {
	id := &identity.Identity{Namespace: of.Namespace, Environment: of.Environment}
	g, err := policy.Sidecar(id, policy.Read, of.Namespace, of.Environment)
	if err != nil {
		r.log.Error("which required keys are missing is not looked at", "error", err)
		return
	}
	for {
		v, err := copied.View(g)
		if err == nil {
			r.take(service.Missing(v))
		}
		select {
		case <-v.Superseded:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(judgeRest):
		case <-ctx.Done():
			return
		}
	}
}

// take notes what is missing, and says it when that is news.
func (r *required) take(state configv1.GetStatusResponse_SchemaState, keys []string) {
	before := r.missing.Load()
	if state == configv1.GetStatusResponse_UNKNOWN {
		r.missing.Store(nil)
		return
	}
	r.missing.Store(&keys)
	switch {
	case before == nil && len(keys) == 0, before != nil && slices.Equal(*before, keys):
	case len(keys) == 0:
		r.log.Info("every key that the service's schema requires is there")
	default:
		r.log.Warn("keys that the service's schema requires are missing", "count", len(keys), "keys", named(keys))
	}
}

// watchRequired begins to look at which required keys are missing, where the configuration of
// one service is served.
func (d *Daemon) watchRequired() {
	d.required = &required{log: d.log}
	d.health.missing = d.required.words
	d.metrics.ObserveRequired(d.required.count)
	if d.settings.Role == settings.RoleSidecar {
		d.background = append(d.background, func(ctx context.Context) { d.required.follow(ctx, d.replica, d.settings.Scope()) })
	}
}
