package etcdstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// contents are what a test puts into the store, and knows.
type contents map[snapshot.ScopeID]map[string]string

func (w contents) put(id snapshot.ScopeID, key, text string) {
	if w[id] == nil {
		w[id] = map[string]string{}
	}
	w[id][key] = text
}

func (w contents) clone() contents {
	out := contents{}
	for id, keys := range w {
		for key, text := range keys {
			out.put(id, key, text)
		}
	}
	return out
}

// effective is the configuration of a service, merged from whole scopes.
func (w contents) effective(t *testing.T, id snapshot.ScopeID) map[string]string {
	var layers [snapshot.LayerCount]*snapshot.Scope
	for i, layer := range snapshot.LayersOf(id) {
		var changes []snapshot.Change
		for key, text := range w[layer] {
			c := snapshot.Change{Key: key, Revision: 1}
			var err error
			if c.Value, err = snapshot.ParseValue([]byte(text)); err != nil {
				c.Problem = "bad"
			}
			changes = append(changes, c)
		}
		slices.SortFunc(changes, func(a, b snapshot.Change) int { return strings.Compare(a.Key, b.Key) })
		layers[i] = layers[i].Apply(changes)
	}
	out := map[string]string{}
	for _, e := range snapshot.Resolve(id, layers, 1, 1, nil).Select(snapshot.Selection{}) {
		out[e.Key] = w[snapshot.LayersOf(id)[e.Layer-1]][e.Key]
		if !e.Invalid() {
			out[e.Key] = e.Value.JSON()
		}
	}
	return out
}

// differences counts what is not the same in two maps.
func differences(a, b map[string]string) (n int) {
	for key, text := range a {
		if other, ok := b[key]; !ok || other != text {
			n++
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			n++
		}
	}
	return n
}

