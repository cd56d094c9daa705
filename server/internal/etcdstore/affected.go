package etcdstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Affected is a service that gets another effective configuration.
type Affected struct {
	Scope snapshot.ScopeID
	Keys  int // that come, go or change
}

// content is what a layer has, by the first name of its keys, and there in their order. What
// lies above or below a key has the same first name: so what is merged under one does not
// depend on the others.
type content map[string][]snapshot.Change

func segment(key string) string {
	first, _, _ := strings.Cut(key, ".")
	return first
}

func segmentsOf(changes []keyChange) map[string]bool {
	within := map[string]bool{}
	for i := range changes {
		within[segment(changes[i].key)] = true
	}
	return within
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// merged merges layers, one first name at a time.
type merged struct {
	layers [snapshot.LayerCount]content
	done   map[string]*snapshot.Effective
}

func (m *merged) of(first string) *snapshot.Effective {
	if f, ok := m.done[first]; ok {
		return f
	}
	var layers [snapshot.LayerCount]*snapshot.Scope
	for i, c := range m.layers {
		layers[i] = layers[i].Replace(c[first])
	}
	if m.done == nil {
		m.done = map[string]*snapshot.Effective{}
	}
	m.done[first] = snapshot.Resolve(snapshot.ScopeID{}, layers, 1, 1, nil)
	return m.done[first]
}

func (m *merged) find(key string) *snapshot.Entry { return m.of(segment(key)).Find(key) }

// differ counts the keys of a first name that are not the same in two merges. What is hidden
// from who asks counts as another value once it is written anew or comes from another layer.
func differ(a, b *merged, first string, hidden map[string]bool) (n int) {
	old, now := a.of(first).Select(snapshot.Selection{}), b.of(first).Select(snapshot.Selection{})
	for len(old) > 0 || len(now) > 0 {
		switch {
		case len(now) == 0 || len(old) > 0 && old[0].Key < now[0].Key:
			old = old[1:]
		case len(old) == 0 || now[0].Key < old[0].Key:
			now = now[1:]
		default:
			anew := old[0].Revision != now[0].Revision
			switch {
			case hidden[now[0].Key] && (anew || old[0].Layer != now[0].Layer):
			case old[0].Value == now[0].Value && !(old[0].Invalid() && anew):
				n--
			}
			old, now = old[1:], now[1:]
		}
		n++
	}
	return n
}

// contents are what a scope has under some first names, and would have.
func (j *judge) contents(ctx context.Context, id snapshot.ScopeID, within map[string]bool) (now, then content, err error) {
	held, err := j.holds(ctx, id, false)
	if err != nil {
		return nil, nil, err
	}
	after, changes := j.planned[id]
	if !changes {
		now = contentOf(held, within, nil, nil)
		return now, now, nil
	}
	return contentOf(held, within, nil, nil), contentOf(after, within, held, j.hidden), nil
}

// contentOf takes what is written anew to be of a later revision than what is in before: what
// is another value, or hidden.
func contentOf(held map[string]Stored, within map[string]bool, before map[string]Stored, hidden map[string]bool) content {
	c := content{}
	for key, stored := range held {
		first := segment(key)
		if !within[first] {
			continue
		}
		v, problem := stored.Value()
		change := snapshot.Change{Key: key, Revision: 1, Created: 1, Value: v, Problem: problem}
		if old, ok := before[key]; before != nil && (!ok || old != stored || hidden[key]) {
			change.Revision, change.Created = 2, 2
		}
		c[first] = append(c[first], change)
	}
	for _, list := range c {
		slices.SortFunc(list, func(a, b snapshot.Change) int { return strings.Compare(a.Key, b.Key) })
	}
	return c
}

// reached are the services that get another effective configuration. A service is what has
// a scope in an environment, entries or a history, or is registered there.
func (j *judge) reached(ctx context.Context, w *wish, p *plan) ([]Affected, error) {
	r := &reach{judge: j, firsts: map[string]bool{}, changed: map[string]bool{}}
	for _, sp := range p.scopes {
		if len(sp.changes) > 0 {
			r.changed[sp.read.id.Environment] = true
			maps.Copy(r.firsts, segmentsOf(sp.changes))
		}
	}
	environments := sortedKeys(r.changed)
	if r.changed[snapshot.AllEnvironments] {
		for _, prefix := range []string{entriesPrefix, headsPrefix, servicesPrefix} {
			found, err := j.environments(ctx, prefix)
			if err != nil {
				return nil, err
			}
			environments = append(environments, found...)
		}
		slices.Sort(environments)
		environments = slices.Compact(environments)
	}
	environments = slices.DeleteFunc(environments, func(e string) bool { return e == snapshot.AllEnvironments })
	if w.namespace == snapshot.SharedNamespace {
		return r.everybody(ctx, environments)
	}
	return r.one(ctx, w.namespace, environments)
}
