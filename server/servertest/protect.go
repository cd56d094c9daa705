package servertest

import (
	"context"
	"crypto/rand"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
)

// password keeps a password in memory.
func password(name string, kept *string) etcdstore.Password {
	return etcdstore.Password{
		Name: name,
		Read: func() (string, error) {
			if *kept == "" {
				return "", fs.ErrNotExist
			}
			return *kept, nil
		},
		Make: func() (string, error) { *kept = rand.Text(); return *kept, nil },
	}
}

// Protect turns authentication on, as 'config-service bootstrap' does, and makes the
// user of the control server. Commit goes on to work; servers need a credential.
func (e *Etcd) Protect(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	control := etcdstore.Access{TLS: e.options.TLS, User: etcdstore.ControlUser}
	if _, err := etcdstore.Bootstrap(ctx, etcdstore.BootstrapConfig{
		Endpoints: []string{e.Endpoint},
		TLS:       e.options.TLS,
		Root:      password("root", &e.root),
		Control:   password("control", &control.Password),
		Say:       func(string) {},
		Now:       time.Now,
	}); err != nil {
		t.Fatal(err)
	}
	_ = e.raw.Close() // it has no credential
	raw, err := etcdstore.OpenRawAs(e.Endpoint, control)
	if err != nil {
		t.Fatal(err)
	}
	raw.Patience = startTimeout
	e.raw, e.control = raw, control
}

// RootPassword is that of etcd's root, after Protect.
func (e *Etcd) RootPassword() string { return e.root }

// ControlPassword is the content of the AUTH_TOKEN_FILE of a control server, after Protect.
func (e *Etcd) ControlPassword() string { return e.control.Password }

// Registry returns what registers services, as a control server has it, after Protect. It
// does not run.
func (e *Etcd) Registry(t testing.TB) *etcdstore.Registry {
	t.Helper()
	access := e.control
	r := etcdstore.NewRegistry(etcdstore.RegistryConfig{
		Endpoints: []string{e.Endpoint},
		Access:    func() (etcdstore.Access, <-chan struct{}) { return access, nil },
		Log:       slog.New(slog.DiscardHandler),
		Now:       time.Now,
		Rand:      rand.Reader,
	})
	t.Cleanup(r.Close)
	return r
}
