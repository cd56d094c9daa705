package etcdstore

import (
	"testing"

	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestEntryKeyIsWhatAPersonTypes(t *testing.T) {
	got := EntryKey(snapshot.ScopeID{Namespace: "payment-service", Environment: "production"}, "database.pool_size")
	if want := "/config-service/v1/entries/production/payment-service/database.pool_size"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzLayout: a key of a scope lies in the range of its scope and of no other, and is
// read back as it was.
func FuzzLayout(f *testing.F) {
	f.Add("pay", "production", "a.b", "payments", "production")
	f.Add("pay", "prod", "0", "pay", "production")
	f.Fuzz(func(t *testing.T, ns, env, key, otherNS, otherEnv string) {
		if snapshot.CheckNamespace(ns) != nil || snapshot.CheckEnvironment(env) != nil || snapshot.CheckKey(key) != nil ||
			snapshot.CheckNamespace(otherNS) != nil || snapshot.CheckEnvironment(otherEnv) != nil {
			return
		}
		own := snapshot.ScopeID{Namespace: ns, Environment: env}
		raw := EntryKey(own, key)
		if id, k, ok := parseEntryKey(raw); !ok || id != own || k != key {
			t.Fatalf("%q is read as %v %q %v", raw, id, k, ok)
		}
		for _, id := range append([]snapshot.ScopeID{{Namespace: otherNS, Environment: otherEnv}}, layers(own)...) {
			r := scopeRange(id)
			if inside := r.start <= raw && raw < r.end; inside != (id == own) {
				t.Fatalf("%q inside the range of %v: %v", raw, id, inside)
			}
		}
	})
}

func layers(id snapshot.ScopeID) []snapshot.ScopeID {
	l := snapshot.LayersOf(id)
	return l[:]
}

func TestTooOld(t *testing.T) {
	for _, c := range []struct {
		v   version
		old bool
	}{
		{version{3, 5, 32}, true}, {version{3, 5, 33}, false}, {version{3, 6, 13}, true}, {version{3, 6, 14}, false},
		{version{3, 7, 0}, true}, {version{3, 7, 1}, false}, {version{3, 8, 0}, false}, {version{4, 0, 0}, false},
		{version{3, 4, 44}, true}, {version{2, 3, 8}, true},
	} {
		if _, old := tooOld(c.v); old != c.old {
			t.Errorf("%s too old: %v, want %v", c.v, old, c.old)
		}
	}
}
