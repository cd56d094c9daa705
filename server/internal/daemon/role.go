package daemon

import (
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// scopes are what a sidecar reads of the store: the layers of its own scope. The other
// roles read everything.
func (d *Daemon) scopes() []snapshot.ScopeID {
	if d.settings.Role != settings.RoleSidecar {
		return nil
	}
	layers := snapshot.LayersOf(d.settings.Scope())
	return layers[:]
}

// authorizer tells what a caller may do.
func (d *Daemon) authorizer() policy.Authorizer {
	if d.settings.Role == settings.RoleSidecar {
		return policy.Sidecar
	}
	return policy.By(func() *policy.Policy { return nil })
}
