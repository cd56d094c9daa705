package etcdstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Edit is what to do with one key.
type Edit struct {
	Environment string
	Key         string
	Value       snapshot.Value // zero with Delete
	Delete      bool

	stored Stored
}

// Terms are under which conditions something is changed, and what is kept about it.
type Terms struct {
	Expected  map[string]int64 // by environment; without an entry any version will do
	Message   string
	RequestID string // empty: none
	DryRun    bool
	PlanHash  string // empty: none is required
	// Accepted are the kinds of risks that are accepted. It needs PlanHash: what is
	// accepted is what was shown.
	Accepted []FindingKind
	// Sees says whether what a schema marks as sensitive is shown to who asks, in an
	// environment; nil: in all. A change of what is not shown counts as one whatever was
	// there, or it would tell.
	Sees func(environment string) bool
}

// Draft is what somebody wants committed: each key of an environment once.
type Draft struct {
	Terms
	Edits []Edit
}

// Outcome is what was done, or, of a dry run, what would be.
type Outcome struct {
	Versions    []Version // by environment; of a dry run without time and revision
	Revision    int64
	Differences []Difference // of a dry run
	Findings    []Finding
	PlanHash    string
	ReadAt      int64 // of a dry run: the revision that it starts from
	// Affected are the services that a dry run would give another effective configuration,
	// by namespace and then environment: all of them, whoever asks.
	Affected []Affected
}

// wish is a commit that its holder may do.
type wish struct {
	Terms
	namespace string
	by        string
	kind      VersionKind
	to        int64 // of a rollback
	typed     bool  // the message was given
	scopes    []snapshot.ScopeID
	edits     map[string][]Edit // by environment; of a rollback known only when it is read
	commit    string            // tells it from all others
	sum       string            // of what was asked for
}

// Commit changes keys of the granted namespace: all or nothing, in one transaction that
// holds only if nothing it starts from has changed. A grant that leaves the environment
// open has to hold in each that is changed.
//
// Errors: ConflictError, LimitError, ErrNoChange, ErrReused, SchemaError, RiskError,
// ArgumentError, policy.ErrDenied; see ErrUnknown.
func (h *History) Commit(ctx context.Context, g policy.Grant, d Draft) (Outcome, error) {
	w := &wish{Terms: d.Terms, kind: Committed, typed: true, edits: map[string][]Edit{}}
	bytes := 0
	for _, e := range d.Edits {
		e.stored = Stored{text: e.Value.JSON()}
		bytes += len(e.Key) + len(e.stored.text)
		w.edits[e.Environment] = append(w.edits[e.Environment], e)
	}
	for environment := range d.Expected {
		if _, ok := w.edits[environment]; !ok {
			w.edits[environment] = nil // to be at that version, though nothing in it changes
		}
	}
	if err := w.permit(g, slices.Sorted(maps.Keys(w.edits))); err != nil {
		return Outcome{}, err
	}
	switch {
	case len(d.Edits) > MaxChanges:
		return Outcome{}, &LimitError{What: fmt.Sprintf("the commit has %d changes; accepted: at most %d", len(d.Edits), MaxChanges)}
	case bytes > MaxChangeBytes:
		return Outcome{}, &LimitError{What: fmt.Sprintf("the commit has %d bytes of keys and values; accepted: at most %d", bytes, MaxChangeBytes)}
	case len(w.scopes) > MaxCommitScopes:
		return Outcome{}, &LimitError{What: fmt.Sprintf("the commit names %d environments; accepted: at most %d", len(w.scopes), MaxCommitScopes)}
	}
	return h.fulfil(ctx, w)
}

// Rollback makes the content of a version of the granted scope that of a new one.
//
// Errors: as Commit, and VersionError.
func (h *History) Rollback(ctx context.Context, g policy.Grant, to int64, t Terms) (Outcome, error) {
	w := &wish{Terms: t, kind: RolledBack, to: to, typed: t.Message != ""}
	if !w.typed {
		w.Message = fmt.Sprintf("roll back to version %d", to)
	}
	if err := w.permit(g, []string{g.Environment()}); err != nil {
		return Outcome{}, err
	}
	return h.fulfil(ctx, w)
}

// permit lets the holder of a grant wish something for environments, each of which the
// grant has to hold in.
func (w *wish) permit(g policy.Grant, environments []string) error {
	if g.Action() != policy.Write {
		return policy.ErrDenied
	}
	w.namespace, w.by = g.Namespace(), g.Holder().Name()
	for _, environment := range environments {
		if _, err := g.In(w.namespace, environment); err != nil {
			return err
		}
		w.scopes = append(w.scopes, snapshot.ScopeID{Namespace: w.namespace, Environment: environment})
	}
	if w.RequestID != "" {
		w.sum = w.digest()
	}
	return nil
}

