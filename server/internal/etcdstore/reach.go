package etcdstore

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// reach looks for the services that a plan reaches. One call owns it.
type reach struct {
	*judge
	firsts  map[string]bool // first names of the keys that change
	changed map[string]bool // environments of the namespace of the plan
	found   []Affected

	// Of a plan for all namespaces: the merges of an environment without anything of a
	// service's own, and in how many keys they differ.
	now, then merged
	base      map[string]int
	all       int
	common    map[string]content // by namespace: names of keys that it has in all environments
}

const reaching = "telling which services are reached"

// one is a plan for one namespace.
func (r *reach) one(ctx context.Context, namespace string, environments []string) ([]Affected, error) {
	for _, environment := range environments {
		if err := r.late(reaching); err != nil {
			return nil, err
		}
		id := snapshot.ScopeID{Namespace: namespace, Environment: environment}
		if !r.changed[environment] {
			if there, err := r.isService(ctx, id); err != nil || !there {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		layers := snapshot.LayersOf(id)
		if err := r.load(ctx, layers[:]...); err != nil {
			return nil, err
		}
		var now, then merged
		for i, layer := range layers {
			var err error
			if now.layers[i], then.layers[i], err = r.contents(ctx, layer, r.firsts); err != nil {
				return nil, err
			}
		}
		n := 0
		for first := range r.firsts {
			n += differ(&now, &then, first, r.hidden)
		}
		r.add(id, n)
	}
	return r.found, nil
}

func (r *reach) add(id snapshot.ScopeID, keys int) {
	if keys > 0 {
		r.found = append(r.found, Affected{id, keys})
	}
}

// isService says whether there is anything of a service in an environment.
func (r *reach) isService(ctx context.Context, id snapshot.ScopeID) (there bool, err error) {
	var ops []clientv3.Op
	for _, at := range []keyRange{scopeRange(id), {headKey(id), headKey(id) + "\x00"}, {serviceKey(id), serviceKey(id) + "\x00"}} {
		ops = append(ops, clientv3.OpGet(at.start, clientv3.WithRange(at.end), clientv3.WithLimit(1), clientv3.WithKeysOnly(), clientv3.WithRev(r.revision)))
	}
	var resp *clientv3.TxnResponse
	if err := r.again(ctx, func(ctx context.Context) (err error) {
		resp, err = r.client.Txn(ctx).Then(ops...).Commit()
		return err
	}); err != nil {
		return false, fmt.Errorf("look for %s: %w", id, err)
	}
	for _, one := range resp.Responses {
		there = there || len(one.GetResponseRange().GetKvs()) > 0
	}
	return there, nil
}

// everybody is a plan for all namespaces. Of what services have themselves only the names
// of keys are read: what is stronger than what changes stays what it is, and hides.
func (r *reach) everybody(ctx context.Context, environments []string) ([]Affected, error) {
	r.common = map[string]content{}
	if err := r.each(ctx, snapshot.AllEnvironments, func(id snapshot.ScopeID, own content) {
		r.common[id.Namespace] = own
	}); err != nil {
		return nil, err
	}
	for _, environment := range environments {
		if err := r.begin(ctx, environment); err != nil {
			return nil, err
		}
		services, err := r.services(ctx, environment)
		if err != nil {
			return nil, err
		}
		if err := r.each(ctx, environment, func(id snapshot.ScopeID, own content) {
			delete(services, id)
			r.add(id, r.count(id, own))
		}); err != nil {
			return nil, err
		}
		for id := range services { // without entries of their own
			r.add(id, r.count(id, nil))
		}
	}
	return r.found, nil
}

// begin merges what all services have in common in an environment.
func (r *reach) begin(ctx context.Context, environment string) (err error) {
	r.now, r.then, r.base, r.all = merged{}, merged{}, map[string]int{}, 0
	for i, layer := range snapshot.LayersOf(snapshot.ScopeID{Namespace: snapshot.SharedNamespace, Environment: environment}) {
		if i < 2 {
			continue // a service's own
		}
		if r.now.layers[i], r.then.layers[i], err = r.contents(ctx, layer, r.firsts); err != nil {
			return err
		}
	}
	for first := range r.firsts {
		r.base[first] = differ(&r.now, &r.then, first, r.hidden)
		r.all += r.base[first]
	}
	return nil
}

// count is in how many keys a service differs, with the names of keys of its own.
func (r *reach) count(id snapshot.ScopeID, own content) int {
	common, n := r.common[id.Namespace], r.all
	now, then := merged{layers: r.now.layers}, merged{layers: r.then.layers}
	now.layers[0], now.layers[1] = own, common
	then.layers[0], then.layers[1] = own, common
	again := func(first string) { n += differ(&now, &then, first, r.hidden) - r.base[first] }
	for first := range own {
		again(first)
	}
	for first := range common {
		if _, both := own[first]; !both {
			again(first)
		}
	}
	return n
}

// services are those that are registered in an environment, or have a history there.
func (r *reach) services(ctx context.Context, environment string) (map[snapshot.ScopeID]bool, error) {
	found := map[snapshot.ScopeID]bool{}
	for _, prefix := range []string{headsPrefix, servicesPrefix} {
		prefix += environment + "/"
		if err := r.names(ctx, below(prefix), func(key string) {
			id := snapshot.ScopeID{Namespace: strings.TrimPrefix(key, prefix), Environment: environment}
			if snapshot.CheckNamespace(id.Namespace) == nil {
				found[id] = true
			}
		}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// each does something with every service that has entries in an environment, and with the
// names of those keys that can matter.
func (r *reach) each(ctx context.Context, environment string, do func(snapshot.ScopeID, content)) error {
	var at snapshot.ScopeID
	var own content
	end := func() {
		if snapshot.CheckNamespace(at.Namespace) == nil {
			do(at, own)
		}
	}
	present, _ := snapshot.ParseValue([]byte("null")) // is one: any will do
	if err := r.names(ctx, below(entriesPrefix+environment+"/"), func(raw string) {
		id, key, ok := parseEntryKey(raw)
		if !ok || snapshot.CheckKey(key) != nil {
			return
		}
		if id != at {
			end()
			at, own = id, content{}
		}
		if first := segment(key); r.firsts[first] {
			own[first] = append(own[first], snapshot.Change{Key: key, Revision: 1, Created: 1, Value: present})
		}
	}); err != nil {
		return err
	}
	end()
	return nil
}

// namesPage is how many names of keys are read at once.
const namesPage = 10_000

func (r *reach) names(ctx context.Context, rng keyRange, do func(key string)) error {
	for start := rng.start; ; {
		if err := r.late(reaching); err != nil {
			return err
		}
		page, err := r.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithLimit(namesPage), clientv3.WithKeysOnly(), clientv3.WithRev(r.revision))
		if err != nil {
			return fmt.Errorf("look for services: %w", err)
		}
		for _, kv := range page.Kvs {
			do(string(kv.Key))
		}
		if !page.More {
			return nil
		}
		start = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}
