package etcdstore_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/policy"
)

// renewing is an access that a test renews.
type renewing struct {
	mu         sync.Mutex
	access     etcdstore.Access
	superseded chan struct{}
	late       time.Duration // of the clock
}

func (r *renewing) value() (etcdstore.Access, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.access, r.superseded
}

func (r *renewing) renew(user, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.superseded != nil {
		close(r.superseded)
	}
	r.access, r.superseded = etcdstore.Access{User: user, Password: password}, make(chan struct{})
}

func (r *renewing) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.late)
}

// While the store refuses a new credential, what changes it and looks after services goes on
// with the one that last worked. Once the store knows the new one it is taken up.
func TestWritesGoOnWithTheCredentialBefore(t *testing.T) {
	t.Parallel()
	p, ctx := protected(t), within(t)
	access := &renewing{}
	access.renew(etcdstore.ControlUser, p.etcd.ControlPassword())
	log := slog.New(slog.DiscardHandler)
	history := etcdstore.NewHistory(etcdstore.HistoryConfig{Endpoints: []string{p.etcd.Endpoint}, Access: access.value, Keep: 1, Log: log, Now: access.now})
	t.Cleanup(history.Close)
	registry := etcdstore.NewRegistry(etcdstore.RegistryConfig{Endpoints: []string{p.etcd.Endpoint}, Access: access.value, Log: log, Now: access.now, Rand: rand.Reader})
	t.Cleanup(registry.Close)
	works := func(when string) {
		t.Helper()
		if _, err := history.Position(ctx); err != nil {
			t.Errorf("%s: the history: %v", when, err)
		}
		if _, err := registry.List(ctx, grant(t, "alice", policy.Administer, "", "")); err != nil {
			t.Errorf("%s: the registry: %v", when, err)
		}
	}
	works("at first")
	access.renew("next", "secret")
	works("the new one is refused")
	works("the new one was refused")
	_, made := p.root.UserAdd(ctx, "next", "secret")
	_, granted := p.root.UserGrantRole(ctx, "next", "root")
	if err := errors.Join(made, granted); err != nil {
		t.Fatal(err)
	}
	access.mu.Lock()
	access.late = 11 * time.Second
	access.mu.Unlock()
	works("the store knows the new one")
	if _, err := p.root.UserDelete(ctx, etcdstore.ControlUser); err != nil {
		t.Fatal(err)
	}
	works("the one before is gone")
}
