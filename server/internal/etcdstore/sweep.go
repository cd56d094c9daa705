package etcdstore

import (
	"context"
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	// sweepEvery is how often tokens whose time has come are looked for.
	sweepEvery = 15 * time.Second
	// abandonedAfter is when whoever was making a token, or deleting a service, is taken
	// to have died: each of the calls that takes is bounded by seconds.
	abandonedAfter = 5 * time.Minute
)

// Run ends tokens whose time has come, and finishes what others left half done, until ctx
// ends. Any number of processes may do so.
func (r *Registry) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		err := r.sweep(ctx)
		if r.cfg.Swept != nil && ctx.Err() == nil {
			r.cfg.Swept(err)
		}
		if err != nil && ctx.Err() == nil {
			if skipped, say := r.warned.Pass(); say {
				r.cfg.Log.Warn("tokens whose time has come could not be ended; it is tried again", "error", err, "more_since_last", skipped)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// sweep goes through all records once. One that fails keeps the others waiting for the
// next time only if the store does not answer at all. A store that cannot keep services apart
// has none, as a rule, and then nothing is due.
func (r *Registry) sweep(ctx context.Context) error {
	s, release, err := r.connect(ctx, true)
	if errors.Is(err, ErrUnsuitable) && r.hasNone(ctx) {
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	failed := s.grantOnce(ctx, SharedUser, readOfShared())
	err = s.eachRecord(ctx, func(id snapshot.ScopeID, rec *record) error {
		if err := s.settle(ctx, id, rec); err != nil {
			failed = err
		}
		if rec.Deleting == nil && len(rec.inUse(s.cfg.Now())) > 0 {
			if err := s.grantOnce(ctx, roleName(id), readOf(id)); err != nil {
				failed = err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return failed
}

// hasNone says whether there is no service for sure.
func (r *Registry) hasNone(ctx context.Context) bool {
	s, release, err := r.connect(ctx, false)
	if err != nil {
		return false
	}
	defer release()
	records := below(servicesPrefix)
	first, err := s.get(ctx, records.start, clientv3.WithRange(records.end), clientv3.WithLimit(1), clientv3.WithKeysOnly())
	return err == nil && len(first.Kvs) == 0
}

// grantOnce completes a role that an earlier version made, once in the life of this process:
// whoever makes one now gives it all.
func (s *registryStore) grantOnce(ctx context.Context, role string, ranges []keyRange) error {
	if _, done := s.completed.Load(role); done {
		return nil
	}
	lacked, err := s.completeRole(ctx, role, ranges)
	if err != nil {
		return err
	}
	s.completed.Store(role, nil)
	if lacked {
		s.cfg.Log.Info("a role of etcd was given what it lacked", "role", role)
	}
	return nil
}

// settle brings a record to where nothing is due.
func (s *registryStore) settle(ctx context.Context, id snapshot.ScopeID, rec *record) error {
	now := s.cfg.Now()
	if d := rec.Deleting; d != nil {
		if now.Sub(d.Since) < abandonedAfter {
			return nil
		}
		keys, err := s.erase(ctx, id)
		if err == nil {
			s.cfg.Log.Info("finished the deletion of a service that was interrupted", "namespace", id.Namespace, "environment", id.Environment, "keys", keys)
		}
		return err
	}
	due := func(t *tokenRecord) bool {
		return t.State == ending || (t.State == active && t.expired(now)) || (t.State == creating && now.Sub(t.Created) >= abandonedAfter)
	}
	before := rec.clone()
	before.end(due)
	ended := before.are(ending)
	if len(ended) == 0 {
		return nil
	}
	rec, err := s.update(ctx, id, func(rec *record) error {
		if rec.Deleting == nil {
			rec.end(due)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := s.finish(ctx, id, rec); err != nil {
		return err
	}
	s.cfg.Log.Info("tokens have ended", "namespace", id.Namespace, "environment", id.Environment, "tokens", ended)
	return nil
}
