package daemon

import (
	"github.com/config-service/config-service/server/internal/identity"
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
		return d.ownScope
	}
	return policy.By(func() *policy.Policy { return nil })
}

// ownScope lets callers read their own scope where it is the sidecar's: it holds no
// other, but for layers that are shared with others, which would be a wrong answer.
func (d *Daemon) ownScope(id *identity.Identity, a policy.Action, namespace, environment string) (policy.Grant, error) {
	g, err := policy.Sidecar(id, a, namespace, environment)
	if err == nil && a == policy.Read && (g.Namespace() != d.settings.ServiceName || g.Environment() != d.settings.Environment) {
		return policy.Grant{}, policy.ErrDenied
	}
	return g, err
}
