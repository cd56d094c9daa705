package robust_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

const (
	transactions = 80
	patience     = 5 * time.Minute // for a whole campaign
)

// stage is what the campaigns share: one etcd, and its oracle from the first write on.
type stage struct {
	etcd   *servertest.Etcd
	oracle *robust.Oracle
	client *clientv3.Client
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{etcd: servertest.StartEtcd(t)}
	var err error
	if s.oracle, err = robust.NewOracle(s.etcd.Endpoint); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.oracle.Close)
	if s.client, err = clientv3.New(clientv3.Config{Endpoints: []string{s.etcd.Endpoint}, Logger: zap.NewNop()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.client.Close() })
	return s
}

// campaign is random writes to one service with everything that may go wrong
// meanwhile: compactions, a lost store, clients that are cut and come back.
type campaign struct {
	*stage
	t         *testing.T
	rng       *rand.Rand
	namespace string
	env       string
	server    *servertest.Server
	proxy     *robust.Proxy
	apart     bool
	away      []chan struct{} // closed when a client that was cut may come back
	final     atomic.Int64
	watchers  []*watcher
	reads     *robust.Record
	condition string // entity tag of the last REST read
	cached    robust.Message
}

func (s *stage) campaign(t *testing.T, seed uint64) (records []*robust.Record, truth *robust.Truth, final int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := &campaign{
		stage: s, t: t, rng: rand.New(rand.NewPCG(seed, 1)),
		namespace: fmt.Sprintf("svc-%d", seed), env: fmt.Sprintf("env-%d", seed),
		reads: &robust.Record{Client: "reads", Legs: make([]robust.Leg, 1)},
	}
	c.final.Store(math.MaxInt64)
	var err error
	if c.proxy, err = robust.NewProxy(strings.TrimPrefix(s.etcd.Endpoint, "http://")); err != nil {
		t.Fatal(err)
	}
	defer c.proxy.Close()
	c.server = servertest.Start(t, servertest.Options{
		Etcd: s.etcd, Namespace: c.namespace, Environment: c.env,
		Settings: map[string]string{"ETCD_ENDPOINTS": c.proxy.Addr()},
	})
	defer c.server.Stop(t)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	rest := &http.Client{Transport: transport}

	var done sync.WaitGroup
	for i, open := range []robust.Open{
		robust.OverGRPC(c.server.Conn(t)), robust.OverNDJSON(rest, c.server.URL), robust.OverSSE(rest, c.server.URL),
		robust.OverGRPC(c.server.Conn(t)), robust.OverNDJSON(rest, c.server.URL), robust.OverSSE(rest, c.server.URL),
	} {
		w := &watcher{
			open: open, final: &c.final, cuts: make(chan interruption, 1),
			record: &robust.Record{Client: fmt.Sprintf("seed %d watcher %d", seed, i), Selection: c.selection(i)},
		}
		c.watchers = append(c.watchers, w)
		done.Go(func() { w.run(ctx) })
	}
	last := c.write(ctx, rest)
	c.final.Store(last)
	done.Wait()
	// Whatever clients and the store did, nothing of it was a fault of the server.
	if metrics := c.scrape(rest); strings.Contains(metrics, `grpc_code="Internal"`) || strings.Contains(metrics, `grpc_code="Unknown"`) {
		t.Error("the server counts faults of its own")
	}
	// Other campaigns write the shared layers: a client may have seen later writes.
	seen := last
	for _, w := range c.watchers {
		seen = max(seen, w.record.Last().Revision)
	}
	if err := s.oracle.Wait(ctx, seen); err != nil {
		t.Fatal(err)
	}
	for _, w := range c.watchers {
		if w.failed != nil {
			t.Errorf("%s: %v", w.record.Client, w.failed)
		}
		records = append(records, w.record)
	}
	return append(records, c.reads), s.oracle.Truth(c.namespace, c.env), last
}

var names = []string{"a", "b", "a-b", "c"}

