package daemon

import (
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/identity"
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

// identifier tells who calls.
func (d *Daemon) identifier() endpoint.Identifier {
	return identity.Pin(d.settings.ServiceName, d.settings.Environment)
}
