package robust_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

const linearKeys = 16

// content is what the scope holds: a value per key, empty for one that is not there.
type content [linearKeys]string

// page is a state of the model: the scope at a version, and all that was before. It never
// changes.
type page struct {
	version int64
	content content
	before  *page
	sum     [32]byte // of this and all before
}

func (p *page) next(c content) *page {
	n := &page{version: p.version + 1, content: c, before: p}
	n.sum = sha256.Sum256(fmt.Appendf(p.sum[:], "%q", c))
	return n
}

func (p *page) at(version int64) *page {
	for p != nil && p.version > version {
		p = p.before
	}
	return p
}

type linearKind int

const (
	commits linearKind = iota
	rollsBack
	looks
)

// linearInput is what a client asked for.
type linearInput struct {
	kind     linearKind
	changes  map[int]string // empty: delete
	expected int64          // -1: any
	to       int64
}

// linearOutput is what became of it.
type linearOutput struct {
	reason  string // empty: done
	unknown bool
	version int64 // that it made, that was looked at, or that a conflict names
	content content
}

// book is the contract: one scope, its versions, and what each call does to it.
var book = porcupine.Model{
	Init:  func() any { return &page{} },
	Equal: func(a, b any) bool { return a.(*page).sum == b.(*page).sum },
	Step: func(state, input, output any) (bool, any) {
		p, in, out := state.(*page), input.(linearInput), output.(linearOutput)
		if in.kind == looks {
			return out.version == p.version && out.content == p.content, p
		}
		return stepWrite(p, in, out)
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

func stepWrite(p *page, in linearInput, out linearOutput) (bool, any) {
	after, there := p.content, true
	if in.kind == rollsBack {
		if there = in.to <= p.version; there {
			after = p.at(in.to).content
		}
	}
	for k, text := range in.changes {
		after[k] = text
	}
	expected := in.expected < 0 || in.expected == p.version
	changes := there && expected && after != p.content
	switch {
	case out.unknown && changes:
		return true, p.next(after)
	case out.unknown:
		return true, p
	case out.reason == "":
		return changes && out.version == p.version+1, p.next(after)
	case out.reason == "VERSION_NOT_FOUND":
		return !there, p
	case out.reason == "VERSION_CONFLICT":
		return there && !expected && out.version == p.version, p
	case out.reason == "INVALID_ARGUMENT":
		return there && expected && after == p.content, p
	}
	return false, p
}

// linearClient is one of the clients; its goroutine owns it.
type linearClient struct {
	id     int
	api    adminv1.ConfigAdminServiceClient
	rand   *rand.Rand
	began  time.Time
	made   int
	newest int64 // version that it knows of
	ops    []porcupine.Operation
	counts map[string]int
	so     *progress // of all clients
}

// progress is what all clients have seen so far.
type progress struct{ done, conflicts atomic.Int64 }

// enough says whether it would prove something.
func (p *progress) enough() bool { return p.done.Load() >= 100 && p.conflicts.Load() > 0 }

func (c *linearClient) run(ctx context.Context) {
	for ctx.Err() == nil {
		in := c.choose()
		call := time.Since(c.began).Nanoseconds()
		out, keep := c.do(ctx, in)
		end := time.Since(c.began).Nanoseconds()
		c.counts[out.reason]++
		switch {
		case out.reason == "VERSION_CONFLICT":
			c.so.conflicts.Add(1)
		case out.reason == "" && !out.unknown:
			c.so.done.Add(1)
		}
		if out.unknown {
			c.counts["unknown"]++
			end = math.MaxInt64 // it may take effect whenever
		}
		if out.version > 0 && !out.unknown {
			c.newest = max(c.newest, out.version)
		}
		if keep {
			c.ops = append(c.ops, porcupine.Operation{ClientId: c.id, Input: in, Call: call, Output: out, Return: end})
		}
		_ = pause(ctx, time.Duration(c.rand.IntN(int(20*time.Millisecond))))
	}
}

func (c *linearClient) choose() linearInput {
	in := linearInput{expected: -1, changes: map[int]string{}}
	switch n := c.rand.IntN(10); {
	case n < 3:
		in.kind = looks
		return in
	case n < 4 && c.newest > 0:
		in.kind, in.to = rollsBack, 1+c.rand.Int64N(c.newest+1)
	default:
		for range 1 + c.rand.IntN(3) {
			c.made++
			in.changes[c.rand.IntN(linearKeys)] = []string{"", fmt.Sprintf("c%d-%d", c.id, c.made)}[min(c.rand.IntN(4), 1)]
		}
	}
	if c.rand.IntN(2) == 0 {
		in.expected = c.newest
	}
	return in
}

// do makes a call. What it is not known of is asked for again under the same request id,
// or left open; keep is false for what was not done and says nothing.
func (c *linearClient) do(ctx context.Context, in linearInput) (out linearOutput, keep bool) {
	ctx = asEditor(context.WithoutCancel(ctx))
	if in.kind == looks {
		return c.look(ctx)
	}
	request := ""
	if c.rand.IntN(2) == 0 {
		request = fmt.Sprintf("c%d-%d-%d", c.id, c.made, len(c.ops))
	}
	for try := 0; ; try++ {
		version, err := c.write(ctx, in, request)
		reason, known := settled(err)
		switch {
		case err == nil:
			return linearOutput{version: version}, true
		case !known && request != "" && try < 3:
			continue
		case !known || try > 0 && reason == "STORE_UNAVAILABLE":
			return linearOutput{unknown: true}, true
		case reason == "VERSION_CONFLICT" && in.expected < 0, reason == "STORE_UNAVAILABLE", reason == "TOO_LARGE":
			return linearOutput{reason: reason}, false
		}
		return linearOutput{reason: reason, version: currentOf(err)}, true
	}
}

func currentOf(err error) int64 {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			n, _ := strconv.ParseInt(info.GetMetadata()["current_version"], 10, 64)
			return n
		}
	}
	return 0
}

