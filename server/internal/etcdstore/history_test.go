package etcdstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/servertest"
)

// ledger is an etcd with a History, and what a person with etcdctl can do.
type ledger struct {
	*etcdstore.History
	etcd *servertest.Etcd
	raw  *clientv3.Client
	late atomic.Int64 // how far its clock is ahead

	protected atomic.Pointer[policy.Policy] // nil: nothing is
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{etcd: servertest.StartEtcd(t)}
	l.History = l.another(t, 1000, time.Hour)
	l.raw = open(t, l.etcd, "", "")
	return l
}

func (l *ledger) another(t *testing.T, keep int, keepFor time.Duration) *etcdstore.History {
	t.Helper()
	h := etcdstore.NewHistory(etcdstore.HistoryConfig{
		Endpoints: []string{l.etcd.Endpoint}, Keep: keep, KeepFor: keepFor, Log: slog.New(slog.DiscardHandler),
		Now:        func() time.Time { return time.Now().Add(time.Duration(l.late.Load())) },
		Protection: func(ns, env string) policy.Protection { return l.protected.Load().Protection(ns, env) },
	})
	t.Cleanup(h.Close)
	return h
}

// seeded is a History whose commits have the same id as those of any other.
func (l *ledger) seeded(t *testing.T) *etcdstore.History {
	t.Helper()
	h := etcdstore.NewHistory(etcdstore.HistoryConfig{
		Endpoints: []string{l.etcd.Endpoint}, Keep: 1000, KeepFor: time.Hour, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Seed: func() uint64 { return 7 },
	})
	t.Cleanup(h.Close)
	return h
}

const writeRules = `rules:
- {who: ["user:anna"], may: [read, write], namespaces: ["*"], environments: ["*"]}
- {who: ["user:ben"], may: [read, write], namespaces: ["pay"], environments: ["production"]}
`

