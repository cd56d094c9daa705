package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// unanswered says that the store may have done what was asked: no answer came.
func unanswered(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	switch codeOf(err) {
	case codes.DeadlineExceeded, codes.Canceled, codes.Unavailable:
		return true
	}
	return false
}

// Waits between tries: a random time up to a bound that doubles.
const (
	pauseFirst = 5 * time.Millisecond
	pauseMost  = 300 * time.Millisecond
)

// pause waits before another try; false: ctx ended.
func (h *History) pause(ctx context.Context, try int) bool {
	bound := min(pauseFirst<<min(try, 10), pauseMost)
	wait := time.Duration(rand.New(rand.NewPCG(h.cfg.Seed(), uint64(try))).Int64N(int64(bound))) + 1
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// scopeReading is what a scope holds at the revision of a reading.
type scopeReading struct {
	id       snapshot.ScopeID
	head     headRecord
	revision int64       // of the head; 0: there is none
	entries  []liveEntry // by key
	bytes    int64
	newest   int64 // revision of the newest entry

	stored map[string]Stored // of the entries; made when it is asked for
}

// liveEntry is an entry as it was read: most are only counted.
type liveEntry struct {
	key string
	raw []byte
}

func (r *scopeReading) count() int { return len(r.entries) }

// find returns what the scope holds for a key.
func (r *scopeReading) find(key string) (Stored, bool) {
	i, ok := slices.BinarySearchFunc(r.entries, key, func(e liveEntry, key string) int { return strings.Compare(e.key, key) })
	if !ok {
		return Stored{}, false
	}
	return storedOf(r.entries[i].raw), true
}

// live returns all that the scope holds. It is not to be written to.
func (r *scopeReading) live() map[string]Stored {
	if r.stored == nil {
		r.stored = make(map[string]Stored, len(r.entries))
		for _, e := range r.entries {
			r.stored[e.key] = storedOf(e.raw)
		}
	}
	return r.stored
}

// reading is all that a commit starts from, at one revision.
type reading struct {
	revision int64
	requests []*mvccpb.KeyValue // what requests of the same id left
	scopes   []*scopeReading
	schemas  []*mvccpb.KeyValue // of the services that a commit affects
}

// read reads scopes at a revision; 0 is now. It asks the store, not the replica, so that
// nothing that was answered before is missed.
func (s *historyStore) read(ctx context.Context, at int64, ids ...snapshot.ScopeID) (*reading, error) {
	return s.readWith(ctx, at, keyRange{}, nil, ids...)
}

// readWith reads schemas and the answers to requests too.
func (s *historyStore) readWith(ctx context.Context, at int64, schemas keyRange, requests []string, ids ...snapshot.ScopeID) (*reading, error) {
	var ops []clientv3.Op
	for _, id := range ids {
		rng := scopeRange(id)
		ops = append(ops, clientv3.OpGet(headKey(id), clientv3.WithRev(at)), clientv3.OpGet(rng.start, clientv3.WithRange(rng.end), clientv3.WithRev(at)))
	}
	if schemas.start != "" {
		ops = append(ops, clientv3.OpGet(schemas.start, clientv3.WithRange(schemas.end), clientv3.WithRev(at)))
	}
	for _, key := range requests {
		ops = append(ops, clientv3.OpGet(key, clientv3.WithRev(at)))
	}
	var resp *clientv3.TxnResponse
	if err := s.again(ctx, func(ctx context.Context) (err error) {
		resp, err = s.client.Txn(ctx).Then(ops...).Commit()
		return err
	}); err != nil {
		return nil, fmt.Errorf("read from the store: %w", err)
	}
	r := &reading{revision: at}
	if at == 0 {
		r.revision = resp.Header.GetRevision()
	}
	for i, id := range ids {
		head, entries := resp.Responses[2*i].GetResponseRange(), resp.Responses[2*i+1].GetResponseRange()
		scope, err := readScope(id, head.GetKvs(), entries.GetKvs())
		if err != nil {
			return nil, err
		}
		r.scopes = append(r.scopes, scope)
	}
	rest := resp.Responses[2*len(ids):]
	if schemas.start != "" {
		r.schemas, rest = rest[0].GetResponseRange().GetKvs(), rest[1:]
	}
	for _, one := range rest {
		r.requests = append(r.requests, one.GetResponseRange().GetKvs()...)
	}
	return r, nil
}

func readScope(id snapshot.ScopeID, head, entries []*mvccpb.KeyValue) (*scopeReading, error) {
	scope := &scopeReading{id: id, entries: make([]liveEntry, 0, len(entries))}
	for _, kv := range head {
		if err := decodeStored(kv.Value, &scope.head); err != nil {
			return nil, fmt.Errorf("the head of %s: %w", id, err)
		}
		scope.revision = kv.ModRevision
	}
	prefix := len(scopePrefix(id))
	for _, kv := range entries {
		key := string(kv.Key[prefix:])
		if snapshot.CheckKey(key) != nil {
			continue // nobody can ask for it
		}
		scope.entries = append(scope.entries, liveEntry{key, kv.Value})
		scope.bytes += int64(len(key) + len(kv.Value))
		scope.newest = max(scope.newest, kv.ModRevision)
	}
	return scope, nil
}

// touched says that something was, or may have been, written past this service since the
// newest version. A put is newer than the head; a delete changes the count.
func (r *scopeReading) touched() bool {
	return r.newest > r.revision || r.count() != r.head.Keys
}

// externally returns what was written past this service since the newest version.
func (s *historyStore) externally(ctx context.Context, r *scopeReading, revision int64) ([]keyChange, error) {
	if !r.touched() {
		return nil, nil
	}
	state, err := s.stateAt(ctx, r.id, r.head.Version, revision)
	if err != nil {
		return nil, err
	}
	return changesBetween(state, r.live()), nil
}