func (c *linearClient) write(ctx context.Context, in linearInput, request string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if in.kind == rollsBack {
		req := &adminv1.RollbackRequest{Namespace: service, Environment: environment, ToVersion: in.to, RequestId: request}
		if in.expected >= 0 {
			req.ExpectedVersion = &in.expected
		}
		resp, err := c.api.Rollback(ctx, req)
		return resp.GetVersion().GetVersion(), err
	}
	req := &adminv1.CommitRequest{Namespace: service, Environment: environment, Message: "m", RequestId: request}
	for k, text := range in.changes {
		if text == "" {
			req.Changes = append(req.Changes, deleteKey("", fmt.Sprintf("k%d", k)))
		} else {
			req.Changes = append(req.Changes, setKey("", fmt.Sprintf("k%d", k), text))
		}
	}
	if in.expected >= 0 {
		req.ExpectedVersions = map[string]int64{environment: in.expected}
	}
	resp, err := c.api.Commit(ctx, req)
	if err != nil || len(resp.GetVersions()) == 0 {
		return 0, err
	}
	return resp.GetVersions()[0].GetVersion(), nil
}

func (c *linearClient) look(ctx context.Context) (out linearOutput, keep bool) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	resp, err := c.api.GetVersion(ctx, &adminv1.GetVersionRequest{Namespace: service, Environment: environment})
	if err != nil {
		return linearOutput{reason: "get"}, false
	}
	out.version = resp.GetVersion().GetVersion()
	for _, e := range resp.GetEntries() {
		k, err := strconv.Atoi(e.GetKey()[1:])
		if err != nil {
			return linearOutput{reason: "get"}, false
		}
		out.content[k] = e.GetContent().GetValue().GetStringValue()
	}
	return out, true
}

