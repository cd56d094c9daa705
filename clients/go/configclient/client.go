package configclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Status is what the values of a client stand for at this moment.
type Status string

// The states of a client.
const (
	Initializing Status = "INITIALIZING" // there are no values, and no refusal
	Valid        Status = "VALID"        // there are values, the watch is open, and the sidecar says FRESH
	Stale        Status = "STALE"        // there are values, and one of the other two is missing
	Denied       Status = "DENIED"       // the sidecar refused the last request; values from before stay
	Closed       Status = "CLOSED"       // Close was called; values from before stay
)

// cacheAfter is how long Open waits for the sidecar when it has a usable cache file, and
// joinIn how long Close waits for a part to end.
const (
	cacheAfter = time.Second
	joinIn     = time.Second
)

// Client holds the configuration of one service in memory. It is safe for concurrent use.
// Who opens it closes it.
type Client struct {
	set     settings
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	now     atomic.Pointer[present]
	asked   atomic.Bool            // a read was answered while there was nothing
	teller  atomic.Pointer[string] // the goroutine of tell
	settled chan struct{}          // closed with the first values or the first refusal
	failed  chan struct{}          // closed when the first attempt brought no values

	mu        sync.Mutex // guards the rest, and writes to now
	listeners []*listener
	values    []*follower
	warned    map[string]bool // keys of which a problem was logged

	watched, toldAll, saved chan struct{} // closed when the goroutine has ended
}

// present is what reads answer now. It never changes; the next one takes its place.
type present struct {
	view       *view // nil: there are no values
	confirmed  bool  // the view is from the sidecar
	live       bool  // the watch is open and said something
	denial     *denial
	closed     bool
	fresh      time.Time     // when the newest message that said FRESH came; zero: never
	superseded chan struct{} // closed after the next one took its place
}

// denial is a refusal of the sidecar.
type denial struct{ reason, text string }

func (p *present) find(key string) *stored {
	if p.view == nil {
		return nil
	}
	return p.view.content.entries[key]
}

func (p *present) content() *content {
	if p.view == nil {
		return nil
	}
	return p.view.content
}

func (p *present) status() Status {
	switch {
	case p.closed:
		return Closed
	case p.denial != nil:
		return Denied
	case p.view == nil:
		return Initializing
	case p.live && p.view.fresh:
		return Valid
	}
	return Stale
}

func (p *present) scope(set settings) string {
	if p.view != nil && p.confirmed {
		return p.view.scope()
	}
	namespace, environment := set.namespace, set.environment
	if namespace == "" {
		namespace = defaultNamespace
	}
	if environment == "" {
		environment = defaultEnvironment
	}
	return namespace + "/" + environment
}

// age is since when the values were known to be current: by this process, else by what the
// sidecar or the file says of itself.
func (p *present) age() time.Duration {
	since := p.fresh
	if since.IsZero() {
		since = p.view.verified
	}
	if since.IsZero() {
		return 0
	}
	return max(0, time.Since(since))
}

