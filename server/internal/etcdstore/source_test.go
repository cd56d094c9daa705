package etcdstore_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	layer    = configv1.Layer_SERVICE_ENVIRONMENT
	patience = 2 * time.Minute
)

// parted is a server with a proxy between it and its etcd.
func parted(t *testing.T) (*servertest.Server, *robust.Proxy, context.Context) {
	t.Helper()
	etcd := servertest.StartEtcd(t)
	proxy, err := robust.NewProxy(strings.TrimPrefix(etcd.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	server := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: map[string]string{"ETCD_ENDPOINTS": proxy.Addr()}})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return server, proxy, ctx
}

// read returns what the server has at a revision or later.
func read(ctx context.Context, t *testing.T, s *servertest.Server, revision int64) (map[string]any, *configv1.State) {
	t.Helper()
	for {
		resp, err := s.Client(t).List(ctx, &configv1.ListRequest{MinRevision: revision})
		if err == nil {
			values := map[string]any{}
			for _, e := range resp.GetEntries() {
				values[e.GetKey()] = e.GetValue().AsInterface()
			}
			return values, resp.GetState()
		}
		if ctx.Err() != nil {
			t.Fatalf("revision %d did not arrive: %v", revision, err)
		}
	}
}

func metric(t *testing.T, s *servertest.Server, line string) bool {
	t.Helper()
	resp, err := http.Get(s.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(body), line+"\n")
}

func TestAListingOfManyPagesIsOneRevision(t *testing.T) {
	etcd := servertest.StartEtcd(t)
	const keys = 1234
	for from := 0; from < keys; from += 100 {
		var writes []servertest.Write
		for i := from; i < min(from+100, keys); i++ {
			writes = append(writes, servertest.Write{Namespace: "payment-service", Environment: "development", Layer: layer, Key: fmt.Sprintf("k%d", i), JSON: "1"})
		}
		etcd.Commit(t, writes...)
	}
	server := servertest.Start(t, servertest.Options{Etcd: etcd})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if values, _ := read(ctx, t, server, 0); len(values) != keys {
		t.Errorf("%d keys were loaded, want %d", len(values), keys)
	}
}

func TestHistoryCompactedWhileAwayIsReadAnew(t *testing.T) {
	server, proxy, ctx := parted(t)
	server.Set(t, layer, "stays", "1")
	server.Set(t, layer, "goes", "2")
	_, before := read(ctx, t, server, server.Set(t, layer, "changes", "3"))
	stream, err := server.Client(t).Watch(ctx, &configv1.WatchRequest{CheckpointInterval: durationpb.New(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Recv(); err != nil || m.GetSnapshot() == nil {
		t.Fatalf("the first message is %v, %v", m, err)
	}

	proxy.Part()
	server.Delete(t, layer, "goes")
	server.Set(t, layer, "changes", "4")
	last := server.Set(t, layer, "comes", "5")
	server.Etcd.Compact(t, last)
	proxy.Join()

	values, after := read(ctx, t, server, last)
	if want := map[string]any{"stays": 1.0, "changes": 4.0, "comes": 5.0}; fmt.Sprint(values) != fmt.Sprint(want) {
		t.Errorf("after the new listing: %v, want %v", values, want)
	}
	if before.GetEpoch() != after.GetEpoch() {
		t.Error("a compaction made a new epoch")
	}
	if metric(t, server, `configservice_store_relists_total{reason="compacted"} 0`) {
		t.Error("the new listing is not counted")
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		d := m.GetDelta()
		if d == nil {
			continue // checkpoints while the store was away
		}
		if len(d.GetEntries()) != 2 || len(d.GetDeletedKeys()) != 1 || d.GetDeletedKeys()[0] != "goes" {
			t.Errorf("the stream got %v; want two changes and the delete of goes, in one step", d)
		}
		return
	}
}

func TestAnotherClusterIsAnotherEpoch(t *testing.T) {
	other := servertest.StartEtcd(t)
	server, proxy, ctx := parted(t)
	for range 20 { // so that the revision of the other cluster is behind
		server.Set(t, layer, "old", "1")
	}
	_, before := read(ctx, t, server, 21)
	stream, err := server.Client(t).Watch(ctx, &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	other.Commit(t, servertest.Write{Namespace: "payment-service", Environment: "development", Layer: layer, Key: "new", JSON: "2"})
	proxy.Retarget(strings.TrimPrefix(other.Endpoint, "http://"))
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetState().GetEpoch() == before.GetEpoch() {
			continue
		}
		s := m.GetSnapshot()
		if len(s.GetEntries()) != 1 || s.GetEntries()[0].GetKey() != "new" {
			t.Errorf("the first message of the new epoch is %v; want a snapshot of what the new cluster has", m)
		}
		return
	}
}

// A batch above the usual limits of a message comes whole.
func TestALargeCatchUpArrivesWhole(t *testing.T) {
	server, proxy, ctx := parted(t)
	proxy.Part()
	var last int64
	big := `"` + strings.Repeat("x", 200<<10) + `"`
	for i := range 16 {
		last = server.Set(t, layer, fmt.Sprintf("big.k%d", i), big)
	}
	for i := range 4 {
		last = server.Delete(t, layer, fmt.Sprintf("big.k%d", i))
	}
	proxy.Join()
	if values, _ := read(ctx, t, server, last); len(values) != 12 {
		t.Errorf("%d values arrived, want 12", len(values))
	}
}

func TestTheServerStartsBeforeItsStore(t *testing.T) {
	etcd := servertest.StartEtcd(t)
	proxy, err := robust.NewProxy(strings.TrimPrefix(etcd.Endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	proxy.Part()
	server := servertest.Start(t, servertest.Options{Etcd: etcd, NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": proxy.Addr()}})
	if got := readyz(t, server); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz is %d before the first configuration", got)
	}
	proxy.Join()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	read(ctx, t, server, server.Set(t, layer, "a", "1"))
	// Calls are answered from the moment a configuration is in; the probe learns of it next.
	for readyz(t, server) != http.StatusOK {
		if ctx.Err() != nil {
			t.Fatal("/readyz is not ready with a configuration")
		}
		runtime.Gosched()
	}
}

func readyz(t *testing.T, server *servertest.Server) int {
	t.Helper()
	resp, err := http.Get(server.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
