package etcdstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

func id(namespace, environment string) snapshot.ScopeID {
	return snapshot.ScopeID{Namespace: namespace, Environment: environment}
}

// protect has the scopes of the list protected from now on; empty: none.
func (l *ledger) protect(t *testing.T, list string) {
	t.Helper()
	p, err := policy.Parse([]byte("protected: [" + list + "]"))
	if err != nil {
		t.Fatal(err)
	}
	l.protected.Store(p)
}

const payProduction = `{namespaces: [pay], environments: [production]}`

// plan is a dry run.
func (l *ledger) plan(t *testing.T, g policy.Grant, list ...etcdstore.Edit) etcdstore.Outcome {
	t.Helper()
	out, err := l.Commit(within(t), g, etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", DryRun: true}, Edits: list})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// agreed are terms that accept what a dry run shows.
func (l *ledger) agreed(t *testing.T, g policy.Grant, message string, list ...etcdstore.Edit) etcdstore.Terms {
	t.Helper()
	plan := l.plan(t, g, list...)
	return etcdstore.Terms{Message: message, PlanHash: plan.PlanHash, Accepted: needed(plan)}
}

// needed are the kinds that a plan needs to be accepted.
func needed(plan etcdstore.Outcome) (kinds []etcdstore.FindingKind) {
	for _, f := range plan.Findings {
		if f.NeedsAcceptance && !slices.Contains(kinds, f.Kind) {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

// risks are the findings of a plan, those that need acceptance with a star.
func risks(findings []etcdstore.Finding) (out []string) {
	for _, f := range findings {
		text := fmt.Sprintf("%d %s/%s", f.Kind, f.Environment, f.Key)
		if f.NeedsAcceptance {
			text += " *"
		}
		if f.Refusal != nil {
			text += " refused"
		}
		out = append(out, text)
	}
	return out
}

func badField(t *testing.T, err error, field string, words ...string) {
	t.Helper()
	var bad *etcdstore.ArgumentError
	if !errors.As(err, &bad) || bad.Field != field {
		t.Errorf("got %v, want a refusal of %s", err, field)
		return
	}
	for _, w := range words {
		if !strings.Contains(bad.Problem, w) {
			t.Errorf("%q does not say %q", bad.Problem, w)
		}
	}
}

func TestAProtectedScopeWantsATypedMessage(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	do := func(message string, list ...string) error {
		_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: message}, Edits: edits(t, list...)})
		return err
	}
	done := func(message string, list ...string) {
		t.Helper()
		if err := do(message, list...); err != nil {
			t.Error(err)
		}
	}
	l.protect(t, payProduction)
	badField(t, do("too short", "a=1"), "message", "has 9 characters", "at least 10 characters", "pay/production")
	badField(t, do(" x "+strings.Repeat(" ", 40)+" y\n", "a=1"), "message", "has 3 characters")
	badField(t, do(strings.Repeat("ü", 9), "a=1"), "message", "has 9 characters")
	done(strings.Repeat("ü", 10), "a=1")
	badField(t, do(strings.Repeat("ü", 10), "a=2"), "message", "that of the version before")
	done("a first good reason", "a=2")
	badField(t, do(" a first  good\treason\n", "a=3"), "message", "that of the version before")
	done("short", "test:a=1") // is not protected
	badField(t, do("short", "test:a=2", "production:a=3"), "message")
	badField(t, do("short", "_all:a=2"), "message", "pay/_all") // reaches it
	if _, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{
		Terms: etcdstore.Terms{Message: "short", Expected: map[string]int64{"production": 2}}, Edits: edits(t, "test:a=2"),
	}); err != nil {
		t.Errorf("it only looks at production: %v", err)
	}
	if err := do("short", "a=2"); !errors.Is(err, etcdstore.ErrNoChange) {
		t.Errorf("no change: %v", err)
	}
	l.plan(t, mayWrite(t), edits(t, "a=4")...) // a dry run is never refused for it

	// What was written past the service meanwhile is no message of anybody's.
	l.put(t, "production", "b", "1")
	badField(t, do("a first good reason", "c=3"), "message", "that of the version before")
	same(t, "versions", len(l.versions(t)), 3) // that of the put is written down

	back := func(message string) error {
		_, err := l.Rollback(within(t), may(t, "anna", policy.Write, "pay", "production"), 1, etcdstore.Terms{Message: message})
		return err
	}
	badField(t, back(""), "message", "is not given")
	badField(t, back("back"), "message", "has 4 characters")
	var risk *etcdstore.RiskError
	if err := back("because it is broken"); !errors.As(err, &risk) {
		t.Errorf("a rollback by which b goes: %v", err)
	}
}

// A retry gets its answer, whatever is asked for by then.
func TestARetryToAProtectedScopeGetsItsAnswer(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "b=1")
	l.protect(t, payProduction)
	list := edits(t, "a=2", "-b")
	terms := l.agreed(t, mayWrite(t), "remove what is not needed", list...)
	terms.RequestID = "once"
	first, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: terms, Edits: list})
	if err != nil {
		t.Fatal(err)
	}
	again := func() {
		t.Helper()
		out, err := l.another(t, 10, 0).Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: terms, Edits: list})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "answer", out, first)
	}
	again() // its message is that of the newest version now, and its plan is of the one before
	l.protect(t, `{namespaces: ["*"], environments: ["*"], message: 100}`)
	again()
	terms.Accepted = nil
	if _, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: terms, Edits: list}); !errors.Is(err, etcdstore.ErrReused) {
		t.Errorf("with other risks accepted: %v", err)
	}
	same(t, "versions", len(l.versions(t)), 2)
}

