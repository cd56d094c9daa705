package daemon

import (
	"time"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/settings"
)

// registerServices registers on gRPC what the role serves beside ConfigService, and
// returns it for REST. What is not registered cannot be attacked: admin is nil in every
// role but control.
func (d *Daemon) registerServices() (access configv1.AccessServiceServer, admin adminv1.ConfigAdminServiceServer) {
	access = service.NewAccess(d.settings.Role, d.authorizer())
	configv1.RegisterAccessServiceServer(d.grpc, access)
	if d.settings.Role != settings.RoleControl {
		return access, nil
	}
	d.registry = etcdstore.NewRegistry(etcdstore.RegistryConfig{
		Endpoints: d.settings.EtcdEndpoints,
		Access:    d.storeAccess(),
		Log:       d.log,
		Now:       time.Now,
	})
	admin = service.NewAdmin(d.registry)
	adminv1.RegisterConfigAdminServiceServer(d.grpc, admin)
	return access, admin
}
