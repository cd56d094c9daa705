// Package identity turns the evidence a call arrives with into an Identity. It is
// the one place that looks at evidence.
package identity

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind is what told who calls. The numbers are those of the wire.
type Kind int32

// The kinds.
const (
	Local Kind = 1 + iota
	Token
	JWT
	Certificate
	UnixUser
)

// String is the kind as metrics and logs have it; none for the zero Kind.
func (k Kind) String() string {
	switch k {
	case Local:
		return "local"
	case Token:
		return "token"
	case JWT:
		return "jwt"
	case Certificate:
		return "certificate"
	case UnixUser:
		return "unix_user"
	}
	return "none"
}

// Identity is who calls: a service, or a user, which is a person or a program that is
// no service. It never changes.
type Identity struct {
	Kind Kind
	// Namespace and Environment are what a service reads when it names none. Empty for a
	// user.
	Namespace   string
	Environment string
	// User names a user. Empty for a service.
	User string
	// Credential tells which token, certificate and so on it was; never a secret.
	Credential string
	// Expires is when the evidence ends to hold; zero: it does not by itself.
	Expires time.Time
}

// Name is the name that rules and audit records know the caller by.
func (id *Identity) Name() string {
	switch {
	case id == nil:
		return ""
	case id.User != "":
		return "user:" + id.User
	}
	return "service:" + id.Namespace + "/" + id.Environment
}

// ErrUnauthenticated is the one refusal of evidence; what is wrapped around it is for
// the log, and never for the caller.
var ErrUnauthenticated = errors.New("no usable credential")

// refused wraps the refusal in the words that the log has for it.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnauthenticated, fmt.Sprintf(format, args...))
}

// Pinned identifies every caller as the one application a sidecar stands beside. Its
// evidence is that the call arrived at all: the listener is on loopback or a Unix
// socket.
type Pinned struct{ id *Identity }

// Pin returns what identifies every caller as a service.
func Pin(namespace, environment string) Pinned {
	return Pinned{&Identity{Kind: Local, Namespace: namespace, Environment: environment}}
}

// Identify returns the pinned identity.
func (p Pinned) Identify(context.Context) (*Identity, error) { return p.id, nil }