func may(t *testing.T, user string, a policy.Action, namespace, environment string) policy.Grant {
	t.Helper()
	p, err := policy.Parse([]byte(writeRules))
	if err != nil {
		t.Fatal(err)
	}
	g, err := policy.By(func() *policy.Policy { return p })(&identity.Identity{Kind: identity.Token, User: user}, a, namespace, environment)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mayWrite(t *testing.T) policy.Grant { return may(t, "anna", policy.Write, "pay", "") }
func mayRead(t *testing.T) policy.Grant  { return may(t, "anna", policy.Read, "pay", "production") }

func value(t *testing.T, json string) snapshot.Value {
	t.Helper()
	v, err := snapshot.ParseValue([]byte(json))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// edits are of `key=json`, or `-key` for a delete; of production unless `environment:` is
// before it.
func edits(t *testing.T, list ...string) []etcdstore.Edit {
	t.Helper()
	var out []etcdstore.Edit
	for _, one := range list {
		e := etcdstore.Edit{Environment: "production"}
		if environment, rest, ok := strings.Cut(one, ":"); ok && !strings.ContainsAny(environment, `="`) {
			e.Environment, one = environment, rest
		}
		if key, ok := strings.CutPrefix(one, "-"); ok {
			e.Key, e.Delete = key, true
		} else {
			key, json, _ := strings.Cut(one, "=")
			e.Key, e.Value = key, value(t, json)
		}
		out = append(out, e)
	}
	return out
}

func (l *ledger) commit(t *testing.T, list ...string) etcdstore.Outcome {
	t.Helper()
	out, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "test"}, Edits: edits(t, list...)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// large commits what a slow machine may need longer for than a call may take.
func (l *ledger) large(t *testing.T, list []etcdstore.Edit) (out etcdstore.Outcome, err error) {
	t.Helper()
	ctx := within(t)
	for {
		out, err = l.Commit(ctx, mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", RequestID: "r"}, Edits: list})
		late := errors.Is(err, etcdstore.ErrUnknown) || errors.Is(err, context.DeadlineExceeded)
		if !late || ctx.Err() != nil {
			return out, err
		}
	}
}

// put writes past the service.
func (l *ledger) put(t *testing.T, environment, key, text string) {
	t.Helper()
	if _, err := l.raw.Put(within(t), etcdstore.EntryKey(snapshot.ScopeID{Namespace: "pay", Environment: environment}, key), text); err != nil {
		t.Fatal(err)
	}
}

func (l *ledger) delete(t *testing.T, environment, key string) {
	t.Helper()
	if _, err := l.raw.Delete(within(t), etcdstore.EntryKey(snapshot.ScopeID{Namespace: "pay", Environment: environment}, key)); err != nil {
		t.Fatal(err)
	}
}

// live is what the store has, read past the service.
func (l *ledger) live(t *testing.T, environment string) map[string]string {
	t.Helper()
	prefix := etcdstore.EntryKey(snapshot.ScopeID{Namespace: "pay", Environment: environment}, "")
	resp, err := l.raw.Get(within(t), prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, kv := range resp.Kvs {
		out[strings.TrimPrefix(string(kv.Key), prefix)] = string(kv.Value)
	}
	return out
}

func texts(entries []etcdstore.ScopeEntry) map[string]string {
	out := map[string]string{}
	for _, e := range entries {
		v, problem := e.Value()
		if problem != "" {
			out[e.Key] = "unusable"
		} else {
			out[e.Key] = v.JSON()
		}
	}
	return out
}

// at is what the history says that production held at a version.
func (l *ledger) at(t *testing.T, version int64) map[string]string {
	t.Helper()
	v, err := l.Version(within(t), mayRead(t), version)
	if err != nil {
		t.Fatal(err)
	}
	return texts(v.Entries)
}

func (l *ledger) versions(t *testing.T) []string {
	t.Helper()
	list, _, err := l.Versions(within(t), mayRead(t), etcdstore.VersionsQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range list {
		out = append(out, fmt.Sprintf("%d %d %s +%d -%d %s", v.Number, v.Kind, v.Author, v.Set, v.Deleted, v.Message))
	}
	return out
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestACommitChangesEntriesHeadAndHistoryAtOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	out := l.commit(t, `a="<x> & y"`, `b.c={"z":[1,2.5,null]}`, `test:a=1`)
	if len(out.Versions) != 2 || out.Versions[0].Number != 1 || out.Versions[1].Scope.Environment != "test" || out.Revision == 0 || out.Versions[0].Revision != out.Revision {
		t.Fatalf("outcome: %+v", out)
	}
	out = l.commit(t, `-a`, `b.c=2`, `d=true`, `e=null`)
	if v := out.Versions[0]; v.Number != 2 || v.Set != 3 || v.Deleted != 1 || v.Author != "user:anna" {
		t.Fatalf("second outcome: %+v", v)
	}
	same(t, "live", l.live(t, "production"), map[string]string{"b.c": "2", "d": "true", "e": "null"})
	same(t, "live of test", l.live(t, "test"), map[string]string{"a": "1"})
	same(t, "version 1", l.at(t, 1), map[string]string{"a": `"<x> & y"`, "b.c": `{"z":[1,2.5,null]}`})
	same(t, "newest", l.at(t, 0), l.live(t, "production"))
	same(t, "versions", l.versions(t), []string{"2 1 user:anna +3 -1 test", "1 1 user:anna +2 -0 test"})
	v, err := l.Version(within(t), mayRead(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range v.Differences {
		if d.Key == "b.c" {
			old, _ := d.Old.Value()
			now, _ := d.New.Value()
			same(t, "difference", old.JSON()+" "+now.JSON(), `{"z":[1,2.5,null]} 2`)
		}
	}
	_, err = l.Version(within(t), mayRead(t), 3)
	var none *etcdstore.VersionError
	if !errors.As(err, &none) || none.Oldest != 1 || none.Newest != 2 {
		t.Errorf("version 3: %v", err)
	}
}

func TestAConflictNamesTheCurrentVersionAndWhoMadeIt(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1")
	if _, err := l.Commit(within(t), may(t, "ben", policy.Write, "pay", "production"), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": 1}}, Edits: edits(t, "a=2")}); err != nil {
		t.Fatal(err)
	}
	_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": 1}}, Edits: edits(t, "a=3", "test:b=1")})
	var c *etcdstore.ConflictError
	if !errors.As(err, &c) || c.Current.Number != 2 || c.Current.Author != "user:ben" || c.Expected != 1 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "version 1 of pay/production was expected, but it is at version 2, made by user:ben at ") {
		t.Errorf("words: %v", err)
	}
	same(t, "live", l.live(t, "production"), map[string]string{"a": "2"})
	same(t, "live of test", l.live(t, "test"), map[string]string{})
	// Of an environment that nothing changes in, the version counts too.
	_, err = l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": 7}}, Edits: edits(t, "test:b=1")})
	if !errors.As(err, &c) {
		t.Errorf("expected version of another environment: %v", err)
	}
	_, err = l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, "a=2", "-zz")})
	if !errors.Is(err, etcdstore.ErrNoChange) {
		t.Errorf("no change: %v", err)
	}
}

func TestTheSameRequestIsDoneOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	others := []*etcdstore.History{l.History, l.another(t, 10, 0), l.another(t, 10, 0)}
	draft := etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", RequestID: "deploy-1"}, Edits: edits(t, "a=1", "test:a=1")}
	var wg sync.WaitGroup
	outs := make([]etcdstore.Outcome, 12)
	for i := range outs {
		wg.Go(func() {
			var err error
			if outs[i], err = others[i%3].Commit(within(t), mayWrite(t), draft); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, out := range outs[1:] {
		same(t, "answer", out, outs[0])
	}
	same(t, "versions", l.versions(t), []string{"1 1 user:anna +1 -0 m"})
	draft.Edits = edits(t, "a=2", "test:a=1")
	if _, err := l.Commit(within(t), mayWrite(t), draft); !errors.Is(err, etcdstore.ErrReused) {
		t.Errorf("other content: %v", err)
	}
	draft.Edits = edits(t, "a=1")
	out, err := l.Commit(within(t), may(t, "ben", policy.Write, "pay", "production"), draft)
	if !errors.Is(err, etcdstore.ErrNoChange) {
		t.Errorf("other actor: %v, %v", out, err)
	}
	lease, err := l.raw.Leases(within(t))
	if err != nil || len(lease.Leases) == 0 {
		t.Fatalf("leases: %v, %v", lease, err)
	}
	ttl, err := l.raw.TimeToLive(within(t), lease.Leases[0].ID, clientv3.WithAttachedKeys())
	if err != nil || ttl.TTL < 24*3600 {
		t.Errorf("the answer is kept for %d s: %v", ttl.TTL, err)
	}
}

// TestARequestIDIsItsCallers: another caller may take the same one, and each gets its own
// answer. The first to take it has its answer where releases before look for it.
func TestARequestIDIsItsCallers(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	of := func(text string) etcdstore.Draft {
		return etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", RequestID: "deploy.1"}, Edits: edits(t, text)}
	}
	anna, ben := mayWrite(t), may(t, "ben", policy.Write, "pay", "production")
	do := func(g policy.Grant, d etcdstore.Draft) etcdstore.Outcome {
		t.Helper()
		out, err := l.another(t, 10, 0).Commit(within(t), g, d)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := do(anna, of("a=1"))
	second := do(ben, of("a=2"))
	same(t, "answer to anna", do(anna, of("a=1")), first)
	same(t, "answer to ben", do(ben, of("a=2")), second)
	for _, g := range []policy.Grant{anna, ben} {
		if _, err := l.Commit(within(t), g, of("a=3")); !errors.Is(err, etcdstore.ErrReused) {
			t.Errorf("%s with other content: %v", g.Holder().Name(), err)
		}
	}
	same(t, "versions", len(l.versions(t)), 2)
	const place = "/config-service/v1/requests/pay/deploy.1"
	resp, err := l.raw.Get(within(t), place, clientv3.WithPrefix())
	if err != nil || len(resp.Kvs) != 2 || string(resp.Kvs[0].Key) != place || !strings.HasPrefix(string(resp.Kvs[1].Key), place+"/") {
		t.Fatalf("answers: %v, %v", resp.Kvs, err)
	}
	// As a release before left it: under the id alone.
	var old struct {
		Sum      string
		Versions []struct{ Author string }
	}
	if err := json.Unmarshal(resp.Kvs[0].Value, &old); err != nil || len(old.Sum) != 64 || old.Versions[0].Author != "user:anna" {
		t.Errorf("%s: %v", resp.Kvs[0].Value, err)
	}
	// When the first answer has ended, the second is still found.
	if _, err := l.raw.Delete(within(t), place); err != nil {
		t.Fatal(err)
	}
	same(t, "answer to ben", do(ben, of("a=2")), second)
	same(t, "answer to another namespace's", len(do(may(t, "anna", policy.Write, "ship", ""), of("a=2")).Versions), 1)

	// Both at once.
	var wg sync.WaitGroup
	for _, g := range []policy.Grant{anna, ben} {
		for i := range 6 {
			d := etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", RequestID: "at-once"}, Edits: edits(t, "b="+strconv.Quote(g.Holder().Name()))}
			h := l.another(t, 10, 0)
			wg.Go(func() {
				if _, err := h.Commit(within(t), g, d); err != nil {
					t.Errorf("%s, %d: %v", g.Holder().Name(), i, err)
				}
			})
		}
	}
	wg.Wait()
	same(t, "versions", len(l.versions(t)), 4)
}

func TestWhatIsWrittenPastTheServiceIsSeen(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "b=1", "c=1")
	l.put(t, "production", "a", " 7 ")
	l.put(t, "production", "new", `not json`)
	l.delete(t, "production", "c")
	expect := func(version int64, list ...string) error {
		_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": version}}, Edits: edits(t, list...)})
		return err
	}
	dry, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", DryRun: true}, Edits: edits(t, "b=2")})
	if err != nil || len(dry.Findings) != 3 || dry.Versions[0].Number != 3 {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
	var c *etcdstore.ConflictError
	if err := expect(1, "a=2"); !errors.As(err, &c) || c.Key != "a" || c.Current.Author != "external" {
		t.Errorf("a key that was changed past the service: %v", err)
	}
	if err := expect(1, "c=2"); !errors.As(err, &c) || c.Key != "c" {
		t.Errorf("a key that was deleted past the service: %v", err)
	}
	if err := expect(1, "b=2"); err != nil {
		t.Errorf("another key: %v", err)
	}
	same(t, "versions", l.versions(t), []string{"3 1 user:anna +1 -0 m", "2 3 external +2 -1 3 keys were found changed past this service", "1 1 user:anna +3 -0 test"})
	same(t, "version 2", l.at(t, 2), map[string]string{"a": "7", "b": "1", "new": "unusable"})
	scope, err := l.Scope(within(t), mayRead(t))
	if err != nil || scope.Touched {
		t.Fatalf("scope: %+v, %v", scope.Head, err)
	}
	l.put(t, "production", "a", "8")
	if scope, err = l.Scope(within(t), mayRead(t)); err != nil || !scope.Touched || scope.Entries[0].Version != 0 || scope.Entries[0].Author != "external" || scope.Entries[1].Version != 3 {
		t.Errorf("scope after a put: %+v, %v", scope, err)
	}
	// A rollback brings back what was found, as it was.
	if _, err := l.Rollback(within(t), may(t, "anna", policy.Write, "pay", "production"), 2, etcdstore.Terms{}); err != nil {
		t.Fatal(err)
	}
	same(t, "live", l.live(t, "production"), map[string]string{"a": " 7 ", "b": "1", "new": "not json"})
}

func TestAPutThatRacesACommitIsSeen(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1")
	raced := false
	l.OnStep(func(step string) error {
		if step == "commit" && !raced {
			raced = true
			l.put(t, "production", "a", "99")
		}
		return nil
	})
	_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": 1}}, Edits: edits(t, "a=2")})
	var c *etcdstore.ConflictError
	if !errors.As(err, &c) || c.Key != "a" || !raced {
		t.Fatalf("got %v", err)
	}
	same(t, "live", l.live(t, "production"), map[string]string{"a": "99"})
	same(t, "newest", l.at(t, 0), map[string]string{"a": "99"})
}

// TestACommitThatRacesAnotherIsSeen: what the range of entries does not tell.
func TestACommitThatRacesAnotherIsSeen(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "b=1")
	other := l.another(t, 10, 0)
	race := func(d etcdstore.Draft) {
		raced := false
		l.OnStep(func(string) error {
			if !raced {
				raced = true
				if _, err := other.Commit(within(t), mayWrite(t), d); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
	}
	race(etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, "-b")})
	_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": 1}}, Edits: edits(t, "a=2")})
	var c *etcdstore.ConflictError
	if !errors.As(err, &c) || c.Current.Number != 2 {
		t.Errorf("another that only deletes: %v", err)
	}
	race(etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", RequestID: "r"}, Edits: edits(t, "test:a=2")})
	_, err = l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", RequestID: "r"}, Edits: edits(t, "a=2")})
	if !errors.Is(err, etcdstore.ErrReused) {
		t.Errorf("another of the same request id, elsewhere: %v", err)
	}
	same(t, "live", l.live(t, "production"), map[string]string{"a": "1"})
}
