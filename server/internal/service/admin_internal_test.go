package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// What the registry says, and what the caller gets to hear.
func TestAdminFaults(t *testing.T) {
	t.Parallel()
	const secret = "https://10.1.2.3:2379"
	gone, leave := context.WithCancel(t.Context())
	leave()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	for _, tt := range []struct {
		ctx    context.Context
		err    error
		code   codes.Code
		reason string
		words  string
	}{
		{t.Context(), fmt.Errorf("register: %w", etcdstore.ErrRegistered), codes.AlreadyExists, "SERVICE_EXISTS", "RotateToken makes another one"},
		{t.Context(), fmt.Errorf("rotate: %w", etcdstore.ErrNotRegistered), codes.NotFound, "SERVICE_NOT_FOUND", "RegisterService makes one"},
		{t.Context(), fmt.Errorf("%w: %s is too old", etcdstore.ErrUnsuitable, secret), codes.FailedPrecondition, "STORE_UNSUITABLE", "authentication is off"},
		{t.Context(), fmt.Errorf("%s: %w", secret, etcdstore.ErrDeleting), codes.Unavailable, "STORE_UNAVAILABLE", "is being deleted; when that was interrupted, delete it again"},
		{t.Context(), errors.New(secret), codes.Unavailable, "STORE_UNAVAILABLE", "it is not known whether anything was done"},
		{late, fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), codes.Unavailable, "STORE_UNAVAILABLE", "ask ListServices"},
		{gone, fmt.Errorf("%s: %w", secret, context.Canceled), codes.Canceled, "NOT_READY", "went away"},
		{gone, etcdstore.ErrNotRegistered, codes.NotFound, "SERVICE_NOT_FOUND", "is not registered"},
	} {
		err := adminFault(tt.ctx, policy.Grant{}, tt.err)
		st := fault.Status(err)
		if st.Code() != tt.code || fault.ReasonOf(st) != tt.reason || !strings.Contains(st.Message(), tt.words) {
			t.Errorf("%v is answered %v, want %s %s %q", tt.err, st, tt.code, tt.reason, tt.words)
		}
		if strings.Contains(st.Proto().String(), "10.1.2.3") {
			t.Errorf("%v is answered %v: the caller gets to know where the store is", tt.err, st)
		}
		var f *fault.Error
		if strings.HasPrefix(tt.reason, "STORE_") && (!errors.As(err, &f) || f.Cause != tt.err) {
			t.Errorf("%v is lost for the log", tt.err)
		}
	}
	if err := fmt.Errorf("x: %w", policy.ErrDenied); adminFault(t.Context(), policy.Grant{}, err) != err {
		t.Error("a refusal of the policy does not reach the chain, which has the words for it")
	}
}

// The messages name the service when the grant does.
func TestAdminFaultsNameTheService(t *testing.T) {
	t.Parallel()
	id := &identity.Identity{Namespace: "payment-service", Environment: "production"}
	g, err := policy.Sidecar(id, policy.Read, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if f := adminFault(t.Context(), g, etcdstore.ErrRegistered); !strings.Contains(f.Error(), "service payment-service in production is registered") {
		t.Error(f)
	}
	rules, err := policy.Parse([]byte("rules: [{who: ['service:*/*'], may: [administer], namespaces: ['*'], environments: ['*']}]"))
	if err != nil {
		t.Fatal(err)
	}
	open, err := policy.By(func() *policy.Policy { return rules })(id, policy.Administer, "payment-service", "")
	if err != nil {
		t.Fatal(err)
	}
	if f := adminFault(t.Context(), open, etcdstore.ErrNotRegistered); !strings.Contains(f.Error(), "service payment-service is not registered") {
		t.Error(f)
	}
}

func registered(n int) []etcdstore.Service {
	var services []etcdstore.Service
	for i := range n {
		// Names of which one begins another: a page must not end within them.
		scope := snapshot.ScopeID{Namespace: "pay" + strings.Repeat("-a", i/3), Environment: []string{"development", "production", "staging"}[i%3]}
		services = append(services, etcdstore.Service{Scope: scope, Created: time.Unix(int64(i), 0)})
	}
	return services
}

// walk reads all pages.
func walk(t *testing.T, services []etcdstore.Service, size int32) (names []string, pages int) {
	t.Helper()
	req := &adminv1.ListServicesRequest{PageSize: size}
	for {
		after, err := pageAfter(req)
		if err != nil {
			t.Fatal(err)
		}
		resp := page(services, req, after)
		pages++
		for _, s := range resp.GetServices() {
			names = append(names, s.GetNamespace()+"/"+s.GetEnvironment())
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" || pages > len(services)+1 {
			return names, pages
		}
	}
}

// Pages of every size are the whole list, in its order, nothing twice.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 7, 30, 205} {
		services := registered(n)
		var want []string
		for _, s := range services {
			want = append(want, s.Scope.String())
		}
		for _, size := range []int32{1, 2, 3, 7, 100, 1000, 0} {
			names, pages := walk(t, services, size)
			per := int(size)
			if size == 0 {
				per = 100
			}
			if strings.Join(names, " ") != strings.Join(want, " ") || pages != max(1, (n+per-1)/per) {
				t.Errorf("%d services by %d: %d pages with %q", n, size, pages, names)
			}
		}
	}
}

