package diskcache_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/leaktest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDir) != "" {
		saveForever()
	}
	leaktest.Main(m)
}

var (
	payment = snapshot.ScopeID{Namespace: "payment-service", Environment: "production"}
	orders  = snapshot.ScopeID{Namespace: "order-service", Environment: "production"}
	start   = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
)

// compareContents looks into values and scopes; a nil scope is an empty one.
var compareContents = cmp.Options{
	cmp.Transformer("json", func(v snapshot.Value) string { return v.JSON() }),
	cmp.Transformer("items", func(s *snapshot.Scope) []*snapshot.Item { return append([]*snapshot.Item{}, s.Items()...) }),
}

func open(t testing.TB, dir string, id snapshot.ScopeID) *diskcache.Cache {
	t.Helper()
	c, err := diskcache.Open(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func save(t testing.TB, c *diskcache.Cache, content snapshot.Content) {
	t.Helper()
	if err := c.Save(content, start); err != nil {
		t.Fatal(err)
	}
}

// path is that of a file in the directory of a scope; without a name, of the directory.
func path(dir string, id snapshot.ScopeID, name string) string {
	return filepath.Join(dir, id.Environment+"."+id.Namespace, name)
}

// loads checks that what a fresh process loads is this content. It returns what was
// refused meanwhile.
func loads(t testing.TB, dir string, want snapshot.Content) (refused error) {
	t.Helper()
	c := open(t, dir, payment)
	got, err := c.Load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Content, compareContents); diff != "" {
		t.Fatal(diff)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return got.Refused
}

func says(t testing.TB, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("nothing was refused, want %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not hold %q", err, w)
		}
	}
}

func newValue(json string) snapshot.Value {
	v, err := snapshot.CanonicalValue(json)
	if err != nil {
		panic(err)
	}
	return v
}

// secret is in every value of the contents that tests make, and must be in no error.
const secret = "HUNTER2"

// contentOf has keys in all four scopes, with values of a size, as they are at a
// revision.
func contentOf(id snapshot.ScopeID, revision int64, keys, size int) snapshot.Content {
	c := snapshot.Content{Epoch: "cdf8-1", Cluster: 0xcdf818194e3a8c32, Term: 7, Index: 11, Revision: revision, Verified: start, Scopes: map[snapshot.ScopeID]*snapshot.Scope{}}
	for _, scope := range snapshot.LayersOf(id) {
		items := make([]*snapshot.Item, keys/snapshot.LayerCount)
		for i := range items {
			text := fmt.Sprintf("%s of %s at %d ", secret, id.Namespace, revision)
			text += strings.Repeat("x", max(0, size-len(text)-2))
			items[i] = &snapshot.Item{Key: fmt.Sprintf("group.key-%06d", i), Value: newValue(`"` + text + `"`), Revision: revision}
		}
		c.Scopes[scope] = newScope(items...)
	}
	return c
}

func newScope(items ...*snapshot.Item) *snapshot.Scope {
	s, err := snapshot.NewScope(items)
	if err != nil {
		panic(err)
	}
	return s
}

// small has one of each kind of item.
func small(revision int64) snapshot.Content {
	c := contentOf(payment, revision, 4, 0)
	c.Scopes[snapshot.LayersOf(payment)[1]] = newScope(
		&snapshot.Item{Key: "bad", Problem: "value is \"not\" JSON\n", ProblemRevision: revision},
		&snapshot.Item{Key: "last.good", Value: newValue(`{"` + secret + `":[null,1.5,"\t\u0000é🙂"]}`), Revision: 1, Problem: "is too long", ProblemRevision: revision},
	)
	c.Scopes[snapshot.LayersOf(payment)[3]] = nil
	return c
}

// seeded is a source of randomness whose seed a failed test tells.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

func BenchmarkSave(b *testing.B) {
	c := open(b, b.TempDir(), payment)
	content := contentOf(payment, 9, 10_000, 100)
	b.ReportAllocs()
	for b.Loop() {
		save(b, c, content)
	}
}

func BenchmarkLoad(b *testing.B) {
	c := open(b, b.TempDir(), payment)
	save(b, c, contentOf(payment, 9, 10_000, 100))
	save(b, c, contentOf(payment, 10, 10_000, 100))
	b.ReportAllocs()
	for b.Loop() {
		g, err := c.Load()
		if err := errors.Join(err, g.Refused); err != nil {
			b.Fatal(err)
		}
	}
}
