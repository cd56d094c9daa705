package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// headOf is what a head record says. One that is malformed has a revision only: it must
// not keep others from being seen.
func headOf(id snapshot.ScopeID, head headRecord, revision int64) *snapshot.Head {
	return &snapshot.Head{
		Scope: id, Version: head.Version, Author: head.Author, Time: head.Time,
		Keys: max(head.Keys, 0), Bytes: head.Bytes, Revision: revision,
	}
}

// parseHeadKey returns the scope of the key of a head; false for what is none, or of a
// scope that nobody can ask for.
func parseHeadKey(raw string) (id snapshot.ScopeID, ok bool) {
	rest, ok := strings.CutPrefix(raw, headsPrefix)
	if !ok {
		return id, false
	}
	id.Environment, id.Namespace, ok = strings.Cut(rest, "/")
	return id, ok && isScope(id)
}

// readHead turns a stored head into one to be handed on.
func (s *session) readHead(id snapshot.ScopeID, kv *mvccpb.KeyValue) *snapshot.Head {
	var head headRecord
	if err := decodeStored(kv.GetValue(), &head); err != nil {
		s.reject(id, snapshot.Change{Revision: kv.GetModRevision()}, "the head of a scope cannot be used; the scope is shown without a version", err.Error())
		head = headRecord{}
	}
	return headOf(id, head, kv.GetModRevision())
}

// Position is how far a store is.
type Position struct {
	Cluster, Term uint64
	Revision      int64
}

// Position returns where the store is now: everything that was answered before the call is
// at or before that.
func (h *History) Position(ctx context.Context) (Position, error) {
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return Position{}, err
	}
	defer release()
	resp, err := s.get(ctx, headsPrefix, clientv3.WithKeysOnly()) // a linearizable read of what is not there
	if err != nil {
		return Position{}, fmt.Errorf("ask how far the store is: %w", err)
	}
	return Position{resp.Header.GetClusterId(), resp.Header.GetRaftTerm(), resp.Header.GetRevision()}, nil
}

// Follows says whether what was held before the store was asked can be of the same history:
// within one nothing goes back. What this cannot tell, session.breaks does.
func (p Position) Follows(held snapshot.Content) bool {
	return p.Cluster == held.Cluster && p.Term >= held.Term && p.Revision >= held.Revision
}

// eachHead does something with the head of every scope, as they are at one revision. One
// that is malformed is said and left out: it must not keep the others from being seen.
func (s *historyStore) eachHead(ctx context.Context, do func(id snapshot.ScopeID, head headRecord, revision int64)) (int64, error) {
	rng := below(headsPrefix)
	for start, revision := rng.start, int64(0); ; {
		page, err := s.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithLimit(listPage), clientv3.WithRev(revision))
		if err != nil {
			return 0, fmt.Errorf("read the heads: %w", err)
		}
		if revision == 0 {
			revision = page.Header.GetRevision()
		}
		for _, kv := range page.Kvs {
			id, ok := parseHeadKey(string(kv.Key))
			var head headRecord
			if err := decodeStored(kv.Value, &head); err != nil || !ok {
				if skipped, say := s.warned.Pass(); say {
					s.cfg.Log.Warn("the head of a scope cannot be used and is left out", "key", snapshot.Quote(string(kv.Key)), "error", err, "more_since_last", skipped)
				}
				continue
			}
			do(id, head, kv.ModRevision)
		}
		if !page.More {
			return revision, nil
		}
		start = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}

// Shadow is what a weaker layer has for a key.
type Shadow struct {
	Scope snapshot.ScopeID
	Stored
}

// ScopeContent is what a scope holds now.
type ScopeContent struct {
	Head *snapshot.Head
	// Touched says that something was changed past this service since.
	Touched bool
	Entries []ScopeEntry
	Shadows map[string][]Shadow // by key, strongest first
	// Revision is that of all this.
	Revision int64
}

// Scope returns what the granted scope holds now, with what weaker layers have for the
// same keys: who may read a scope sees the layers below it.
func (h *History) Scope(ctx context.Context, g policy.Grant) (ScopeContent, error) {
	id, err := readable(g)
	if err != nil {
		return ScopeContent{}, err
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return ScopeContent{}, err
	}
	defer release()
	r, err := s.read(ctx, 0, append([]snapshot.ScopeID{id}, weaker(id)...)...)
	if err != nil {
		return ScopeContent{}, err
	}
	scope := r.scopes[0]
	state, err := s.stateAt(ctx, id, scope.head.Version, r.revision)
	if err != nil && !errors.Is(err, ErrBroken) { // what is there is there, though nobody knows since when
		return ScopeContent{}, err
	}
	out := ScopeContent{Head: headOf(id, scope.head, scope.revision), Shadows: map[string][]Shadow{}, Revision: r.revision}
	out.Touched = len(changesBetween(state, scope.live())) > 0
	for _, key := range slices.Sorted(maps.Keys(scope.live())) {
		e, ok := state[key]
		if !ok || e.Stored != scope.live()[key] {
			e = ScopeEntry{Key: key, Stored: scope.live()[key], Author: externalAuthor}
		}
		out.Entries = append(out.Entries, e)
		for _, below := range r.scopes[1:] {
			if stored, ok := below.live()[key]; ok {
				out.Shadows[key] = append(out.Shadows[key], Shadow{below.id, stored})
			}
		}
	}
	return out, nil
}

// weaker are the layers below a scope, strongest first.
func weaker(id snapshot.ScopeID) []snapshot.ScopeID {
	var out []snapshot.ScopeID
	for _, layer := range snapshot.LayersOf(id) {
		if layer != id && !slices.Contains(out, layer) {
			out = append(out, layer)
		}
	}
	return out
}
