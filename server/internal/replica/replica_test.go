package replica_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestOnlyTheScopesOfAChangeHear(t *testing.T) {
	layers := snapshot.LayersOf(payment)
	for _, test := range []struct {
		name                       string
		scope                      snapshot.ScopeID
		paymentHears, ordersHear   bool
		paymentSees, ordersSeesNew string
	}{
		{"its own scope", payment, true, false, `"new"`, ""},
		{"its own _all", layers[1], true, false, `"new"`, ""},
		{"shared for the environment", layers[2], true, true, `"new"`, `"new"`},
		{"shared for all", layers[3], true, true, `"new"`, `"new"`},
		{"another service", orders, false, true, "", `"new"`},
		{"another environment", snapshot.ScopeID{Namespace: payment.Namespace, Environment: "development"}, false, false, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := replica.New(newClock().now)
			r.Replace(listing("e1", 7, start, payment, put(t, "a", `1`, 5)))
			p, o := view(r, payment), view(r, orders)
			r.Advance(batch(test.scope, put(t, "b", `"new"`, 8)))
			if isClosed(p.Superseded) != test.paymentHears || isClosed(o.Superseded) != test.ordersHear {
				t.Errorf("heard by payment: %t, by orders: %t", isClosed(p.Superseded), isClosed(o.Superseded))
			}
			p2, o2 := view(r, payment), view(r, orders)
			says(t, p2, "b", test.paymentSees)
			says(t, o2, "b", test.ordersSeesNew)
			if p2.State.Revision != 8 || o2.State.Revision != 8 {
				t.Errorf("the views are at %d and %d, want 8", p2.State.Revision, o2.State.Revision)
			}
			if same := p2.Effective == p.Effective; same == test.paymentHears {
				t.Errorf("the content was resolved anew: %t", !same)
			}
			says(t, p, "b", "") // a view that was taken never changes
		})
	}
}

func TestAProofIsNoChange(t *testing.T) {
	c := newClock()
	r := replica.New(c.now)
	r.Replace(listing("e1", 7, start, payment, put(t, "a", `1`, 5)))
	v := view(r, payment)
	c.advance(7 * time.Second)
	r.Advance(snapshot.Batch{Revision: 9, Verified: start.Add(7 * time.Second)})
	if isClosed(v.Superseded) {
		t.Error("a proof is announced as a change")
	}
	v = view(r, payment)
	if v.State.Revision != 9 || !v.State.Verified.Equal(start.Add(7*time.Second)) {
		t.Errorf("State = %+v", v.State)
	}
	// A late proof does not take back a later one.
	r.Advance(snapshot.Batch{Revision: 10, Verified: start.Add(2 * time.Second)})
	if got := view(r, payment).State.Verified; !got.Equal(start.Add(7 * time.Second)) {
		t.Errorf("Verified went back to %s", got)
	}
}

func TestFreshness(t *testing.T) {
	c := newClock()
	r := replica.New(c.now)
	r.Replace(listing("e1", 7, start, payment, put(t, "a", `1`, 5)))
	c.advance(15 * time.Second)
	fresh := view(r, payment)
	if !fresh.State.Fresh {
		t.Error("stale after 15 s")
	}
	c.advance(1)
	stale := view(r, payment)
	if stale.State.Fresh || r.Status().Fresh {
		t.Error("fresh after more than 15 s")
	}
	if isClosed(fresh.Superseded) {
		t.Error("a view went stale by the clock and was superseded")
	}
	// Changes alone prove nothing: they may come from a member that lost its leader.
	r.Advance(snapshot.Batch{Revision: 8})
	if view(r, payment).State.Fresh || isClosed(stale.Superseded) {
		t.Error("a step without a proof made the copy fresh")
	}
	r.Advance(snapshot.Batch{Revision: 8, Verified: c.now()})
	if !isClosed(stale.Superseded) {
		t.Error("nobody is told that the copy is fresh again")
	}
	if !view(r, payment).State.Fresh {
		t.Error("stale though it was proved just now")
	}
}

func TestNeverProvedIsStale(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(listing("e1", 7, time.Time{}, payment))
	if st := view(r, payment).State; st.Fresh || !st.Verified.IsZero() {
		t.Errorf("State = %+v", st)
	}
}

