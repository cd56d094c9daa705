package isolation

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/prototext"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// row is what the test knows of a method.
type row struct {
	fields func(*tenant) map[string]string // of a good request
	// canary: a good request answers with the caller's canary, which shows that the test
	// would see one.
	canary bool
	// admin: no service may call it, with whatever request.
	admin bool
}

func names(t *tenant) map[string]string {
	return map[string]string{"namespace": t.namespace, "environment": environment}
}

// rows has every method of the contract. One that is missing fails the test: what it can
// leak has to be thought about.
var rows = map[string]row{
	"configservice.v1.ConfigService.Get":     {canary: true, fields: func(t *tenant) map[string]string { return map[string]string{"key": t.key} }},
	"configservice.v1.ConfigService.List":    {canary: true, fields: func(*tenant) map[string]string { return map[string]string{} }},
	"configservice.v1.ConfigService.Watch":   {canary: true, fields: func(*tenant) map[string]string { return map[string]string{} }},
	"configservice.v1.ConfigService.Explain": {canary: true, fields: func(t *tenant) map[string]string { return map[string]string{"key": t.key} }},
	// The keys that it names are those of the caller's schema and configuration.
	"configservice.v1.ConfigService.GetStatus": {fields: func(*tenant) map[string]string { return map[string]string{} }},

	"configservice.v1.AccessService.WhoAmI": {fields: func(*tenant) map[string]string { return nil }},
	"configservice.v1.AccessService.CanI":   {fields: func(*tenant) map[string]string { return map[string]string{"action": "READ"} }},

	"configservice.admin.v1.ConfigAdminService.RegisterService": {admin: true, fields: names},
	"configservice.admin.v1.ConfigAdminService.RotateToken":     {admin: true, fields: names},
	"configservice.admin.v1.ConfigAdminService.RevokeService":   {admin: true, fields: names},
	"configservice.admin.v1.ConfigAdminService.ListServices":    {admin: true, fields: func(*tenant) map[string]string { return map[string]string{} }},
	"configservice.admin.v1.ConfigAdminService.DeleteService":   {admin: true, fields: names},

	"configservice.admin.v1.ConfigAdminService.Commit":         {admin: true, fields: namesAnd("message", "m", "changes", `[{"key": "a", "set": "x"}]`)},
	"configservice.admin.v1.ConfigAdminService.Rollback":       {admin: true, fields: namesAnd("to_version", "1")},
	"configservice.admin.v1.ConfigAdminService.ListVersions":   {fields: names},
	"configservice.admin.v1.ConfigAdminService.GetVersion":     {fields: names},
	"configservice.admin.v1.ConfigAdminService.Diff":           {fields: namesAnd("from", "{}", "to", "{}")},
	"configservice.admin.v1.ConfigAdminService.GetScope":       {canary: true, fields: names},
	"configservice.admin.v1.ConfigAdminService.ListNamespaces": {fields: func(*tenant) map[string]string { return map[string]string{} }},
	"configservice.admin.v1.ConfigAdminService.PutSchema": {admin: true, fields: func(t *tenant) map[string]string {
		return map[string]string{"namespace": t.namespace, "schema": "true"}
	}},
	"configservice.admin.v1.ConfigAdminService.GetSchema":    {fields: names},
	"configservice.admin.v1.ConfigAdminService.DeleteSchema": {admin: true, fields: func(t *tenant) map[string]string { return map[string]string{"namespace": t.namespace} }},
}

// namesAnd are names and other fields: of numbers and messages the JSON.
func namesAnd(more ...string) func(*tenant) map[string]string {
	return func(t *tenant) map[string]string {
		fields := names(t)
		for i := 0; i < len(more); i += 2 {
			fields[more[i]] = more[i+1]
		}
		return fields
	}
}

var anyCanary = regexp.MustCompile(valueMark + `[a-z2-7]{16}|` + keyMark + `[a-z2-7]{16}`)

// foreign returns the canaries in a text that are not the tenant's; all of them for nil.
func foreign(text []byte, own *tenant) (found []string) {
	for _, c := range anyCanary.FindAll(text, -1) {
		if own == nil || (string(c) != own.value && string(c) != own.key) {
			found = append(found, string(c))
		}
	}
	return found
}

// door is where calls go: the control server, or the sidecar of one tenant.
type door struct {
	server *servertest.Server
	client *http.Client
	pinned bool
}

