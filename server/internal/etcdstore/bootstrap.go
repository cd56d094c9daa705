package etcdstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// The users of etcd that are no service's. Root is etcd's own. The control server has
// the role root too: etcd has no lesser right to manage users. The shared server reads
// all entries and all schemas.
const (
	rootUser    = "root"
	ControlUser = "config-service-control"
	SharedUser  = "config-service-shared"
)

// rootRole is etcd's own: it permits everything.
const rootRole = "root"

// Password is where the password of a user of etcd is kept.
type Password struct {
	// Name is what messages call it.
	Name string
	// Read returns the password; fs.ErrNotExist is in the error when there is none yet.
	Read func() (string, error)
	// Make makes one, and returns when it is kept safely.
	Make func() (string, error)
}

// BootstrapConfig is what Bootstrap needs. Fields are required unless they say otherwise.
type BootstrapConfig struct {
	Endpoints     []string
	TLS           *tls.Config // nil: plaintext
	Root, Control Password
	Shared        *Password // nil: no such user
	ResetControl  bool      // the password of the control user is set anew when it is another
	AllowOld      bool      // releases of etcd with known holes will do
	Say           func(line string)
	Now           func() time.Time
}

// bootstrap is one run of Bootstrap. One goroutine owns it.
type bootstrap struct {
	BootstrapConfig
	step     func(string)
	findings []string
}

// Bootstrap makes of a fresh etcd one that keeps services apart, or completes what an
// earlier run has begun. It says every step, and returns what is better changed. An error
// means that the store is not protected.
func Bootstrap(ctx context.Context, cfg BootstrapConfig) (findings []string, err error) {
	return (&bootstrap{BootstrapConfig: cfg, step: func(string) {}}).run(ctx)
}

func (b *bootstrap) run(ctx context.Context) ([]string, error) {
	anyone, closeAnyone, err := b.open(ctx, Access{TLS: b.TLS})
	if err != nil {
		return nil, err
	}
	defer closeAnyone()
	on, err := b.isOn(ctx, anyone.client)
	if err != nil {
		return nil, err
	}
	password, err := b.rootPassword(on)
	if err != nil {
		return nil, err
	}
	if !on {
		if err := b.turnOn(ctx, anyone, password); err != nil {
			return nil, err
		}
	} else {
		b.Say("authentication: was on already")
	}
	root, closeRoot, err := b.open(ctx, Access{TLS: b.TLS, User: rootUser, Password: password})
	if errors.Is(err, rpctypes.ErrAuthFailed) {
		return nil, fmt.Errorf("etcd does not take the password in %s for its user root; accepted: the file with the right one", b.Root.Name)
	}
	if err != nil {
		return nil, err
	}
	defer closeRoot()
	if on {
		if err := b.release(ctx, root.client); err != nil {
			return nil, err
		}
	}
	if err := b.accounts(ctx, root); err != nil {
		return nil, err
	}
	if err := b.proveClosed(ctx, anyone.client); err != nil {
		return nil, err
	}
	b.look(ctx, root.client, password)
	return b.findings, nil
}

// open connects. A call says at once why there is no connection.
func (b *bootstrap) open(ctx context.Context, access Access) (*registryStore, func(), error) {
	client, end, err := dialAll(ctx, b.Endpoints, access, grpc.WithChainUnaryInterceptor(failFast))
	if err != nil {
		return nil, nil, err
	}
	c := &connection{client: client, end: end}
	return &registryStore{Registry: &Registry{step: b.step}, client: client}, c.close, nil
}

// isOn says whether authentication is on. An etcd that refuses to tell has it on.
func (b *bootstrap) isOn(ctx context.Context, client *clientv3.Client) (bool, error) {
	on, err := authenticates(ctx, client)
	switch {
	case err == nil:
		return on, nil
	case errors.Is(err, rpctypes.ErrUserEmpty), codeOf(err) == codes.PermissionDenied, codeOf(err) == codes.Unauthenticated:
		return true, nil
	}
	return false, fmt.Errorf("etcd cannot be reached at %s: %w", b.Endpoints, err)
}

// rootPassword is that of etcd's root. It is made only while nobody needs it yet.
func (b *bootstrap) rootPassword(on bool) (string, error) {
	password, err := b.Root.Read()
	switch {
	case !isMissing(err):
		return password, err
	case on:
		return "", fmt.Errorf("authentication is on in etcd, but %s does not exist; accepted: the file with the password of etcd's root", b.Root.Name)
	}
	return b.make(b.Root)
}

func (b *bootstrap) make(p Password) (string, error) {
	b.step("make " + p.Name)
	password, err := p.Make()
	if err == nil {
		b.Say(p.Name + ": made, with a new password")
	}
	return password, err
}

