package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// VersionsQuery selects versions of a scope.
type VersionsQuery struct {
	Key    string // only those that changed it; empty: all
	Author string // empty: all
	Before int64  // only those before this one; 0: all
	Limit  int
}

// maxScanned is how many records a query reads at most.
const maxScanned = 1000

// Versions returns versions of the granted scope, the newest first. next is where the
// next query goes on; 0: there are no more.
func (h *History) Versions(ctx context.Context, g policy.Grant, q VersionsQuery) (versions []Version, next int64, err error) {
	id, err := readable(g)
	if err != nil {
		return nil, 0, err
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer release()
	head, revision, err := s.headOf(ctx, id, 0)
	if err != nil {
		return nil, 0, err
	}
	last := head.Version
	if q.Before > 0 {
		last = min(last, q.Before-1)
	}
	for scanned := 0; last > 0; {
		first := max(last-last%keyframeEvery, 1)
		ch, err := s.chapterOf(ctx, id, first, last, revision)
		if err != nil {
			return nil, 0, err
		}
		if len(ch.records) == 0 {
			return versions, 0, nil // older ones are not kept
		}
		for _, r := range slices.Backward(ch.records) {
			if len(versions) == q.Limit || scanned == maxScanned {
				return versions, r.Version + 1, nil
			}
			scanned++
			if q.matches(r) {
				versions = append(versions, r.info(id))
			}
		}
		last = first - 1
	}
	return versions, 0, nil
}

func (q *VersionsQuery) matches(r *versionRecord) bool {
	return (q.Author == "" || q.Author == r.Author) &&
		(q.Key == "" || slices.ContainsFunc(r.Changes, func(c recordedChange) bool { return c.Key == q.Key }))
}

// headOf reads where a scope stands at a revision, and that; 0 is now.
func (s *historyStore) headOf(ctx context.Context, id snapshot.ScopeID, at int64) (head headRecord, revision int64, err error) {
	resp, err := s.get(ctx, headKey(id), clientv3.WithRev(at))
	if err != nil {
		return head, 0, fmt.Errorf("read the head of %s: %w", id, err)
	}
	for _, kv := range resp.Kvs {
		if err := decodeStored(kv.Value, &head); err != nil {
			return head, 0, fmt.Errorf("the head of %s: %w", id, err)
		}
	}
	if at == 0 {
		at = resp.Header.GetRevision()
	}
	return head, at, nil
}

// VersionContent is a version with what it did and what it left.
type VersionContent struct {
	Version     Version // the zero Version: the scope has none
	Differences []Difference
	Entries     []ScopeEntry
	Revision    int64 // that it was read at
}

// Version returns a version of the granted scope; 0 is the newest. It knows every commit
// that was answered before. VersionError says that there is no such version.
func (h *History) Version(ctx context.Context, g policy.Grant, number int64) (VersionContent, error) {
	id, err := readable(g)
	if err != nil {
		return VersionContent{}, err
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return VersionContent{}, err
	}
	defer release()
	head, revision, err := s.headOf(ctx, id, 0)
	if err != nil || number == 0 && head.Version == 0 {
		return VersionContent{Revision: revision}, err
	}
	if number == 0 {
		number = head.Version
	}
	record, err := s.recordOf(ctx, id, number, head.Version, revision)
	if err != nil {
		return VersionContent{}, err
	}
	after, err := s.stateAt(ctx, id, number, revision)
	if err != nil {
		return VersionContent{}, err
	}
	before, err := s.stateAt(ctx, id, number-1, revision)
	forgotten := errors.Is(err, ErrBroken) // as releases before left it that pruned
	if err != nil && !forgotten {
		return VersionContent{}, err
	}
	out := VersionContent{Version: record.info(id), Entries: after.sorted(), Revision: revision}
	for i := range record.Changes {
		c := &record.Changes[i]
		d := Difference{Environment: id.Environment, Key: c.Key, Forgotten: forgotten}
		if e, ok := before[c.Key]; ok {
			d.Old = &e.Stored
		}
		if !c.Deleted {
			now := c.stored()
			d.New = &now
		}
		out.Differences = append(out.Differences, d)
	}
	return out, nil
}

// Side is one side of a comparison: a version of an environment; 0 is what it holds now.
type Side struct {
	Environment string
	Version     int64
}

// Comparison is how one side differs from another, both read at one revision.
type Comparison struct {
	Differences []Difference
	From, To    int64 // versions that the sides were resolved to
	Revision    int64
}

// Diff compares two contents of the granted namespace. A grant that leaves the environment
// open has to hold in both.
func (h *History) Diff(ctx context.Context, g policy.Grant, from, to Side) (out Comparison, err error) {
	var ids [2]snapshot.ScopeID
	for i, side := range []Side{from, to} {
		one, err := g.In(g.Namespace(), side.Environment)
		if err != nil {
			return out, err
		}
		if ids[i], err = readable(one); err != nil {
			return out, err
		}
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return out, err
	}
	defer release()
	var old, now scopeState
	if old, out.From, out.Revision, err = s.side(ctx, ids[0], from.Version, 0); err != nil {
		return out, err
	}
	if now, out.To, _, err = s.side(ctx, ids[1], to.Version, out.Revision); err != nil {
		return out, err
	}
	live := make(map[string]Stored, len(now))
	for key, e := range now {
		live[key] = e.Stored
	}
	for _, c := range changesBetween(old, live) {
		out.Differences = append(out.Differences, Difference{Environment: to.Environment, Key: c.key, Old: c.old, New: c.new})
	}
	return out, nil
}

// side reads one side at a revision, and returns which version and revision that is; 0 is
// now.
func (s *historyStore) side(ctx context.Context, id snapshot.ScopeID, version, at int64) (state scopeState, resolved, revision int64, err error) {
	if version == 0 {
		r, err := s.read(ctx, at, id)
		if err != nil {
			return nil, 0, 0, err
		}
		state := scopeState{}
		for key, stored := range r.scopes[0].live() {
			state[key] = ScopeEntry{Key: key, Stored: stored}
		}
		return state, r.scopes[0].head.Version, r.revision, nil
	}
	head, revision, err := s.headOf(ctx, id, at)
	if err != nil {
		return nil, 0, 0, err
	}
	if _, err := s.recordOf(ctx, id, version, head.Version, revision); err != nil {
		return nil, 0, 0, err
	}
	state, err = s.stateAt(ctx, id, version, revision)
	return state, version, revision, err
}
