package robust

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Truth is the effective configuration of one scope at every revision.
type Truth struct {
	versions map[string][]version // by key, in order
	changes  []change             // in order
}

type version struct {
	revision int64
	entry    Entry // its revision is that of the winning write
	there    bool
}

type change struct {
	revision int64
	key      string
}

// Find returns an effective entry as of a revision.
func (t *Truth) Find(key string, revision int64) (Entry, bool) {
	all := t.versions[key]
	i := sort.Search(len(all), func(i int) bool { return all[i].revision > revision })
	if i == 0 {
		return Entry{}, false
	}
	return all[i-1].entry, all[i-1].there
}

// changed are the keys that changed after one revision, up to another.
func (t *Truth) changed(after, upTo int64) []string {
	var keys []string
	i := sort.Search(len(t.changes), func(i int) bool { return t.changes[i].revision > after })
	for ; i < len(t.changes) && t.changes[i].revision <= upTo; i++ {
		keys = append(keys, t.changes[i].key)
	}
	return keys
}

// keys are all that ever were.
func (t *Truth) keys() []string { return slices.Collect(maps.Keys(t.versions)) }

// TruthOf works out what a scope was, from all writes in order.
func TruthOf(writes []Write, namespace, environment string) *Truth {
	layers := []string{namespace + "/" + environment, namespace + "/_all", "_shared/" + environment, "_shared/_all"}
	t := &Truth{versions: map[string][]version{}}
	// Keys can hide each other only when their first segment is the same: each such
	// group is merged by itself.
	groups := map[string][]map[string]Entry{}
	merged := map[string]map[string]Entry{}
	touched := map[string]bool{}
	for i, w := range writes {
		if layer := slices.Index(layers, w.Namespace+"/"+w.Env); layer >= 0 {
			name, _, _ := strings.Cut(w.Key, ".")
			group := groups[name]
			if group == nil {
				for range layers {
					group = append(group, map[string]Entry{})
				}
				groups[name] = group
			}
			if w.Deleted {
				delete(group[layer], w.Key)
			} else {
				group[layer][w.Key] = Entry{w.Value, w.Revision, int32(layer + 1)}
			}
			touched[name] = true
		}
		if i+1 < len(writes) && writes[i+1].Revision == w.Revision {
			continue // within one transaction
		}
		for name := range touched {
			next := effective(groups[name])
			t.step(w.Revision, merged[name], next)
			merged[name] = next
		}
		clear(touched)
	}
	slices.SortStableFunc(t.changes, func(a, b change) int { return cmp.Compare(a.revision, b.revision) })
	return t
}

func (t *Truth) step(revision int64, before, after map[string]Entry) {
	note := func(key string, e Entry, there bool) {
		t.versions[key] = append(t.versions[key], version{revision, e, there})
		t.changes = append(t.changes, change{revision, key})
	}
	for key, e := range after {
		if was, ok := before[key]; !ok || was != e {
			note(key, e, true)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			note(key, Entry{}, false)
		}
	}
}

// effective merges the layers, strongest first, by the words of the contract.
func effective(layers []map[string]Entry) map[string]Entry {
	out := map[string]Entry{}
	for _, layer := range layers {
		fits := map[string]Entry{}
		for key, e := range layer {
			if !conflicts(out, key) && !anyBelow(layer, key) {
				fits[key] = e
			}
		}
		maps.Copy(out, fits)
	}
	return out
}

func conflicts(keys map[string]Entry, key string) bool {
	for k := range keys {
		if k == key || strings.HasPrefix(k, key+".") || strings.HasPrefix(key, k+".") {
			return true
		}
	}
	return false
}

func anyBelow(keys map[string]Entry, key string) bool {
	for k := range keys {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}