// TestAProofThatArrivesWhileAViewIsTaken lets the proof arrive between the view's look
// at the clock and its look at the content, at the moment when the copy goes stale. A
// stale view that nobody wakes would stay stale beside a fresh copy.
func TestAProofThatArrivesWhileAViewIsTaken(t *testing.T) {
	c := newClock()
	r := replica.New(c.now)
	r.Replace(listing("e1", 7, start, payment))
	view(r, payment)
	c.advance(15 * time.Second)
	c.ask = func() {
		r.Advance(snapshot.Batch{Revision: 7, Verified: start.Add(14 * time.Second)})
		c.advance(1)
	}
	v := view(r, payment)
	if !v.State.Fresh && !isClosed(v.Superseded) {
		t.Error("the view is stale, the copy is fresh, and nobody says so")
	}
}

func TestReplaceInTheSameEpoch(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(listing("e1", 7, start, payment, put(t, "a", `1`, 5), put(t, "b", `2`, 6), put(t, "c", `3`, 7)))
	v := view(r, payment)
	unusable := snapshot.Change{Key: "b", Revision: 9, Problem: "is bad"}
	r.Replace(listing("e1", 9, start, payment, put(t, "a", `1`, 5), unusable))
	if !isClosed(v.Superseded) {
		t.Error("not announced")
	}
	w := view(r, payment)
	says(t, w, "b", "2") // the last good value
	says(t, w, "c", "")
	if v.Find("a") != w.Find("a") {
		t.Error("a did not change and is another entry")
	}
	step := snapshot.Diff(v.Effective, w.Effective, snapshot.NewSelection("", nil))
	if len(step.Entries)+len(step.Invalid) != 0 || len(step.Deleted) != 1 || step.Deleted[0] != "c" {
		t.Errorf("the step is %+v, want c deleted", step)
	}
	// The same once more is no news.
	r.Replace(listing("e1", 9, start, payment, put(t, "a", `1`, 5), unusable))
	if isClosed(w.Superseded) {
		t.Error("an unchanged listing is announced")
	}
}

func TestAnotherEpochStartsFromNothing(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(listing("e1", 900, start, payment, put(t, "a", `1`, 5), put(t, "b", `2`, 6)))
	p, o := view(r, payment), view(r, orders)
	r.Replace(listing("e2", 3, start, payment, put(t, "a", `1`, 2), snapshot.Change{Key: "b", Revision: 3, Problem: "is bad"}))
	if !isClosed(p.Superseded) || !isClosed(o.Superseded) {
		t.Error("an epoch change is not told to everyone")
	}
	v := view(r, payment)
	if v.State.Epoch != "e2" || v.State.Revision != 3 {
		t.Errorf("State = %+v", v.State)
	}
	if e := v.Find("b"); e == nil || !e.Invalid() {
		t.Errorf("b is %+v: the last good value of another history came along", e)
	}
	if e := v.Find("a"); e == p.Find("a") || e.Revision != 2 {
		t.Errorf("a is %+v: the entry of another history came along", e)
	}
	if got := v.ChangedRevision(snapshot.NewSelection("", nil)); got != 3 {
		t.Errorf("ChangedRevision = %d, of another history", got)
	}
}

// TestAppliedThenAnnounced looks at a replica in the middle of a step, when it reads its
// clock to decide whom to wake.
func TestAppliedThenAnnounced(t *testing.T) {
	c := newClock()
	r := replica.New(c.now)
	r.Replace(listing("e1", 7, start, payment))
	before := view(r, payment)
	looked := false
	c.ask = func() {
		looked = true
		if isClosed(before.Superseded) {
			t.Error("announced before everything is applied")
		}
		says(t, view(r, payment), "a", "1")
	}
	r.Advance(batch(payment, put(t, "a", `1`, 8)))
	if !looked || !isClosed(before.Superseded) {
		t.Error("not announced")
	}
}

// TestWhoeverHearsFindsTheChange takes views while nothing happens, so that what closes
// them can only be the next change: whoever is woken must find it.
func TestWhoeverHearsFindsTheChange(t *testing.T) {
	const watchers, last = 4, 1000
	r := replica.New(time.Now)
	r.Replace(listing("e1", 1, time.Now(), payment, put(t, "counter", `1`, 1)))
	looking := make(chan struct{})
	var all sync.WaitGroup
	for range watchers {
		all.Go(func() {
			for revision := int64(1); revision < last; revision++ {
				v := view(r, payment)
				looking <- struct{}{}
				<-v.Superseded
				if now := view(r, payment).State.Revision; now != revision+1 {
					t.Errorf("woken at %d, and found %d", revision, now)
				}
				looking <- struct{}{}
			}
		})
	}
	for revision := int64(2); revision <= last; revision++ {
		for range watchers {
			<-looking
		}
		r.Advance(batch(payment, put(t, "counter", strconv.FormatInt(revision, 10), revision)))
		for range watchers {
			<-looking
		}
	}
	all.Wait()
}