// schemas are where the schemas lie of the services that are affected: of all for the
// shared namespace.
func (w *wish) schemas() keyRange {
	if w.namespace == snapshot.SharedNamespace {
		return below(schemasPrefix)
	}
	return keyRange{schemaKey(w.namespace), schemaKey(w.namespace) + "\x00"}
}

// fulfil does what is wished, and again when others were first.
func (h *History) fulfil(ctx context.Context, w *wish) (Outcome, error) {
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer release()
	done, err := h.turn(ctx, w.namespace)
	if err != nil {
		return Outcome{}, err
	}
	defer done()
	w.commit = fmt.Sprintf("%016x%016x", h.cfg.Seed(), h.cfg.Seed())
	var lost *reading
	for try := 0; ; try++ {
		out, again, err := s.attempt(ctx, w, &lost)
		if !again || err != nil {
			return out, err
		}
		if !h.pause(ctx, try) {
			return Outcome{}, contended(lost)
		}
	}
}

// contended is what a commit ends with that others never let through.
func contended(r *reading) error {
	if r == nil || len(r.scopes) == 0 {
		return fmt.Errorf("read from the store: %w", context.DeadlineExceeded)
	}
	scope := r.scopes[0]
	return &ConflictError{Scope: scope.id, Busy: true, Current: scope.current()}
}

// current is the newest version, as the head tells it.
func (r *scopeReading) current() Version {
	if r.head.Version == 0 {
		return Version{}
	}
	return Version{Scope: r.id, Number: r.head.Version, Kind: r.head.Kind, Author: r.head.Author, Time: r.head.Time, Revision: r.revision}
}

// attempt reads, plans and writes once. It says whether another attempt is due: others
// were first, or something had to be written down before.
func (s *historyStore) attempt(ctx context.Context, w *wish, lost **reading) (out Outcome, again bool, err error) {
	r, err := s.readWith(ctx, 0, w.schemas(), w.requests(), w.scopes...)
	if err != nil {
		return out, false, err
	}
	*lost = r
	if out, ok, err := w.repeated(r); ok || err != nil {
		return out, false, err
	}
	p, again, err := s.planFor(ctx, w, r)
	switch {
	case again || err != nil:
		return out, again, err
	case w.DryRun:
		out = w.wouldBe(p)
		out.ReadAt = r.revision
		return out, false, nil
	}
	if err := p.refusal(); err != nil {
		return out, false, err
	}
	if w.PlanHash != "" && w.PlanHash != p.hash(w.namespace) {
		scope := p.scopes[0].read
		return out, false, &ConflictError{Scope: scope.id, Plan: true, Current: scope.current()}
	}
	if err := p.unprotected(w); err != nil {
		return out, false, err
	}
	return s.write(ctx, w, r, p)
}

// conflict says that an expected version is not the present one. What came since may be
// EXTERNAL, as long as it does not touch a key that is to be changed.
func (s *historyStore) conflict(ctx context.Context, w *wish, revision int64, p *scopePlan, external []keyChange) (*ConflictError, error) {
	id := p.read.id
	expected, ok := w.Expected[id.Environment]
	if !ok {
		return nil, nil
	}
	c := &ConflictError{Scope: id, Expected: expected, Current: p.read.current()}
	current := p.read.head.Version
	if expected > current || current-expected > keyframeEvery {
		return c, nil
	}
	since := map[string]bool{}
	for _, e := range external {
		since[e.key] = true
	}
	if expected < current {
		ch, err := s.chapterOf(ctx, id, expected+1, current, revision)
		if err != nil {
			return nil, err
		}
		for _, r := range ch.records {
			if r.Kind != External || len(r.Changes) == 0 { // as beginAnew leaves it: any key may have changed
				return c, nil
			}
			for i := range r.Changes {
				since[r.Changes[i].Key] = true
			}
		}
		if int64(len(ch.records)) != current-expected {
			return c, nil
		}
	}
	for i := range p.changes {
		if since[p.changes[i].key] {
			c.Key = p.changes[i].key
			return c, nil
		}
	}
	return nil, nil
}

// wouldBe is the outcome of a dry run.
func (w *wish) wouldBe(p *plan) Outcome {
	out := Outcome{Differences: p.differences(), Findings: p.findings, PlanHash: p.hash(w.namespace), Affected: p.affected}
	for _, s := range p.scopes {
		if len(s.changes) > 0 {
			out.Versions = append(out.Versions, w.record(s, time.Time{}).info(s.read.id))
		}
	}
	return out
}

// record is what a commit leaves in the history of a scope.
func (w *wish) record(p *scopePlan, now time.Time) *versionRecord {
	r := &versionRecord{
		Version: p.version + 1, Kind: w.kind, Time: now, Author: w.by, Message: w.Message, RequestID: w.RequestID,
		To: w.to, Commit: w.commit, Changes: make([]recordedChange, len(p.changes)),
	}
	for i := range p.changes {
		r.Changes[i] = recorded(p.changes[i].key, p.changes[i].new)
	}
	return r
}