func (w contents) store(t *testing.T, l *ledger) {
	t.Helper()
	for id, keys := range w {
		for key, text := range keys {
			if _, err := l.raw.Put(within(t), etcdstore.EntryKey(id, key), text); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAffectedServicesAreThoseWhoseConfigurationDiffers compares with a merge of whole
// scopes, in worlds of chance with keys above and below each other.
func TestAffectedServicesAreThoseWhoseConfigurationDiffers(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		pick := func(from ...string) string { return from[rng.IntN(len(from))] }
		key := func() string { return pick("a", "a.b", "a.b.c", "a-b", "a.c", "b", "b.a", "c", "c.x.y", "d") }
		text := func() string { return pick("1", "2", `"x"`, "null", "{}", "not json", "also not json") }
		w := contents{}
		for range 30 {
			w.put(id(pick("one", "two", "three", "_shared"), pick("production", "test", "_all")), key(), text())
		}
		if _, err := l.raw.Delete(within(t), "/config-service/", clientv3.WithPrefix()); err != nil {
			t.Fatal(err)
		}
		w.store(t, l)
		// Registered, or with a history: services without entries of their own.
		for _, at := range []string{"services/production/registered", "scopes/test/emptied", "scopes/_all/two", "scopes/_all/_shared", "services/x y/bad"} {
			if _, err := l.raw.Put(within(t), "/config-service/v1/"+at, `{"version":0,"keys":0}`); err != nil {
				t.Fatal(err)
			}
		}
		namespace := pick("one", "two", "new", "_shared", "_shared", "_shared")
		after := w.clone()
		var list []etcdstore.Edit
		for range 1 + rng.IntN(6) {
			e := etcdstore.Edit{Environment: pick("production", "test", "_all"), Key: key(), Delete: rng.IntN(3) == 0}
			if slices.ContainsFunc(list, func(o etcdstore.Edit) bool { return o.Environment == e.Environment && o.Key == e.Key }) {
				continue
			}
			if at := id(namespace, e.Environment); e.Delete {
				delete(after[at], e.Key)
			} else {
				good := pick("1", "2", `"x"`, "null", "{}")
				e.Value = value(t, good)
				after.put(at, e.Key, good)
			}
			list = append(list, e)
		}
		services := map[snapshot.ScopeID]bool{id("registered", "production"): true, id("emptied", "test"): true}
		for at := range w {
			services[at] = true
		}
		for _, e := range list {
			if at := id(namespace, e.Environment); differences(w[at], after[at]) > 0 {
				services[at] = true
			}
		}
		var want []etcdstore.Affected
		for at := range services {
			if at.Namespace == "_shared" || at.Environment == "_all" {
				continue
			}
			if n := differences(w.effective(t, at), after.effective(t, at)); n > 0 {
				want = append(want, etcdstore.Affected{Scope: at, Keys: n})
			}
		}
		slices.SortFunc(want, func(a, b etcdstore.Affected) int { return strings.Compare(a.Scope.String(), b.Scope.String()) })
		same(t, fmt.Sprintf("world %d, %s %v", seed, namespace, list), l.plan(t, may(t, "anna", policy.Write, namespace, ""), list...).Affected, want)
	}
}

// crowdSchema is what each service of a crowd has to keep.
const crowdSchema = `{"type":"object","required":["own"],"properties":{
	"own":{"properties":{"key0":{"type":"string","minLength":1},"key1":{"type":"string"},"key2":{"enum":["a value of a service"]},"key3":{"pattern":"^a"},
		"key4":{"$ref":"#/$defs/text"},"key5":{"$ref":"#/$defs/text"}},"additionalProperties":{"type":"string"}},
	"common":{"properties":{"key1":{"type":"string"},"key2":{"type":"string","maxLength":100}}}},
	"$defs":{"text":{"type":"string","maxLength":1000}}}`

// crowd stores many services with ten keys each in an environment, and what they share; and
// for each a schema, if there is one.
func crowd(t *testing.T, l *ledger, services int, schema string) {
	t.Helper()
	ops := []clientv3.Op{}
	flush := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if _, err := l.raw.Txn(ctx).Then(ops...).Commit(); err != nil {
			t.Fatal(err)
		}
		ops = nil
	}
	add := func(key, text string) {
		if ops = append(ops, clientv3.OpPut(key, text)); len(ops) == 120 {
			flush()
		}
	}
	for i := range services {
		at := id(fmt.Sprintf("service-%04d", i), "production")
		for k := range 10 {
			add(etcdstore.EntryKey(at, fmt.Sprintf("own.key%d", k)), `"a value of a service"`)
		}
		if schema != "" {
			add("/config-service/v1/schemas/"+at.Namespace, `{"schema":`+schema+`,"author":"user:anna","time":"2026-01-02T03:04:05Z"}`)
		}
		if i%2 == 0 {
			add(etcdstore.EntryKey(at, "common.key0"), "1")
		}
	}
	for k := range 100 {
		add(etcdstore.EntryKey(id("_shared", "_all"), fmt.Sprintf("common.key%d", k)), `"what all have"`)
	}
	flush()
}

// TestTwoThousandServicesAreLookedThrough: what that takes is logged; a call has 9 s.
func TestTwoThousandServicesAreLookedThrough(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.TakeTime(patience) // for machines with much else to do
	crowd(t, l, 2000, "")
	began := time.Now()
	out := l.plan(t, may(t, "anna", policy.Write, "_shared", ""), edits(t, `_all:common.key0="new"`, `_all:common.key1="new"`)...)
	t.Logf("2,000 services are looked through in %s", time.Since(began))
	counts := map[int]int{}
	for _, a := range out.Affected {
		counts[a.Keys]++
	}
	same(t, "affected", counts, map[int]int{1: 1000, 2: 1000})
}

// TestTwoThousandServicesAreJudged: each has a schema, and all are reached. What that takes
// is logged: a call has 9 s.
func TestTwoThousandServicesAreJudged(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.TakeTime(patience) // for machines with much else to do
	crowd(t, l, 2000, crowdSchema)
	commit := func(list ...string) (err error) {
		began := time.Now()
		_, err = l.Commit(within(t), may(t, "anna", policy.Write, "_shared", ""), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, list...)})
		t.Logf("2,000 services are judged in %s", time.Since(began))
		return err
	}
	if err := commit(`_all:common.key1="new"`); err != nil {
		t.Fatal(err)
	}
	err := commit(`_all:common.key1=1`, `_all:common.key2=1`)
	var violated *etcdstore.SchemaError
	if !errors.As(err, &violated) || len(violated.Violations) != 4000 {
		t.Errorf("got %v", err)
	}
}

// TestWhatTakesTooLongIsSaid: it is not the store that is to blame.
func TestWhatTakesTooLongIsSaid(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	crowd(t, l, 10, crowdSchema)
	var asked atomic.Int64
	h := etcdstore.NewHistory(etcdstore.HistoryConfig{
		Endpoints: []string{l.etcd.Endpoint}, Keep: 10, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(asked.Add(1)) * 3 * time.Second) },
	})
	defer h.Close()
	said := func(what string, dry bool) {
		t.Helper()
		_, err := h.Commit(within(t), may(t, "anna", policy.Write, "_shared", ""), etcdstore.Draft{
			Terms: etcdstore.Terms{Message: "m", DryRun: dry}, Edits: edits(t, `_all:common.key1="new"`),
		})
		var limit *etcdstore.LimitError
		if !errors.As(err, &limit) || !strings.Contains(limit.What, what+" takes longer than the ") || !strings.Contains(limit.What, "accepted: a change of fewer environments") {
			t.Errorf("%s: %v", what, err)
		}
	}
	said("judging all services by their schemas", false)
	if _, err := l.raw.Delete(within(t), "/config-service/v1/schemas/", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	said("telling which services are reached", true)
}
