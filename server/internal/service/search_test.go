package service_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// found is all pages of a search, as text.
func (r *ruled) found(t *testing.T, who string, req *adminv1.SearchRequest) string {
	t.Helper()
	var out []string
	for {
		resp, err := r.Search(r.as(t, who), req)
		if err != nil {
			t.Fatalf("%v by %s: %v", req, who, err)
		}
		if req.PageSize > 0 && len(resp.GetResults()) > int(req.PageSize) {
			t.Errorf("%v has %d results", req, len(resp.GetResults()))
		}
		for _, f := range resp.GetResults() {
			text := f.GetNamespace() + "/" + f.GetEnvironment() + " " + f.GetKey()
			switch c := f.GetContent(); {
			case c.GetMasked():
				text += " masked"
			case c.GetProblem() != "":
				text += " unusable"
			case c.GetValue() == nil || f.GetRevision() == 0:
				t.Errorf("found %v", f)
			}
			out = append(out, text)
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return strings.Join(out, ", ")
		}
	}
}

func searchable(t *testing.T) *ruled {
	t.Helper()
	r := ruledBy(t, rootMay+fmt.Sprintf(annaMay, "pay")+"  - {who: [\"user:root\"], may: [read-sensitive], namespaces: [\"pay\"], environments: [\"production\"]}\n", people)
	write := func(namespace, environment string, changes ...*adminv1.Change) {
		t.Helper()
		if _, err := r.Commit(r.as(t, "root"), &adminv1.CommitRequest{Namespace: namespace, Environment: environment, Message: "m", Changes: changes}); err != nil {
			t.Fatal(err)
		}
	}
	write("pay", "production", set("database.host", "DB.example.com"), set("database.pool_size", 20.0), set("password", "Hunter2"), set("limits", map[string]any{"high": 20.0, "name": "DB <x>"}))
	write("pay", "test", set("database.host", "localhost"), set("password", "hunter2"))
	write("orders", "production", set("database.host", "db.example.com"))
	write("_shared", "_all", set("log.level", "warn"), set("empty", nil))
	r.Etcd.Commit(t, servertest.Write{Namespace: "raw", Environment: "production", Layer: own, Key: "database.host", JSON: "{db.example.com"})
	if _, err := r.PutSchema(r.as(t, "root"), &adminv1.PutSchemaRequest{Namespace: "pay", Schema: jsonValue(t, `{"properties":{"password":{"x-sensitive":true}}}`)}); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSearch looks for parts of keys and values, as several callers.
func TestSearch(t *testing.T) {
	t.Parallel()
	r := searchable(t)
	for _, tt := range []struct {
		who, key, value, namespace, environment string
		want                                    string
	}{
		{who: "root", key: "HOST", want: "orders/production database.host, pay/production database.host, pay/test database.host, raw/production database.host unusable"},
		{who: "root", value: "db.EXAMPLE", want: "orders/production database.host, pay/production database.host"},
		{who: "root", key: "limits", value: `"high":20`, want: "pay/production limits"},
		{who: "root", value: "db <x>", want: "pay/production limits"},
		{who: "root", value: "20", want: "pay/production database.pool_size, pay/production limits"},
		{who: "root", value: "null", want: "_shared/_all empty"},
		{who: "root", value: `"warn`, want: ""}, // a text is searched without its quotes
		{who: "root", value: "warn", want: "_shared/_all log.level"},
		{who: "root", key: "host", environment: "production", want: "orders/production database.host, pay/production database.host, raw/production database.host unusable"},
		{who: "root", key: "host", namespace: "pay", want: "pay/production database.host, pay/test database.host"},
		{who: "root", key: "host", namespace: "pay", environment: "test", want: "pay/test database.host"},
		{who: "root", key: "level", namespace: "_shared", want: "_shared/_all log.level"},
		{who: "root", key: "absent", want: ""},
		// Who may see what is sensitive in production finds it there, and nowhere else.
		{who: "root", key: "password", want: "pay/production password, pay/test password masked"},
		{who: "root", value: "hunter", want: "pay/production password"},
		{who: "anna", key: "password", want: "pay/production password masked"},
		{who: "anna", value: "hunter", want: ""},
		{who: "anna", key: "password", value: "h", want: ""},
		{who: "anna", key: "o", want: "pay/production database.host, pay/production database.pool_size, pay/production password masked"},
		{who: "serv", value: "hunter", want: "pay/production password"},
		{who: "serv", key: "host", want: "pay/production database.host"},
		{who: "carl", key: "host", want: ""},
		{who: "carl", key: "host", namespace: "orders", want: ""},
	} {
		for _, size := range []int32{0, 1, 2} {
			req := &adminv1.SearchRequest{Key: tt.key, Value: tt.value, Namespace: tt.namespace, Environment: tt.environment, PageSize: size}
			if got := r.found(t, tt.who, req); got != tt.want {
				t.Errorf("%s looks for %q, %q in pages of %d: %s, want %s", tt.who, tt.key, tt.value, size, got, tt.want)
			}
		}
	}
	_, err := r.Search(r.as(t, "anna"), &adminv1.SearchRequest{Key: "a", Namespace: "orders", Environment: "production"})
	refusedAs(t, err, codes.PermissionDenied, configv1.ErrorReason_PERMISSION_DENIED)
	for field, req := range map[string]*adminv1.SearchRequest{
		"key":         {},
		"page_token":  {Key: "a", PageToken: "made up"},
		"page_size":   {Key: "a", PageSize: 1001},
		"namespace":   {Key: "a", Namespace: "A"},
		"environment": {Key: "a", Environment: "_shared"},
		"value":       {Value: strings.Repeat("x", 1025)},
	} {
		_, err := r.Search(r.as(t, "root"), req)
		refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, field)
	}
	first, err := r.Search(r.as(t, "root"), &adminv1.SearchRequest{Key: "host", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Search(r.as(t, "root"), &adminv1.SearchRequest{Key: "port", PageToken: first.GetNextPageToken()})
	refusedAs(t, err, codes.InvalidArgument, configv1.ErrorReason_INVALID_ARGUMENT, "page_token")
}

// TestASchemaThatIsBrokenHidesEverything of its namespace from callers without the right, and
// keeps nobody from searching the rest.
func TestASchemaThatIsBrokenHidesEverything(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{"{", `{"schema": {"type": "nothing"}}`} {
		r := searchable(t)
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{r.Etcd.Endpoint}, Logger: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Put(deadline(t), "/config-service/v1/schemas/orders", schema)
		if err := errors.Join(err, client.Close()); err != nil {
			t.Fatal(err)
		}
		if got, want := r.found(t, "root", &adminv1.SearchRequest{Value: "db.example"}), "pay/production database.host"; got != want {
			t.Errorf("by value: %s, want %s", got, want)
		}
		if got, want := r.found(t, "root", &adminv1.SearchRequest{Key: "host", Environment: "production"}), "orders/production database.host masked, pay/production database.host, raw/production database.host unusable"; got != want {
			t.Errorf("by key: %s, want %s", got, want)
		}
	}
}

// TestSearchIsBounded: a page looks at no more than so many keys, and holds no more than fits
// a message; what follows is on the next one.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	e := administrator(t, servertest.Options{})
	large := strings.Repeat("x", 250<<10)
	for n := range 30 {
		writes := []servertest.Write{{Namespace: fmt.Sprintf("large-%02d", n), Environment: "test", Layer: own, Key: "large", JSON: `"` + large + `"`}}
		for k := range 2000 {
			writes = append(writes, servertest.Write{Namespace: fmt.Sprintf("many-%02d", n), Environment: "test", Layer: own, Key: fmt.Sprintf("k%04d", k), JSON: "1"})
			if len(writes) == 100 {
				e.Etcd.Commit(t, writes...)
				writes = nil
			}
		}
		e.Etcd.Commit(t, writes...)
	}
	pages, results, empty := 0, 0, 0
	for req := (&adminv1.SearchRequest{Key: "large"}); ; {
		resp, err := e.Search(e.ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		pages, results = pages+1, results+len(resp.GetResults())
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			break
		}
		if len(resp.GetResults()) == 0 {
			empty++
		}
	}
	if results != 30 || pages < 3 {
		t.Errorf("%d results on %d pages", results, pages)
	}
	// 60,000 keys without a match: a page looks at 50,000 of them, in which it finds nothing.
	first, err := e.Search(e.ctx, &adminv1.SearchRequest{Key: "nothing"})
	if err != nil || len(first.GetResults()) > 0 || first.GetNextPageToken() == "" {
		t.Fatalf("%s, %v", prototext.Format(first), err)
	}
	for req := (&adminv1.SearchRequest{Key: "nothing", PageToken: first.GetNextPageToken()}); req.PageToken != ""; {
		resp, err := e.Search(e.ctx, req)
		if err != nil || len(resp.GetResults()) > 0 {
			t.Fatalf("%v, %v", resp, err)
		}
		req.PageToken = resp.GetNextPageToken()
	}
}