func TestRisksAreAcceptedOneByOne(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "b=1", "c=1", "typed=1", "_all:c=1")
	list := edits(t, "a.x=1", "-b", "-c", "typed=true")
	plan := l.plan(t, mayWrite(t), list...)
	same(t, "not protected", risks(plan.Findings), []string{"5 production/a", "8 production/b", "9 production/typed"})
	l.protect(t, payProduction)
	before := plan.PlanHash
	plan = l.plan(t, mayWrite(t), list...)
	same(t, "protected", risks(plan.Findings), []string{"5 production/a *", "8 production/b *", "9 production/typed *"})
	if plan.PlanHash == before {
		t.Error("the plan has its risks not in its hash")
	}
	do := func(hash string, accepted ...etcdstore.FindingKind) error {
		_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{
			Terms: etcdstore.Terms{Message: "a good reason", PlanHash: hash, Accepted: accepted}, Edits: list,
		})
		return err
	}
	missing := func(err error, kinds ...etcdstore.FindingKind) {
		t.Helper()
		var risk *etcdstore.RiskError
		if !errors.As(err, &risk) {
			t.Fatalf("got %v", err)
		}
		same(t, "not accepted", risk.Kinds, kinds)
	}
	const hidden, removed, typed = etcdstore.FoundHidden, etcdstore.FoundRemoved, etcdstore.FoundTypeChanged
	missing(do(""), hidden, removed, typed)
	missing(do(plan.PlanHash), hidden, removed, typed)
	missing(do(plan.PlanHash, removed), hidden, typed)
	missing(do(plan.PlanHash, typed, hidden), removed)
	badField(t, do(plan.PlanHash, hidden, removed, typed, etcdstore.FoundManyKeys), "accepted_risks", "does not need")
	var c *etcdstore.ConflictError
	if err := do(before, hidden, removed, typed); !errors.As(err, &c) || !c.Plan {
		t.Errorf("a plan from before it was protected: %v", err)
	}
	l.commitAgreed(t, "_all:b=1") // b is there now when it goes: another plan
	if err := do(plan.PlanHash, hidden, removed, typed); !errors.As(err, &c) || !c.Plan {
		t.Errorf("other risks than were shown: %v", err)
	}
	plan = l.plan(t, mayWrite(t), list...)
	same(t, "with another layer", risks(plan.Findings), []string{"5 production/a *", "9 production/typed *"})
	l.protect(t, "")
	badField(t, do("", hidden), "accepted_risks", "does not need")
	l.protect(t, payProduction)
	if err := do(plan.PlanHash, typed, hidden); err != nil {
		t.Error(err)
	}
	same(t, "live", l.live(t, "production"), map[string]string{"a": "1", "a.x": "1", "typed": "true"})
}

// commitAgreed commits with whatever has to be accepted.
func (l *ledger) commitAgreed(t *testing.T, list ...string) {
	t.Helper()
	terms := l.agreed(t, mayWrite(t), fmt.Sprintf("a good reason for %v", list), edits(t, list...)...)
	if _, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: terms, Edits: edits(t, list...)}); err != nil {
		t.Fatal(err)
	}
}

