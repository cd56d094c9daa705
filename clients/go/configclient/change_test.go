package configclient_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	c := open(t, configclient.WithAddress(pretend(t, saying(snapshot(1)))))
	for _, bad := range []string{"", ".*", "*.a", "a*", "a.*.b", "a..*", "a.**", "**", "a b", "a.", strings.Repeat("k", 254)} {
		stop, err := c.OnChange(bad, func(configclient.Change) {})
		if !errors.Is(err, configclient.ErrInvalidPattern) || stop != nil || bad != "" && !strings.Contains(err.Error(), "accepted: a key, ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := c.OnChange("a", nil); err == nil {
		t.Error("nil is taken for a function")
	}
}

func TestWhatListenersAreTold(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 1, "b": nil, "big": 3, "list": []any{1}})
	c := s.Client(t)
	all, below := changes(t, c, "*"), changes(t, c, "b.*")
	expect := func(kind configclient.Kind, key string, old, new any) {
		t.Helper()
		got := next(t, all)
		if got.Kind != kind || got.Key != key || fmt.Sprint(got.Old, got.New) != fmt.Sprint(old, new) || got.Revision == 0 {
			t.Errorf("told %+v, want %s %s %v -> %v", got, kind, key, old, new)
		}
	}
	s.Set(t, "a", 2)
	expect(configclient.Changed, "a", 1.0, 2.0)
	s.SetRaw(t, "big", "3.0")
	s.Set(t, "a", 3)
	expect(configclient.Changed, "a", 2.0, 3.0) // 3 and 3.0 are no change
	s.Set(t, "a", nil)
	expect(configclient.Changed, "a", 3.0, nil)
	s.Delete(t, "a")
	expect(configclient.Deleted, "a", nil, nil)
	s.Set(t, "a", nil)
	expect(configclient.Added, "a", nil, nil)
	s.Delete(t, "b")
	expect(configclient.Deleted, "b", nil, nil)
	s.SetAll(t, configtest.Values{"b.z": 1, "b.A": 1, "b.a": 1, "a": 4})
	expect(configclient.Changed, "a", nil, 4.0)
	for _, key := range []string{"b.A", "b.a", "b.z"} { // byte order
		expect(configclient.Added, key, nil, 1.0)
		if got := next(t, below); got.Key != key {
			t.Errorf("below b: told %+v", got)
		}
	}
	s.Set(t, "list", []any{1, 2})
	change := next(t, all)
	change.New.([]any)[0] = "spoiled"
	if got := configclient.Get(c, "list", []int{}); !slices.Equal(got, []int{1, 2}) || len(below) > 0 {
		t.Errorf("list is %v, %d more below b", got, len(below))
	}
}

// What changed while there was no stream is told once, and what did not change is not.
func TestChangesOverARestart(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 1, "b": 1, "c": 1})
	c := s.Client(t)
	told := changes(t, c, "*")
	s.Stop(t)
	reaches(t, c, configclient.Stale)
	s.Set(t, "a", 2)
	s.Delete(t, "b")
	s.Set(t, "c", 2)
	s.Set(t, "c", 1)
	s.Restart(t)
	if first, second := next(t, told), next(t, told); first.Key != "a" || second.Key != "b" || second.Kind != configclient.Deleted {
		t.Errorf("told %+v, %+v", first, second)
	}
	reaches(t, c, configclient.Valid)
	s.Set(t, "end", 1)
	if end := next(t, told); end.Key != "end" {
		t.Errorf("told %+v", end)
	}
}

func TestTheFirstValuesFireWhenAReadWasAnswered(t *testing.T) {
	t.Parallel()
	for _, read := range []bool{false, true} {
		t.Run(fmt.Sprint(read), func(t *testing.T) {
			t.Parallel()
			messages := make(chan *configv1.WatchResponse)
			c := open(t, configclient.WithAddress(pretend(t, following(messages))), configclient.WithTimeout(0))
			told := changes(t, c, "*")
			if read {
				configclient.Get(c, "a", 7)
			}
			messages <- snapshot(1, entry("a", 1, 1), entry("b", 1, 1))
			if read {
				first, second := next(t, told), next(t, told)
				if first.Key != "a" || first.Kind != configclient.Added || first.New != 1.0 || second.Key != "b" {
					t.Errorf("told %+v, %+v", first, second)
				}
			}
			messages <- delta(1, 2, entry("b", 2, 2))
			if got := next(t, told); got.Key != "b" || got.Kind != configclient.Changed || got.Revision != 2 {
				t.Errorf("told %+v", got)
			}
		})
	}
}

