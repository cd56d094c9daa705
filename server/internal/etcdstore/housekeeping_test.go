package etcdstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/servertest"
)

// TestNothingIsDueWithoutServices sees that an etcd without authentication is no failure of those
// looks while there is no service, as in a trial; and that it is one when there is.
func TestNothingIsDueWithoutServices(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	turn := func(on bool) {
		_, err := r.root.AuthDisable(ctx)
		if on {
			_, err = r.root.AuthEnable(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.late.Add(int64(6 * time.Minute)) // what was found out before is not believed any more
	}
	turn(false)
	if err := r.Sweep(ctx); err != nil {
		t.Errorf("without authentication and services: %v", err)
	}
	turn(true)
	r.register(t)(admin(t, "pay", "production"))
	turn(false)
	if err := r.Sweep(ctx); !errors.Is(err, etcdstore.ErrUnsuitable) {
		t.Errorf("without authentication, with a service: %v", err)
	}
}

// TestHousekeepingIsTold sees that looks for what is due tell how they ended: on a store
// that answers, and on one that does not.
func TestHousekeepingIsTold(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	etcd.Protect(t)
	access := func() (etcdstore.Access, <-chan struct{}) {
		return etcdstore.Access{User: etcdstore.ControlUser, Password: etcd.ControlPassword()}, nil
	}
	for endpoint, well := range map[string]bool{etcd.Endpoint: true, "http://127.0.0.1:1": false} {
		swept, pruned := make(chan error, 1), make(chan error, 1)
		registry := etcdstore.NewRegistry(etcdstore.RegistryConfig{
			Endpoints: []string{endpoint}, Access: access, Log: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader,
			Swept: func(err error) {
				select {
				case swept <- err:
				default:
				}
			},
		})
		history := etcdstore.NewHistory(etcdstore.HistoryConfig{
			Endpoints: []string{endpoint}, Access: access, Keep: 1, Log: slog.New(slog.DiscardHandler), Now: time.Now, Seed: mathrand.Uint64,
			Pruned: func(err error) { pruned <- err },
		})
		running, stop := context.WithCancel(within(t))
		done := make(chan struct{})
		go func() { defer close(done); registry.Run(running) }()
		if err := <-swept; (err == nil) != well {
			t.Errorf("%s: a sweep is told to have ended with %v", endpoint, err)
		}
		stop()
		<-done
		registry.Close()

		history.Look(within(t))
		if err := <-pruned; (err == nil) != well {
			t.Errorf("%s: a look for old versions is told to have ended with %v", endpoint, err)
		}
		ended, end := context.WithCancel(within(t))
		end()
		history.Look(ended)
		select {
		case err := <-pruned:
			t.Errorf("a look that was ended is told as %v", err)
		default:
		}
		history.Close()
	}
}
