package etcdstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/schema"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	big := `"` + strings.Repeat("x", 200<<10) + `"`
	limit := func(what string, g policy.Grant, list ...etcdstore.Edit) {
		t.Helper()
		_, err := l.Commit(within(t), g, etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: list})
		var e *etcdstore.LimitError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %s", err, what)
		}
	}
	limit("bytes of keys and values; accepted: at most 655360", mayWrite(t), edits(t, "a="+big, "b="+big, "c="+big, "d="+big)...)
	l.commit(t, "a="+big, "b="+big, "c="+big)
	l.commit(t, "d="+big, "e="+big)
	limit("pay/production would have 1228", mayWrite(t), edits(t, "f="+big)...)
	l.commit(t, "-e")
	shared := may(t, "anna", policy.Write, "_shared", "production")
	limit("accepted: at most 524288 in a scope of _shared", shared, edits(t, "a="+big, "b="+big, "c="+big)...)
	var many []etcdstore.Edit
	for i := range 4000 {
		many = append(many, etcdstore.Edit{Environment: "production", Key: fmt.Sprintf("k%d", i), Value: value(t, "1")})
	}
	limit("would have 4000 keys; accepted: at most 2000 in a scope of _shared", shared, many...)
	// What is beyond a limit by writes past the service can still become smaller.
	for i := range 3 {
		l.put(t, "production", fmt.Sprintf("big%d", i), big)
	}
	limit("pay/production would have", mayWrite(t), edits(t, "x=1")...)
	l.commit(t, "-big0")
}

func TestFourThousandChangesAreOneTransaction(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	var list []etcdstore.Edit
	for i := range 4000 {
		list = append(list, etcdstore.Edit{Environment: "production", Key: fmt.Sprintf("some.key.of.a.service.%d", i), Value: value(t, fmt.Sprintf(`"%0120d"`, i))})
	}
	out, err := l.large(t, list)
	if err != nil {
		t.Fatal(err)
	}
	if out.Versions[0].Set != 4000 || len(l.live(t, "production")) != 4000 || len(l.at(t, 1)) != 4000 {
		t.Errorf("%+v", out)
	}
	for n := range 60 {
		ops, guards := 100+n*250, 1+n%41
		if counts, total := etcdstore.Packed(ops, guards); counts > 128 || total != ops {
			t.Errorf("%d operations and %d guards are packed as %d that count %d", ops, guards, total, counts)
		}
	}
}

func TestAPlanThatDoesNotFitAnyMoreIsRefused(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "b=1")
	draft := etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", DryRun: true}, Edits: edits(t, "a=2", "a.b=1", "b=1", "test:x=1")}
	plan, err := l.Commit(within(t), mayWrite(t), draft)
	if err != nil || plan.Revision != 0 || len(plan.Differences) != 3 || len(plan.Versions) != 2 {
		t.Fatalf("plan: %+v, %v", plan, err)
	}
	if len(plan.Findings) != 2 || plan.Findings[0].Kind != etcdstore.FoundHidden || plan.Findings[0].Key != "a" || plan.Findings[1].Kind != etcdstore.FoundManyServices {
		t.Errorf("findings: %+v", plan.Findings)
	}
	same(t, "live", l.live(t, "production"), map[string]string{"a": "1", "b": "1"})
	l.commit(t, "c=1")
	draft.DryRun, draft.PlanHash = false, plan.PlanHash
	_, err = l.Commit(within(t), mayWrite(t), draft)
	var c *etcdstore.ConflictError
	if !errors.As(err, &c) || !c.Plan {
		t.Fatalf("got %v", err)
	}
	draft.DryRun, draft.PlanHash = true, ""
	l.put(t, "production", "c", "3") // a plan counts what is to be written down first
	if plan, err = l.Commit(within(t), mayWrite(t), draft); err != nil {
		t.Fatal(err)
	}
	draft.DryRun, draft.PlanHash = false, plan.PlanHash
	if _, err = l.Commit(within(t), mayWrite(t), draft); err != nil {
		t.Errorf("the plan fits: %v", err)
	}
}

