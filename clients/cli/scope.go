package main

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// scopeNow is what a scope holds.
type scopeNow struct {
	where
	head    *adminv1.ScopeHead
	entries []*adminv1.ScopeEntry
}

// mostEntries is how many entries are asked for at a time: the most that a server gives.
const mostEntries = 10_000

// scope asks what a scope holds, as of one moment.
func (s *session) scope(of where) (*scopeNow, error) {
	const attempts = 5
	for range attempts {
		now, still, err := s.scopeOnce(of)
		if err != nil || still {
			return now, err
		}
	}
	return nil, &problem.Error{Exit: problem.Conflict, Message: fmt.Sprintf("%s changes all the time", of), Next: "the same again, when it is calmer"}
}

// scopeOnce says also whether the scope stood still over all pages.
func (s *session) scopeOnce(of where) (now *scopeNow, still bool, err error) {
	req := &adminv1.GetScopeRequest{Namespace: of.namespace, Environment: of.environment, PageSize: mostEntries}
	now = &scopeNow{where: of}
	for {
		ctx, cancel := s.within()
		resp, err := s.admin.GetScope(ctx, req)
		cancel()
		switch {
		case err != nil:
			return nil, false, s.refused(err)
		case now.head != nil && !proto.Equal(now.head, resp.GetHead()):
			return nil, false, nil
		}
		now.head = resp.GetHead()
		now.entries = append(now.entries, resp.GetEntries()...)
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return now, true, nil
		}
	}
}

// content is what the scope holds, all of it usable and to be seen.
func (n *scopeNow) content() (tree.Content, error) { return contentOf(n.where, n.entries) }

func contentOf(of where, entries []*adminv1.ScopeEntry) (tree.Content, error) {
	content := tree.Content{}
	var bad, masked []string
	for _, e := range entries {
		switch {
		case e.GetContent().GetProblem() != "":
			bad = append(bad, fmt.Sprintf("%s of %s: %s", e.GetKey(), of, e.GetContent().GetProblem()))
		case e.GetContent().GetMasked():
			masked = append(masked, fmt.Sprintf("%s of %s is sensitive, and masked for this caller", e.GetKey(), of))
		}
		content[e.GetKey()] = e.GetContent().GetValue()
	}
	if masked != nil { // written as what is not there, it would be taken for null
		return nil, &problem.Error{Exit: problem.Failed, Message: strings.Join(masked, "\n"), Next: "a caller with read-sensitive sees it; 'configctl set' and 'configctl unset' change single keys"}
	}
	if bad != nil {
		return nil, &problem.Error{Exit: problem.Failed, Message: strings.Join(bad, "\n"), Next: "a file cannot hold what cannot be used; 'configctl set' or 'configctl unset' mends it"}
	}
	return content, nil
}

// changesTo are the changes that make the scope hold what is wanted.
func (n *scopeNow) changesTo(wanted tree.Content, prune bool) []*adminv1.Change {
	var changes []*adminv1.Change
	same := map[string]bool{}
	for _, e := range n.entries {
		value, ok := wanted[e.GetKey()]
		switch {
		case !ok && prune:
			changes = append(changes, deletion(n.environment, e.GetKey()))
		case ok:
			same[e.GetKey()] = e.GetContent().GetProblem() == "" && !e.GetContent().GetMasked() && tree.Equal(value, e.GetContent().GetValue())
		}
	}
	for _, key := range wanted.Keys() {
		if !same[key] {
			changes = append(changes, setting(n.environment, key, wanted[key]))
		}
	}
	slices.SortFunc(changes, func(a, b *adminv1.Change) int { return strings.Compare(a.GetKey(), b.GetKey()) })
	return changes
}

// heads asks for the scopes that hold something, or those of a namespace or environment.
func (s *session) heads(of where) ([]*adminv1.ScopeHead, error) {
	req := &adminv1.ListNamespacesRequest{Namespace: of.namespace, Environment: of.environment, PageSize: page}
	var heads []*adminv1.ScopeHead
	for {
		ctx, cancel := s.within()
		resp, err := s.admin.ListNamespaces(ctx, req)
		cancel()
		if err != nil {
			return nil, s.refused(err)
		}
		heads = append(heads, resp.GetScopes()...)
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return heads, nil
		}
	}
}
