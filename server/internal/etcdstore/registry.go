package etcdstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// Errors of a Registry, beside policy.ErrDenied for a grant that does not permit it. Any
// other error means that the store did not do it, or that it is not known whether it did.
var (
	ErrRegistered    = errors.New("the service has a token that is in use")
	ErrNotRegistered = errors.New("the service is not registered")
	ErrDeleting      = errors.New("the service is being deleted")
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
	Rand   io.Reader // of cryptographic quality: secrets are made of it
}

// Registry keeps the services: who may read which part of the store, as users and roles
// of etcd, and a record of each. Its methods are safe for concurrent use, also from
// several processes.
//
// The record and the users are not changed by one transaction. So the record comes first:
// it says which token is about to be made or to end, then etcd's users follow, then the
// record says that it is done. Whoever crashes in between leaves a record from which the
// next call, or Run, goes on.
type Registry struct {
	cfg    RegistryConfig
	stores stores
	warned *telemetry.Rarely
	step   func(string) // called before each change of the store; for tests

	completed sync.Map // roles that were looked at, by name
}

// NewRegistry returns a Registry. It does not touch the store yet. Close ends it.
func NewRegistry(cfg RegistryConfig) *Registry {
	r := &Registry{cfg: cfg, warned: telemetry.NewRarely(logEvery, cfg.Now), step: func(string) {}}
	r.stores.init(cfg)
	return r
}

// Close waits for the calls that are under way, and closes the connections.
func (r *Registry) Close() { r.stores.close() }

// Register makes the granted scope a service with a first token.
func (r *Registry) Register(ctx context.Context, g policy.Grant) (Service, string, error) {
	s, release, err := r.open(ctx, g, true)
	if err != nil {
		return Service{}, "", err
	}
	defer release()
	return s.issue(ctx, g, false, 0)
}

// Rotate makes another token, and lets those before it end after overlap. A service of
// which no token is in use is not registered.
func (r *Registry) Rotate(ctx context.Context, g policy.Grant, overlap time.Duration) (Service, string, error) {
	s, release, err := r.open(ctx, g, true)
	if err != nil {
		return Service{}, "", err
	}
	defer release()
	return s.issue(ctx, g, true, overlap)
}

// Revoke ends all tokens, and returns the ids of those that were in use.
func (r *Registry) Revoke(ctx context.Context, g policy.Grant) (Service, []string, error) {
	s, release, err := r.open(ctx, g, true)
	if err != nil {
		return Service{}, nil, err
	}
	defer release()
	id := scopeOf(g)
	var ended []string
	rec, err := s.update(ctx, id, func(rec *record) error {
		if rec.absent() || rec.Deleting != nil {
			return ErrNotRegistered
		}
		for _, t := range rec.inUse(s.cfg.Now()) {
			if !slices.Contains(ended, t.ID) {
				ended = append(ended, t.ID)
			}
		}
		rec.end(func(*tokenRecord) bool { return true })
		return nil
	})
	if err != nil {
		return Service{}, nil, err
	}
	if rec, err = s.finish(ctx, id, rec); err != nil {
		return Service{}, nil, err
	}
	return rec.service(id, s.cfg.Now()), ended, nil
}

// List returns the services that the grant, which may be open, lets its holder
// administer, by namespace and then environment.
func (r *Registry) List(ctx context.Context, g policy.Grant) ([]Service, error) {
	s, release, err := r.open(ctx, g, false)
	if err != nil {
		return nil, err
	}
	defer release()
	var services []Service
	err = s.eachRecord(ctx, func(id snapshot.ScopeID, rec *record) error {
		if rec.Deleting != nil {
			return nil
		}
		switch _, err := g.In(id.Namespace, id.Environment); {
		case errors.Is(err, policy.ErrDenied):
			return nil
		case err != nil:
			return err
		}
		services = append(services, rec.service(id, s.cfg.Now()))
		return nil
	})
	slices.SortFunc(services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.Scope.Namespace, b.Scope.Namespace), cmp.Compare(a.Scope.Environment, b.Scope.Environment))
	})
	return services, err
}

// open returns the store for one call, if the grant permits it. A call that changes
// something finds a store that keeps services apart, or ErrUnsuitable.
func (r *Registry) open(ctx context.Context, g policy.Grant, changes bool) (*registryStore, func(), error) {
	if g.Action() != policy.Administer {
		return nil, nil, policy.ErrDenied
	}
	if changes {
		if err := snapshot.CheckNamespace(g.Namespace()); err != nil {
			return nil, nil, fmt.Errorf("the namespace %w", err)
		}
		if err := snapshot.CheckEnvironment(g.Environment()); err != nil {
			return nil, nil, fmt.Errorf("the environment %w", err)
		}
	}
	return r.connect(ctx, changes)
}

func (r *Registry) connect(ctx context.Context, changes bool) (*registryStore, func(), error) {
	c, release, err := r.stores.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	s := &registryStore{Registry: r, client: c.client}
	if changes {
		if err := r.stores.suit(ctx, c); err != nil {
			release()
			return nil, nil, err
		}
	}
	return s, release, nil
}

func scopeOf(g policy.Grant) snapshot.ScopeID {
	return snapshot.ScopeID{Namespace: g.Namespace(), Environment: g.Environment()}
}