func TestACommitNeedsAGrantForEachEnvironment(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	ben := may(t, "ben", policy.Write, "pay", "")
	for _, list := range [][]string{{"a=1", "test:a=1"}, {"_all:a=1"}} {
		if _, err := l.Commit(within(t), ben, etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, list...)}); !errors.Is(err, policy.ErrDenied) {
			t.Errorf("%v: %v", list, err)
		}
	}
	if _, err := l.Commit(within(t), ben, etcdstore.Draft{Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"test": 0}}, Edits: edits(t, "a=1")}); !errors.Is(err, policy.ErrDenied) {
		t.Errorf("the version of another environment: %v", err)
	}
	if _, err := l.Commit(within(t), mayRead(t), etcdstore.Draft{Edits: edits(t, "a=1")}); !errors.Is(err, policy.ErrDenied) {
		t.Errorf("a grant to read: %v", err)
	}
	if _, err := l.Commit(within(t), policy.Grant{}, etcdstore.Draft{Edits: edits(t, "a=1")}); !errors.Is(err, policy.ErrDenied) {
		t.Errorf("no grant: %v", err)
	}
	if _, err := l.Version(within(t), mayWrite(t), 0); !errors.Is(err, policy.ErrDenied) {
		t.Errorf("reading with a grant to write: %v", err)
	}
	same(t, "live", l.live(t, "production"), map[string]string{})
	l.commit(t, "a=1", "test:a=1", "_all:b=1")
	diff := func(user string) (out []string, err error) {
		diff, err := l.Diff(within(t), may(t, user, policy.Inspect, "pay", ""), etcdstore.Side{Environment: "production", Version: 1}, etcdstore.Side{Environment: "_all"})
		for _, d := range diff.Differences {
			out = append(out, d.Key)
		}
		return out, err
	}
	if got, err := diff("anna"); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("diff for anna: %v, %v", got, err)
	}
	if got, err := diff("ben"); !errors.Is(err, policy.ErrDenied) {
		t.Errorf("diff for ben: %v, %v", got, err)
	}
}

// TestAStoreThatIsAwayIsSaid cuts the store off at each moment of a commit.
func TestAStoreThatIsAwayIsSaid(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1")
	ctx, cancel := context.WithCancel(within(t))
	l.OnStep(func(string) error { cancel(); return nil }) // no answer will come
	_, err := l.Commit(ctx, mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, "a=2")})
	if !errors.Is(err, etcdstore.ErrUnknown) {
		t.Errorf("no answer to the write: %v", err)
	}
	l.OnStep(func(string) error { return nil })
	l.etcd.Stop()
	_, err = l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, "a=3")})
	if err == nil || errors.Is(err, etcdstore.ErrUnknown) {
		t.Errorf("no answer to the read: %v", err)
	}
}

// TestASchemaThatRacesACommitIsSeen: the schema comes between the reading and the writing.
func TestASchemaThatRacesACommitIsSeen(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1")
	v := value(t, `{"properties":{"a":{"maximum":5}}}`)
	strict, err := schema.Compile(v)
	if err != nil {
		t.Fatal(err)
	}
	other, raced := l.another(t, 10, 0), false
	l.OnStep(func(string) error {
		if !raced {
			raced = true
			if _, _, err := other.PutSchema(within(t), mayWrite(t), v, strict, etcdstore.SchemaTerms{}); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	_, err = l.Commit(within(t), mayWrite(t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, "a=6")})
	var violated *etcdstore.SchemaError
	if !errors.As(err, &violated) || len(violated.Violations) != 1 || violated.Violations[0].Key != "a" {
		t.Errorf("got %v", err)
	}
	for _, g := range []policy.Grant{may(t, "ben", policy.Write, "pay", ""), may(t, "ben", policy.Write, "pay", "production")} {
		if _, _, err := other.PutSchema(within(t), g, v, strict, etcdstore.SchemaTerms{}); !errors.Is(err, policy.ErrDenied) {
			t.Errorf("a schema by who may not write everywhere: %v", err)
		}
		if _, _, err := other.DeleteSchema(within(t), g, etcdstore.SchemaTerms{}); !errors.Is(err, policy.ErrDenied) {
			t.Errorf("deleted by who may not write everywhere: %v", err)
		}
	}
}
