package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// keyframeEvery is after how many versions the whole scope is written down again: so many
// records are read at most to know an earlier content.
const keyframeEvery = 50

// ScopeEntry is one key of a scope, and which version set it last; version 0 and the
// author `external` when no version says so yet. It never changes.
type ScopeEntry struct {
	Key string
	Stored
	Version int64
	Author  string
	Time    time.Time
}

// scopeState is what a scope held at one version. Whoever replays it owns it.
type scopeState map[string]ScopeEntry

// apply makes the state that of the next version.
func (s scopeState) apply(r *versionRecord) {
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.Deleted {
			delete(s, c.Key)
			continue
		}
		s[c.Key] = ScopeEntry{Key: c.Key, Stored: c.stored(), Version: r.Version, Author: r.Author, Time: r.Time}
	}
}

// keyframe is the whole state in the form of a record.
func (s scopeState) keyframe(version int64) *versionRecord {
	r := &versionRecord{Version: version, Changes: make([]recordedChange, 0, len(s))}
	for _, e := range s.sorted() {
		c := recorded(e.Key, &e.Stored)
		c.Version, c.Author, c.Time = e.Version, e.Author, &e.Time
		r.Changes = append(r.Changes, c)
	}
	return r
}

func stateOf(keyframe *versionRecord) scopeState {
	s := make(scopeState, len(keyframe.Changes))
	for i := range keyframe.Changes {
		c := &keyframe.Changes[i]
		e := ScopeEntry{Key: c.Key, Stored: c.stored(), Version: c.Version, Author: c.Author}
		if c.Time != nil {
			e.Time = *c.Time
		}
		s[c.Key] = e
	}
	return s
}

func (s scopeState) sorted() []ScopeEntry {
	out := make([]ScopeEntry, 0, len(s))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		out = append(out, s[key])
	}
	return out
}

// chapter is a piece of a history: records of versions that follow one another, and the
// keyframes between.
type chapter struct {
	records   []*versionRecord
	keyframes []*versionRecord
}

// chapterOf reads the records of two versions and all between, as they were at a
// revision; 0 is now. Those that are not there are left out.
func (s *historyStore) chapterOf(ctx context.Context, id snapshot.ScopeID, first, last, revision int64) (ch chapter, err error) {
	rng := recordsBetween(id, first, last)
	resp, err := s.get(ctx, rng.start, clientv3.WithRange(rng.end), clientv3.WithRev(revision))
	if err != nil {
		return ch, fmt.Errorf("read the history of %s: %w", id, err)
	}
	for _, kv := range resp.Kvs {
		version, keyframe, ok := parseRecordKey(id, string(kv.Key))
		if !ok {
			continue
		}
		r := &versionRecord{}
		if err := decodeStored(kv.Value, r); err != nil {
			return ch, fmt.Errorf("version %d of %s: %w", version, id, err)
		}
		r.Version, r.revision = version, kv.ModRevision
		if keyframe {
			ch.keyframes = append(ch.keyframes, r)
		} else {
			ch.records = append(ch.records, r)
		}
	}
	return ch, nil
}

// stateAt replays what a scope held at a version, as the history was at a revision; 0 is
// now. At version 0 it held nothing.
func (s *historyStore) stateAt(ctx context.Context, id snapshot.ScopeID, version, revision int64) (scopeState, error) {
	var later []*versionRecord
	last := version
	for last > 0 {
		first := max(last-last%keyframeEvery, 1)
		ch, err := s.chapterOf(ctx, id, first, last, revision)
		if err != nil {
			return nil, err
		}
		later = append(ch.records, later...)
		if n := len(ch.keyframes); n > 0 {
			return replay(id, stateOf(ch.keyframes[n-1]), ch.keyframes[n-1].Version, version, later)
		}
		if len(ch.records) == 0 {
			break
		}
		last = first - 1
	}
	return replay(id, scopeState{}, 0, version, later)
}

// replay applies the records after one version up to another.
func replay(id snapshot.ScopeID, state scopeState, from, to int64, records []*versionRecord) (scopeState, error) {
	for _, r := range records {
		switch {
		case r.Version <= from:
			continue
		case r.Version != from+1:
			return nil, fmt.Errorf("%s: version %d follows version %d: %w", id, r.Version, from, ErrBroken)
		}
		state.apply(r)
		from = r.Version
	}
	if from != to {
		return nil, fmt.Errorf("%s: version %d is missing: %w", id, from+1, ErrBroken)
	}
	return state, nil
}

// recordOf reads the record of a version, as it was at a revision; a VersionError when
// there is none.
func (s *historyStore) recordOf(ctx context.Context, id snapshot.ScopeID, version, newest, revision int64) (*versionRecord, error) {
	if version < 1 || version > newest {
		return nil, s.noVersion(ctx, id, version, newest, revision)
	}
	ch, err := s.chapterOf(ctx, id, version, version, revision)
	if err != nil {
		return nil, err
	}
	if len(ch.records) == 0 {
		return nil, s.noVersion(ctx, id, version, newest, revision)
	}
	return ch.records[0], nil
}

func (s *historyStore) noVersion(ctx context.Context, id snapshot.ScopeID, version, newest, revision int64) error {
	oldest, err := s.oldest(ctx, id, revision)
	if err != nil {
		return err
	}
	return &VersionError{Scope: id, Version: version, Oldest: oldest, Newest: newest}
}

// oldestPage is how many names of keys are looked at for the oldest record: before it lie a
// keyframe at most, and what is none of ours.
const oldestPage = 100

// oldest is the oldest version that is kept; 0: none. A key that is none of ours is said,
// and passed over.
func (s *historyStore) oldest(ctx context.Context, id snapshot.ScopeID, revision int64) (int64, error) {
	rng := historyRange(id)
	for start := rng.start; ; {
		page, err := s.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithRev(revision), clientv3.WithKeysOnly(), clientv3.WithLimit(oldestPage))
		if err != nil {
			return 0, fmt.Errorf("read the history of %s: %w", id, err)
		}
		for _, kv := range page.Kvs {
			version, keyframe, ok := parseRecordKey(id, string(kv.Key))
			if ok && !keyframe {
				return version, nil
			}
			if ok {
				continue
			}
			if skipped, say := s.warned.Pass(); say {
				s.cfg.Log.Warn("a key among the records of a history is none of them and is passed over; change: delete it", "key", snapshot.Quote(string(kv.Key)), "more_since_last", skipped)
			}
		}
		if !page.More {
			return 0, nil
		}
		start = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}

// get reads, within callTimeout; another time when a member was lost meanwhile.
func (s *historyStore) get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	var resp *clientv3.GetResponse
	err := s.again(ctx, func(ctx context.Context) (err error) {
		resp, err = s.client.Get(ctx, key, opts...)
		return err
	})
	return resp, err
}

// attemptTimeout is how long one attempt to reach the store may take: longer than an
// election.
const attemptTimeout = 3 * time.Second

// again repeats what can be repeated while it fails for want of an answer, with a short
// wait, until ctx ends.
func (s *historyStore) again(ctx context.Context, do func(context.Context) error) error {
	for try := 0; ; try++ {
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := do(attempt)
		cancel()
		if err == nil || !unanswered(err) || ctx.Err() != nil {
			return err
		}
		if !s.pauses(ctx, try) {
			return errors.Join(err, ctx.Err())
		}
	}
}
