package service_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/metadata"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/servertest"
)

// TestManyScopes pages through 2,000 scopes, and prints what a page takes.
func TestManyScopes(t *testing.T) {
	const namespaces, environments, page = 100, 20, 100
	e := administrator(t, servertest.Options{})
	var commits errgroup.Group
	commits.SetLimit(4)
	for n := range namespaces {
		req := &adminv1.CommitRequest{Namespace: fmt.Sprintf("service-%03d", n), Message: "m"}
		for env := range environments {
			for _, key := range []string{"database.host", "database.pool_size", "log.level"} {
				req.Changes = append(req.Changes, at(fmt.Sprintf("env-%02d", env), set(key, "x")))
			}
		}
		commits.Go(func() error { _, err := e.Commit(e.ctx, req); return err })
	}
	if err := commits.Wait(); err != nil {
		t.Fatal(err)
	}
	seen, pages, last := 0, 0, ""
	began := time.Now()
	for req := (&adminv1.ListNamespacesRequest{PageSize: page}); ; pages++ {
		resp, err := e.ListNamespaces(e.ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range resp.GetScopes() {
			name := h.GetNamespace() + "/" + h.GetEnvironment()
			if name <= last || h.GetKeys() != 3 || h.GetVersion() != 1 {
				t.Errorf("%v after %s", h, last)
			}
			last, seen = name, seen+1
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	fmt.Printf("FIGURE %d scopes in pages of %d: %s a page\n", seen, page, (time.Since(began) / time.Duration(pages+1)).Round(10*time.Microsecond))
	if seen != namespaces*environments {
		t.Errorf("%d scopes, want %d", seen, namespaces*environments)
	}
}

// administrator is a control server, as somebody who may do everything sees it.
func administrator(t *testing.T, o servertest.Options) *editing {
	t.Helper()
	s := servertest.StartControl(t, o)
	ctx := metadata.AppendToOutgoingContext(deadline(t), "authorization", "Bearer "+servertest.AdminToken)
	return &editing{s, adminv1.NewConfigAdminServiceClient(s.Conn(t)), ctx}
}
