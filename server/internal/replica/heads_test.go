package replica_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// openGrant is what a user who may read by a policy gets for all scopes.
func openGrant(t *testing.T, rules string) policy.Grant {
	t.Helper()
	p, err := policy.Parse([]byte("rules: [" + rules + "]"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := policy.By(func() *policy.Policy { return p })(&identity.Identity{Kind: identity.Token, User: "anna"}, policy.Inspect, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const (
	ofPayment = `{who: ["user:anna"], may: [read], namespaces: ["payment-service"], environments: ["*"]}`
	ofOrders  = `{who: ["user:anna"], may: [read], namespaces: ["order-service"], environments: ["*"]}`
)

func headsOf(t *testing.T, r *replica.Replica, g policy.Grant) replica.HeadsView {
	t.Helper()
	v, err := r.Heads(g)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func flat(step snapshot.HeadsStep) string {
	var out []string
	for _, h := range step.Heads {
		out = append(out, fmt.Sprintf("%s@%d", h.Scope, h.Version))
	}
	for _, id := range step.Gone {
		out = append(out, "-"+id.String())
	}
	return strings.Join(out, " ")
}

func withHeads(t *testing.T, epoch string, revision int64) snapshot.Listing {
	l := listing(epoch, revision, start, payment, put(t, "a", "1", 1))
	l.Heads = map[snapshot.ScopeID]*snapshot.Head{orders: {Scope: orders, Version: 3, Keys: 2, Revision: 2}}
	return l
}

// TestHeadsNeedAGrant: nobody gets heads, or what scopes hold, beyond what the grant says.
func TestHeadsNeedAGrant(t *testing.T) {
	r := replica.New(newClock().now)
	if _, err := r.Heads(openGrant(t, ofPayment)); !errors.Is(err, replica.ErrNotLoaded) {
		t.Errorf("before the first load: %v", err)
	}
	r.Replace(listing("e", 1, start, payment))
	if _, err := r.Heads(openGrant(t, ofPayment)); !errors.Is(err, replica.ErrNotLoaded) {
		t.Errorf("without heads: %v", err)
	}
	r.Replace(withHeads(t, "e", 2))
	for what, g := range map[string]policy.Grant{"no grant": {}, "one to write": granted(t, policy.Write, payment.Namespace, payment.Environment)} {
		if v, err := r.Heads(g); !errors.Is(err, replica.ErrNoGrant) || flat(v.Since(replica.HeadsView{})) != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for want, g := range map[string]policy.Grant{
		"payment-service/production@0":                            openGrant(t, ofPayment),
		"order-service/production@3":                              openGrant(t, ofOrders),
		"order-service/production@3 payment-service/production@0": openGrant(t, ofOrders+","+ofPayment),
		"": openGrant(t, ""),
	} {
		v := headsOf(t, r, g)
		if got := flat(v.Since(replica.HeadsView{})); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if has, may := v.Scope(payment).Find("a") != nil, strings.Contains(want, "payment"); has != may {
			t.Errorf("what payment-service holds is told: %t, want %t", has, may)
		}
	}
	closed := headsOf(t, r, grantFor(payment))
	if got := flat(closed.Since(replica.HeadsView{})); got != "payment-service/production@0" {
		t.Errorf("of its own scope a service gets %q", got)
	}
}

// TestHeadsMove: a view is superseded by what moves a head, and by nothing else.
func TestHeadsMove(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(withHeads(t, "e", 2))
	g := openGrant(t, ofOrders+","+ofPayment)
	v := headsOf(t, r, g)
	r.Advance(batch(payment, put(t, "a", "2", 3)))
	r.Advance(batch(orders, put(t, "a", "2", 4)))
	if isClosed(v.Superseded) {
		t.Error("entries move heads")
	}
	b := batch(orders, put(t, "b", "2", 5))
	b.Heads = map[snapshot.ScopeID]*snapshot.Head{orders: {Scope: orders, Version: 4, Revision: 5}}
	r.Advance(b)
	if !isClosed(v.Superseded) {
		t.Error("a commit is not announced")
	}
	next := headsOf(t, r, g)
	if got := flat(next.Since(v)); got != "order-service/production@4" || next.State.Revision != 5 {
		t.Errorf("after a commit: %q at %d", got, next.State.Revision)
	}
	r.Advance(batch(payment, snapshot.Change{Key: "a", Deleted: true, Revision: 6}))
	if got := flat(headsOf(t, r, g).Since(next)); got != "-payment-service/production" {
		t.Errorf("after the last entry of a scope without a head: %q", got)
	}
	same := withHeads(t, "another", 2)
	same.Heads[orders] = &snapshot.Head{Scope: orders, Version: 4, Revision: 5}
	before := headsOf(t, r, g)
	r.Replace(same)
	if got := flat(headsOf(t, r, g).Since(before)); got != "payment-service/production@0" {
		t.Errorf("after another listing: %q", got)
	}
}

// TestHeadsFollowTheGrant: another policy takes what may be read, and gives it.
func TestHeadsFollowTheGrant(t *testing.T) {
	r := replica.New(newClock().now)
	r.Replace(withHeads(t, "e", 2))
	old := headsOf(t, r, openGrant(t, ofOrders))
	for want, rules := range map[string]string{
		"":                             ofOrders,
		"payment-service/production@0": ofOrders + "," + ofPayment,
		"payment-service/production@0 -order-service/production": ofPayment,
		"-order-service/production":                              "",
	} {
		next := headsOf(t, r, openGrant(t, rules))
		if got := flat(next.Since(old)); got != want {
			t.Errorf("with %s: %q, want %q", rules, got, want)
		}
		if next.Denied(old) != (rules == "") {
			t.Errorf("with %s: denied %t", rules, next.Denied(old))
		}
	}
}
