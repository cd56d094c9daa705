package etcdstore_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/servertest"
)

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
