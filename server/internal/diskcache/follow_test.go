package diskcache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// followed is a Follow under way, in a bubble of time, and what it did.
type followed struct {
	dir    string
	start  time.Time
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	log     bytes.Buffer
	content snapshot.Content
	next    chan struct{}
	tries   []try
}

// try is one save.
type try struct {
	after  time.Duration
	failed bool
}

func follow(t *testing.T, c *diskcache.Cache, dir string, content snapshot.Content) *followed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &followed{dir: dir, start: time.Now(), cancel: cancel, ended: make(chan struct{}), content: content, next: make(chan struct{})}
	go func() {
		defer close(f.ended)
		c.Follow(ctx, diskcache.Following{
			Current: f.current,
			Saved:   f.saved,
			Log:     slog.New(slog.NewTextHandler(f, nil)),
			Now:     time.Now,
		})
	}()
	t.Cleanup(f.stop)
	synctest.Wait()
	return f
}

func (f *followed) stop() {
	f.cancel()
	<-f.ended
}

func (f *followed) current() (snapshot.Content, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.content, f.next
}

func (f *followed) saved(at time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries = append(f.tries, try{at.Sub(f.start), err != nil})
}

// Write takes a line of the log.
func (f *followed) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(line)
}

func (f *followed) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func (f *followed) set(content snapshot.Content) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.content = content
	close(f.next)
	f.next = make(chan struct{})
}

// at lets time pass until it is so long after the start.
func (f *followed) at(d time.Duration) {
	time.Sleep(time.Until(f.start.Add(d)))
	synctest.Wait()
}

// tried checks the saves up to now.
func (f *followed) tried(t *testing.T, want ...try) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff(want, f.tries, cmp.AllowUnexported(try{})); diff != "" {
		t.Fatal(diff)
	}
}

// verified is a content that was proved current at another time.
func verified(content snapshot.Content, revision int64, after time.Duration) snapshot.Content {
	content.Revision = revision
	content.Verified = start.Add(after)
	return content
}

const ms = time.Millisecond

func TestABurstIsOneSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		f := follow(t, open(t, dir, payment), dir, snapshot.Content{})
		f.at(time.Hour)
		f.tried(t) // nothing is loaded: nothing is saved
		for revision := range int64(40) {
			f.set(small(revision + 1))
			f.at(time.Hour + time.Duration(revision+1)*ms)
		}
		f.at(time.Hour + 10*time.Second)
		f.tried(t, try{after: time.Hour + 50*ms})
		f.stop()
		f.tried(t, try{after: time.Hour + 50*ms}) // there is nothing to add
		open(t, dir, payment)
	})
}

func TestChangesWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := open(t, dir, payment)
		f := follow(t, c, dir, small(1))
		for i := range 300 { // 3 s
			f.set(small(int64(i + 2)))
			f.at(time.Duration(i+1) * 10 * ms)
		}
		f.tried(t, try{after: 50 * ms}, try{after: 1050 * ms}, try{after: 2050 * ms})
		f.at(time.Minute)
		f.tried(t, try{after: 50 * ms}, try{after: 1050 * ms}, try{after: 2050 * ms}, try{after: 3050 * ms})
		f.stop()
		must(t, c.Close())
		loads(t, dir, small(301))
	})
}

func TestTheTimeOfTheProofIsRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := open(t, dir, payment)
		content := small(1)
		save(t, c, content)
		f := follow(t, c, dir, content)
		f.at(time.Hour)
		f.tried(t) // nothing new
		// From now on there is a proof every 7 s, and changes that are others' concern.
		for i := 1; i <= 100; i++ {
			f.set(verified(content, int64(i), time.Duration(i)*7*time.Second))
			f.at(time.Hour + time.Duration(i)*7*time.Second)
		}
		f.tried(t, try{after: time.Hour}, try{after: time.Hour + 5*time.Minute + 0*ms}, try{after: time.Hour + 10*time.Minute})
		f.stop()
		must(t, c.Close())
		loads(t, dir, verified(content, 100, 700*time.Second))
	})
}

