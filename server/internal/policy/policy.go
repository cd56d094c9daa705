// Package policy decides who may do what. Its answer is a Grant, which only this
// package can make, and without which no package below the service hands out data.
package policy

import (
	"context"
	"errors"

	"github.com/config-service/config-service/server/internal/identity"
)

// Action is what a method does.
type Action int

// The actions.
const (
	// Public methods carry no configuration: health and reflection.
	Public Action = 1 + iota
	// Read methods answer the configuration of one scope.
	Read
)

// methods is the one table of what each method does. A method without a row is
// denied.
var methods = map[string]Action{
	"/configservice.v1.ConfigService/Get":     Read,
	"/configservice.v1.ConfigService/List":    Read,
	"/configservice.v1.ConfigService/Watch":   Read,
	"/configservice.v1.ConfigService/Explain": Read,

	"/grpc.health.v1.Health/Check": Public,
	"/grpc.health.v1.Health/Watch": Public,
	"/grpc.health.v1.Health/List":  Public,

	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      Public,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Public,
}

// ErrDenied is the one refusal: the same whether the scope exists or not.
var ErrDenied = errors.New("not allowed")

// ActionOf returns the action of a full method name, or ErrDenied without a row.
func ActionOf(method string) (Action, error) {
	if a, ok := methods[method]; ok {
		return a, nil
	}
	return 0, ErrDenied
}

// Grant is the permission to read one scope. The zero Grant permits nothing.
type Grant struct {
	namespace   string
	environment string
}

// Namespace is what the grant is for; empty for the zero Grant.
func (g Grant) Namespace() string { return g.namespace }

// Environment is what the grant is for; empty for the zero Grant.
func (g Grant) Environment() string { return g.environment }

// Sidecar grants each identity its own scope and nothing else. An empty namespace
// or environment means the identity's own.
func Sidecar(id identity.Identity, namespace, environment string) (Grant, error) {
	if namespace == "" {
		namespace = id.Namespace
	}
	if environment == "" {
		environment = id.Environment
	}
	if namespace != id.Namespace || environment != id.Environment {
		return Grant{}, ErrDenied
	}
	return Grant{namespace, environment}, nil
}

type grantKey struct{}

// WithGrant hands a grant to the handler of the call.
func WithGrant(ctx context.Context, g Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

// GrantOf returns the call's grant; the zero Grant when it was given none.
func GrantOf(ctx context.Context) Grant {
	g, _ := ctx.Value(grantKey{}).(Grant)
	return g
}
