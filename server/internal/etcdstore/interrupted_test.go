package etcdstore_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/policy"
)

// crash runs call until its nth change of the store, and ends there as a process that is
// killed does. It says whether call came that far.
func crash(reg *etcdstore.Registry, n int, call func()) (crashed bool) {
	reg.OnStep(func(string) {
		if n--; n == 0 {
			crashed = true
			runtime.Goexit()
		}
	})
	done := make(chan struct{})
	go func() { defer close(done); call() }()
	<-done
	return crashed
}

// A call that was interrupted before any of its changes can be repeated, and what it left
// behind is gone in the end.
func TestWhatWasInterruptedConverges(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	for name, of := range map[string]struct {
		before func(policy.Grant)
		call   func(*etcdstore.Registry, policy.Grant) error
		tokens int
	}{
		"register": {func(policy.Grant) {}, func(reg *etcdstore.Registry, g policy.Grant) error { return third3(reg.Register(ctx, g)) }, 1},
		"rotate":   {r.register(t), func(reg *etcdstore.Registry, g policy.Grant) error { return third3(reg.Rotate(ctx, g, 0)) }, 1},
		"revoke":   {r.register(t), func(reg *etcdstore.Registry, g policy.Grant) error { return third3(reg.Revoke(ctx, g)) }, 0},
		"delete":   {r.register(t), func(reg *etcdstore.Registry, g policy.Grant) error { return third3(reg.Delete(ctx, g)) }, 0},
	} {
		points := 0
		for n := 1; ; n++ {
			namespace := fmt.Sprintf("%s-%d", name, n)
			g := admin(t, namespace, "production")
			of.before(g)
			if crashing := r.another(t); !crash(crashing, n, func() { _ = of.call(crashing, g) }) {
				break
			}
			points++
			err := of.call(r.Registry, g)
			switch {
			case err == nil:
			case name == "register" && errors.Is(err, etcdstore.ErrRegistered), name == "delete" && errors.Is(err, etcdstore.ErrNotRegistered):
			default:
				t.Errorf("%s repeated after its crash at %d: %v", name, n, err)
			}
			r.late.Add(int64(6 * time.Minute))
			if err := r.Sweep(ctx); err != nil {
				t.Errorf("sweep after the crash of %s at %d: %v", name, n, err)
			}
			users, roles, records := r.state(t, namespace)
			services, err := r.List(ctx, g)
			if err != nil || len(users) != of.tokens || (len(services) == 1) != (name != "delete") {
				t.Errorf("%s after its crash at %d: users %v, listed %v, %v", name, n, users, services, err)
			}
			if name == "delete" && len(roles)+len(records) != 0 {
				t.Errorf("delete after its crash at %d left %v %v", n, roles, records)
			}
			for _, record := range records {
				if strings.Contains(record, `"creating"`) || strings.Contains(record, `"ending"`) {
					t.Errorf("%s after its crash at %d: the record is %s", name, n, record)
				}
			}
		}
		t.Logf("%s was interrupted at %d points", name, points)
		if points < 3 {
			t.Errorf("%s was interrupted at %d points only", name, points)
		}
	}
}

func (r *registered) register(t *testing.T) func(policy.Grant) {
	return func(g policy.Grant) {
		t.Helper()
		if _, _, err := r.Register(within(t), g); err != nil {
			t.Fatal(err)
		}
	}
}

// Nobody repeats what was interrupted: Run cleans up on its own.
func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	g := admin(t, "pay", "production")
	crashing := r.another(t)
	crash(crashing, 9, func() { _, _, _ = crashing.Register(ctx, g) }) // before the user gets its role
	if users, _, _ := r.state(t, "pay"); len(users) != 1 {
		t.Fatalf("the crash left the users %v; this proves nothing", users)
	}
	if err := r.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if users, _, _ := r.state(t, "pay"); len(users) != 1 {
		t.Error("a token that may still be on its way was removed")
	}
	r.late.Add(int64(6 * time.Minute))
	if err := r.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if users, _, records := r.state(t, "pay"); len(users) != 0 || strings.Contains(fmt.Sprint(records), "creating") {
		t.Errorf("there is left %v, %v", users, records)
	}

	// And a token whose time has come.
	_, first, err := r.Register(ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := r.Rotate(ctx, g, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r.late.Add(int64(2 * time.Minute))
	if services, err := r.List(ctx, g); err != nil || len(services) != 1 || len(services[0].Tokens) != 1 {
		t.Errorf("an expired token is listed: %+v, %v", services, err)
	}
	var all sync.WaitGroup
	for range 3 { // several control servers do it at once
		reg := r.another(t)
		all.Go(func() {
			if err := reg.Sweep(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if r.opens(t, "pay", "production", first) || !r.opens(t, "pay", "production", second) {
		t.Error("the expired token opens the store, or the other one does not")
	}

	// And a deletion that was interrupted.
	deleting := r.another(t)
	crash(deleting, 2, func() { _, _, _ = deleting.Delete(ctx, g) })
	if _, _, err := r.Register(ctx, g); err == nil || errors.Is(err, etcdstore.ErrRegistered) {
		t.Errorf("registered while it is deleted: %v", err)
	}
	r.late.Add(int64(6 * time.Minute))
	if err := r.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if users, roles, records := r.state(t, "pay"); len(users)+len(roles)+len(records) != 0 {
		t.Errorf("there is left %v %v %v", users, roles, records)
	}
}

// A token that is made while its service is revoked or deleted is nobody's, and its user
// does not stay in the store: not even when the record forgot it before there was a user.
func TestWhatIsMadeWhileItEndsIsTakenBack(t *testing.T) {
	t.Parallel()
	r, ctx := protected(t), within(t)
	for name, end := range map[string]func(policy.Grant) error{
		"revoke": func(g policy.Grant) error { return third3(r.Revoke(ctx, g)) },
		"delete": func(g policy.Grant) error { return third3(r.Delete(ctx, g)) },
	} {
		for _, step := range []string{"role", "user", "grant"} {
			namespace := name + "-" + step
			g := admin(t, namespace, "production")
			maker := r.another(t)
			var ended error
			var once sync.Once
			maker.OnStep(func(at string) {
				if at == step {
					once.Do(func() { ended = end(g) })
				}
			})
			if _, _, err := maker.Register(ctx, g); err == nil || ended != nil {
				t.Errorf("%s: registered with %v, ended with %v; want a refusal, and an end", namespace, err, ended)
			}
			if users, _, _ := r.state(t, namespace); len(users) != 0 {
				t.Errorf("%s: the users %v are left", namespace, users)
			}
		}
	}
}
