package configclient

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Kind says what happened to a key.
type Kind string

// The kinds of a Change.
const (
	Added   Kind = "ADDED"
	Changed Kind = "CHANGED"
	Deleted Kind = "DELETED"
)

// Change is a key whose value changed.
type Change struct {
	Key  string
	Kind Kind
	// Old and New are as Entry.Value; the absent one is nil, as is a stored null.
	Old, New any
	// Revision is that of the new value; with Deleted that of the state without it.
	Revision int64
}

// listener is called by the goroutine of tell alone.
type listener struct {
	pattern pattern
	call    func(Change)
	gone    atomic.Bool
	told    *content  // guarded by Client.mu
	logged  time.Time // when its failure was last logged; of tell alone
}

const panicsEvery = 10 * time.Second

// OnChange calls f for each key of a pattern whose value changed: a key, a key and `.*` for
// everything below it, or `*`. Another pattern is ErrInvalidPattern.
//
// f is told the difference between what it was told last, at first what is there when it
// is registered, and what reads answer now: of two changes in quick succession perhaps only
// one, from the first old to the last new value. All functions of a client run one after
// another in one goroutine; one that blocks holds up the others, and neither reads nor Close
// for more than 1 s. One that panics, or calls runtime.Goexit, is logged, and the next one runs.
//
// stop ends the calls; one that is running goes on. f may call it, and Close.
func (c *Client) OnChange(pattern string, f func(Change)) (stop func(), err error) {
	selects, ok := parsePattern(pattern)
	if !ok || f == nil {
		problem := fmt.Sprintf("pattern %s is malformed; accepted: %s", quote(pattern), patternGrammar)
		if f == nil {
			problem = fmt.Sprintf("no function for pattern %s; accepted: a func(Change)", quote(pattern))
		}
		return nil, &Error{Kind: ErrInvalidPattern, text: problem}
	}
	l := &listener{pattern: selects, call: f}
	c.mu.Lock()
	l.told = c.now.Load().content()
	c.listeners = append(c.listeners, l)
	c.mu.Unlock()
	return func() {
		l.gone.Store(true)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.listeners = slices.DeleteFunc(c.listeners, func(other *listener) bool { return other == l })
	}, nil
}

// tell tells the listeners what changed, until the client is closed; first what is left to
// say of a difference. A listener may end the goroutine: then another one goes on.
func (c *Client) tell(left []call) {
	defer func() {
		if c.ctx.Err() == nil {
			go c.tell(left)
			return
		}
		close(c.toldAll)
	}()
	name := goroutine()
	c.teller.Store(&name)
	for {
		for len(left) > 0 {
			if c.ctx.Err() != nil {
				return
			}
			next := left[0]
			left = left[1:]
			if !next.listener.gone.Load() {
				c.call(next)
			}
		}
		p := c.now.Load()
		if left = c.calls(); len(left) > 0 {
			continue
		}
		select {
		case <-p.superseded:
		case <-c.ctx.Done():
			return
		}
	}
}

// call is what one listener is to be told of one key.
type call struct {
	listener *listener
	change   Change
}

// calls are what was not told yet, in order. They count as told now.
func (c *Client) calls() []call {
	steps, keys := c.steps()
	var calls []call
	for _, key := range keys {
		for _, s := range steps {
			if change, ok := s.changes[key]; ok && s.listener.pattern.matches(key) {
				calls = append(calls, call{s.listener, change})
			}
		}
	}
	return calls
}

// step is what one listener is to be told.
type step struct {
	listener *listener
	changes  map[string]Change
}

// steps are what each listener was not told yet, and all keys of them in order. They
// count as told now.
func (c *Client) steps() (steps []step, keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Not from before the lock: a listener that was registered since knows what came later.
	now := c.now.Load().content()
	known := map[*content]map[string]Change{}
	for _, l := range c.listeners {
		if l.told == now || now == nil {
			continue
		}
		changes, ok := known[l.told]
		if !ok {
			changes = difference(l.told, now)
			known[l.told] = changes
		}
		steps = append(steps, step{l, changes})
		l.told = now
	}
	for _, changes := range known {
		for key := range changes {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return steps, slices.Compact(keys)
}

// difference is what changed between two contents; old may be nil.
func difference(old, now *content) map[string]Change {
	if old == nil {
		old = &content{}
	}
	changes := map[string]Change{}
	for key, s := range now.entries {
		before := old.entries[key]
		switch {
		case before == nil:
			changes[key] = Change{key, Added, nil, s.Value, s.Revision}
		case before != s && !equal(before.Value, s.Value):
			changes[key] = Change{key, Changed, before.Value, s.Value, s.Revision}
		}
	}
	for key, before := range old.entries {
		if now.entries[key] == nil {
			changes[key] = Change{key, Deleted, before.Value, nil, now.revision}
		}
	}
	return changes
}

func (c *Client) call(to call) {
	l, change, returned := to.listener, to.change, false
	defer func() {
		problem := recover()
		if returned || !l.logged.IsZero() && time.Since(l.logged) < panicsEvery {
			return
		}
		l.logged = time.Now()
		if problem == nil {
			c.set.log.Error("a listener ended its goroutine; the next one runs in another", "key", change.Key)
			return
		}
		// Only what the runtime says of it: other words may hold a value.
		what := fmt.Sprintf("%T", problem)
		if err, ok := problem.(runtime.Error); ok {
			what = err.Error()
		}
		c.set.log.Error("a listener panicked; the next one runs", "key", change.Key, "panic", what, "at", panicked())
	}()
	change.Old, change.New = copied(change.Old), copied(change.New)
	l.call(change)
	returned = true
}

// panicked is the place of the panic that is being recovered.
func panicked() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)]) // the deferred function's caller on
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") || !more {
			return fmt.Sprintf("%s:%d", frame.File, frame.Line)
		}
	}
}

// goroutine names the goroutine that runs it: Close has to know whether a listener called
// it, which cannot wait for itself.
func goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), "[")
	return name
}