// One that blocks holds up the other listeners alone. What happens meanwhile is one
// difference, and one that registers meanwhile sees none of what was before.
func TestAListenerThatBlocks(t *testing.T) {
	t.Parallel()
	messages := make(chan *configv1.WatchResponse)
	address := pretend(t, following(messages))
	go func() { messages <- snapshot(1, entry("a", 0, 1)) }()
	c := open(t, configclient.WithAddress(address))
	entered, leave := make(chan configclient.Change, 10), make(chan struct{})
	if _, err := c.OnChange("a", func(change configclient.Change) { entered <- change; <-leave }); err != nil {
		t.Fatal(err)
	}
	other := changes(t, c, "*")
	const last = 1000
	messages <- delta(1, 2, entry("a", 1, 2))
	next(t, entered)
	for n := int64(2); n <= last; n++ {
		messages <- delta(n, n+1, entry("a", float64(n), n+1))
	}
	until(t, "reads of the last value", func() bool { return configclient.Get(c, "a", 0) == last })
	late := changes(t, c, "*")
	messages <- delta(last+1, last+2, entry("b", 1, last+2))
	until(t, "reads of b", func() bool { return configclient.Get(c, "b", 0) == 1 })
	close(leave)
	if got := next(t, entered); got.Old != 1.0 || got.New != float64(last) {
		t.Errorf("told %+v", got)
	}
	for _, want := range []configclient.Change{
		{Key: "a", Kind: configclient.Changed, Old: 0.0, New: 1.0, Revision: 2},
		{Key: "a", Kind: configclient.Changed, Old: 1.0, New: float64(last), Revision: last + 1},
		{Key: "b", Kind: configclient.Added, New: 1.0, Revision: last + 2},
	} {
		if got := next(t, other); got != want {
			t.Errorf("told %+v, want %+v", got, want)
		}
	}
	if got := next(t, late); got.Key != "b" {
		t.Errorf("one that came late was told %+v", got)
	}
}

func TestAListenerThatPanics(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": "secret-value"})
	log := &lines{}
	c := s.Client(t, log.option())
	calls := make(chan string, 100)
	if _, err := c.OnChange("*", func(change configclient.Change) {
		calls <- change.Key
		panic(change.Old)
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.OnChange("*", func(change configclient.Change) {
		calls <- change.Key
		_ = change.New.(float64)
	}); err != nil {
		t.Fatal(err)
	}
	told := changes(t, c, "*")
	for i := range 5 {
		s.Set(t, "a", fmt.Sprintf("secret-value-%d", i))
		next(t, told)
	}
	if len(calls) != 10 || log.count("level=ERROR") != 2 || strings.Contains(log.String(), "secret-value") {
		t.Errorf("%d calls; want one line for each listener, without a value:\n%s", len(calls), log)
	}
	if log.count("change_test.go:") != 2 {
		t.Errorf("where it panicked is not said:\n%s", log)
	}
}

// As t.FailNow does, which a listener of a test may call. It may also close the client.
func TestAListenerThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 0, "b": 0})
	log := &lines{}
	c := s.Client(t, log.option())
	calls := make(chan string, 100)
	if _, err := c.OnChange("*", func(change configclient.Change) {
		calls <- change.Key
		runtime.Goexit()
	}); err != nil {
		t.Fatal(err)
	}
	told := changes(t, c, "*")
	for i := 1; i <= 3; i++ {
		s.SetAll(t, configtest.Values{"a": i, "b": i})
		for _, key := range []string{"a", "b"} {
			if got := next(t, told); got.Key != key || got.New != float64(i) {
				t.Errorf("told %+v, want %s %d", got, key, i)
			}
		}
	}
	if len(calls) != 6 || log.count("level=ERROR") != 1 {
		t.Errorf("%d calls; want one line for the listener:\n%s", len(calls), log)
	}
	closed := make(chan struct{})
	if _, err := c.OnChange("a", func(configclient.Change) {
		defer close(closed)
		c.Close()
		runtime.Goexit()
	}); err != nil {
		t.Fatal(err)
	}
	s.Set(t, "a", 4)
	next(t, closed)
	c.Close()
}

