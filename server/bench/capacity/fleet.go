package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

const (
	environment = "production"
	entryBytes  = 100 // of key and value together
	batch       = 100 // writes of one transaction
)

func serviceName(i int) string { return fmt.Sprintf("service-%05d", i) }

func scopeOf(service string) snapshot.ScopeID {
	return snapshot.ScopeID{Namespace: service, Environment: environment}
}

func keyName(i int) string { return fmt.Sprintf("capacity.key.%05d", i) }

// valueOf is a value for a key that differs from write to write.
func valueOf(key string, n int) string {
	text := fmt.Sprintf("%d-", n)
	return `"` + text + strings.Repeat("v", entryBytes-len(key)-len(text)-2) + `"`
}

// fill writes the configuration of all services, and what they share.
func fill(ctx context.Context, store *etcdstore.Raw, o options, sidecars int) error {
	var writes []etcdstore.RawWrite
	flush := func(least int) error {
		if len(writes) < least {
			return nil
		}
		_, _, err := store.Commit(ctx, writes...)
		writes = writes[:0]
		return err
	}
	add := func(scope snapshot.ScopeID, keys int) error {
		for k := range keys {
			writes = append(writes, etcdstore.RawWrite{Scope: scope, Key: keyName(k), Value: valueOf(keyName(k), 0)})
			if err := flush(batch); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(scopeOf("_shared"), o.shared); err != nil {
		return err
	}
	for i := range sidecars {
		if err := add(scopeOf(serviceName(i)), o.keys); err != nil {
			return err
		}
	}
	return flush(1)
}

// sidecar is what a sidecar has towards etcd.
type sidecar struct{ replica *replica.Replica }

// fleet are sidecars that run until stop.
type fleet struct {
	sidecars []sidecar
	stop     func()
}

// startFleet starts sidecars, each of a service of its own.
func startFleet(ctx context.Context, endpoint string, n int) *fleet {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	f := &fleet{stop: func() { cancel(); running.Wait() }}
	metrics := telemetry.NewMetrics("capacity", time.Now) // of all: nobody looks at them
	for i := range n {
		layers := snapshot.LayersOf(scopeOf(serviceName(i)))
		s := sidecar{replica.New(time.Now)}
		source := etcdstore.NewSource(etcdstore.Config{
			Endpoints: []string{endpoint}, Scopes: layers[:], Nudges: s.replica.Nudges(), AuditEvery: time.Hour,
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: metrics, Now: time.Now,
			Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		}, s.replica)
		running.Go(func() { source.Run(ctx) })
		f.sidecars = append(f.sidecars, s)
	}
	return f
}

// reached waits until every sidecar holds, confirmed, what a revision is; and returns how long
// that took for each, in no order. So many first sidecars are meant.
func (f *fleet) reached(ctx context.Context, first int, revision int64, since time.Time) ([]time.Duration, error) {
	took := make([]time.Duration, first)
	errs := make([]error, first)
	var waiting sync.WaitGroup
	for i, s := range f.sidecars[:first] {
		waiting.Go(func() {
			for {
				content, superseded := s.replica.Content()
				if content.Epoch != "" && content.Revision >= revision {
					took[i] = time.Since(since)
					return
				}
				select {
				case <-superseded:
				case <-ctx.Done():
					errs[i] = fmt.Errorf("the sidecar %d does not come to revision %d: %w", i, revision, ctx.Err())
					return
				}
			}
		})
	}
	waiting.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// fresh counts the sidecars that are vouched for.
func (f *fleet) fresh() (n int) {
	for _, s := range f.sidecars {
		if s.replica.Status().Fresh {
			n++
		}
	}
	return n
}
