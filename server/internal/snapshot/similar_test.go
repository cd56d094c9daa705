package snapshot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/config-service/config-service/server/internal/snapshot"
)

func effectiveOf(keys ...string) *snapshot.Effective {
	var changes []snapshot.Change
	for i, k := range keys {
		changes = append(changes, put(k, int64(i+1), `1`))
	}
	var s *snapshot.Scope
	return snapshot.Resolve(testScope, [snapshot.LayerCount]*snapshot.Scope{s.Apply(changes)}, int64(len(keys)), 0, nil)
}

func TestSimilar(t *testing.T) {
	for _, test := range []struct {
		name, have, ask, want string
	}{
		{"a letter is missing", "database.pool_size log.level", "database.pool_siz", "database.pool_size"},
		{"a letter too many", "database.pool_size log.level", "database.pool_sizes", "database.pool_size"},
		{"letters swapped", "database.pool_size", "database.pool_szie", "database.pool_size"},
		{"another case", "database.pool_size", "Database.Pool_Size", "database.pool_size"},
		{"dash for underscore", "database.pool_size", "database.pool-size", "database.pool_size"},
		{"nearest first", "timeoutxyz timeout timeouts timeoutxx", "timeout1", "timeout timeouts timeoutxx"},
		{"as near: in byte order", "kez kex key.b", "kea", "kex kez"},
		{"a parent: what is below it", "database.host database.port databases.x log", "database", "database.host database.port"},
		{"spelling before what is below", "pol.a pool.a.b pole", "pol", "pole pol.a"},
		{"nothing like it", "database.pool_size log.level", "feature.new_checkout", ""},
		{"short keys need a near match", "ab xy", "az", "ab"},
		{"nothing at all", "", "a", ""},
		{"at most five", "k1 k2 k3 k4 k5 k6 k7", "k0", "k1 k2 k3 k4 k5"},
		{"at most five below", "a.1 a.2 a.3 a.4 a.5 a.6", "a", "a.1 a.2 a.3 a.4 a.5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := effectiveOf(strings.Fields(test.have)...).Similar(test.ask)
			if diff := cmp.Diff(strings.Fields(test.want), got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSimilarLooksAtSoManyKeysOnly shows the bound on the work of one call by what is
// found before it and not beyond it.
func TestSimilarLooksAtSoManyKeysOnly(t *testing.T) {
	const asked = "zzz_pool_size"
	fill := func(n int) []string {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("a%012d", i) // as long as what is asked for
		}
		return keys
	}
	near := "zzz_pool_sizf"
	if got := effectiveOf(append(fill(1999), near)...).Similar(asked); !cmp.Equal(got, []string{near}) {
		t.Errorf("within the bound: %q", got)
	}
	if got := effectiveOf(append(fill(2000), near)...).Similar(asked); len(got) != 0 {
		t.Errorf("beyond the bound: %q", got)
	}
	// Keys of quite another length cost nothing.
	long := fill(9000)
	for i := range long {
		long[i] += strings.Repeat("x", 20)
	}
	if got := effectiveOf(append(long, near)...).Similar(asked); !cmp.Equal(got, []string{near}) {
		t.Errorf("among many longer keys: %q", got)
	}
}

func TestSimilarKeysExist(t *testing.T) {
	rnd := rounds(t)
	for range 500 {
		_, scopes := randomLayers(rnd)
		f := snapshot.Resolve(testScope, scopes, 100, 0, nil)
		key := randomKey(rnd)
		got := f.Similar(key)
		if len(got) > snapshot.MaxSimilar {
			t.Fatalf("Similar(%q) names %d keys", key, len(got))
		}
		for _, k := range got {
			if f.Find(k) == nil {
				t.Fatalf("Similar(%q) names %q, which does not exist", key, k)
			}
		}
	}
}