// judge says what is wrong with an answer.
func judge(m method, r row, d door, a attack, own *tenant, got answer) string {
	// A caller may be told the name that it gave.
	if leaks := foreign(got.bytes, own); len(leaks) > 0 && !echoes(a, leaks) {
		return fmt.Sprintf("holds the canary %s of somebody else", leaks[0])
	}
	ok := []codes.Code{codes.OK}
	refused := []codes.Code{codes.InvalidArgument, codes.PermissionDenied}
	switch {
	case strings.Contains(a.name, "token") && a.bearers != nil && !d.pinned, a.name == "another scheme" && !d.pinned, a.name == "a JWT of nobody" && !d.pinned:
		ok = []codes.Code{codes.Unauthenticated}
	case d.pinned && strings.HasPrefix(string(m.Parent().FullName()), "configservice.admin."):
		ok = []codes.Code{codes.Unimplemented, codes.NotFound}
	case a.name == "nothing hostile" && r.admin:
		ok = []codes.Code{codes.PermissionDenied}
	case a.name == "nothing hostile" && r.canary && !bytes.Contains(got.bytes, []byte(own.value)):
		return "does not hold the caller's own canary"
	case a.fields != nil || r.admin || a.query != "" || a.headers != nil:
		ok = append(refused, codes.OK, codes.NotFound, codes.Unauthenticated)
		if r.admin {
			ok = append(refused, codes.NotFound) // a path that a name broke
		}
	case len(a.bearers) > 1 && d.pinned:
		ok = append(refused, codes.OK, codes.Unauthenticated, codes.Unimplemented)
	}
	if !slices.Contains(ok, got.code) {
		return fmt.Sprintf("answers %s, want one of %v", got.code, ok)
	}
	return ""
}

// echoes says whether all that was found is what the caller sent itself.
func echoes(a attack, found []string) bool {
	for _, f := range found {
		sent := false
		for _, v := range a.fields {
			sent = sent || strings.Contains(v, f)
		}
		if !sent || strings.HasPrefix(f, valueMark) {
			return false
		}
	}
	return true
}

func TestEachServiceSeesItsOwn(t *testing.T) {
	const tenants, sidecars = 20, 4
	w := newWorld(t, tenants, sidecars)
	all := methods(t)
	for _, m := range all {
		if _, ok := rows[string(m.FullName())]; !ok {
			t.Errorf("%s has no row here: say what it answers to whom", m.FullName())
		}
	}
	if len(all) != len(rows) {
		t.Errorf("there are %d methods and %d rows", len(all), len(rows))
	}

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { w.churn(background, t) })
	var watched atomic.Int64
	for _, tn := range w.tenants {
		running.Go(func() { w.watchGRPC(background, t, tn, &watched) })
		running.Go(func() { w.watchSSE(background, t, tn, &watched) })
	}
	legal := &neighbour{}
	running.Go(func() { legal.run(background, t, w) })

	calls := w.attack(ctx, t, all)
	if calls < 12_000 {
		t.Errorf("%d calls were made, want 12000", calls)
	}
	metrics := scrape(t, w)
	stop()
	running.Wait()
	w.control.Stop(t)
	for _, s := range w.sidecars {
		s.Stop(t)
	}
	w.lookAtWhatIsWritten(t, metrics)
	fmt.Printf("FIGURE isolation: %d calls by %d services, %d messages of their watches, %d tokens; a legal client beside: %s\n",
		calls, tenants, watched.Load(), len(w.secrets), legal.report(t))
	if watched.Load() < 2*tenants {
		t.Errorf("the watches got %d messages", watched.Load())
	}
}

// attack makes every call there is, by some callers at a time, while tokens are rotated.
func (w *world) attack(ctx context.Context, t *testing.T, all []method) int64 {
	var calls atomic.Int64
	for from := 0; from < len(w.tenants); from += 4 {
		w.rotate(t)
		var callers sync.WaitGroup
		for i := from; i < min(from+4, len(w.tenants)); i++ {
			own, victim := w.tenants[i], w.tenants[(i+1)%len(w.tenants)]
			doors := []door{{server: w.control, client: &http.Client{Transport: &http.Transport{}}}}
			if i < len(w.sidecars) {
				doors = append(doors, door{server: w.sidecars[i], client: &http.Client{Transport: &http.Transport{}}, pinned: true})
			}
			for _, d := range doors {
				callers.Go(func() {
					defer d.client.CloseIdleConnections()
					w.attackDoor(ctx, t, all, d, own, victim, &calls)
				})
			}
		}
		callers.Wait()
	}
	return calls.Load()
}

