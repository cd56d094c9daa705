package daemon

import (
	"github.com/config-service/config-service/deploy"
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

// template is what the template of a sidecar is filled in with; nil: it is not served.
func (d *Daemon) template() *deploy.Compose {
	if d.settings.Role != settings.RoleControl {
		return nil
	}
	return &deploy.Compose{Image: d.settings.TemplateImage, EtcdEndpoints: d.settings.TemplateEtcdEndpoints}
}
