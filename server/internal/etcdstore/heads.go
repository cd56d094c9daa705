package etcdstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// ScopeHead is where a scope stands.
type ScopeHead struct {
	Scope   snapshot.ScopeID
	Current Version // the zero Version: it has none
	Keys    int
	Bytes   int64
	// Touched says that something was changed past this service since.
	Touched bool
}

// Heads returns the scopes that the grant, which may be open, lets its holder read, by
// namespace and then environment.
func (h *History) Heads(ctx context.Context, g policy.Grant) ([]ScopeHead, error) {
	if g.Action() != policy.Read {
		return nil, policy.ErrDenied
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	heads := map[snapshot.ScopeID]ScopeHead{}
	revision, err := s.eachHead(ctx, func(id snapshot.ScopeID, head headRecord, revision int64) {
		heads[id] = headOfRecord(id, head, revision)
	})
	if err != nil {
		return nil, err
	}
	if err := s.eachScope(ctx, revision, func(id snapshot.ScopeID) {
		if _, ok := heads[id]; !ok {
			heads[id] = ScopeHead{Scope: id}
		}
	}); err != nil {
		return nil, err
	}
	var out []ScopeHead
	for id, head := range heads {
		switch _, err := g.In(id.Namespace, id.Environment); {
		case errors.Is(err, policy.ErrDenied):
		case err != nil:
			return nil, err
		default:
			out = append(out, head)
		}
	}
	slices.SortFunc(out, func(a, b ScopeHead) int {
		return cmp.Or(cmp.Compare(a.Scope.Namespace, b.Scope.Namespace), cmp.Compare(a.Scope.Environment, b.Scope.Environment))
	})
	return out, nil
}

func headOfRecord(id snapshot.ScopeID, head headRecord, revision int64) ScopeHead {
	out := ScopeHead{Scope: id, Keys: max(head.Keys, 0), Bytes: head.Bytes}
	if head.Version > 0 {
		out.Current = Version{Scope: id, Number: head.Version, Kind: head.Kind, Author: head.Author, Time: head.Time, Revision: revision}
	}
	return out
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
			environment, namespace, _ := strings.Cut(strings.TrimPrefix(string(kv.Key), headsPrefix), "/")
			id := snapshot.ScopeID{Namespace: namespace, Environment: environment}
			var head headRecord
			if err := decodeStored(kv.Value, &head); err != nil || !isScope(id) {
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

// eachScope does something with every scope that has entries, at a revision. It asks for
// one key of each, and not for all of them.
func (s *historyStore) eachScope(ctx context.Context, revision int64, do func(snapshot.ScopeID)) error {
	rng := everything()
	for start := rng.start; ; {
		page, err := s.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithLimit(1), clientv3.WithKeysOnly(), clientv3.WithRev(revision))
		if err != nil {
			return fmt.Errorf("look for scopes: %w", err)
		}
		if len(page.Kvs) == 0 {
			return nil
		}
		id, _, ok := parseEntryKey(string(page.Kvs[0].Key))
		if !ok {
			start = string(page.Kvs[0].Key) + "\x00"
			continue
		}
		if isScope(id) {
			do(id)
		}
		start = scopeRange(id).end
	}
}

// Shadow is what a weaker layer has for a key.
type Shadow struct {
	Scope snapshot.ScopeID
	Stored
}

// ScopeContent is what a scope holds now.
type ScopeContent struct {
	Head    ScopeHead
	Entries []ScopeEntry
	Shadows map[string][]Shadow // by key, strongest first
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
	r, err := s.read(ctx, append([]snapshot.ScopeID{id}, weaker(id)...)...)
	if err != nil {
		return ScopeContent{}, err
	}
	scope := r.scopes[0]
	state, err := s.stateAt(ctx, id, scope.head.Version, r.revision)
	if err != nil && !errors.Is(err, ErrBroken) { // what is there is there, though nobody knows since when
		return ScopeContent{}, err
	}
	out := ScopeContent{Head: headOfRecord(id, scope.head, scope.revision), Shadows: map[string][]Shadow{}}
	out.Head.Touched = len(changesBetween(state, scope.live())) > 0
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