// The next page begins after the last one's end, whatever came or went meanwhile.
func TestPagesGoOnWhileServicesComeAndGo(t *testing.T) {
	t.Parallel()
	services := registered(9)
	req := &adminv1.ListServicesRequest{PageSize: 4}
	first := page(services, req, snapshot.ScopeID{})
	req.PageToken = first.GetNextPageToken()
	after, err := pageAfter(req)
	if err != nil {
		t.Fatal(err)
	}
	second := page(services[4:], req, after) // those of the first page are gone
	if len(second.GetServices()) != 4 || second.GetServices()[0].GetNamespace() != services[4].Scope.Namespace || second.GetServices()[0].GetEnvironment() != services[4].Scope.Environment {
		t.Errorf("the second page is %v", second)
	}
}

// A page token is of one list and whole, or it is refused.
func TestPageTokensAreChecked(t *testing.T) {
	t.Parallel()
	token := page(registered(9), &adminv1.ListServicesRequest{PageSize: 2}, snapshot.ScopeID{}).GetNextPageToken()
	for _, req := range []*adminv1.ListServicesRequest{
		{PageToken: "x"},
		{PageToken: "===="},
		{PageToken: token + "A"},
		{PageToken: token[:len(token)-4]},
		{PageToken: "AAAA" + token[4:]},
		{PageToken: strings.ToUpper(token)},
		{PageToken: token, Namespace: "pay"},
		{PageToken: token, Environment: "production"},
		{PageToken: pages.EncodeToString([]byte("pay/production"))},
		{PageToken: strings.Repeat("A", 512)},
	} {
		if _, err := pageAfter(req); fault.Status(err).Code() != codes.InvalidArgument || !strings.Contains(err.Error(), "page_token is none of this list; accepted: next_page_token") {
			t.Errorf("%v: %v", req, err)
		}
	}
	if _, err := pageAfter(&adminv1.ListServicesRequest{PageToken: token, PageSize: 5}); err != nil {
		t.Errorf("another page size: %v", err)
	}
}

func TestWireService(t *testing.T) {
	t.Parallel()
	s := wireService(etcdstore.Service{
		Scope: snapshot.ScopeID{Namespace: "a", Environment: "b"}, Created: time.Unix(1, 2), CreatedBy: "user:admin",
		Tokens: []etcdstore.Token{{ID: "x", Created: time.Unix(3, 0), CreatedBy: "user:y", Expires: time.Unix(4, 0)}, {ID: "z"}},
	})
	if s.GetNamespace() != "a" || s.GetEnvironment() != "b" || s.GetCreateTime().AsTime().UnixNano() != 1e9+2 || s.GetCreatedBy() != "user:admin" {
		t.Errorf("%v", s)
	}
	if x := s.GetTokens()[0]; x.GetId() != "x" || x.GetCreateTime().GetSeconds() != 3 || x.GetCreatedBy() != "user:y" || x.GetExpireTime().GetSeconds() != 4 {
		t.Errorf("%v", x)
	}
	if z := s.GetTokens()[1]; z.GetId() != "z" || z.GetExpireTime() != nil || z.GetCreateTime() != nil {
		t.Errorf("%v", z)
	}
}
