package daemon

import (
	"github.com/config-service/config-service/server/internal/service"
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

// ownSchema is the namespace whose schema a sidecar looks at. The other roles follow all.
func (d *Daemon) ownSchema() string {
	if d.settings.Role != settings.RoleSidecar {
		return ""
	}
	return d.settings.ServiceName
}

// seeing is what ConfigService says of the server, and what it masks: nothing in a sidecar,
// which has nothing but its own service's.
func (d *Daemon) seeing() []service.Option {
	options := []service.Option{service.As(d.version, d.settings.Role)}
	if d.settings.Role != settings.RoleSidecar {
		options = append(options, service.Masking(d.decider()))
	}
	return options
}