// TestCommitsAreLinearizable lets eight clients of two control servers mix all there is on
// one scope while leaders of etcd are lost. All that they are told has to be explained by
// one order of calls, each at a moment while it was under way.
func TestCommitsAreLinearizable(t *testing.T) {
	shared(t)
	binary, err := robust.BuildSidecar(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seed := campaignSeed(t)
	for i := range uint64(pick(1, 5)) {
		t.Run(fmt.Sprintf("SEED=%d", seed+i), func(t *testing.T) { linearCampaign(t, binary, seed+i) })
	}
}

func linearCampaign(t *testing.T, binary string, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	cluster, err := robust.NewCluster(ctx, "", 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	var apis []adminv1.ConfigAdminServiceClient
	var launches [2]*robust.Launch
	var servers [2]*robust.Sidecar
	t.Cleanup(func() {
		for _, sc := range servers {
			if sc != nil {
				sc.Kill()
			}
		}
	})
	for i := range launches {
		l := controlLaunch(t, binary, cluster.Endpoints()...)
		sc, err := l.Start()
		if err != nil {
			t.Fatal(err)
		}
		launches[i], servers[i] = l, sc
		if _, err := sc.WaitReady(ctx); err != nil {
			t.Fatal(err, sc.Log())
		}
		apis = append(apis, editorOf(t, l))
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	clients, so := make([]*linearClient, 8), &progress{}
	began := time.Now()
	var busy sync.WaitGroup
	for i := range clients {
		clients[i] = &linearClient{id: i, api: apis[i%2], rand: rand.New(rand.NewPCG(seed, uint64(i))), began: began, counts: map[string]int{}, so: so}
		busy.Go(func() { clients[i].run(running) })
	}
	rng := rand.New(rand.NewPCG(seed, 99))
	for i := range pick(2, 6) {
		f := []*robust.Fault{robust.KillLeader(cluster), robust.FreezeLeader(cluster)}[rng.IntN(2)]
		_ = pause(ctx, time.Duration(1000+rng.IntN(2000))*time.Millisecond)
		if err := f.Inject(ctx); err != nil {
			t.Fatal(f.Name, err)
		}
		if err := f.Recover(ctx); err != nil {
			t.Fatal(f.Name, err)
		}
		if !f.Bit() {
			t.Errorf("%s did not bite", f.Name)
		}
		if i%2 == 1 {
			continue
		}
		servers[1].Kill() // what it was about to say stays open
		if servers[1], err = launches[1].Start(); err != nil {
			t.Fatal(err)
		}
	}
	_ = pause(ctx, 2*time.Second)
	for !so.enough() && ctx.Err() == nil { // a slow machine takes its time
		_ = pause(ctx, 100*time.Millisecond)
	}
	stop()
	busy.Wait()
	judgeLinear(t, clients)
	judgeHistory(ctx, t, apis[0], environment)
}

func judgeLinear(t *testing.T, clients []*linearClient) {
	t.Helper()
	var ops []porcupine.Operation
	counts := map[string]int{}
	for _, c := range clients {
		ops = append(ops, c.ops...)
		for reason, n := range c.counts {
			counts[reason] += n
		}
	}
	began := time.Now()
	result := porcupine.CheckOperationsTimeout(book, ops, 3*time.Minute)
	if result != porcupine.Ok {
		t.Errorf("the history of %d operations is %s", len(ops), result)
	}
	t.Logf("FIGURES linearizable: %d operations (outcomes: %v) are %s, found in %s", len(ops), counts, result, time.Since(began).Round(time.Millisecond))
	if counts["unknown"] == 0 && long() {
		t.Error("no outcome was left open")
	}
	if !clients[0].so.enough() {
		t.Errorf("that were too few to prove anything: %v", counts)
	}
}

// judgeHistory compares what an environment holds with its history: every version is
// there, and the newest is what there is.
func judgeHistory(ctx context.Context, t *testing.T, api adminv1.ConfigAdminServiceClient, environment string) (versions []*adminv1.Version) {
	t.Helper()
	ctx = asEditor(ctx)
	token := ""
	for {
		page, err := api.ListVersions(ctx, &adminv1.ListVersionsRequest{Namespace: service, Environment: environment, PageSize: 1000, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, page.GetVersions()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	for i, v := range versions {
		if v.GetVersion() != int64(len(versions)-i) {
			t.Fatalf("version %d is at place %d of %d from the end", v.GetVersion(), i, len(versions))
		}
	}
	newest, err := api.GetVersion(ctx, &adminv1.GetVersionRequest{Namespace: service, Environment: environment})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := api.GetScope(ctx, &adminv1.GetScopeRequest{Namespace: service, Environment: environment, PageSize: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	if scope.GetHead().GetChangedExternally() || len(scope.GetEntries()) != len(newest.GetEntries()) || newest.GetVersion().GetVersion() != int64(len(versions)) {
		t.Errorf("the scope is at %v, its newest version is %v", scope.GetHead(), newest.GetVersion())
	}
	for i, e := range scope.GetEntries() {
		if n := newest.GetEntries()[i]; n.GetKey() != e.GetKey() || n.GetContent().GetValue().GetStringValue() != e.GetContent().GetValue().GetStringValue() {
			t.Errorf("the scope holds %v, its newest version %v", e, n)
		}
	}
	return versions
}
