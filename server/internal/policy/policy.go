// Package policy decides who may do what. Its answer is a Grant, which only this
// package can make, and without which no package below the service hands out data.
package policy

import (
	"context"
	"errors"

	"github.com/config-service/config-service/server/internal/identity"
)

// Action is what a method does. The numbers of those that callers can ask about are
// those of the wire.
type Action int32

// The actions.
const (
	// Read methods answer the configuration of one scope.
	Read Action = 1 + iota
	// Write methods change configuration.
	Write
	// Administer methods are about services and their credentials.
	Administer
	// ReadSensitive is no method's: it unmasks what a schema marks as sensitive.
	ReadSensitive
	// Self methods answer a caller about itself.
	Self
	// Public methods carry no configuration and ask for no identity: health and reflection.
	Public
)

func (a Action) String() string {
	switch a {
	case Read:
		return "read"
	case Write:
		return "write"
	case Administer:
		return "administer"
	case ReadSensitive:
		return "read-sensitive"
	case Self:
		return "self"
	case Public:
		return "public"
	}
	return "unknown"
}

// methods is the one table of what each method does. A method without a row is
// denied.
var methods = map[string]Action{
	"/configservice.v1.ConfigService/Get":     Read,
	"/configservice.v1.ConfigService/List":    Read,
	"/configservice.v1.ConfigService/Watch":   Read,
	"/configservice.v1.ConfigService/Explain": Read,

	"/configservice.v1.AccessService/WhoAmI": Self,
	"/configservice.v1.AccessService/CanI":   Self,

	"/configservice.admin.v1.ConfigAdminService/RegisterService": Administer,
	"/configservice.admin.v1.ConfigAdminService/RotateToken":     Administer,
	"/configservice.admin.v1.ConfigAdminService/RevokeService":   Administer,
	"/configservice.admin.v1.ConfigAdminService/ListServices":    Administer,
	"/configservice.admin.v1.ConfigAdminService/DeleteService":   Administer,

	"/grpc.health.v1.Health/Check": Public,
	"/grpc.health.v1.Health/Watch": Public,
	"/grpc.health.v1.Health/List":  Public,

	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      Public,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Public,
}

// ErrDenied is the one refusal: the same whether the scope exists or not.
var ErrDenied = errors.New("not allowed")

// Refusals of requests that name too little.
var (
	ErrNoNamespace   = errors.New("the caller has no namespace of its own")
	ErrNoEnvironment = errors.New("the caller has no environment of its own")
)

// ActionOf returns the action of a full method name, or ErrDenied without a row.
func ActionOf(method string) (Action, error) {
	if a, ok := methods[method]; ok {
		return a, nil
	}
	return 0, ErrDenied
}

// Grant is the permission of a caller to do one thing in one scope; see In for one that
// leaves the scope open. The zero Grant permits nothing.
type Grant struct {
	holder      *identity.Identity
	action      Action
	namespace   string
	environment string
	authorize   *Authorizer // of a grant that is open
}

// Holder is who the grant was given to; nil for the zero Grant.
func (g Grant) Holder() *identity.Identity { return g.holder }

// Action is what the grant permits; 0 for the zero Grant.
func (g Grant) Action() Action { return g.action }

// Namespace is where the grant holds; empty while it is open, and for the zero Grant.
func (g Grant) Namespace() string { return g.namespace }

// Environment is where the grant holds; empty while it is open, and for the zero Grant.
func (g Grant) Environment() string { return g.environment }

// In returns the grant for one scope, of a grant that left its namespace or its
// environment open; ErrDenied when the caller may not do it there. A grant that names
// them holds nowhere else.
func (g Grant) In(namespace, environment string) (Grant, error) {
	switch {
	case g.action == 0 || namespace == "" || environment == "":
		return Grant{}, ErrDenied
	case g.namespace != "" && g.namespace != namespace, g.environment != "" && g.environment != environment:
		return Grant{}, ErrDenied
	case g.authorize == nil:
		return g, nil
	}
	return (*g.authorize)(g.holder, g.action, namespace, environment)
}

// Authorizer decides whether a caller may do something in a scope. For Read an empty
// namespace or environment means the caller's own; for Administer and Write it leaves the
// grant open.
type Authorizer func(id *identity.Identity, a Action, namespace, environment string) (Grant, error)

// Sidecar lets each identity read its own scope and do nothing else.
func Sidecar(id *identity.Identity, a Action, namespace, environment string) (Grant, error) {
	if a == Self {
		return Grant{holder: id, action: Self}, nil
	}
	if namespace == "" {
		namespace = id.Namespace
	}
	if environment == "" {
		environment = id.Environment
	}
	if a != Read || id.Namespace == "" || namespace != id.Namespace || environment != id.Environment {
		return Grant{}, ErrDenied
	}
	return Grant{holder: id, action: a, namespace: namespace, environment: environment}, nil
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