// TestNoChangeIsMissed lets watchers and changes run freely: a watcher may be woken for
// what it has seen already, but it always gets to the end.
func TestNoChangeIsMissed(t *testing.T) {
	const last = 3000
	r := replica.New(time.Now)
	r.Replace(listing("e1", 1, time.Now(), payment, put(t, "counter", `1`, 1)))
	var watchers sync.WaitGroup
	for range 4 {
		watchers.Go(func() {
			v := view(r, payment)
			for v.State.Revision < last {
				<-v.Superseded
				next := view(r, payment)
				if next.State.Revision < v.State.Revision {
					t.Errorf("went back from %d to %d", v.State.Revision, next.State.Revision)
				}
				v = next
			}
			says(t, v, "counter", strconv.Itoa(last))
		})
	}
	for revision := int64(2); revision <= last; revision++ {
		r.Advance(batch(payment, put(t, "counter", strconv.FormatInt(revision, 10), revision)))
	}
	watchers.Wait()
}

// TestViewsAreConsistent writes the revision into every layer, in one step each, while
// readers check that all that they see belongs to the revision that they are told.
func TestViewsAreConsistent(t *testing.T) {
	const last = 1500
	r := replica.New(time.Now)
	write := func(revision int64) map[snapshot.ScopeID][]snapshot.Change {
		changes := map[snapshot.ScopeID][]snapshot.Change{}
		for i, id := range snapshot.LayersOf(payment) {
			changes[id] = []snapshot.Change{put(t, "layer"+strconv.Itoa(i), strconv.FormatInt(revision, 10), revision)}
		}
		return changes
	}
	r.Replace(snapshot.Listing{Epoch: "e1", Revision: 1, Verified: time.Now(), Scopes: write(1)})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for seen := int64(0); seen < last; {
				v := view(r, payment)
				if v.State.Revision < seen {
					t.Errorf("went back from %d to %d", seen, v.State.Revision)
					return
				}
				seen = v.State.Revision
				want := strconv.FormatInt(seen, 10)
				for i := range snapshot.LayerCount {
					says(t, v, "layer"+strconv.Itoa(i), want)
				}
				if got := v.ChangedRevision(snapshot.NewSelection("", nil)); got != seen || t.Failed() {
					t.Errorf("ChangedRevision = %d at revision %d", got, seen)
					return
				}
			}
		})
	}
	for revision := int64(2); revision <= last; revision++ {
		if revision%100 == 0 {
			r.Replace(snapshot.Listing{Epoch: "e1", Revision: revision, Verified: time.Now(), Scopes: write(revision)})
			continue
		}
		r.Advance(snapshot.Batch{Revision: revision, Changes: write(revision)})
	}
	readers.Wait()
}

// TestUnchangedContentIsTheSame: as long as no layer changes, every view is of the same
// Effective, so that a watcher has nothing to tell. A reader that was held up must not
// put an older state back in its place.
func TestUnchangedContentIsTheSame(t *testing.T) {
	const last = 20_000
	r := replica.New(time.Now)
	var many []snapshot.Change
	for i := range 100 {
		many = append(many, put(t, "key"+strconv.Itoa(1000+i), `1`, 1))
	}
	r.Replace(listing("e1", 1, time.Now(), payment, many...))
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			seen := view(r, payment)
			for seen.State.Revision < last {
				v := view(r, payment)
				if v.Layers() == seen.Layers() && v.Effective != seen.Effective {
					t.Errorf("resolved anew between %d and %d", seen.State.Revision, v.State.Revision)
					return
				}
				seen = v
			}
		})
	}
	for revision := int64(2); revision <= last; revision++ {
		scope := payment
		if revision%2 == 0 {
			scope = orders
		}
		r.Advance(batch(scope, put(t, "counter", strconv.FormatInt(revision, 10), revision)))
	}
	readers.Wait()
}
