package etcdstore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Errors of a Registry. Any other error means that the store did not answer.
var (
	ErrRegistered    = errors.New("the service has a token that is in use")
	ErrNotRegistered = errors.New("the service is not registered")
	ErrUnsuitable    = errors.New("the store cannot keep services apart")
)

// Service is a registered service. It never changes.
type Service struct {
	Scope     snapshot.ScopeID
	Created   time.Time
	CreatedBy string
	Tokens    []Token // in use, oldest first
}

// Token is a credential of a service, without its secret.
type Token struct {
	ID        string
	Created   time.Time
	CreatedBy string
	Expires   time.Time // zero: not before it is rotated or revoked
}

// RegistryConfig is what a Registry needs.
type RegistryConfig struct {
	Endpoints []string
	// Access is as Config.Access.
	Access func() (Access, <-chan struct{})
	Log    *slog.Logger
	Now    func() time.Time
}

// Registry keeps the services: who may read which part of the store, as users and roles
// of etcd, and a record of each. Its methods are safe for concurrent use, also from
// several processes.
type Registry struct{ cfg RegistryConfig }

// NewRegistry returns a Registry. It does not touch the store yet.
func NewRegistry(cfg RegistryConfig) *Registry { return &Registry{cfg} }

// Register makes the granted scope a service with a first token.
func (r *Registry) Register(ctx context.Context, g policy.Grant) (Service, string, error) {
	return Service{}, "", errors.ErrUnsupported
}

// Rotate makes another token, and lets those before it end after overlap.
func (r *Registry) Rotate(ctx context.Context, g policy.Grant, overlap time.Duration) (Service, string, error) {
	return Service{}, "", errors.ErrUnsupported
}

// Revoke ends all tokens, and returns their ids.
func (r *Registry) Revoke(ctx context.Context, g policy.Grant) (Service, []string, error) {
	return Service{}, nil, errors.ErrUnsupported
}

// List returns the services that the grant, which may be open, lets its holder
// administer, by namespace and then environment.
func (r *Registry) List(ctx context.Context, g policy.Grant) ([]Service, error) {
	return nil, errors.ErrUnsupported
}

// Delete removes all there is of the granted scope; of a grant without an environment,
// of the namespace in every environment.
func (r *Registry) Delete(ctx context.Context, g policy.Grant) (keys, tokens int64, err error) {
	return 0, 0, errors.ErrUnsupported
}

// Run ends tokens whose time has come, until ctx ends. Any number of processes may do so.
func (r *Registry) Run(ctx context.Context) { <-ctx.Done() }
