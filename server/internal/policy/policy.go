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
	// Inspect methods read scopes that the request or the handler names, and none of the
	// caller's own by default. Their grant is one to Read, and open where nothing is named.
	Inspect
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
	case Inspect:
		return "read"
	}
	return "unknown"
}

// methods is the one table of what each method does. A method without a row is
// denied.
var methods = map[string]Action{
	"/configservice.v1.ConfigService/Get":       Read,
	"/configservice.v1.ConfigService/List":      Read,
	"/configservice.v1.ConfigService/Watch":     Read,
	"/configservice.v1.ConfigService/Explain":   Read,
	"/configservice.v1.ConfigService/GetStatus": Read,

	"/configservice.v1.AccessService/WhoAmI": Self,
	"/configservice.v1.AccessService/CanI":   Self,

	"/configservice.admin.v1.ConfigAdminService/RegisterService": Administer,
	"/configservice.admin.v1.ConfigAdminService/RotateToken":     Administer,
	"/configservice.admin.v1.ConfigAdminService/RevokeService":   Administer,
	"/configservice.admin.v1.ConfigAdminService/ListServices":    Administer,
	"/configservice.admin.v1.ConfigAdminService/DeleteService":   Administer,

	"/configservice.admin.v1.ConfigAdminService/Commit":         Write,
	"/configservice.admin.v1.ConfigAdminService/Rollback":       Write,
	"/configservice.admin.v1.ConfigAdminService/ListVersions":   Inspect,
	"/configservice.admin.v1.ConfigAdminService/GetVersion":     Inspect,
	"/configservice.admin.v1.ConfigAdminService/Diff":           Inspect,
	"/configservice.admin.v1.ConfigAdminService/GetScope":       Inspect,
	"/configservice.admin.v1.ConfigAdminService/ListNamespaces": Inspect,
	"/configservice.admin.v1.ConfigAdminService/WatchHeads":     Inspect,
	"/configservice.admin.v1.ConfigAdminService/Search":         Inspect,
	"/configservice.admin.v1.ConfigAdminService/PutSchema":      Write,
	"/configservice.admin.v1.ConfigAdminService/GetSchema":      Inspect,
	"/configservice.admin.v1.ConfigAdminService/DeleteSchema":   Write,

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
// namespace or environment means the caller's own; for Administer, Write and Inspect it
// leaves the grant open.
type Authorizer func(id *identity.Identity, a Action, namespace, environment string) (Grant, error)

// Decider says whether a caller may do something in a scope, and why in words for people.
type Decider func(id *identity.Identity, a Action, namespace, environment string) (because string, ok bool)

// Everywhere decides by the policy that is current.
func Everywhere(current func() *Policy) Decider {
	return func(id *identity.Identity, a Action, namespace, environment string) (string, bool) {
		return current().Allows(id, a, namespace, environment)
	}
}

// Only decides for a sidecar: there is one scope, and nothing but reading.
func Only(namespace, environment string, current func() *Policy) Decider {
	return func(id *identity.Identity, a Action, ns, env string) (string, bool) {
		switch {
		case a != Read:
			return "a sidecar lets nobody do more than read", false
		case ns != namespace || env != environment:
			return "a sidecar has the configuration of its own service in its own environment only", false
		}
		return current().Allows(id, a, ns, env)
	}
}

// By returns what authorizes by the policy that is current.
func By(current func() *Policy) Authorizer {
	decide := Everywhere(current)
	var authorize Authorizer
	authorize = func(id *identity.Identity, a Action, namespace, environment string) (Grant, error) {
		open := namespace == "" || environment == ""
		switch {
		case id == nil:
			return Grant{}, ErrDenied
		case a == Inspect && open: // whatever is read under it, In is asked for
			return Grant{holder: id, action: Read, namespace: namespace, environment: environment, authorize: &authorize}, nil
		case a == Inspect:
			return closed(decide, id, Read, namespace, environment)
		case a == Read && open, a == Self:
			return owned(decide, id, a, namespace, environment)
		case !open:
			return closed(decide, id, a, namespace, environment)
		case a != Write && a != Administer, !current().somewhere(id, a, namespace, environment):
			return Grant{}, ErrDenied
		}
		return Grant{holder: id, action: a, namespace: namespace, environment: environment, authorize: &authorize}, nil
	}
	return authorize
}

// In returns what authorizes in a sidecar, for its one scope: who may read it by the
// policy that is current, and nobody anything more.
func In(namespace, environment string, current func() *Policy) Authorizer {
	decide := Only(namespace, environment, current)
	return func(id *identity.Identity, a Action, ns, env string) (Grant, error) {
		if id == nil {
			return Grant{}, ErrDenied
		}
		if id.User != "" { // has no scope of its own: there is no other to mean
			ns, env = orElse(ns, namespace), orElse(env, environment)
		}
		return owned(decide, id, a, ns, env)
	}
}

// Sidecar lets each identity read its own scope and do nothing else.
func Sidecar(id *identity.Identity, a Action, namespace, environment string) (Grant, error) {
	if a != Read && a != Self {
		return Grant{}, ErrDenied
	}
	g, err := owned((*Policy)(nil).Allows, id, a, namespace, environment)
	if err != nil {
		return Grant{}, ErrDenied
	}
	return g, nil
}

// owned grants where what a caller leaves out means its own.
func owned(decide Decider, id *identity.Identity, a Action, namespace, environment string) (Grant, error) {
	if a == Self {
		return Grant{holder: id, action: Self}, nil
	}
	namespace, environment = orElse(namespace, id.Namespace), orElse(environment, id.Environment)
	switch {
	case namespace == "":
		return Grant{}, ErrNoNamespace
	case environment == "":
		return Grant{}, ErrNoEnvironment
	}
	return closed(decide, id, a, namespace, environment)
}

func closed(decide Decider, id *identity.Identity, a Action, namespace, environment string) (Grant, error) {
	if _, ok := decide(id, a, namespace, environment); !ok {
		return Grant{}, ErrDenied
	}
	return Grant{holder: id, action: a, namespace: namespace, environment: environment}, nil
}

func orElse(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
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
