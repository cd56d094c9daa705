package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// judge looks at effective configurations as they are at one revision, and as they would
// be with what is planned. One goroutine owns it.
type judge struct {
	*historyStore
	revision int64
	began    time.Time
	within   time.Duration // all of it
	held     map[snapshot.ScopeID]map[string]Stored
	planned  map[snapshot.ScopeID]map[string]Stored
	hidden   map[string]bool            // keys that change, and are not shown to who changes them
	scopes   map[judged]*snapshot.Scope // of the shared namespace, which every service has
}

type judged struct {
	id      snapshot.ScopeID
	planned bool
}

func (s *historyStore) newJudge(ctx context.Context, revision int64, p *plan, reserve time.Duration) *judge {
	within := s.calls
	if at, ok := ctx.Deadline(); ok {
		within = min(within, time.Until(at))
	}
	j := &judge{
		began: s.cfg.Now(), within: within - min(reserve, within/4),
		historyStore: s, revision: revision, scopes: map[judged]*snapshot.Scope{}, hidden: map[string]bool{},
		held: map[snapshot.ScopeID]map[string]Stored{}, planned: map[snapshot.ScopeID]map[string]Stored{},
	}
	for _, sp := range p.scopes {
		if len(sp.changes) > 0 {
			j.held[sp.read.id], j.planned[sp.read.id] = sp.read.live(), sp.after()
			maps.Copy(j.hidden, sp.hidden)
		}
	}
	return j
}

// What a judgement leaves of the time of a call, or a quarter of it: for the writing, and for
// saying that it took too long.
const (
	reserve    = 2 * time.Second
	reserveDry = reserve / 4 // nothing is to be written
)

// late refuses what takes longer than a call has.
func (j *judge) late(what string) error {
	if j.cfg.Now().Sub(j.began) <= j.within {
		return nil
	}
	return &LimitError{What: fmt.Sprintf("%s takes longer than the %s that there are; accepted: a change of fewer environments at once, or of one service", what, j.within.Round(time.Millisecond))}
}

// environments are those that something lies in below a prefix.
func (j *judge) environments(ctx context.Context, prefix string) (found []string, err error) {
	rng := below(prefix)
	for start := rng.start; ; {
		page, err := j.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithLimit(1), clientv3.WithKeysOnly(), clientv3.WithRev(j.revision))
		if err != nil {
			return nil, fmt.Errorf("look for environments: %w", err)
		}
		if len(page.Kvs) == 0 {
			return found, nil
		}
		environment, _, _ := strings.Cut(strings.TrimPrefix(string(page.Kvs[0].Key), prefix), "/")
		if snapshot.CheckEnvironment(environment) == nil {
			found = append(found, environment)
		}
		start = prefix + environment + "0" // past all of that environment
	}
}

// rangesAtOnce is how many scopes are read in one transaction.
const rangesAtOnce = 64

// load reads scopes, unless they are held.
func (j *judge) load(ctx context.Context, ids ...snapshot.ScopeID) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id snapshot.ScopeID) bool { _, ok := j.held[id]; return ok })
	for part := range slices.Chunk(ids, rangesAtOnce) {
		var ops []clientv3.Op
		for _, id := range part {
			rng := scopeRange(id)
			ops = append(ops, clientv3.OpGet(rng.start, clientv3.WithRange(rng.end), clientv3.WithRev(j.revision)))
		}
		var resp *clientv3.TxnResponse
		if err := j.again(ctx, func(ctx context.Context) (err error) {
			resp, err = j.client.Txn(ctx).Then(ops...).Commit()
			return err
		}); err != nil {
			return fmt.Errorf("read %s: %w", part[0], err)
		}
		for i, id := range part {
			scope, err := readScope(id, nil, resp.Responses[i].GetResponseRange().GetKvs())
			if err != nil {
				return err
			}
			j.held[id] = scope.live()
		}
	}
	return nil
}

// holds returns what a scope holds, or would.
func (j *judge) holds(ctx context.Context, id snapshot.ScopeID, planned bool) (map[string]Stored, error) {
	if after, ok := j.planned[id]; ok && planned {
		return after, nil
	}
	err := j.load(ctx, id)
	return j.held[id], err
}

// scope is what holds returns, in the form in which layers are merged.
func (j *judge) scope(ctx context.Context, id snapshot.ScopeID, planned bool) (*snapshot.Scope, error) {
	if _, changes := j.planned[id]; !changes {
		planned = false
	}
	if scope, ok := j.scopes[judged{id, planned}]; ok {
		return scope, nil
	}
	held, err := j.holds(ctx, id, planned)
	if err != nil {
		return nil, err
	}
	scope := scopeOfStored(held)
	if id.Namespace == snapshot.SharedNamespace {
		j.scopes[judged{id, planned}] = scope
	}
	return scope, nil
}

// violations judges a service in an environment. Where it has nothing of its own it is
// not judged.
func (j *judge) violations(ctx context.Context, id snapshot.ScopeID, by *schema.Schema, planned bool) ([]Violation, error) {
	var layers [snapshot.LayerCount]*snapshot.Scope
	for i, layer := range snapshot.LayersOf(id) {
		scope, err := j.scope(ctx, layer, planned)
		if err != nil {
			return nil, err
		}
		if i == 0 && len(scope.Items()) == 0 {
			return nil, nil
		}
		layers[i] = scope
	}
	found, err := by.Check(snapshot.Resolve(id, layers, 1, 1, nil).Select(snapshot.Selection{}))
	switch {
	case errors.Is(err, schema.ErrCostly):
		return nil, &LimitError{Scope: id, What: fmt.Sprintf("has a schema that %v", err)}
	case err != nil:
		return nil, err
	}
	out := make([]Violation, len(found))
	for i, v := range found {
		out[i] = Violation{id, v}
	}
	return out, nil
}

