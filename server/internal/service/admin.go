package service

import (
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
)

// Admin implements ConfigAdminService.
type Admin struct {
	adminv1.UnimplementedConfigAdminServiceServer

	registry *etcdstore.Registry
}

// NewAdmin returns an Admin.
func NewAdmin(r *etcdstore.Registry) *Admin { return &Admin{registry: r} }
