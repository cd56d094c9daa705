package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	head, revision, err := s.headOf(ctx, id)
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

// headOf reads where a scope stands, and the revision at which it does.
func (s *historyStore) headOf(ctx context.Context, id snapshot.ScopeID) (head headRecord, revision int64, err error) {
	resp, err := s.get(ctx, headKey(id))
	if err != nil {
		return head, 0, fmt.Errorf("read the head of %s: %w", id, err)
	}
	for _, kv := range resp.Kvs {
		if err := decodeStored(kv.Value, &head); err != nil {
			return head, 0, fmt.Errorf("the head of %s: %w", id, err)
		}
	}
	return head, resp.Header.GetRevision(), nil
}

// VersionContent is a version with what it did and what it left.
type VersionContent struct {
	Version     Version // the zero Version: the scope has none
	Differences []Difference
	Entries     []ScopeEntry
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
	head, revision, err := s.headOf(ctx, id)
	if err != nil || number == 0 && head.Version == 0 {
		return VersionContent{}, err
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
	out := VersionContent{Version: record.info(id), Entries: after.sorted()}
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

// Diff compares two contents of the granted namespace. A grant that leaves the environment
// open has to hold in both. It returns the versions that the sides were resolved to.
func (h *History) Diff(ctx context.Context, g policy.Grant, from, to Side) (differences []Difference, fromVersion, toVersion int64, err error) {
	var ids [2]snapshot.ScopeID
	for i, side := range []Side{from, to} {
		one, err := g.In(g.Namespace(), side.Environment)
		if err != nil {
			return nil, 0, 0, err
		}
		if ids[i], err = readable(one); err != nil {
			return nil, 0, 0, err
		}
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return nil, 0, 0, err
	}
	defer release()
	old, fromVersion, err := s.side(ctx, ids[0], from.Version)
	if err != nil {
		return nil, 0, 0, err
	}
	now, toVersion, err := s.side(ctx, ids[1], to.Version)
	if err != nil {
		return nil, 0, 0, err
	}
	live := make(map[string]Stored, len(now))
	for key, e := range now {
		live[key] = e.Stored
	}
	for _, c := range changesBetween(old, live) {
		differences = append(differences, Difference{Environment: to.Environment, Key: c.key, Old: c.old, New: c.new})
	}
	return differences, fromVersion, toVersion, nil
}

func (s *historyStore) side(ctx context.Context, id snapshot.ScopeID, version int64) (scopeState, int64, error) {
	if version == 0 {
		r, err := s.read(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		state := scopeState{}
		for key, stored := range r.scopes[0].live() {
			state[key] = ScopeEntry{Key: key, Stored: stored}
		}
		return state, r.scopes[0].head.Version, nil
	}
	head, revision, err := s.headOf(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	if _, err := s.recordOf(ctx, id, version, head.Version, revision); err != nil {
		return nil, 0, err
	}
	state, err := s.stateAt(ctx, id, version, revision)
	return state, version, err
}