func scopeOfStored(held map[string]Stored) *snapshot.Scope {
	listing := make([]snapshot.Change, 0, len(held))
	for _, key := range slices.Sorted(maps.Keys(held)) {
		v, problem := held[key].Value()
		listing = append(listing, snapshot.Change{Key: key, Revision: 1, Created: 1, Value: v, Problem: problem})
	}
	var none *snapshot.Scope
	return none.Replace(listing)
}

// judgePlan finds what a plan would violate that is kept now.
func (j *judge) judgePlan(ctx context.Context, w *wish, r *reading, p *plan) error {
	if len(r.schemas) == 0 {
		return nil
	}
	var environments []string
	for _, scope := range p.scopes {
		switch environment := scope.read.id.Environment; {
		case len(scope.changes) == 0:
		case environment == snapshot.AllEnvironments:
			all, err := j.environments(ctx, entriesPrefix)
			if err != nil {
				return err
			}
			environments = append(environments, all...)
		default:
			environments = append(environments, environment)
		}
	}
	slices.Sort(environments)
	environments = slices.Compact(environments)
	var anew []Violation
	perService := 1 + len(environments)
	for part := range slices.Chunk(r.schemas, max(1, rangesAtOnce/perService)) {
		found, err := j.judgeServices(ctx, p, part, environments)
		if err != nil {
			return err
		}
		anew = append(anew, found...)
	}
	p.violates(w, anew)
	return nil
}

// judgeServices judges some services, whose scopes are read together and let go afterwards.
func (j *judge) judgeServices(ctx context.Context, p *plan, schemas []*mvccpb.KeyValue, environments []string) (anew []Violation, err error) {
	var ids []snapshot.ScopeID
	for _, kv := range schemas {
		namespace := strings.TrimPrefix(string(kv.Key), schemasPrefix)
		for _, environment := range append([]string{snapshot.AllEnvironments}, environments...) {
			ids = append(ids, snapshot.ScopeID{Namespace: namespace, Environment: environment})
		}
	}
	const what = "judging all services by their schemas"
	if err := j.late(what); err != nil {
		return nil, err
	}
	if err := j.load(ctx, ids...); err != nil {
		return nil, err
	}
	for _, kv := range schemas {
		if err := j.late(what); err != nil {
			return nil, err
		}
		namespace, by, err := compiled(kv)
		if err != nil {
			return nil, err
		}
		found, err := j.judgeService(ctx, namespace, by, environments)
		if err != nil {
			return nil, err
		}
		anew = append(append(anew, found...), p.exposed(namespace, by)...)
	}
	for _, id := range ids {
		if _, changes := j.planned[id]; !changes {
			delete(j.held, id)
		}
	}
	return anew, nil
}

func compiled(kv *mvccpb.KeyValue) (namespace string, by *schema.Schema, err error) {
	record, err := readSchema(kv)
	if err != nil {
		return "", nil, err
	}
	if by, err = schema.Compile(record.Schema); err != nil {
		return "", nil, fmt.Errorf("the schema of %s %w", record.Namespace, err)
	}
	return record.Namespace, by, nil
}

// exposed are keys that a plan sets for everybody and that the schema of a service marks as
// sensitive.
func (p *plan) exposed(namespace string, by *schema.Schema) (found []Violation) {
	for _, scope := range p.scopes {
		if scope.read.id.Namespace != snapshot.SharedNamespace {
			continue
		}
		for i := range scope.changes {
			if c := &scope.changes[i]; c.new != nil && by.Sensitive(c.key) {
				id := snapshot.ScopeID{Namespace: namespace, Environment: scope.read.id.Environment}
				found = append(found, Violation{id, schema.Violation{Key: c.key, Rule: "x-sensitive", Where: "#"}})
			}
		}
	}
	return found
}

// judgeService finds what a service would violate anew. What it violates now is asked for
// only where it would violate something.
func (j *judge) judgeService(ctx context.Context, namespace string, by *schema.Schema, environments []string) (anew []Violation, err error) {
	for _, environment := range environments {
		id := snapshot.ScopeID{Namespace: namespace, Environment: environment}
		after, err := j.violations(ctx, id, by, true)
		if err != nil {
			return nil, err
		}
		if len(after) == 0 {
			continue
		}
		before, err := j.violations(ctx, id, by, false)
		if err != nil {
			return nil, err
		}
		known := make(map[Violation]bool, len(before))
		for _, v := range before {
			known[v] = true
		}
		for _, v := range after {
			if !known[v] {
				anew = append(anew, v)
			}
		}
	}
	return anew, nil
}

// violates notes violations. A rollback is told of them; a commit is refused for them.
func (p *plan) violates(w *wish, anew []Violation) {
	var refusal error
	if w.kind != RolledBack {
		refusal = &SchemaError{Violations: anew}
	}
	for _, v := range anew {
		f := Finding{Kind: FoundSchema, Environment: v.Scope.Environment, Key: v.Name(), Message: v.String(), Refusal: refusal}
		if v.Scope.Namespace != w.namespace {
			f.Namespace = v.Scope.Namespace
		}
		p.add(f)
	}
}