// In the order of registration, for one key; a listener may remove itself and others, and
// add some.
func TestListenersComeAndGo(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 0})
	c := s.Client(t)
	var mu sync.Mutex
	var calls []string
	note := func(name string) { mu.Lock(); defer mu.Unlock(); calls = append(calls, name) }
	var stopFirst, stopSecond func()
	register := func(f func(configclient.Change)) func() {
		t.Helper()
		stop, err := c.OnChange("a", f)
		if err != nil {
			t.Fatal(err)
		}
		return stop
	}
	stopFirst = register(func(configclient.Change) {
		note("first")
		stopFirst()
		stopSecond()
		register(func(configclient.Change) { note("fourth") })
	})
	stopSecond = register(func(configclient.Change) { note("second") })
	register(func(configclient.Change) { note("third") })
	told := changes(t, c, "a")
	for n := 1; n <= 2; n++ {
		s.Set(t, "a", n)
		next(t, told)
	}
	until(t, "the last call", func() bool { mu.Lock(); defer mu.Unlock(); return len(calls) == 4 })
	if want := []string{"first", "third", "third", "fourth"}; !slices.Equal(calls, want) {
		t.Errorf("called %v, want %v", calls, want)
	}
	stopFirst()
}

// When a listener runs, all reads answer the new value or a newer one.
func TestReadsAreAheadOfListeners(t *testing.T) {
	t.Parallel()
	messages := make(chan *configv1.WatchResponse)
	address := pretend(t, following(messages))
	go func() { messages <- snapshot(1, entry("a", 0, 1)) }()
	c := open(t, configclient.WithAddress(address))
	v := configclient.NewValue(c, "a", 0)
	bound := configclient.Bind(c, "", map[string]int{})
	done := make(chan struct{})
	const last = 2000
	if _, err := c.OnChange("a", func(change configclient.Change) {
		n := int(change.New.(float64))
		if v.Get() < n || bound.Get()["a"] < n || configclient.Get(c, "a", 0) < n {
			t.Errorf("told %d while reads answer %d, %d, %d", n, v.Get(), bound.Get()["a"], configclient.Get(c, "a", 0))
		}
		if n == last {
			close(done)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n <= last; n++ {
		messages <- delta(n, n+1, entry("a", float64(n), n+1))
	}
	next(t, done)
}

func TestAfterCloseNobodyIsTold(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 0})
	c := s.Client(t)
	told := changes(t, c, "*")
	c.Close()
	s.Set(t, "a", 1)
	other := s.Client(t)
	until(t, "another client has it", func() bool { return configclient.Get(other, "a", 0) == 1 })
	if got := configclient.Get(c, "a", 7); got != 0 || len(told) > 0 || c.Status() != configclient.Closed {
		t.Errorf("a is %d, %d told, %s", got, len(told), c.Status())
	}
	if _, err := c.OnChange("a", func(configclient.Change) {}); err != nil {
		t.Error(err)
	}
}

// close waits for a listener, not for ever, and not for itself.
func TestCloseAndListeners(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 0})
	blocked, leave := s.Client(t), make(chan struct{})
	defer close(leave)
	entered := make(chan struct{}, 10)
	if _, err := blocked.OnChange("a", func(configclient.Change) { entered <- struct{}{}; <-leave }); err != nil {
		t.Fatal(err)
	}
	closing, closed := s.Client(t), make(chan time.Duration, 1)
	if _, err := closing.OnChange("a", func(configclient.Change) {
		begin := time.Now()
		closing.Close()
		closed <- time.Since(begin)
	}); err != nil {
		t.Fatal(err)
	}
	s.Set(t, "a", 1)
	next(t, entered)
	ended := make(chan struct{})
	go func() { blocked.Close(); close(ended) }()
	next(t, ended)
	t.Logf("Close from a listener took %s", next(t, closed))
}