// attackDoor makes one caller's calls. In the short form each caller makes every third of
// them, each another third: with twenty callers every call is made by several.
func (w *world) attackDoor(ctx context.Context, t *testing.T, all []method, d door, own, victim *tenant, calls *atomic.Int64) {
	every, from := 3, slices.Index(w.tenants, own)
	if os.Getenv("SOAK") != "" {
		every, from = 1, 0
	}
	for _, m := range all {
		r := rows[string(m.FullName())]
		for i, a := range attacks(own, victim) {
			if (i+from)%every != 0 {
				continue
			}
			req := request{method: m, fields: r.fields(own), headers: a.headers, query: a.query, bearers: []string{own.bearer()}}
			for name, value := range a.fields {
				if m.Input().Fields().ByName(protoName(name)) != nil {
					req.fields[name] = value
				}
			}
			if a.bearers != nil {
				req.bearers = a.bearers
			}
			calls.Add(1)
			if wrong := judge(m, r, d, a, own, req.overGRPC(ctx, d.server.Conn(t))); wrong != "" {
				t.Errorf("%s by gRPC, %s (pinned: %t): %s", m.Name(), quoted(a.name), d.pinned, wrong)
			}
			got, err := req.overREST(ctx, d.client, d.server.URL)
			calls.Add(1)
			if err != nil {
				if ctx.Err() == nil && !unsendable(a) {
					t.Errorf("%s by REST, %s: %v", m.Name(), quoted(a.name), err)
				}
				continue
			}
			if wrong := judge(m, r, d, a, own, got); wrong != "" {
				t.Errorf("%s by REST, %s (pinned: %t): %s", m.Name(), quoted(a.name), d.pinned, wrong)
			}
		}
	}
}

// churn keeps changing what everybody has.
func (w *world) churn(ctx context.Context, t *testing.T) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
			w.write(t, w.tenants[n%len(w.tenants)], n)
		case <-ctx.Done():
			return
		}
	}
}

// watchGRPC follows all that a tenant may see. A stream that ends with its token begins
// again with the next one.
func (w *world) watchGRPC(ctx context.Context, t *testing.T, own *tenant, messages *atomic.Int64) {
	for ctx.Err() == nil {
		stream, err := configv1.NewConfigServiceClient(w.control.Conn(t)).Watch(metadata.AppendToOutgoingContext(ctx, "authorization", own.bearer()), &configv1.WatchRequest{})
		for err == nil {
			var m *configv1.WatchResponse
			if m, err = stream.Recv(); err == nil {
				messages.Add(1)
				if leaks := foreign([]byte(prototext.Format(m)), own); len(leaks) > 0 {
					t.Errorf("a watch of %s holds %s", own.namespace, leaks[0])
				}
			}
		}
		pause(ctx)
	}
}

// watchSSE does the same over REST.
func (w *world) watchSSE(ctx context.Context, t *testing.T, own *tenant, messages *atomic.Int64) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.control.URL+"/v1/watch", nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", own.bearer())
		req.Header.Set("Accept", "text/event-stream")
		resp, err := client.Do(req)
		if err != nil {
			pause(ctx)
			continue
		}
		lines := bufio.NewReader(resp.Body)
		for {
			line, err := lines.ReadBytes('\n')
			if bytes.HasPrefix(line, []byte("data: ")) {
				messages.Add(1)
			}
			if leaks := foreign(line, own); len(leaks) > 0 {
				t.Errorf("a watch of %s by REST holds %s", own.namespace, leaks[0])
			}
			if err != nil {
				break
			}
		}
		resp.Body.Close()
		pause(ctx)
	}
}

// pause is how long a client waits before it comes back.
func pause(ctx context.Context) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
	}
}

// lookAtWhatIsWritten looks for canaries and tokens where none belong, and in the caches
// of the sidecars for those of others.
func (w *world) lookAtWhatIsWritten(t *testing.T, metrics []byte) {
	t.Helper()
	audit, err := os.ReadFile(w.auditFile())
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{"the log": []byte(w.log.text()), "the audit records": audit, "the metrics": metrics, "the traces": []byte(w.traces.text())}
	for name, text := range texts {
		if len(text) == 0 {
			t.Errorf("%s hold nothing", name)
		}
		for _, c := range foreign(text, nil) {
			if strings.HasPrefix(c, valueMark) || name != "the log" { // a stored key that is unusable is named there
				t.Errorf("%s hold the canary %s", name, c)
				break
			}
		}
		for _, secret := range w.secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s hold a token", name)
				break
			}
		}
	}
	for i := range w.sidecars {
		files := 0
		err := filepath.WalkDir(filepath.Join(w.dir, fmt.Sprintf("cache-%d", i)), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			files++
			text, err := os.ReadFile(path)
			if leaks := foreign(text, w.tenants[i]); len(leaks) > 0 {
				t.Errorf("%s holds the canary %s of somebody else", path, leaks[0])
			}
			return err
		})
		if err != nil || files == 0 {
			t.Errorf("the cache of sidecar %d has %d files, %v", i, files, err)
		}
	}
}

func scrape(t *testing.T, w *world) (all []byte) {
	t.Helper()
	for _, s := range append([]*servertest.Server{w.control}, w.sidecars...) {
		resp, err := http.Get(s.Ops + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}
