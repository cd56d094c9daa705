package replica_test

import (
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// onDisk is what an earlier process left: two keys at revision 40.
func onDisk(t *testing.T) snapshot.Content {
	t.Helper()
	var none *snapshot.Scope
	scope := none.Apply([]snapshot.Change{put(t, "a", `1`, 5), put(t, "b", `2`, 6)})
	return snapshot.Content{
		Epoch: "e1", Cluster: 1, Term: 2, Index: 3, Revision: 40, Verified: start.Add(-time.Second),
		Scopes: map[snapshot.ScopeID]*snapshot.Scope{payment: scope},
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestWhatComesFromDiskIsStaleAndSaysSo(t *testing.T) {
	r := replica.New(newClock().now)
	r.Restore(onDisk(t))
	v := view(r, payment)
	if v.State.Live || v.State.Fresh || v.State.Revision != 40 || v.State.Epoch != "e1" || v.Find("a") == nil {
		t.Errorf("from disk: %+v, %v", v.State, v.Find("a"))
	}
	if !closed(r.Loaded()) || closed(r.Live()) {
		t.Error("from disk is loaded, and not live")
	}
	got, _ := r.Content()
	if got.Revision != 40 || got.Index != 3 {
		t.Errorf("Content = %+v", got)
	}
}

func TestTheStoreTakesOverFromDisk(t *testing.T) {
	r := replica.New(newClock().now)
	r.Restore(onDisk(t))
	before := view(r, payment)
	r.Replace(listing("e1", 50, start, payment, put(t, "a", `1`, 5), put(t, "b", `3`, 45)))
	if !closed(before.Superseded) || !closed(r.Live()) {
		t.Error("nobody hears that the store took over")
	}
	after := view(r, payment)
	if !after.State.Live || !after.State.Fresh {
		t.Errorf("from the store: %+v", after.State)
	}
	if before.Find("a") != after.Find("a") {
		t.Error("an entry that did not change was replaced")
	}
	step := snapshot.Diff(before.Effective, after.Effective, snapshot.Selection{})
	if len(step.Entries) != 1 || step.Entries[0].Key != "b" || len(step.Deleted) != 0 {
		t.Errorf("the step is %+v, want b only", step)
	}
}

func TestTheSourceIsNewsWithoutAnyOtherChange(t *testing.T) {
	c := newClock()
	r := replica.New(c.now)
	r.Restore(onDisk(t))
	before := view(r, payment)
	stale := start.Add(-time.Hour)
	r.Replace(listing("e1", 40, stale, payment, put(t, "a", `1`, 5), put(t, "b", `2`, 6)))
	if !closed(before.Superseded) {
		t.Error("nobody hears of the source")
	}
}

// Removals from before a restart are not known, so whoever comes back from there must
// not be told that nothing changed.
func TestResumePointsFromBeforeARestartCountAsChanged(t *testing.T) {
	all := snapshot.NewSelection("", nil)
	t.Run("served from disk", func(t *testing.T) {
		r := replica.New(newClock().now)
		r.Restore(onDisk(t))
		if got := view(r, payment).ChangedRevision(all); got != 40 {
			t.Errorf("ChangedRevision = %d, want 40", got)
		}
	})
	t.Run("served from the store, first asked then", func(t *testing.T) {
		r := replica.New(newClock().now)
		r.Restore(onDisk(t))
		r.Replace(listing("e1", 50, start, payment, put(t, "a", `1`, 5)))
		r.Advance(snapshot.Batch{Revision: 60})
		if got := view(r, payment).ChangedRevision(all); got != 50 {
			t.Errorf("ChangedRevision = %d, want 50", got)
		}
	})
	t.Run("in a new epoch", func(t *testing.T) {
		r := replica.New(newClock().now)
		r.Restore(onDisk(t))
		r.Replace(listing("e2", 50, start, payment, put(t, "a", `1`, 5)))
		if got := view(r, payment).ChangedRevision(all); got != 5 {
			t.Errorf("ChangedRevision = %d, want 5", got)
		}
	})
}
