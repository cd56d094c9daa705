package service

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	defaultResults = 100
	// A page of a search goes no further after so many keys, or so long, and is asked after
	// every few keys.
	maxSearched = 50_000
	searchTime  = time.Second
	lookAtClock = 64
)

// search is one page of a search. The call owns it.
type search struct {
	*Admin
	grant      policy.Grant
	view       replica.HeadsView
	key, value string // in lower case
	limit      int
	until      time.Time

	resp   *adminv1.SearchResponse
	bytes  int
	looked int    // keys
	last   string // the place that was looked at last; never one that may not be read
	full   bool
}

// Search answers a page of the entries that hold what is looked for.
func (a *Admin) Search(ctx context.Context, req *adminv1.SearchRequest) (*adminv1.SearchResponse, error) {
	list := place("search", req.GetKey(), req.GetValue(), req.GetNamespace(), req.GetEnvironment())
	after, err := list.from(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	view, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	s := &search{
		Admin: a, grant: policy.GrantOf(ctx), view: view, resp: &adminv1.SearchResponse{},
		key: strings.ToLower(req.GetKey()), value: strings.ToLower(req.GetValue()),
		limit: orDefault(req.GetPageSize(), defaultResults), until: a.reads.now().Add(searchTime),
	}
	if err := s.from(ctx, after); err != nil {
		return nil, err
	}
	if s.full {
		s.resp.NextPageToken = list.token(s.last)
	}
	return s.resp, nil
}

// from looks behind a place, namespace by namespace, until the page is full or there is
// nothing more. What may not be read is passed by, and counts for nothing.
func (s *search) from(ctx context.Context, after string) error {
	where, key, _ := strings.Cut(after, " ")
	begin := scopeOf(where)
	var scopes []snapshot.ScopeID // of one namespace
	for h := range s.view.From(begin) {
		if len(scopes) > 0 && scopes[0].Namespace != h.Scope.Namespace {
			if err := s.namespace(ctx, scopes, begin, key); err != nil || s.full {
				return err
			}
			scopes = scopes[:0]
		}
		if len(s.view.Scope(h.Scope).Items()) > 0 {
			scopes = append(scopes, h.Scope)
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	return s.namespace(ctx, scopes, begin, key)
}

// namespace looks at the scopes of one namespace; at the one where the page begins behind
// a key.
func (s *search) namespace(ctx context.Context, scopes []snapshot.ScopeID, begin snapshot.ScopeID, after string) error {
	if s.spent() {
		s.full = true
		return nil
	}
	hide := s.veil(scopes)
	for _, id := range scopes {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, it := range s.view.Scope(id).Items() {
			if id == begin && it.Key <= after {
				continue
			}
			if err := s.item(hide, id, it); err != nil || s.full {
				return err
			}
		}
	}
	return nil
}

// spent says whether the page has had its share of work.
func (s *search) spent() bool {
	return s.looked > 0 && (s.looked >= maxSearched || !s.reads.now().Before(s.until))
}

// item looks at one key, unless the page is full.
func (s *search) item(hide *veil, id snapshot.ScopeID, it *snapshot.Item) error {
	if len(s.resp.Results) == s.limit || s.looked%lookAtClock == 0 && s.spent() {
		s.full = true
		return nil
	}
	if strings.Contains(strings.ToLower(it.Key), s.key) {
		masked := hide.hides(it.Key, id.Environment)
		if s.value == "" || !masked && holds(it, s.value) {
			r, err := result(id, it, masked)
			if err != nil {
				return err
			}
			if s.bytes += framed(proto.Size(r)); s.bytes > maxAnswer && len(s.resp.Results) > 0 {
				s.full = true // the next page begins with it
				return nil
			}
			s.resp.Results = append(s.resp.Results, r)
		}
	}
	s.looked++
	s.last = id.String() + " " + it.Key
	return nil
}

// holds says whether the usable value of an item has a part, which is in lower case.
func holds(it *snapshot.Item, part string) bool {
	if it.Problem != "" {
		return false
	}
	text := it.Value.JSON()
	if strings.HasPrefix(text, `"`) {
		_ = json.Unmarshal([]byte(text), &text) // a canonical value can be read
	}
	return strings.Contains(strings.ToLower(text), part)
}

func result(id snapshot.ScopeID, it *snapshot.Item, masked bool) (*adminv1.SearchResult, error) {
	r := &adminv1.SearchResult{
		Namespace: id.Namespace, Environment: id.Environment, Key: it.Key, Revision: it.ModRevision(), Content: &adminv1.Content{},
	}
	switch {
	case masked:
		r.Content.Masked = true
	case it.Problem != "":
		r.Content.Problem = "the " + it.Problem
	default:
		value, err := wireValue(it.Value)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", it.Key, err)
		}
		r.Content.Value = value
	}
	return r, nil
}

// veil returns the veil over scopes of one namespace, by the schema as of the same revision
// as what they hold: so it does not matter what becomes of that meanwhile. A schema that
// cannot be used, or is not known, hides everything, and keeps no other namespace from being
// searched.
func (s *search) veil(scopes []snapshot.ScopeID) *veil {
	namespace := scopes[0].Namespace
	v := &veil{sees: map[string]bool{}}
	all := true
	for _, id := range scopes {
		g, err := s.grant.In(id.Namespace, id.Environment)
		if err != nil {
			continue // the policy changed just now: view.Scope tells nothing either
		}
		v.sees[id.Environment] = s.seesSensitive(g, id.Environment)
		all = all && v.sees[id.Environment]
	}
	if all || namespace == snapshot.SharedNamespace {
		return nil
	}
	stored, known := s.view.Schema(namespace)
	switch {
	case !known:
		return v
	case stored.Deleted():
		return nil
	}
	v.by = marksOf(stored).by
	return v
}

// hides says whether the caller may not see a key in an environment. A veil without a
// schema hides all.
func (v *veil) hides(key, environment string) bool {
	return v != nil && !v.sees[environment] && (v.by == nil || v.by.Sensitive(key))
}
