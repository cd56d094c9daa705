package etcdstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// planFor plans what is wished. What was written past this service is written down first;
// then another attempt is due. A dry run only finds it.
func (s *historyStore) planFor(ctx context.Context, w *wish, r *reading) (p *plan, again bool, err error) {
	p = &plan{found: map[foundGroup]int{}}
	hide, err := w.hides(r)
	if err != nil {
		return nil, false, err
	}
	for _, scope := range r.scopes {
		external, err := s.externally(ctx, scope, r.revision)
		switch {
		case errors.Is(err, ErrBroken) && !w.DryRun:
			return nil, true, s.beginAnew(ctx, scope, r.revision)
		case err != nil && !errors.Is(err, ErrBroken):
			return nil, false, err
		case len(external) > 0 && !w.DryRun:
			return nil, true, s.writeDown(ctx, scope, r.revision, external)
		}
		if err := s.planScope(ctx, w, r, p, scope, external, hide); err != nil {
			return nil, false, err
		}
	}
	if !p.changed() {
		p.find(FoundNoChange, snapshot.ScopeID{}, "", "nothing would change", ErrNoChange)
		return p, false, nil
	}
	weighs := w.DryRun || p.protects("")
	if len(r.schemas) == 0 && !weighs {
		return p, false, nil
	}
	leaves := reserve
	if w.DryRun {
		leaves = reserveDry
	}
	j := s.newJudge(ctx, r.revision, p, leaves)
	if err := j.judgePlan(ctx, w, r, p); err != nil {
		return nil, false, err
	}
	if weighs {
		err = j.weigh(ctx, w, p)
	}
	p.tellMore()
	return p, false, err
}

func (s *historyStore) planScope(ctx context.Context, w *wish, r *reading, p *plan, scope *scopeReading, external []keyChange, hide func(environment, key string) bool) error {
	edits, origin := w.edits[scope.id.Environment], ""
	if w.kind == RolledBack {
		var err error
		if edits, origin, err = s.editsBack(ctx, scope, w.to, r.revision); err != nil {
			return err
		}
	}
	sp := newScopePlan(scope, scope.head.Version+int64(len(chunks(external))), edits, hide)
	sp.origin = origin
	if len(sp.changes) > 0 {
		sp.protection = s.protection(scope.id)
	}
	p.scopes = append(p.scopes, sp)
	conflict, err := s.conflict(ctx, w, r.revision, sp, external)
	if err != nil {
		return err
	}
	if conflict != nil {
		p.find(FoundConflict, scope.id, conflict.Key, conflict.Error(), conflict)
	}
	if w.DryRun || sp.protection.On() {
		if err := s.lookBack(ctx, p, sp, external, r.revision); err != nil {
			return err
		}
		p.look(sp)
	}
	p.checkLimits(sp)
	return nil
}

// editsBack are what makes a scope hold what it held at a version. origin tells that version
// from all others.
func (s *historyStore) editsBack(ctx context.Context, scope *scopeReading, to, revision int64) (edits []Edit, origin string, err error) {
	record, err := s.recordOf(ctx, scope.id, to, scope.head.Version, revision)
	if err != nil {
		return nil, "", err
	}
	target, err := s.stateAt(ctx, scope.id, to, revision)
	if err != nil {
		return nil, "", err
	}
	for key, e := range target {
		if old, ok := scope.live()[key]; ok && old == e.Stored {
			continue
		}
		if e.digest != "" {
			return nil, "", &LimitError{Scope: scope.id, What: fmt.Sprintf(
				"version %d has a value of key %s that was too large to be kept; accepted: a version without it", to, snapshot.Quote(key))}
		}
		edits = append(edits, Edit{Key: key, stored: e.Stored})
	}
	for key := range scope.live() {
		if _, ok := target[key]; !ok {
			edits = append(edits, Edit{Key: key, Delete: true})
		}
	}
	return edits, fmt.Sprintf("%d %s", to, record.Commit), nil
}