func (c *campaign) key() string {
	key := names[c.rng.IntN(len(names))]
	for c.rng.IntN(2) == 0 && strings.Count(key, ".") < 2 {
		key += "." + names[c.rng.IntN(len(names))]
	}
	return key
}

func (c *campaign) selection(i int) robust.Selection {
	switch i % 3 {
	case 1:
		return robust.Selection{Prefix: names[c.rng.IntN(len(names))]}
	case 2:
		return robust.Selection{Prefix: names[c.rng.IntN(2)] + ".b", Keys: []string{c.key(), c.key()}}
	}
	return robust.Selection{}
}

// write does the transactions and what happens beside them. It returns the revision
// of the last one.
func (c *campaign) write(ctx context.Context, rest *http.Client) (last int64) {
	for i := range transactions {
		last = c.transaction(i)
		if c.rng.IntN(3) == 0 {
			c.comeBack()
		}
		switch n := c.rng.IntN(100); {
		case n < 12:
			c.cut(c.watchers[c.rng.IntN(len(c.watchers))])
		case n < 20:
			c.proxy.Part()
			c.apart = true
		case n < 45 && c.apart:
			c.proxy.Join()
			c.apart = false
		case n < 52:
			if err := c.oracle.Wait(ctx, last); err != nil {
				c.t.Error(err)
			}
			_, _ = c.client.Compact(ctx, last) // another campaign may have been first
		case n < 62 && !c.apart:
			c.readOwnWrite(ctx, last)
		case n < 70:
			c.readREST(ctx, rest)
		}
	}
	c.proxy.Join()
	c.comeBack()
	return last
}

// cut ends a client's connection, unless one of its was just cut. It comes back later,
// mostly where it was.
func (c *campaign) cut(w *watcher) {
	one := interruption{resume: c.rng.IntN(10) < 7, back: make(chan struct{})}
	select {
	case w.cuts <- one:
		c.away = append(c.away, one.back)
	default:
	}
}

func (c *campaign) comeBack() {
	for _, back := range c.away {
		close(back)
	}
	c.away = nil
}

// transaction writes one to six keys over the layers, at once.
func (c *campaign) transaction(i int) int64 {
	seen := map[string]bool{}
	var writes []servertest.Write
	for range 1 + c.rng.IntN(6) {
		w := servertest.Write{
			Namespace: c.namespace, Environment: c.env,
			Layer: configv1.Layer(1 + c.rng.IntN(4)), Key: c.key(),
			JSON: strconv.Itoa(i), Delete: c.rng.IntN(3) == 0,
		}
		if at := w.Layer.String() + w.Key; !seen[at] {
			seen[at] = true
			writes = append(writes, w)
		}
	}
	writes[0].Delete = false // one that deletes only what is not there has no revision of its own
	return c.etcd.Commit(c.t, writes...)
}

func (c *campaign) note(st *configv1.State, entries []*configv1.Entry) robust.Message {
	m := whole(st, entries)
	c.reads.Legs[0].Messages = append(c.reads.Legs[0].Messages, m)
	return m
}

// whole is an answer of List, as the message of a watch that says the same.
func whole(st *configv1.State, entries []*configv1.Entry) robust.Message {
	m := robust.Message{Kind: robust.Snapshot, Epoch: st.GetEpoch(), Revision: st.GetRevision(), Entries: map[string]robust.Entry{}}
	for _, e := range entries {
		value, _ := json.Marshal(e.GetValue().AsInterface()) // numbers and strings only
		m.Entries[e.GetKey()] = robust.Entry{Value: string(value), Revision: e.GetRevision(), Layer: int32(e.GetLayer())}
	}
	return m
}

// readOwnWrite asks again when the server gave up waiting: a busy machine can take longer
// than that.
func (c *campaign) readOwnWrite(ctx context.Context, revision int64) {
	resp, err := c.server.Client(c.t).List(ctx, &configv1.ListRequest{MinRevision: revision})
	for status.Code(err) == codes.Unavailable && ctx.Err() == nil {
		resp, err = c.server.Client(c.t).List(ctx, &configv1.ListRequest{MinRevision: revision})
	}
	if err != nil {
		c.t.Errorf("List with min_revision %d: %v", revision, err)
		return
	}
	if got := resp.GetState().GetRevision(); got < revision {
		c.t.Errorf("List with min_revision %d answered revision %d", revision, got)
	}
	c.note(resp.GetState(), resp.GetEntries())
}

