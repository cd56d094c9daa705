package snapshot_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// What this file holds is the contract once more, written as simply as it can be and
// as slow as it may: the tests compare the product with it.

var testScope = snapshot.ScopeID{Namespace: "payment-service", Environment: "production"}

// stored is what a layer has under a key: the last usable value, and whether a newer
// write is unusable.
type stored struct {
	json     string // empty: there never was a usable one
	revision int64  // of the write the value comes from
	newest   int64  // revision of the newest write
	problem  string
}

// layer is one scope of the model.
type layer map[string]stored

func (l layer) write(c snapshot.Change) {
	was := l[c.Key]
	switch {
	case c.Deleted:
		delete(l, c.Key)
	case c.Problem != "":
		l[c.Key] = stored{json: was.json, revision: was.revision, newest: c.Revision, problem: c.Problem}
	default:
		l[c.Key] = stored{json: c.Value.JSON(), revision: c.Revision, newest: c.Revision}
	}
}

// conflict says whether a tree cannot hold both keys: they are equal, or one is the
// parent of the other.
func conflict(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	n := min(len(as), len(bs))
	return slices.Equal(as[:n], bs[:n])
}

// below says whether key is a descendant of above.
func below(key, above string) bool {
	return key != above && conflict(key, above) && len(key) > len(above)
}

// effective is one entry of the merged model.
type effective struct {
	layer snapshot.Layer
	stored
}

// merge folds over the layers, strongest first: a key is effective unless one that
// already is conflicts with it, or its own layer has a key below it.
func merge(layers [snapshot.LayerCount]layer) map[string]effective {
	merged := map[string]effective{}
	for i, l := range layers {
		for key, s := range l {
			hidden := false
			for other := range merged {
				hidden = hidden || conflict(key, other)
			}
			for other := range l {
				hidden = hidden || below(other, key)
			}
			if !hidden {
				merged[key] = effective{snapshot.Layer(i + 1), s}
			}
		}
	}
	return merged
}

// rounds is a random source whose seed is printed when the test fails.
func rounds(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// alphabet makes short keys that collide often. In byte order '-' stands before '.',
// so `a-b` stands between `a` and `a.b`.
const alphabet = "ab-_."

func randomKey(rnd *rand.Rand) string {
	for {
		b := make([]byte, 1+rnd.IntN(5))
		for i := range b {
			b[i] = alphabet[rnd.IntN(len(alphabet))]
		}
		if snapshot.CheckKey(string(b)) == nil {
			return string(b)
		}
	}
}

func randomSelection(rnd *rand.Rand) snapshot.Selection {
	prefix := ""
	if rnd.IntN(2) == 0 {
		prefix = randomKey(rnd)
	}
	var keys []string
	for range rnd.IntN(4) {
		keys = append(keys, randomKey(rnd))
	}
	return snapshot.NewSelection(prefix, keys)
}

func randomChange(rnd *rand.Rand, revision int64) snapshot.Change {
	c := snapshot.Change{Key: randomKey(rnd), Revision: revision}
	switch rnd.IntN(8) {
	case 0, 1, 2:
		c.Deleted = true
	case 3:
		c.Problem = "is bad"
	default:
		c.Value = value(strconv.Itoa(rnd.IntN(3)))
	}
	return c
}

// value parses JSON that the test knows to be usable.
func value(json string) snapshot.Value {
	v, err := snapshot.ParseValue([]byte(json))
	if err != nil {
		panic(err)
	}
	return v
}

func put(key string, revision int64, json string) snapshot.Change {
	return snapshot.Change{Key: key, Revision: revision, Value: value(json)}
}

func bad(key string, revision int64) snapshot.Change {
	return snapshot.Change{Key: key, Revision: revision, Problem: "is bad"}
}

func del(key string, revision int64) snapshot.Change {
	return snapshot.Change{Key: key, Revision: revision, Deleted: true}
}

// scopeOf makes a scope of good values.
func scopeOf(keys ...string) *snapshot.Scope {
	var s *snapshot.Scope
	for i, k := range keys {
		s = s.Apply([]snapshot.Change{put(k, int64(i+1), `1`)})
	}
	return s
}

// history is four layers, as the product and as the model, that change together.
type history struct {
	revision int64
	scopes   [snapshot.LayerCount]*snapshot.Scope
	layers   [snapshot.LayerCount]layer
}

func newHistory() *history {
	h := &history{}
	for i := range h.layers {
		h.layers[i] = layer{}
	}
	return h
}

// advance makes n revisions of a few random writes each, and gives them to the scopes
// as one batch per layer. A key is written at most once in a revision.
func (h *history) advance(rnd *rand.Rand, n int) {
	var batch [snapshot.LayerCount][]snapshot.Change
	for range n {
		h.revision++
		for range 1 + rnd.IntN(3) {
			i, c := rnd.IntN(snapshot.LayerCount), randomChange(rnd, h.revision)
			if slices.ContainsFunc(batch[i], func(o snapshot.Change) bool { return o.Key == c.Key && o.Revision == c.Revision }) {
				continue
			}
			batch[i] = append(batch[i], c)
			h.layers[i].write(c)
		}
	}
	for i, changes := range batch {
		if len(changes) > 0 {
			h.scopes[i] = h.scopes[i].Apply(changes)
		}
	}
}
