package service

import (
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/policy"
)

// Access answers callers about themselves.
type Access struct {
	configv1.UnimplementedAccessServiceServer

	role      string
	authorize policy.Authorizer
}

// NewAccess returns an Access for a server of a role.
func NewAccess(role string, authorize policy.Authorizer) *Access {
	return &Access{role: role, authorize: authorize}
}
