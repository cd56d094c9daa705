package etcdstore

import (
	"context"
	"time"

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
		if err := r.sweep(ctx); err != nil && ctx.Err() == nil {
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
// next time only if the store does not answer at all.
func (r *Registry) sweep(ctx context.Context) error {
	s, release, err := r.connect(ctx, true)
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