// turnOn makes root and turns authentication on. Before that anybody may do anything, so
// a root that is there gets this password.
func (b *bootstrap) turnOn(ctx context.Context, s *registryStore, password string) error {
	if err := b.release(ctx, s.client); err != nil {
		return err
	}
	if err := s.ensureUser(ctx, rootUser, password); err != nil {
		return err
	}
	if err := s.grantRole(ctx, rootUser, rootRole); err != nil {
		return err
	}
	b.Say("user root with the role root: done")
	b.step("turn on")
	if err := s.ask(ctx, "turn authentication on", func(ctx context.Context) error {
		_, err := s.client.AuthEnable(ctx)
		return err
	}); err != nil {
		return err
	}
	b.Say("authentication: done; from now on etcd refuses clients without a credential")
	return nil
}

// release refuses an etcd whose permissions have known holes.
func (b *bootstrap) release(ctx context.Context, client *clientv3.Client) error {
	err := newEnough(ctx, client)
	if errors.Is(err, ErrUnsuitable) && b.AllowOld {
		b.findings = append(b.findings, err.Error()+"; it goes on because of --allow-old-etcd, but a service can see what is not its own")
		return nil
	}
	if errors.Is(err, ErrUnsuitable) {
		return fmt.Errorf("%w; --allow-old-etcd goes on all the same", err)
	}
	return err
}

// accounts makes the users of the servers, and their roles.
func (b *bootstrap) accounts(ctx context.Context, s *registryStore) error {
	if err := b.account(ctx, s, ControlUser, b.Control, "--reset-control", b.ResetControl); err != nil {
		return err
	}
	if err := b.role(ctx, s, ControlUser, rootRole); err != nil {
		return err
	}
	if b.Shared == nil {
		return nil
	}
	if err := s.ensureRoleReads(ctx, SharedUser, readOfShared()); err != nil {
		return err
	}
	if err := b.account(ctx, s, SharedUser, *b.Shared, "", false); err != nil {
		return err
	}
	return b.role(ctx, s, SharedUser, SharedUser)
}

// account makes a user, or sees that the one that is there has this password.
func (b *bootstrap) account(ctx context.Context, s *registryStore, user string, p Password, resetFlag string, reset bool) error {
	accepted := "accepted: the file with the right one, or 'etcdctl user delete " + user + "' before this"
	if resetFlag != "" {
		accepted = "accepted: the file with the right one, or " + resetFlag + ", which sets it anew"
	}
	users, err := s.users(ctx, user)
	if err != nil {
		return err
	}
	there := slices.Contains(users, user)
	password, err := p.Read()
	if isMissing(err) {
		if there && !reset {
			return fmt.Errorf("the user %s is in etcd, but %s does not exist; %s", user, p.Name, accepted)
		}
		password, err = b.make(p)
	}
	if err != nil {
		return err
	}
	if there {
		switch err := b.login(ctx, s.client, user, password); {
		case err == nil:
			b.Say("user " + user + ": was there already")
			return nil
		case !errors.Is(err, rpctypes.ErrAuthFailed):
			return err
		case !reset:
			return fmt.Errorf("etcd does not take the password in %s for its user %s; %s", p.Name, user, accepted)
		}
	}
	if err := s.ensureUser(ctx, user, password); err != nil {
		return err
	}
	if there {
		b.Say("user " + user + ": the password was set anew")
	} else {
		b.Say("user " + user + ": done")
	}
	return nil
}

func (b *bootstrap) role(ctx context.Context, s *registryStore, user, role string) error {
	added, err := s.ensureRolesOf(ctx, user, role)
	if err != nil {
		return err
	}
	said := ": was there already"
	if added {
		said = ": done"
	}
	b.Say("role " + role + " of the user " + user + said)
	return nil
}

func (b *bootstrap) login(ctx context.Context, client *clientv3.Client, user, password string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := client.Authenticate(ctx, user, password); err != nil {
		return fmt.Errorf("log in to etcd as %s: %w", user, err)
	}
	return nil
}

// proveClosed reads as anyone could, and must not be let. A client certificate is a
// credential, so with one it proves nothing.
func (b *bootstrap) proveClosed(ctx context.Context, client *clientv3.Client) error {
	if b.TLS != nil && len(b.TLS.Certificates) > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := client.Get(ctx, entriesPrefix, clientv3.WithLimit(1))
	if err == nil {
		return errors.New("the store is not protected: etcd let a client without a credential read")
	}
	if !errors.Is(err, rpctypes.ErrUserEmpty) && codeOf(err) != codes.PermissionDenied {
		return fmt.Errorf("see whether etcd refuses a client without a credential: %w", err)
	}
	b.Say("a client without a credential: is refused")
	return nil
}