// TestOnlyWhatIsProtectedNeedsAcceptance: of several environments, and through the layers.
func TestOnlyWhatIsProtectedNeedsAcceptance(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "test:a=1", "_all:d=1")
	l.protect(t, payProduction)
	both := edits(t, "-a", "test:-a")
	plan := l.plan(t, mayWrite(t), both...)
	same(t, "two environments", risks(plan.Findings), []string{"8 production/a *", "8 test/a", "11 / *"})
	plan = l.plan(t, mayWrite(t), edits(t, "_all:-d")...)
	same(t, "all environments", risks(plan.Findings), []string{"8 _all/d *", "11 / *"})
	everybody := may(t, "anna", policy.Write, "_shared", "")
	plan = l.plan(t, everybody, edits(t, "_all:a=1", "_all:b=1")...)
	same(t, "everybody", risks(plan.Findings), []string{"11 / *"})
	same(t, "affected", plan.Affected, []etcdstore.Affected{{Scope: id("pay", "production"), Keys: 1}, {Scope: id("pay", "test"), Keys: 1}})
	same(t, "elsewhere", risks(l.plan(t, everybody, edits(t, "test:b=1")...).Findings), nil)
	_, err := l.Commit(within(t), everybody, etcdstore.Draft{Terms: etcdstore.Terms{Message: "a good reason"}, Edits: edits(t, "_all:b=1")})
	var risk *etcdstore.RiskError
	if !errors.As(err, &risk) || len(risk.Findings) != 1 || risk.Namespace != "_shared" {
		t.Errorf("got %v", err)
	}
	if _, err = l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, "test:-a")}); err != nil {
		t.Errorf("not protected: %v", err)
	}
}

// TestWhatWasWrittenPastTheServiceIsARiskUntilSomebodyCommits: a commit that is refused has
// written it down before, and its plan still fits.
func TestWhatWasWrittenPastTheServiceIsARiskUntilSomebodyCommits(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "b=1")
	l.protect(t, payProduction)
	l.put(t, "production", "x", "1")
	l.delete(t, "production", "b")
	list := edits(t, "a=2")
	plan := l.plan(t, mayWrite(t), list...)
	want := []string{"4 production/b *", "4 production/x *"}
	same(t, "not in the history", risks(plan.Findings), want)
	do := func(accepted ...etcdstore.FindingKind) error {
		_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{
			Terms: etcdstore.Terms{Message: "a good reason", PlanHash: plan.PlanHash, Accepted: accepted}, Edits: list,
		})
		return err
	}
	var risk *etcdstore.RiskError
	if err := do(); !errors.As(err, &risk) {
		t.Fatalf("got %v", err)
	}
	same(t, "versions", len(l.versions(t)), 2)
	again := l.plan(t, mayWrite(t), list...)
	same(t, "in the history", risks(again.Findings), want)
	same(t, "plan", again.PlanHash, plan.PlanHash)
	if err := do(etcdstore.FoundExternal); err != nil {
		t.Fatal(err)
	}
	same(t, "afterwards", risks(l.plan(t, mayWrite(t), edits(t, "a=3")...).Findings), nil)
}

// TestNoKindIsLostBehindMany: of each kind so many are named, and the rest is counted.
func TestNoKindIsLostBehindMany(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	var first, then []string
	for i := range 250 {
		for _, environment := range []string{"alpha", "production"} {
			first = append(first, fmt.Sprintf("%s:gone%03d=1", environment, i), fmt.Sprintf("%s:typed%03d=1", environment, i))
			then = append(then, fmt.Sprintf("%s:-gone%03d", environment, i), fmt.Sprintf(`%s:typed%03d="1"`, environment, i))
		}
	}
	l.commit(t, first...)
	l.protect(t, payProduction)
	plan := l.plan(t, mayWrite(t), edits(t, then...)...)
	same(t, "kinds", needed(plan), []etcdstore.FindingKind{etcdstore.FoundRemoved, etcdstore.FoundTypeChanged, etcdstore.FoundManyKeys, etcdstore.FoundManyServices})
	counts := map[string]int{}
	for _, f := range plan.Findings {
		counts[fmt.Sprintf("%d %t", f.Kind, f.NeedsAcceptance)]++
		if f.Key == "" && f.Kind < etcdstore.FoundManyKeys && f.Message != "and 50 more" {
			t.Errorf("%+v", f)
		}
	}
	same(t, "named", counts, map[string]int{"8 false": 201, "8 true": 201, "9 false": 201, "9 true": 201, "10 false": 1, "10 true": 1, "11 true": 1})
	terms := l.agreed(t, mayWrite(t), "all of it goes", edits(t, then...)...)
	terms.Accepted = terms.Accepted[1:]
	_, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: terms, Edits: edits(t, then...)})
	var risk *etcdstore.RiskError
	if !errors.As(err, &risk) || len(risk.Findings) != 201 {
		t.Fatalf("got %v", err)
	}
}

