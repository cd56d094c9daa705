package etcdstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// pruneEvery is how often histories are looked through for versions beyond what is kept,
// jittered: any number of processes may do so.
const pruneEvery = 30 * time.Minute

// Run lets go of versions that are beyond what is kept, until ctx ends.
func (h *History) Run(ctx context.Context) {
	for {
		wait := pruneEvery/2 + time.Duration(rand.New(rand.NewPCG(h.cfg.Seed(), h.cfg.Seed())).Int64N(int64(pruneEvery)))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		h.look(ctx)
	}
}

// look prunes, and says how that ended unless ctx did.
func (h *History) look(ctx context.Context) {
	err := h.Prune(ctx)
	if ctx.Err() != nil {
		return
	}
	if h.cfg.Pruned != nil {
		h.cfg.Pruned(err)
	}
	if err != nil {
		h.cfg.Log.Warn("old versions stay for now", "error", err)
	}
}

// Prune lets go of versions that are beyond what is kept: by count and by age, both. The
// newest one that goes leaves a keyframe, so that everything after it can be replayed, and
// what the oldest one that stays has replaced is known.
func (h *History) Prune(ctx context.Context) error {
	s, err := h.connected(ctx)
	if err != nil {
		return err
	}
	defer func() { s.release() }() // of the connection that it then has
	heads := map[snapshot.ScopeID]int64{}
	if _, err := s.eachHead(ctx, func(id snapshot.ScopeID, head headRecord, _ int64) {
		if head.Version > int64(h.cfg.Keep) {
			heads[id] = head.Version
		}
	}); err != nil {
		return err
	}
	var failed error
	for id, newest := range heads {
		if err := s.prune(ctx, id, newest); err != nil && failed == nil {
			failed = fmt.Errorf("prune %s: %w", id, err)
		}
	}
	return failed
}

func (s *historyStore) prune(ctx context.Context, id snapshot.ScopeID, newest int64) error {
	oldest, err := s.oldest(ctx, id, 0)
	if err != nil || oldest == 0 {
		return err
	}
	keep, err := s.firstKept(ctx, id, oldest, newest)
	if err != nil || keep == oldest {
		return err
	}
	last := keep - 1
	state, err := s.stateAt(ctx, id, last, 0)
	if err != nil {
		return err
	}
	raw, err := encodeStored(state.keyframe(last))
	if err != nil {
		return err
	}
	if err := s.step("keyframe"); err != nil {
		return err
	}
	// Both only if the record is there: the service may have been deleted meanwhile.
	there := clientv3.Compare(clientv3.ModRevision(recordKey(id, last)), ">", 0)
	if done, err := s.once(ctx, there, clientv3.OpPut(keyframeKey(id, last), string(raw))); err != nil || !done {
		return err
	}
	if err := s.step("prune"); err != nil {
		return err
	}
	framed := clientv3.Compare(clientv3.ModRevision(keyframeKey(id, last)), ">", 0)
	_, err = s.once(ctx, framed, clientv3.OpDelete(historyRange(id).start, clientv3.WithRange(recordKey(id, last))), clientv3.OpDelete(recordKey(id, last)))
	return err
}

// once does operations if something holds. It can be repeated.
func (s *historyStore) once(ctx context.Context, holds clientv3.Cmp, ops ...clientv3.Op) (done bool, err error) {
	err = s.again(ctx, func(ctx context.Context) error {
		resp, err := s.client.Txn(ctx).If(holds).Then(ops...).Commit()
		done = err == nil && resp.Succeeded
		return err
	})
	return done, err
}

// firstKept is the oldest version that stays: neither beyond the count nor beyond the age.
func (s *historyStore) firstKept(ctx context.Context, id snapshot.ScopeID, oldest, newest int64) (int64, error) {
	first := newest - int64(s.cfg.Keep) + 1
	young := s.cfg.Now().Add(-s.cfg.KeepFor)
	for from := oldest; from < first; from += keyframeEvery {
		ch, err := s.chapterOf(ctx, id, from, min(from+keyframeEvery, first)-1, 0)
		if err != nil {
			return 0, err
		}
		for _, r := range ch.records {
			if r.Time.After(young) {
				return r.Version, nil
			}
		}
	}
	return max(first, oldest), nil
}
