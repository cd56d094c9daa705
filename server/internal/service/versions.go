package service

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
)

const (
	defaultVersions = 100
	defaultEntries  = 1000
)

// ListVersions answers a page of the history of the granted scope.
func (a *Admin) ListVersions(ctx context.Context, req *adminv1.ListVersionsRequest) (*adminv1.ListVersionsResponse, error) {
	list := place("versions", req.GetNamespace(), req.GetEnvironment(), req.GetKey(), req.GetAuthor())
	after, err := list.from(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	q := etcdstore.VersionsQuery{Key: req.GetKey(), Author: req.GetAuthor(), Limit: orDefault(req.GetPageSize(), defaultVersions)}
	q.Before, _ = strconv.ParseInt(after, 10, 64) // the token is one of ours
	versions, next, err := a.history.Versions(ctx, policy.GrantOf(ctx), q)
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	resp := &adminv1.ListVersionsResponse{}
	for _, v := range versions {
		resp.Versions = append(resp.Versions, wireVersion(v))
	}
	if next > 0 {
		resp.NextPageToken = list.token(strconv.FormatInt(next, 10))
	}
	return resp, nil
}

// GetVersion answers a version of the granted scope.
func (a *Admin) GetVersion(ctx context.Context, req *adminv1.GetVersionRequest) (*adminv1.GetVersionResponse, error) {
	v, err := a.history.Version(ctx, policy.GrantOf(ctx), req.GetVersion())
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	resp := &adminv1.GetVersionResponse{}
	if v.Version.Number > 0 {
		resp.Version = wireVersion(v.Version)
	}
	hide, err := a.veilOver(ctx, v.Revision, req.GetEnvironment())
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	if resp.Differences, err = wireDifferences(hide, v.Differences); err != nil {
		return nil, err
	}
	for _, e := range v.Entries {
		entry, err := wireScopeEntry(hide, req.GetEnvironment(), e, nil)
		if err != nil {
			return nil, err
		}
		resp.Entries = append(resp.Entries, entry)
	}
	return resp, fits(resp, "the version")
}

// Diff compares two contents of the granted namespace.
func (a *Admin) Diff(ctx context.Context, req *adminv1.DiffRequest) (*adminv1.DiffResponse, error) {
	sideOf := func(s *adminv1.DiffRequest_Side) etcdstore.Side {
		side := etcdstore.Side{Environment: s.GetEnvironment(), Version: s.GetVersion()}
		if side.Environment == "" {
			side.Environment = req.GetEnvironment()
		}
		return side
	}
	old, now := sideOf(req.GetFrom()), sideOf(req.GetTo())
	found, err := a.history.Diff(ctx, policy.GrantOf(ctx), old, now)
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	hide, err := a.veilOver(ctx, found.Revision, old.Environment, now.Environment)
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	resp := &adminv1.DiffResponse{FromVersion: found.From, ToVersion: found.To}
	if resp.Differences, err = wireDifferences(hide, found.Differences, old.Environment); err != nil {
		return nil, err
	}
	return resp, fits(resp, "the difference")
}

// GetScope answers a page of what the granted scope holds.
func (a *Admin) GetScope(ctx context.Context, req *adminv1.GetScopeRequest) (*adminv1.GetScopeResponse, error) {
	list := place("scope", req.GetNamespace(), req.GetEnvironment(), req.GetPrefix())
	after, err := list.from(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	scope, err := a.history.Scope(ctx, policy.GrantOf(ctx))
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	hide, err := a.veilOver(ctx, scope.Revision, req.GetEnvironment())
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	resp := &adminv1.GetScopeResponse{Head: wireHead(scope.Head)}
	resp.Head.ChangedExternally = scope.Touched
	limit, bytes := orDefault(req.GetPageSize(), defaultEntries), proto.Size(resp.GetHead())
	for _, e := range scope.Entries {
		if e.Key <= after || !below(e.Key, req.GetPrefix()) {
			continue
		}
		entry, err := wireScopeEntry(hide, req.GetEnvironment(), e, scope.Shadows[e.Key])
		if err != nil {
			return nil, err
		}
		bytes += framed(proto.Size(entry))
		if n := len(resp.Entries); n == limit || n > 0 && bytes > maxAnswer {
			resp.NextPageToken = list.token(resp.Entries[n-1].GetKey())
			break
		}
		resp.Entries = append(resp.Entries, entry)
	}
	return resp, nil
}

// below says whether a prefix selects a key.
func below(key, prefix string) bool {
	return prefix == "" || key == prefix || strings.HasPrefix(key, prefix+".")
}

func wireScopeEntry(v *veil, environment string, e etcdstore.ScopeEntry, shadows []etcdstore.Shadow) (*adminv1.ScopeEntry, error) {
	content, err := wireContent(&e.Stored)
	if err != nil {
		return nil, err
	}
	w := &adminv1.ScopeEntry{Key: e.Key, Content: v.over(content, e.Key, environment), Version: e.Version, Author: e.Author, Time: wireTime(e.Time)}
	for _, s := range shadows {
		content, err := wireContent(&s.Stored)
		if err != nil {
			return nil, err
		}
		w.Shadows = append(w.Shadows, &adminv1.Shadowed{Namespace: s.Scope.Namespace, Environment: s.Scope.Environment, Content: v.over(content, e.Key, environment)})
	}
	return w, nil
}

func orDefault(n int32, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return int(n)
}

// listed is a list that pages are of: what selects from it is part of every page token, so
// that a token of another one is refused. It is no secret: all that a token does is say
// where to go on in a list that the caller may see anyway.
type listed string

var tokens = base64.RawURLEncoding.Strict()

func place(parts ...string) listed { return listed(strings.Join(parts, "\x00")) }

func (l listed) sum(after string) string {
	sum := sha256.Sum256([]byte(string(l) + "\x00" + after))
	return string(sum[:6])
}

func (l listed) token(after string) string {
	return tokens.EncodeToString([]byte(l.sum(after) + after))
}

// from is where a page begins; empty for the first one.
func (l listed) from(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	text, err := tokens.DecodeString(token)
	if err == nil && len(text) > 6 && string(text[:6]) == l.sum(string(text[6:])) {
		return string(text[6:]), nil
	}
	return "", fault.Field("page_token", errors.New("is none of this list; accepted: next_page_token of the page before, with the same selection"))
}