func TestTheEndIsSavedAtOnce(t *testing.T) {
	for name, last := range map[string]snapshot.Content{
		"a change": small(2), "a proof": verified(small(1), 1, time.Second), "a term": func() snapshot.Content { c := small(1); c.Term++; return c }(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				c := open(t, dir, payment)
				f := follow(t, c, dir, small(1))
				f.at(time.Second)
				f.tried(t, try{after: 50 * ms})
				f.set(last)
				f.stop()
				f.tried(t, try{after: 50 * ms}, try{after: time.Second})
				must(t, c.Close())
				loads(t, dir, last)
			})
		})
	}
}

func TestWhatWasLoadedIsNotSavedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := open(t, dir, payment)
		save(t, c, small(1))
		must(t, c.Close())
		c = open(t, dir, payment)
		g, err := c.Load()
		must(t, err)
		f := follow(t, c, dir, g.Content)
		f.at(time.Hour)
		f.stop()
		f.tried(t)
	})
}

func TestEveryKindOfChangeIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		content := small(1)
		f := follow(t, open(t, dir, payment), dir, content)
		f.at(time.Minute)
		want := []try{{after: 50 * ms}}
		change := func(change func()) {
			t.Helper()
			scopes := content.Scopes
			content.Scopes = map[snapshot.ScopeID]*snapshot.Scope{}
			for id, s := range scopes {
				content.Scopes[id] = s
			}
			content.Revision++
			change()
			now := time.Since(f.start)
			f.set(content)
			f.at(now + time.Minute)
			want = append(want, try{after: now + 50*ms})
			f.tried(t, want...)
		}
		change(func() { content.Epoch = "other" })
		change(func() { content.Cluster++ })
		change(func() { content.Term++ })
		for _, id := range snapshot.LayersOf(payment) {
			change(func() {
				content.Scopes[id] = content.Scopes[id].Apply([]snapshot.Change{{Key: "new", Value: newValue("1"), Revision: content.Revision}})
			})
		}
		f.stop()
		f.tried(t, want...)
	})
}

// TestThereAndBack has a change undone before it is saved: the next one still counts.
func TestThereAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		f := follow(t, open(t, dir, payment), dir, small(1))
		f.at(time.Minute)
		before, _ := f.current()
		f.set(small(2))
		f.at(time.Minute + 10*ms)
		f.set(before)
		f.at(2 * time.Minute)
		f.tried(t, try{after: 50 * ms})
		f.set(small(3))
		f.at(3 * time.Minute)
		f.tried(t, try{after: 50 * ms}, try{after: 2*time.Minute + 50*ms})
	})
}

func TestAFailedSaveIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		other := open(t, dir, payment)
		save(t, other, small(1))
		c := open(t, dir, payment)
		_, err := c.Load()
		must(t, err)
		f := follow(t, c, dir, small(2))
		for i := range 300 { // 30 s; changes do not make it try more often
			f.set(small(int64(i + 3)))
			f.at(time.Duration(i+1) * 100 * ms)
		}
		failed := []try{{50 * ms, true}, {10*time.Second + 50*ms, true}, {20*time.Second + 50*ms, true}}
		f.tried(t, failed...)
		if n := strings.Count(f.logged(), "\n"); n != 1 || !strings.Contains(f.logged(), "is not saved") || !strings.Contains(f.logged(), "another process saves here") {
			t.Errorf("logged is %s", f.logged())
		}
		must(t, other.Close())
		f.at(time.Minute)
		f.tried(t, append(failed, try{after: 30*time.Second + 50*ms})...)
		if n := strings.Count(f.logged(), "\n"); n != 2 || !strings.Contains(f.logged(), "is saved again") {
			t.Errorf("logged is %s", f.logged())
		}
		f.stop()
		must(t, c.Close())
		loads(t, dir, small(302))
	})
}

func TestAFailedLastSaveEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		_ = open(t, dir, payment)
		c := open(t, dir, payment)
		f := follow(t, c, dir, small(2))
		f.at(time.Second)
		f.stop()
		f.tried(t, try{50 * ms, true}, try{time.Second, true})
		if strings.Contains(f.logged(), secret) || strings.Count(f.logged(), "\n") != 1 {
			t.Errorf("logged is %s", f.logged())
		}
		if _, err := c.Load(); !errors.Is(err, diskcache.ErrEmpty) {
			t.Errorf("Load = %v", err)
		}
	})
}
