package service

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/snapshot"
)

const defaultPage = 100

// pages is the form of page tokens: opaque to callers, and fit for a query.
var pages = base64.RawURLEncoding.Strict()

// sumBytes are enough to tell a token that was cut or made up. It is no secret: all that
// a token does is say where to go on in a list that the caller may see anyway.
const sumBytes = 6

// pageSum binds a page token to what it selects from.
func pageSum(req *adminv1.ListServicesRequest, after string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"page of services", req.GetNamespace(), req.GetEnvironment(), after}, "\x00")))
	return string(sum[:sumBytes])
}

// pageAfter returns the last service of the page before; the zero ScopeID for the first
// page.
func pageAfter(req *adminv1.ListServicesRequest) (after snapshot.ScopeID, err error) {
	if req.GetPageToken() == "" {
		return after, nil
	}
	text, err := pages.DecodeString(req.GetPageToken())
	if err == nil && len(text) > sumBytes && string(text[:sumBytes]) == pageSum(req, string(text[sumBytes:])) {
		if ns, env, ok := strings.Cut(string(text[sumBytes:]), "/"); ok {
			return snapshot.ScopeID{Namespace: ns, Environment: env}, nil
		}
	}
	return after, fault.Field("page_token", errors.New("is none of this list; accepted: next_page_token of the page before, with the same namespace and environment"))
}

// page returns the services after one, as many as the request asks for.
func page(services []etcdstore.Service, req *adminv1.ListServicesRequest, after snapshot.ScopeID) *adminv1.ListServicesResponse {
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	byName := func(a, b etcdstore.Service) int { return compareScopes(a.Scope, b.Scope) }
	if !slices.IsSortedFunc(services, byName) {
		services = slices.SortedFunc(slices.Values(services), byName)
	}
	from, _ := slices.BinarySearchFunc(services, after, func(s etcdstore.Service, after snapshot.ScopeID) int {
		if compareScopes(s.Scope, after) <= 0 {
			return -1
		}
		return 1
	})
	resp := &adminv1.ListServicesResponse{}
	for _, s := range services[from:] {
		if len(resp.Services) == size {
			last := resp.Services[size-1]
			after := last.GetNamespace() + "/" + last.GetEnvironment()
			resp.NextPageToken = pages.EncodeToString([]byte(pageSum(req, after) + after))
			break
		}
		resp.Services = append(resp.Services, wireService(s))
	}
	return resp
}

func compareScopes(a, b snapshot.ScopeID) int {
	if by := strings.Compare(a.Namespace, b.Namespace); by != 0 {
		return by
	}
	return strings.Compare(a.Environment, b.Environment)
}