// readREST reads with the entity tag of the read before: a 304 says that its content
// still holds.
func (c *campaign) readREST(ctx context.Context, rest *http.Client) {
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+"/v1/config", nil)
	req.Header.Set("If-None-Match", c.condition)
	resp, err := rest.Do(req)
	if err != nil {
		c.t.Errorf("GET /v1/config: %v", err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		still := c.cached
		still.Revision, _ = strconv.ParseInt(resp.Header.Get("Config-Revision"), 10, 64)
		c.reads.Legs[0].Messages = append(c.reads.Legs[0].Messages, still)
		return
	}
	var list configv1.ListResponse
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = protojson.Unmarshal(body, &list)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Errorf("GET /v1/config: %s %v", resp.Status, err)
		return
	}
	c.condition, c.cached = resp.Header.Get("Etag"), c.note(list.GetState(), list.GetEntries())
}

func (c *campaign) scrape(rest *http.Client) string {
	resp, err := rest.Get(c.server.Ops + "/metrics")
	if err != nil {
		c.t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Error(err)
	}
	return string(body)
}

func seeds(t *testing.T) int {
	n, err := strconv.Atoi(cmpOr(os.Getenv("WATCH_SEEDS"), "50"))
	if err != nil {
		t.Fatalf("WATCH_SEEDS: %v", err)
	}
	return n
}

func cmpOr(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// TestWatchContract runs campaigns and holds every record against the truth. A
// failing seed's records are kept for a second look.
func TestWatchContract(t *testing.T) {
	s := newStage(t)
	var messages, legs, resumed atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for seed := range seeds(t) {
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				records, truth, final := s.campaign(t, uint64(seed))
				for _, r := range records {
					for _, leg := range r.Legs {
						legs.Add(1)
						messages.Add(int64(len(leg.Messages)))
						if leg.Resume != nil {
							resumed.Add(1)
						}
					}
					if r.Client == "reads" {
						final = 0 // reads need not end at the last write
					}
					for _, v := range robust.Check(r, truth, final) {
						t.Error(v)
					}
				}
				if t.Failed() {
					keep(t, seed, records)
				}
			})
		}
	})
	t.Logf("%d messages on %d connections, %d of them resumed", messages.Load(), legs.Load(), resumed.Load())
	if messages.Load() == 0 || resumed.Load() == 0 {
		t.Error("the campaigns did not reach what they are to check")
	}
}

func keep(t *testing.T, seed int, records []*robust.Record) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("config-service-watch-seed-%d.json", seed))
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", " ")
	if err := enc.Encode(records); err == nil && os.WriteFile(path, out.Bytes(), 0o600) == nil {
		t.Logf("the records are kept in %s", path)
	}
}

// TestCheckerFindsPlantedBugs shows that the checker can fail: each planted bug is
// found in the record of a true campaign, which has no violation without it.
func TestCheckerFindsPlantedBugs(t *testing.T) {
	s := newStage(t)
	records, truth, final := s.campaign(t, 1000)
	records = records[:len(records)-1] // watches only
	for _, bug := range robust.Bugs {
		t.Run(bug.Name, func(t *testing.T) {
			planted := 0
			for _, r := range records {
				if v := robust.Check(r, truth, final); len(v) > 0 {
					t.Fatalf("violations without a bug: %v", v)
				}
				broken := r.Clone()
				if !bug.Plant(broken) {
					continue
				}
				planted++
				if v := robust.Check(broken, truth, final); len(v) == 0 {
					t.Errorf("not found in %s", r.Client)
				}
			}
			if planted == 0 {
				t.Error("no record has a place for it")
			}
		})
	}
}
