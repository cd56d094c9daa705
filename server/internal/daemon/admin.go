package daemon

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/settings"
)

// newRegistry returns what keeps the services; nil in other roles than control.
func (d *Daemon) newRegistry() *etcdstore.Registry {
	if d.settings.Role != settings.RoleControl {
		return nil
	}
	return etcdstore.NewRegistry(etcdstore.RegistryConfig{
		Endpoints: d.settings.EtcdEndpoints,
		Access:    storeAccess(d.settings, d.access),
		Log:       d.log,
		Now:       time.Now,
		Swept:     counted(d.metrics.ServiceSweeps),
		Rand:      rand.Reader,
	})
}

// keepServices ends tokens whose time has come until ctx ends, which is after the calls
// of the listeners; then the connections close.
func (d *Daemon) keepServices(ctx context.Context) {
	d.registry.Run(ctx)
	d.registry.Close()
}
