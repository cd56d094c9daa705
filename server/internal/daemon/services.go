package daemon

import (
	"context"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/service"
)

// registerServices registers on gRPC what the role serves beside ConfigService, and
// returns it for REST. What is not registered cannot be attacked: admin is nil in every
// role but control.
func (d *Daemon) registerServices(reads *service.Service) (access configv1.AccessServiceServer, admin adminv1.ConfigAdminServiceServer) {
	access = service.NewAccess(d.settings.Role, d.decider())
	configv1.RegisterAccessServiceServer(d.grpc, access)
	if d.registry == nil {
		return access, nil
	}
	admin = service.NewAdmin(d.registry, d.history, reads, d.decider(), d.policyNow)
	adminv1.RegisterConfigAdminServiceServer(endpoint.Early(d.grpc, d.knows), admin)
	return access, admin
}

// knows says whether the evidence of a call stands for somebody. Of nobody a large request is
// not read.
func (d *Daemon) knows(ctx context.Context) bool {
	_, err := d.chain.Identify.Identify(ctx)
	return err == nil
}
