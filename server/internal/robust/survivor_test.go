package robust_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// What the campaigns about the store's own troubles configure.
const (
	service     = "payment-service"
	environment = "production"
)

// survivor is a sidecar with a disk cache and watchers over each transport.
type survivor struct {
	*sidecar
	t        *testing.T
	final    atomic.Int64
	watchers []*watcher
	watching sync.WaitGroup

	lost robust.Point // where it stood when it was last asked to remember
	tag  string       // entity tag of that
}

// newSurvivor starts a sidecar with proxies to endpoints.
func newSurvivor(t *testing.T, endpoints []string, name string, settings map[string]string) *survivor {
	t.Helper()
	s := prepareSurvivor(t, endpoints, name)
	s.start(settings, servertest.Options{})
	return s
}

// prepareSurvivor has proxies, and starts later.
func prepareSurvivor(t *testing.T, endpoints []string, name string) *survivor {
	t.Helper()
	s := &survivor{sidecar: &sidecar{name: name}, t: t}
	s.final.Store(math.MaxInt64)
	for _, addr := range endpoints {
		p, err := robust.NewProxy(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		s.links = append(s.links, p)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s.rest = &http.Client{Transport: transport}
	return s
}

func (s *survivor) start(settings map[string]string, o servertest.Options) {
	s.t.Helper()
	o.Namespace, o.Environment = service, environment
	o.Settings = map[string]string{"ETCD_ENDPOINTS": strings.Join(s.links.Endpoints(), ",")}
	maps.Copy(o.Settings, settings)
	s.server = servertest.Start(s.t, o)
}

func (s *survivor) transports() map[string]robust.Open {
	return map[string]robust.Open{
		"gRPC":   robust.OverGRPC(s.server.Conn(s.t)),
		"NDJSON": robust.OverNDJSON(s.rest, s.server.URL),
		"SSE":    robust.OverSSE(s.rest, s.server.URL),
	}
}

// watch opens a watch over each transport.
func (s *survivor) watch(ctx context.Context) {
	for name, open := range s.transports() {
		w := &watcher{
			open: open, final: &s.final, cuts: make(chan interruption),
			record: &robust.Record{Client: s.name + " over " + name},
		}
		s.watchers = append(s.watchers, w)
		s.watching.Go(func() { w.run(ctx) })
	}
}

// end lets the watchers end at a revision, which they reach.
func (s *survivor) end(revision int64) {
	s.t.Helper()
	s.final.Store(revision)
	s.watching.Wait()
	for _, w := range s.watchers {
		if w.failed != nil {
			s.t.Errorf("%s: %v", w.record.Client, w.failed)
		}
	}
}

// everyone says whether something holds for the last message of each watcher.
func (s *survivor) everyone(holds func(*robust.Message) bool) bool {
	return !slices.ContainsFunc(s.watchers, func(w *watcher) bool {
		m := w.last.Load()
		return m == nil || !holds(m)
	})
}

// reach returns when each watcher has.
func (s *survivor) reach(ctx context.Context, revision int64) {
	s.t.Helper()
	s.until(ctx, func() bool { return s.everyone(func(m *robust.Message) bool { return m.Revision >= revision }) })
}

func (s *survivor) until(ctx context.Context, holds func() bool) {
	s.t.Helper()
	if err := robust.Poll(ctx, func() error {
		if !holds() {
			return fmt.Errorf("not yet")
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *survivor) list(ctx context.Context) (*configv1.State, map[string]robust.Entry) {
	s.t.Helper()
	resp, err := s.server.Client(s.t).List(ctx, &configv1.ListRequest{})
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]robust.Entry{}
	for _, e := range resp.GetEntries() {
		value, err := json.Marshal(e.GetValue().AsInterface())
		if err != nil {
			s.t.Fatal(err)
		}
		all[e.GetKey()] = robust.Entry{Value: string(value), Layer: int32(e.GetLayer())}
	}
	return resp.GetState(), all
}

// get asks for the whole configuration over REST; tag is what the client has.
func (s *survivor) get(ctx context.Context, tag string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+"/v1/config", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	resp, err := s.rest.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// equal compares what the sidecar has with a linearizable read, key by key.
func (s *survivor) equal(ctx context.Context, client *clientv3.Client) {
	s.t.Helper()
	want := effective(s.t, ctx, client)
	_, got := s.list(ctx)
	for key, e := range want {
		if got[key] != e {
			s.t.Errorf("%s: %q is %v; etcd has %v", s.name, key, got[key], e)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			s.t.Errorf("%s: %q is not in etcd", s.name, key)
		}
	}
}

// remember notes what its clients hold.
func (s *survivor) remember(ctx context.Context) {
	s.t.Helper()
	st, _ := s.list(ctx)
	s.lost, s.tag = pointOf(st), s.get(ctx, "").Header.Get("Etag")
}

func pointOf(st *configv1.State) robust.Point {
	return robust.Point{Epoch: st.GetEpoch(), Revision: st.GetRevision()}
}

// void makes sure that what clients kept of the lost history does not count.
func (s *survivor) void(ctx context.Context) {
	s.t.Helper()
	for name, open := range s.transports() {
		ctx, cancel := context.WithCancel(ctx)
		recv, err := open(ctx, robust.Selection{}, &s.lost)
		if err != nil {
			s.t.Fatal(err)
		}
		if m, err := recv(); err != nil || m.Kind != robust.Snapshot || m.Epoch == s.lost.Epoch {
			s.t.Errorf("%s: a resume point of the lost history over %s gets %s of %s, %v; want a snapshot", s.name, name, m.Kind, m.Epoch, err)
		}
		cancel()
	}
	if resp := s.get(ctx, s.tag); resp.StatusCode != http.StatusOK || resp.Header.Get("Etag") == s.tag {
		s.t.Errorf("%s: the entity tag of the lost history gets %s with %s", s.name, resp.Status, resp.Header.Get("Etag"))
	}
}

// effective reads the store through the quorum and merges its layers.
func effective(t *testing.T, ctx context.Context, client *clientv3.Client) map[string]robust.Entry {
	t.Helper()
	resp, err := client.Get(ctx, entries, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortAscend))
	if err != nil {
		t.Fatal(err)
	}
	var writes []robust.Write
	for _, kv := range resp.Kvs {
		parts := strings.SplitN(strings.TrimPrefix(string(kv.Key), entries), "/", 3)
		writes = append(writes, robust.Write{Revision: kv.ModRevision, Env: parts[0], Namespace: parts[1], Key: parts[2], Value: string(kv.Value)})
	}
	truth, all := robust.TruthOf(writes, service, environment), map[string]robust.Entry{}
	for _, w := range writes {
		if e, ok := truth.Find(w.Key, math.MaxInt64); ok {
			all[w.Key] = robust.Entry{Value: e.Value, Layer: e.Layer}
		}
	}
	return all
}

// layer is where a write to one of the four layers goes, strongest first.
func layer(i int) robust.Write {
	return [4]robust.Write{
		{Namespace: service, Env: environment}, {Namespace: service, Env: "_all"},
		{Namespace: "_shared", Env: environment}, {Namespace: "_shared", Env: "_all"},
	}[i]
}

// someOf are the writes of the n-th transaction: a change over a layer, mostly of keys
// that exist, and now and then a delete beside it. No two have the same value.
func someOf(n int) []robust.Write {
	changed := layer(n % 4)
	changed.Key, changed.Value = fmt.Sprintf("k%d", n%13), fmt.Sprint(n)
	if n%7 != 0 {
		return []robust.Write{changed}
	}
	gone := layer((n + 1) % 4)
	gone.Key, gone.Deleted = fmt.Sprintf("k%d", (n+5)%13), true
	return []robust.Write{changed, gone}
}

// commit does the writes in one transaction.
func commit(t *testing.T, ctx context.Context, client *clientv3.Client, writes []robust.Write) (revision int64) {
	t.Helper()
	revision, err := applied(ctx, client, writes)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// applied does the writes in one transaction, of which the first is a put of a new value,
// and returns its revision. A starved etcd may not say in time whether it was applied: then
// that is looked up.
func applied(ctx context.Context, client *clientv3.Client, writes []robust.Write) (revision int64, err error) {
	ops := make([]clientv3.Op, len(writes))
	for i, w := range writes {
		key := entries + w.Env + "/" + w.Namespace + "/" + w.Key
		if ops[i] = clientv3.OpPut(key, w.Value); w.Deleted {
			ops[i] = clientv3.OpDelete(key)
		}
	}
	for {
		resp, err := client.Txn(ctx).Then(ops...).Commit()
		if err == nil {
			return resp.Header.Revision, nil
		}
		if !errors.Is(err, rpctypes.ErrTimeout) {
			return 0, err
		}
		got, err := client.Get(ctx, string(ops[0].KeyBytes()))
		if err == nil && len(got.Kvs) == 1 && string(got.Kvs[0].Value) == writes[0].Value {
			return got.Kvs[0].ModRevision, nil
		}
	}
}