// TestWhatIsHiddenFromACallerIsNotTold: who may write a key, and not see what it holds,
// learns nothing from what a plan says.
func TestWhatIsHiddenFromACallerIsNotTold(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, `secret="x"`, `open="x"`)
	v := value(t, `{"properties":{"secret":{"x-sensitive":true}}}`)
	strict, err := schema.Compile(v)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.PutSchema(within(t), mayWrite(t), v, strict, etcdstore.SchemaTerms{}); err != nil {
		t.Fatal(err)
	}
	ask := func(blind bool, list ...string) (etcdstore.Outcome, error) {
		return l.Commit(within(t), mayWrite(t), etcdstore.Draft{
			Terms: etcdstore.Terms{Message: "m", DryRun: true, Sees: func(string) bool { return !blind }}, Edits: edits(t, list...),
		})
	}
	told := func(out etcdstore.Outcome, err error) (all []string) {
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.Differences {
			all = append(all, d.Key)
		}
		return append(append(all, risks(out.Findings)...), fmt.Sprint(out.Affected))
	}
	right := told(ask(true, `secret="x"`))
	same(t, "a right guess", right, []string{"secret", "9 production/secret", "[{pay/production 1}]"})
	same(t, "a wrong guess", told(ask(true, `secret="y"`)), right)
	same(t, "another type", told(ask(true, `secret=1`)), right)
	// Nor what a weaker layer holds: that it would be the same afterwards.
	l.commit(t, `_all:secret="y"`, `test:x=1`)
	below := told(ask(true, `test:secret="y"`))
	same(t, "a right guess of a layer below", below, []string{"secret", "9 test/secret", "[{pay/test 1}]"})
	same(t, "a wrong guess of a layer below", told(ask(true, `test:secret=1`)), below)
	same(t, "what comes up", told(ask(true, `-secret`)), []string{"secret", "9 production/secret", "[{pay/production 1}]"})
	same(t, "what production has itself", told(ask(true, `_all:secret="z"`)), []string{"secret", "9 _all/secret", "[{pay/test 1}]"})
	same(t, "who sees", told(ask(false, `secret="x"`)), []string{"3 / refused", "[]"})
	same(t, "what is open", told(ask(true, `open="x"`)), []string{"3 / refused", "[]"})
	if _, err := l.Commit(within(t), mayWrite(t), etcdstore.Draft{
		Terms: etcdstore.Terms{Message: "m", Sees: func(string) bool { return false }}, Edits: edits(t, `secret="x"`),
	}); err != nil {
		t.Errorf("a right guess is a commit: %v", err)
	}
}

// The hash of a rollback is given to who may not see what comes back. Nobody can guess by it
// what that is: it is the same whatever it is.
func TestTheHashOfARollbackTellsNoValue(t *testing.T) {
	t.Parallel()
	var hashes, words []string
	for _, secret := range []string{"1234", "9876", "12", `{"pin":`, `12 and no JSON`} {
		l := newLedger(t)
		l.History = l.seeded(t)
		l.commit(t, `secret=1`)
		l.put(t, "production", "secret", secret)
		l.commit(t, `open=1`)
		l.commit(t, `secret="later"`)
		v := value(t, `{"properties":{"secret":{"x-sensitive":true}}}`)
		strict, err := schema.Compile(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.PutSchema(within(t), mayWrite(t), v, strict, etcdstore.SchemaTerms{}); err != nil {
			t.Fatal(err)
		}
		out, err := l.Rollback(within(t), may(t, "anna", policy.Write, "pay", "production"), 3, etcdstore.Terms{DryRun: true, Sees: func(string) bool { return false }})
		if err != nil || len(out.Differences) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		hashes = append(hashes, out.PlanHash)
		var said []string
		for _, f := range out.Findings {
			said = append(said, f.Message)
		}
		words = append(words, strings.Join(said, "; "))
	}
	same(t, "hashes of values", hashes[1:], slices.Repeat(hashes[:1], len(hashes)-1))
	same(t, "what is said of broken values", words[3], words[4])
	if !strings.Contains(words[3], "comes back is unusable") {
		t.Errorf("nothing is said of a broken value: %s", words[3])
	}
}
