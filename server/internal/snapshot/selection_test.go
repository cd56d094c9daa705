package snapshot_test

import (
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestSelection(t *testing.T) {
	for _, test := range []struct {
		name   string
		prefix string
		keys   []string
		has    string
		hasNot string
	}{
		{"everything", "", nil, "a a.b database", ""},
		{"everything, by an empty list", "", []string{}, "a a.b database", ""},
		{"a prefix", "database", nil, "database database.pool_size database.a.b", "database2 database-a database_a databas Database x.database"},
		{"a deep prefix", "a.b", nil, "a.b a.b.c", "a a.bc a.b-c a.c"},
		{"keys", "", []string{"a", "b.c"}, "a b.c", "b a.b b.c.d c"},
		{"the union of both", "a", []string{"b", "a.b"}, "a a.b a.c b", "b.c c"},
		{"a key twice", "", []string{"a", "a"}, "a", "b"},
	} {
		sel := snapshot.NewSelection(test.prefix, test.keys)
		if got, want := sel.All(), test.prefix == "" && len(test.keys) == 0; got != want {
			t.Errorf("%s: All = %t", test.name, got)
		}
		for _, key := range strings.Fields(test.has) {
			if !sel.Has(key) {
				t.Errorf("%s: does not have %q", test.name, key)
			}
		}
		for _, key := range strings.Fields(test.hasNot) {
			if sel.Has(key) {
				t.Errorf("%s: has %q", test.name, key)
			}
		}
	}
}

func TestSelectionOwnsItsKeys(t *testing.T) {
	keys := []string{"a"}
	sel := snapshot.NewSelection("", keys)
	keys[0] = "b"
	if !sel.Has("a") || sel.Has("b") {
		t.Error("writing to the caller's slice changed the selection")
	}
}

// TestPrefixAgainstModel asks for the prefix in the words of the contract: the key
// itself and all below it.
func TestPrefixAgainstModel(t *testing.T) {
	rnd := rounds(t)
	for range 5000 {
		prefix, key := randomKey(rnd), randomKey(rnd)
		want := key == prefix || below(key, prefix)
		if got := snapshot.NewSelection(prefix, nil).Has(key); got != want {
			t.Fatalf("prefix %q has %q: %t, want %t", prefix, key, got, want)
		}
	}
}

func TestCheckSelectedKeys(t *testing.T) {
	for n, ok := range map[int]bool{0: true, 1: true, 1000: true, 1001: false} {
		if err := snapshot.CheckSelectedKeys(n); (err == nil) != ok {
			t.Errorf("CheckSelectedKeys(%d) = %v", n, err)
		}
	}
}
