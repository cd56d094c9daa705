package replica_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var (
	payment = snapshot.ScopeID{Namespace: "payment-service", Environment: "production"}
	orders  = snapshot.ScopeID{Namespace: "order-service", Environment: "production"}
	start   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// clock is a clock that a test sets.
type clock struct {
	mu  sync.Mutex
	at  time.Time
	ask func() // called, once, when the clock is read
}

func newClock() *clock { return &clock{at: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	ask := c.ask
	c.ask = nil
	c.mu.Unlock()
	if ask != nil {
		ask()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// grantFor makes the permission to read a scope.
func grantFor(id snapshot.ScopeID) policy.Grant {
	g, err := policy.Sidecar(&identity.Identity{Namespace: id.Namespace, Environment: id.Environment}, policy.Read, "", "")
	if err != nil {
		panic(err)
	}
	return g
}

// view takes a view that must be there. It is called from many goroutines, which cannot
// end the test; so it panics.
func view(r *replica.Replica, id snapshot.ScopeID) replica.View {
	v, err := r.View(grantFor(id))
	if err != nil {
		panic(err)
	}
	return v
}

func put(t *testing.T, key, json string, revision int64) snapshot.Change {
	t.Helper()
	v, err := snapshot.ParseValue([]byte(json))
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Change{Key: key, Value: v, Revision: revision}
}

// batch is a step with one change in one scope.
func batch(id snapshot.ScopeID, c snapshot.Change) snapshot.Batch {
	return snapshot.Batch{Revision: c.Revision, Changes: map[snapshot.ScopeID][]snapshot.Change{id: {c}}}
}

// listing is a complete listing of a few changes in one scope, proved at a time.
func listing(epoch string, revision int64, verified time.Time, id snapshot.ScopeID, changes ...snapshot.Change) snapshot.Listing {
	return snapshot.Listing{Epoch: epoch, Revision: revision, Verified: verified, Scopes: map[snapshot.ScopeID][]snapshot.Change{id: changes}}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// says checks what a view holds under a key; want "" means nothing.
func says(t *testing.T, v replica.View, key, want string) {
	t.Helper()
	got := ""
	if e := v.Find(key); e != nil {
		got = e.Value.JSON()
	}
	if got != want {
		t.Errorf("%s at revision %d is %q, want %q", key, v.State.Revision, got, want)
	}
}

func TestViewBeforeTheFirstLoad(t *testing.T) {
	r := replica.New(newClock().now)
	v, err := r.View(grantFor(payment))
	if !errors.Is(err, replica.ErrNotLoaded) {
		t.Fatalf("View = %v, want ErrNotLoaded", err)
	}
	if isClosed(r.Loaded()) || isClosed(v.Superseded) {
		t.Error("something is announced though nothing is loaded")
	}
	if st := r.Status(); st != (replica.Status{}) {
		t.Errorf("Status = %+v", st)
	}
	r.Replace(listing("e1", 7, start, payment))
	if !isClosed(r.Loaded()) || !isClosed(v.Superseded) {
		t.Error("the first load is not announced")
	}
	// An empty configuration is not a missing one.
	if v := view(r, payment); len(v.Select(snapshot.NewSelection("", nil))) != 0 || v.State.Revision != 7 {
		t.Errorf("the empty configuration is %+v", v.State)
	}
}

// granted is what somebody who may do everything gets for one thing.
func granted(t *testing.T, a policy.Action, namespace, environment string) policy.Grant {
	t.Helper()
	p, err := policy.Parse([]byte(`rules: [{who: ["user:root"], may: [read, write, administer], namespaces: ["*"], environments: ["*"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	g, err := policy.By(func() *policy.Policy { return p })(&identity.Identity{Kind: identity.Token, User: "root"}, a, namespace, environment)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestViewWithoutAGrant: nor with one for something else than reading one scope.
func TestViewWithoutAGrant(t *testing.T) {
	r := replica.New(newClock().now)
	for _, state := range []string{"before", "after"} {
		for what, g := range map[string]policy.Grant{
			"no grant":           {},
			"the right to write": granted(t, policy.Write, payment.Namespace, payment.Environment),
			"an open grant":      granted(t, policy.Administer, payment.Namespace, ""),
			"the caller itself":  granted(t, policy.Self, "", ""),
		} {
			v, err := r.View(g)
			if !errors.Is(err, replica.ErrNoGrant) || v.Effective != nil {
				t.Errorf("%s, %s the load: View = %v, %v, want ErrNoGrant", what, state, v, err)
			}
		}
		r.Replace(listing("e1", 7, start, payment, put(t, "a", `1`, 7)))
	}
}

func TestState(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(listing("e1", 7, start, payment, put(t, "a", `1`, 5)))
	want := replica.State{Scope: payment, Epoch: "e1", History: "e1", Revision: 7, Verified: start, Fresh: true, Live: true}
	if got := view(r, payment).State; got != want {
		t.Errorf("State = %+v, want %+v", got, want)
	}
	if st := r.Status(); st != (replica.Status{Loaded: true, Live: true, Applied: 5, Revision: 7, Verified: start, Fresh: true, Keys: 1}) {
		t.Errorf("Status = %+v", st)
	}
	if got := want.FreshUntil(); !got.Equal(start.Add(15 * time.Second)) {
		t.Errorf("FreshUntil = %s", got)
	}
}

func TestLayersAreThoseOfTheScope(t *testing.T) {
	r := replica.New(newClock().now)
	layers := snapshot.LayersOf(payment)
	l := snapshot.Listing{Epoch: "e1", Revision: 9, Verified: start, Scopes: map[snapshot.ScopeID][]snapshot.Change{}}
	for i, id := range layers {
		n := strconv.Itoa(i + 1)
		l.Scopes[id] = []snapshot.Change{put(t, "key", n, int64(i+1)), put(t, "only."+n, n, int64(i+1))}
	}
	l.Scopes[snapshot.ScopeID{Namespace: payment.Namespace, Environment: "development"}] = []snapshot.Change{put(t, "foreign", `0`, 1)}
	l.Scopes[orders] = []snapshot.Change{put(t, "foreign", `0`, 1)}
	r.Replace(l)
	v := view(r, payment)
	says(t, v, "key", "1")
	for i := range layers {
		n := strconv.Itoa(i + 1)
		says(t, v, "only."+n, n)
		if e := v.Find("only." + n); e.Layer != snapshot.Layer(i+1) {
			t.Errorf("only.%s comes from %s", n, e.Layer)
		}
	}
	says(t, v, "foreign", "")
}

// The count of changes tells how many steps lie between two views; proofs and other
// scopes' changes are none.
func TestViewsCountChanges(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(snapshot.Listing{Epoch: "e", Revision: 1, Scopes: map[snapshot.ScopeID][]snapshot.Change{payment: nil, orders: nil}})
	before := view(r, payment).Changes
	revision := int64(1)
	change := func(id snapshot.ScopeID) {
		revision++
		r.Advance(snapshot.Batch{Revision: revision, Changes: map[snapshot.ScopeID][]snapshot.Change{id: {{Key: "a", Revision: revision}}}})
	}
	for range 3 {
		change(payment)
	}
	change(orders)
	r.Advance(snapshot.Batch{Revision: revision + 1, Verified: start})
	if got := view(r, payment).Changes - before; got != 3 {
		t.Errorf("3 changes count as %d", got)
	}
	if st := r.Status(); st.Applied != revision || st.Revision != revision+1 {
		t.Errorf("applied %d, confirmed to %d; want %d and %d", st.Applied, st.Revision, revision, revision+1)
	}
}
