package etcdstore

import (
	"context"
	"fmt"
)

// chunks cuts what was found into pieces that fit a record each.
func chunks(found []keyChange) [][]keyChange {
	var out [][]keyChange
	from, size := 0, 0
	for i := range found {
		more := found[i].size()
		if i > from && (size+more > externalRecordBudget || i-from >= MaxChanges) {
			out = append(out, found[from:i])
			from, size = i, 0
		}
		size += more
	}
	if from < len(found) {
		out = append(out, found[from:])
	}
	return out
}

// writeDown makes a version of what was written past this service. What does not fit one
// record is left for the next attempt: until all of it is down, the head says so. Somebody
// else may be first; then this does nothing.
func (s *historyStore) writeDown(ctx context.Context, r *scopeReading, revision int64, found []keyChange) error {
	pieces := chunks(found)
	record := s.external(r, fmt.Sprintf("%d keys were found changed past this service", len(found)))
	for i := range pieces[0] {
		record.Changes = append(record.Changes, recorded(pieces[0][i].key, pieces[0][i].new))
	}
	keys := r.count()
	if len(pieces) > 1 {
		keys = -1
	}
	return s.runExternal(ctx, r, record, keys, revision, nil)
}

// beginAnew makes a version of all that a scope holds, when somebody has removed records
// from its history: whatever is before it cannot be known any more.
func (s *historyStore) beginAnew(ctx context.Context, r *scopeReading, revision int64) error {
	record := s.external(r, "records of the history were found missing; what was there is kept from here on")
	state := scopeState{}
	for key, stored := range r.live() {
		state[key] = ScopeEntry{Key: key, Stored: stored, Version: record.Version, Author: record.Author, Time: record.Time}
	}
	return s.runExternal(ctx, r, record, r.count(), revision, state.keyframe(record.Version))
}

func (s *historyStore) external(r *scopeReading, message string) *versionRecord {
	return &versionRecord{
		Version: r.head.Version + 1, Kind: External, Time: s.cfg.Now().UTC(), Author: externalAuthor, Message: message,
		Commit: fmt.Sprintf("%016x%016x", s.cfg.Seed(), s.cfg.Seed()), Changes: []recordedChange{},
	}
}

func (s *historyStore) runExternal(ctx context.Context, r *scopeReading, record *versionRecord, keys int, revision int64, keyframe *versionRecord) error {
	t := &writing{}
	t.guard(r, revision)
	if err := t.version(r.id, record, keys, r.bytes); err != nil {
		return err
	}
	if keyframe != nil {
		if err := t.put(keyframeKey(r.id, record.Version), keyframe); err != nil {
			return err
		}
	}
	if err := s.step("external"); err != nil {
		return err
	}
	if _, _, err := s.run(ctx, t); err != nil {
		// Not wrapped: of the commit itself nothing was done, whatever became of this.
		return fmt.Errorf("write down what was found changed in %s: %v", r.id, err)
	}
	return nil
}
