package snapshot

import "strings"

// Layer is one of the four layers of an effective configuration. The numbers are
// those of the wire; a smaller one is stronger.
type Layer int32

// The layers, strongest first.
const (
	ServiceEnvironment Layer = 1 + iota
	Service
	SharedEnvironment
	Shared
)

// LayerCount is how many layers make an effective configuration.
const LayerCount = 4

func (l Layer) String() string {
	switch l {
	case ServiceEnvironment:
		return "SERVICE_ENVIRONMENT"
	case Service:
		return "SERVICE"
	case SharedEnvironment:
		return "SHARED_ENVIRONMENT"
	case Shared:
		return "SHARED"
	}
	return "LAYER_UNSPECIFIED"
}

// LayersOf names the scopes that make the effective configuration of a service in an
// environment, strongest first: index i is Layer i+1.
func LayersOf(id ScopeID) [LayerCount]ScopeID {
	return [LayerCount]ScopeID{
		{id.Namespace, id.Environment},
		{id.Namespace, AllEnvironments},
		{SharedNamespace, id.Environment},
		{SharedNamespace, AllEnvironments},
	}
}

// winner is an item that is effective, and where it comes from.
type winner struct {
	item  *Item
	layer Layer
}

// mergeLayers decides what is effective: key by key, the strongest layer wins. A key
// is also hidden by an effective key of a stronger layer above or below it, and by
// one below it in its own layer. So the result is always a tree: no key is both a
// value and the parent of others. An unusable item takes part like any other: a
// weaker layer never steps in for it.
func mergeLayers(layers [LayerCount]*Scope) []winner {
	var effective []winner
	for i, scope := range layers {
		effective = mergeWeaker(effective, scope.Items(), Layer(i+1))
	}
	return effective
}

// mergeWeaker adds to the effective keys those of a weaker layer that nothing hides.
// Both sides and the result are in byte order.
func mergeWeaker(strong []winner, weak []*Item, layer Layer) []winner {
	if len(weak) == 0 {
		return strong
	}
	merged := make([]winner, 0, len(strong)+len(weak))
	var above ancestors
	for len(weak) > 0 {
		it := weak[0]
		weak = weak[1:]
		for len(strong) > 0 && strong[0].item.Key < it.Key {
			above.push(strong[0].item.Key)
			merged = append(merged, strong[0])
			strong = strong[1:]
		}
		same := len(strong) > 0 && strong[0].item.Key == it.Key
		if same || above.hide(it.Key) || hasBelow(strong, it.Key, winnerKey) || hasBelow(weak, it.Key, itemKey) {
			continue
		}
		merged = append(merged, winner{it, layer})
	}
	return append(merged, strong...)
}

func winnerKey(w winner) string { return w.item.Key }
func itemKey(it *Item) string   { return it.Key }

// hasBelow says whether the sorted rest, which begins after key, holds a key below it.
func hasBelow[T any](rest []T, key string, keyOf func(T) string) bool {
	for _, v := range rest {
		k := keyOf(v)
		if !strings.HasPrefix(k, key) {
			return false
		}
		if isBelow(k, key) {
			return true
		}
		if k[len(key)] > '.' {
			return false
		}
	}
	return false
}

// isBelow says whether key lies below the key above: `a.b` below `a`, never `ab`.
func isBelow(key, above string) bool {
	return len(key) > len(above) && key[len(above)] == '.' && key[:len(above)] == above
}

// ancestors are the keys passed so far, in byte order, that may have keys below them
// still to come. In byte order `a-b` stands between `a` and `a.b`, so a key is
// dropped only when the walk is past everything below it.
type ancestors []string

func (a *ancestors) push(key string) {
	a.drop(key)
	*a = append(*a, key)
}

func (a *ancestors) drop(key string) {
	for n := len(*a); n > 0; n-- {
		top := (*a)[n-1]
		if isBelow(key, top) || (strings.HasPrefix(key, top) && key[len(top)] < '.') {
			return
		}
		*a = (*a)[:n-1]
	}
}

func (a *ancestors) hide(key string) bool {
	a.drop(key)
	for _, above := range *a {
		if isBelow(key, above) {
			return true
		}
	}
	return false
}