// Open starts a client. It returns as soon as there are values, or the sidecar refused, or a
// usable cache file stands in for a sidecar that does not answer, or the timeout is over;
// Status says which, and reads answer from then on without waiting. A sidecar that is not
// there is no error: the client keeps trying. Errors are a *SettingError, for what can never
// work, and that of ctx when it ends meanwhile; once Open has returned ctx does not matter.
func Open(ctx context.Context, options ...Option) (*Client, error) {
	set, err := resolve(options)
	if err != nil {
		return nil, err
	}
	c := &Client{
		set: set, warned: map[string]bool{},
		settled: make(chan struct{}), failed: make(chan struct{}),
		watched: make(chan struct{}), toldAll: make(chan struct{}), saved: make(chan struct{}),
	}
	c.now.Store(&present{superseded: make(chan struct{})})
	w, err := newWatch(c)
	if err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	file := newCacheFile(set)
	fallback := file.load()
	go w.run(c.ctx)
	go c.tell(nil)
	go file.follow(c)
	if err := c.start(ctx, fallback); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// start waits until reads may be answered. fallback is what a cache file has, or nil.
func (c *Client) start(ctx context.Context, fallback *view) error {
	timeout, failed := c.set.timeout, (<-chan struct{})(nil)
	if fallback != nil {
		timeout, failed = min(timeout, cacheAfter), c.failed
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-c.settled:
	case <-failed:
	case <-timer.C:
	case <-ctx.Done():
		return fmt.Errorf("open the configuration at %s: %w", c.set.address, context.Cause(ctx))
	}
	if fallback != nil {
		c.update(func(p *present) {
			if p.view == nil {
				p.view = fallback
			}
		})
	}
	return nil
}

// Status says what the values stand for at this moment.
func (c *Client) Status() Status { return c.now.Load().status() }

// Namespace is what the sidecar answers for; before it answered, the one to ask for.
func (c *Client) Namespace() string { n, _ := c.names(); return n }

// Environment is what the sidecar answers for; before it answered, the one to ask for.
func (c *Client) Environment() string { _, e := c.names(); return e }

// WaitReady waits until there are values, from the cache file too. It fails with ErrDenied
// while the sidecar refuses, values or not, with ErrUnavailable when the client is closed without values,
// and with the error of ctx.
func (c *Client) WaitReady(ctx context.Context) error {
	for {
		p := c.now.Load()
		switch {
		case p.denial != nil && !p.closed:
			return c.absenceOf(p, "")
		case p.view != nil:
			return nil
		case p.closed:
			return c.absenceOf(p, "")
		}
		select {
		case <-p.superseded:
		case <-ctx.Done():
			return fmt.Errorf("wait for the configuration at %s: %w", c.set.address, context.Cause(ctx))
		}
	}
}

// Close ends the client and returns when all of it has ended. It waits for a listener that
// is running for 1 s at most, and not at all when a listener called it. Reads go on to answer
// the last values. It can be called any number of times, from anywhere.
func (c *Client) Close() {
	c.update(func(p *present) { p.closed, p.live = true, false })
	c.cancel()
	join(c.watched, c.saved)
	if name := c.teller.Load(); name == nil || *name != goroutine() {
		join(c.toldAll)
	}
}

// join waits for parts to end.
func join(parts ...chan struct{}) {
	late := time.After(joinIn)
	for _, part := range parts {
		select {
		case <-part:
		case <-late:
			return
		}
	}
}

// look is what a read answers from.
func (c *Client) look() *present {
	p := c.now.Load()
	if p.view == nil {
		// Said first, looked again: the first values know whether a read was before them.
		c.asked.Store(true)
		p = c.now.Load()
	}
	return p
}

// update puts another present in place of the one that is, and then lets everyone know. What
// is closed stays as it is.
func (c *Client) update(change func(*present)) {
	c.mu.Lock()
	old := c.now.Load()
	if old.closed {
		c.mu.Unlock()
		return
	}
	next := *old
	next.superseded = make(chan struct{})
	change(&next)
	c.now.Store(&next)
	if old.view == nil && next.view != nil && !c.asked.Load() {
		for _, l := range c.listeners { // no read noticed that there was nothing
			l.told = next.view.content
		}
	}
	c.mu.Unlock()
	c.refreshValues()
	close(old.superseded)
}

// follower is a Value, which it does not keep alive.
type follower struct {
	refresh func() bool // false: the Value is gone
}

func (c *Client) add(f *follower) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values = append(c.values, f)
}

// refreshValues lets every Value decode what there is now.
func (c *Client) refreshValues() {
	c.mu.Lock()
	values := slices.Clone(c.values)
	c.mu.Unlock()
	gone := map[*follower]bool{}
	for _, f := range values {
		if !f.refresh() {
			gone[f] = true
		}
	}
	if len(gone) > 0 {
		c.mu.Lock()
		c.values = slices.DeleteFunc(c.values, func(f *follower) bool { return gone[f] })
		c.mu.Unlock()
	}
}

// maxWarned bounds the memory of what was logged already.
const maxWarned = 10_000

// first says whether nothing was logged of a key yet.
func (c *Client) first(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.warned[key] {
		return false
	}
	if len(c.warned) >= maxWarned {
		clear(c.warned)
	}
	c.warned[key] = true
	return true
}

// warnOnce logs a value that is not what the program wants.
func (c *Client) warnOnce(key string, problem error) {
	if c.first(key) {
		c.set.log.Warn(quote(key) + " " + problem.Error() + "; the last good value or the default is answered")
	}
}

// reportInvalid logs a key that can never exist, where the caller gets a default.
func (c *Client) reportInvalid(key string) {
	if !isKey(key) && c.first(key) {
		c.set.log.Error(invalidKey(key).Error() + "; the default is answered")
	}
}

// reportAbsent logs why there is no value for a key, where that is a mistake of somebody and
// the caller is not told.
func (c *Client) reportAbsent(p *present, key string) {
	if p.view != nil && p.view.content.masked[key] {
		c.absenceOf(p, key) // says it
		return
	}
	c.reportInvalid(key)
}

// reportMasked logs once that a key is read which this program may not see.
func (c *Client) reportMasked(e *Error) {
	if c.first(e.Key) {
		c.set.log.Warn(e.Error() + "; it counts as missing")
	}
}

func (c *Client) names() (namespace, environment string) {
	namespace, environment, _ = strings.Cut(c.now.Load().scope(c.set), "/")
	return namespace, environment
}
