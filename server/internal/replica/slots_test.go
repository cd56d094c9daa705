package replica_test

import (
	"fmt"
	"testing"

	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

var everyKey = snapshot.NewSelection("", nil)

// makeUp asks for scopes that hold nothing.
func makeUp(r *replica.Replica, n int) {
	for i := range n {
		view(r, snapshot.ScopeID{Namespace: fmt.Sprintf("made-up-%d", i), Environment: "production"})
	}
}

func loadedWith(t *testing.T, changes ...snapshot.Change) *replica.Replica {
	t.Helper()
	r := replica.New(newClock().now)
	r.Replace(listing("e1", 10, start, payment, changes...))
	return r
}

func TestNamesThatAreMadeUpTakeNoMemory(t *testing.T) {
	r := loadedWith(t, put(t, "a", `1`, 5))
	first := view(r, payment)
	makeUp(r, 5000)
	if n := r.Slots(); n > 1001 {
		t.Errorf("something is kept of %d scopes", n)
	}
	if again := view(r, payment); again.Effective != first.Effective || isClosed(first.Superseded) {
		t.Error("a scope that holds something was let go")
	}
}

// A view of a scope that was let go is superseded, and what somebody had of it counts as
// changed: nobody noted meanwhile what ceased to be.
func TestWhatWasLetGoIsLookedAtAnew(t *testing.T) {
	r := loadedWith(t, put(t, "a", `1`, 5))
	r.Advance(batch(orders, put(t, "b", `1`, 11)))
	before := view(r, orders)
	r.Advance(batch(orders, snapshot.Change{Key: "b", Revision: 12, Deleted: true}))
	makeUp(r, 5000)
	if !isClosed(before.Superseded) {
		t.Fatal("the view is not superseded")
	}
	after := view(r, orders)
	if had := before.State.Revision; after.Find("b") != nil || after.ChangedRevision(everyKey) <= had {
		t.Errorf("who had revision %d is told that the last change was at %d", had, after.ChangedRevision(everyKey))
	}
	if isClosed(after.Superseded) {
		t.Error("the new view is superseded from the beginning")
	}
	r.Advance(batch(orders, put(t, "c", `1`, 20)))
	if !isClosed(after.Superseded) {
		t.Error("nobody hears of a change of what was looked at anew")
	}
}

func TestWhatSomebodyFollowsIsKept(t *testing.T) {
	r := loadedWith(t, put(t, "a", `1`, 5))
	release, err := r.Keep(grantFor(orders))
	if err != nil {
		t.Fatal(err)
	}
	before := view(r, orders)
	makeUp(r, 5000)
	if after := view(r, orders); after.Effective != before.Effective || isClosed(before.Superseded) {
		t.Error("a scope that somebody follows was let go")
	}
	release()
	makeUp(r, 5000)
	if !isClosed(before.Superseded) {
		t.Error("nobody follows it any more, and it is kept")
	}
}

// Who may see all and who may not ask in turn for what is theirs.
func TestTwoThingsAreSharedAtATime(t *testing.T) {
	v := view(loadedWith(t, put(t, "a", `1`, 5)), payment)
	made := 0
	for range 10 {
		for _, key := range []string{"all", "masked"} {
			if got := v.Share(key, func() any { made++; return "of " + key }); got != "of "+key {
				t.Errorf("%s gets what is %s", key, got)
			}
		}
	}
	if made != 2 {
		t.Errorf("made %d times, want 2", made)
	}
}
