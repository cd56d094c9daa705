package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// judge compares effective configurations with schemas, as they are at one revision, and
// as they would be with what is planned. One goroutine owns it.
type judge struct {
	*historyStore
	revision     int64
	environments []string // in which anything is
	held         map[snapshot.ScopeID]map[string]Stored
	planned      map[snapshot.ScopeID]map[string]Stored
}

func (s *historyStore) newJudge(ctx context.Context, revision int64) (*judge, error) {
	j := &judge{historyStore: s, revision: revision, held: map[snapshot.ScopeID]map[string]Stored{}, planned: map[snapshot.ScopeID]map[string]Stored{}}
	rng := everything()
	for start := rng.start; ; {
		page, err := s.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithLimit(1), clientv3.WithKeysOnly(), clientv3.WithRev(revision))
		if err != nil {
			return nil, fmt.Errorf("look for environments: %w", err)
		}
		if len(page.Kvs) == 0 {
			return j, nil
		}
		environment, _, _ := strings.Cut(strings.TrimPrefix(string(page.Kvs[0].Key), entriesPrefix), "/")
		if snapshot.CheckEnvironment(environment) == nil {
			j.environments = append(j.environments, environment)
		}
		start = entriesPrefix + environment + "0" // past all of that environment
	}
}

// holds returns what a scope holds, or would.
func (j *judge) holds(ctx context.Context, id snapshot.ScopeID, planned bool) (map[string]Stored, error) {
	if after, ok := j.planned[id]; ok && planned {
		return after, nil
	}
	if held, ok := j.held[id]; ok {
		return held, nil
	}
	rng := scopeRange(id)
	resp, err := j.get(ctx, rng.start, clientv3.WithRange(rng.end), clientv3.WithRev(j.revision))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", id, err)
	}
	scope, err := readScope(id, nil, resp.Kvs)
	if err != nil {
		return nil, err
	}
	j.held[id] = scope.live()
	return scope.live(), nil
}

// violations judges a service in an environment. Where it has nothing of its own it is
// not judged.
func (j *judge) violations(ctx context.Context, id snapshot.ScopeID, by *schema.Schema, planned bool) ([]Violation, error) {
	var layers [snapshot.LayerCount]*snapshot.Scope
	for i, layer := range snapshot.LayersOf(id) {
		held, err := j.holds(ctx, layer, planned)
		if err != nil {
			return nil, err
		}
		if i == 0 && len(held) == 0 {
			return nil, nil
		}
		layers[i] = scopeOfStored(held)
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
func (s *historyStore) judgePlan(ctx context.Context, w *wish, r *reading, p *plan) error {
	if len(r.schemas) == 0 || !p.changed() {
		return nil
	}
	j, err := s.newJudge(ctx, r.revision)
	if err != nil {
		return err
	}
	environments := map[string]bool{}
	for _, scope := range p.scopes {
		if len(scope.changes) == 0 {
			continue
		}
		j.held[scope.read.id], j.planned[scope.read.id] = scope.read.live(), scope.after()
		environments[scope.read.id.Environment] = true
	}
	if environments[snapshot.AllEnvironments] {
		delete(environments, snapshot.AllEnvironments)
		for _, environment := range j.environments {
			environments[environment] = true
		}
	}
	var anew []Violation
	for _, kv := range r.schemas {
		namespace, by, err := compiled(kv)
		if err != nil {
			return err
		}
		found, err := j.judgeService(ctx, namespace, by, slices.Sorted(maps.Keys(environments)))
		if err != nil {
			return err
		}
		anew = append(append(anew, found...), p.exposed(namespace, by)...)
	}
	p.violates(w, anew)
	return nil
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

func (j *judge) judgeService(ctx context.Context, namespace string, by *schema.Schema, environments []string) (anew []Violation, err error) {
	for _, environment := range environments {
		id := snapshot.ScopeID{Namespace: namespace, Environment: environment}
		before, err := j.violations(ctx, id, by, false)
		if err != nil {
			return nil, err
		}
		after, err := j.violations(ctx, id, by, true)
		if err != nil {
			return nil, err
		}
		for _, v := range after {
			if !slices.Contains(before, v) {
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
	for i, v := range anew {
		if i == maxFindings {
			break
		}
		f := Finding{Kind: FoundSchema, Environment: v.Scope.Environment, Key: v.Key, Message: v.String(), Refusal: refusal}
		if v.Scope.Namespace != w.namespace {
			f.Namespace = v.Scope.Namespace
		}
		p.findings = append(p.findings, f)
	}
}
