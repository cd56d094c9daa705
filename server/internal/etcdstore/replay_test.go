package etcdstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/policy"
)

// walk changes a scope at random, by every way there is, beside a model.
type walk struct {
	*ledger
	t        *testing.T
	rand     *rand.Rand
	model    map[string]string           // what production holds
	recorded map[int64]map[string]string // what it held at each version
	written  map[string]string           // what the newest version left
	newest   int64
	oldest   int64
}

func (w *walk) key() string { return fmt.Sprintf("k%d", w.rand.IntN(12)) }

func (w *walk) text() string {
	return []string{"1", "2", `"x"`, `{"a":[1,2]}`, "null", "not json", " 3 "}[w.rand.IntN(7)]
}

// found makes the version of what was written past the service.
func (w *walk) found() {
	if !maps.Equal(w.model, w.written) {
		w.record()
	}
}

func (w *walk) record() {
	w.newest++
	w.written = maps.Clone(w.model)
	w.recorded[w.newest] = w.written
}

func (w *walk) past() {
	key := w.key()
	if _, ok := w.model[key]; ok && w.rand.IntN(2) == 0 {
		w.ledger.delete(w.t, "production", key)
		delete(w.model, key)
		return
	}
	text := w.text()
	w.put(w.t, "production", key, text)
	w.model[key] = text
}

func (w *walk) commits() {
	var list []etcdstore.Edit
	next := maps.Clone(w.model)
	for range 1 + w.rand.IntN(5) {
		e := etcdstore.Edit{Environment: "production", Key: w.key()}
		for _, other := range list {
			if other.Key == e.Key {
				e.Key = ""
			}
		}
		switch {
		case e.Key == "":
			continue
		case w.rand.IntN(3) == 0:
			e.Delete = true
			delete(next, e.Key)
		default:
			e.Value = value(w.t, []string{"1", "2", "3", `"y"`, `{"b":{}}`}[w.rand.IntN(5)])
			next[e.Key] = e.Value.JSON()
		}
		list = append(list, e)
	}
	w.found()
	_, err := w.Commit(within(w.t), mayWrite(w.t), etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: list})
	w.done(err, next)
}

func (w *walk) done(err error, next map[string]string) {
	w.t.Helper()
	changes := !maps.Equal(w.model, next)
	switch {
	case !changes && !errors.Is(err, etcdstore.ErrNoChange), changes && err != nil:
		w.t.Fatalf("changes: %v, error: %v", changes, err)
	case changes:
		w.model = next
		w.record()
	}
}

func (w *walk) rollsBack() {
	if w.newest == 0 {
		return
	}
	to := w.oldest + w.rand.Int64N(w.newest-w.oldest+1)
	w.found()
	_, err := w.Rollback(within(w.t), may(w.t, "anna", policy.Write, "pay", "production"), to, etcdstore.Terms{})
	w.done(err, maps.Clone(w.recorded[to]))
}

func (w *walk) prunes(keep int) {
	if err := w.another(w.t, keep, 0).Prune(within(w.t)); err != nil {
		w.t.Fatal(err)
	}
	w.oldest = max(w.oldest, w.newest-int64(keep)+1)
}

// agrees compares every version that is kept with the model.
func (w *walk) agrees() {
	w.t.Helper()
	same(w.t, "live", w.live(w.t, "production"), w.model)
	for version := w.oldest; version <= w.newest; version++ {
		v, err := w.Version(within(w.t), mayRead(w.t), version)
		if err != nil {
			w.t.Fatalf("version %d: %v", version, err)
		}
		want := map[string]string{}
		for key, text := range w.recorded[version] {
			want[key] = text
		}
		got := map[string]string{}
		for _, e := range v.Entries {
			got[e.Key] = e.Text()
		}
		same(w.t, fmt.Sprintf("version %d", version), got, want)
		before := map[string]string{}
		for _, d := range v.Differences {
			if d.Forgotten {
				w.t.Errorf("version %d: what was before %s is not known", version, d.Key)
			}
			if d.Old != nil {
				before[d.Key] = d.Old.Text()
			}
		}
		for key, text := range w.recorded[version-1] { // what is the same is not named
			if _, ok := before[key]; !ok && want[key] == text {
				before[key] = text
			}
		}
		if version > 1 {
			same(w.t, fmt.Sprintf("before version %d", version), before, w.recorded[version-1])
		}
	}
	if w.oldest > 1 {
		var none *etcdstore.VersionError
		if _, err := w.Version(within(w.t), mayRead(w.t), w.oldest-1); !errors.As(err, &none) || none.Oldest != w.oldest {
			w.t.Errorf("version %d, which is not kept: %v", w.oldest-1, err)
		}
	}
}

func TestTheReplayedHistoryIsTheLiveState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := &walk{ledger: newLedger(t), t: t, rand: rand.New(rand.NewPCG(seed, 1)), model: map[string]string{}, recorded: map[int64]map[string]string{}, written: map[string]string{}, oldest: 1}
			for range 250 {
				switch n := w.rand.IntN(100); {
				case n < 30:
					w.past()
				case n < 80:
					w.commits()
				case n < 97:
					w.rollsBack()
				case w.newest > 0:
					w.prunes(20 + w.rand.IntN(100))
				}
			}
			w.agrees()
			w.prunes(3)
			w.rollsBack()
			w.agrees()
		})
	}
}

func TestAVersionIsKeptByCountOrByAge(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for i := range 6 {
		l.commit(t, fmt.Sprintf("a=%d", i))
	}
	l.late.Store(int64(2 * time.Hour))
	for i := range 4 {
		l.commit(t, fmt.Sprintf("a=%d", 10+i))
	}
	oldest := func(keep int, keepFor time.Duration) int {
		if err := l.another(t, keep, keepFor).Prune(within(t)); err != nil {
			t.Fatal(err)
		}
		return len(l.versions(t))
	}
	for _, c := range []struct {
		keep int
		age  time.Duration
		want int
	}{{20, 0, 10}, {2, 3 * time.Hour, 10}, {7, 0, 7}, {2, time.Hour, 4}, {1, 0, 1}} {
		if got := oldest(c.keep, c.age); got != c.want {
			t.Errorf("keep %d and for %s: %d versions are left, want %d", c.keep, c.age, got, c.want)
		}
	}
	same(t, "the one that is left", l.at(t, 10), map[string]string{"a": "13"})
}

// TestPruningGoesOnPastStrayKeys: what is no record among the records is said, and stops
// nothing.
func TestPruningGoesOnPastStrayKeys(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for i := range 6 {
		l.commit(t, fmt.Sprintf("a=%d", i))
	}
	const at = "/config-service/v1/history/production/pay/"
	for i := range 250 { // more than one page
		if _, err := l.raw.Put(within(t), fmt.Sprintf("%s!stray%d", at, i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"0", "0000000000000000", "0000000000000003/other", "00000000000000031", "zz"} {
		if _, err := l.raw.Put(within(t), at+name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	h := etcdstore.NewHistory(etcdstore.HistoryConfig{
		Endpoints: []string{l.etcd.Endpoint}, Keep: 2, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now,
	})
	defer h.Close()
	if err := h.Prune(within(t)); err != nil {
		t.Fatal(err)
	}
	same(t, "versions", len(l.versions(t)), 2)
	if text := log.String(); !strings.Contains(text, "passed over") || !strings.Contains(text, "!stray0") || strings.Count(text, "\n") != 1 {
		t.Errorf("the log says %s", text)
	}
	same(t, "the oldest", l.at(t, 5), map[string]string{"a": "4"})
}

// TestWhatIsNotKnownOfAnOldVersionIsSaid: a release before left no keyframe behind.
func TestWhatIsNotKnownOfAnOldVersionIsSaid(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for i := range 4 {
		l.commit(t, fmt.Sprintf("a=%d", i), fmt.Sprintf("b%d=1", i))
	}
	if err := l.another(t, 2, 0).Prune(within(t)); err != nil {
		t.Fatal(err)
	}
	known := func() (out []string) {
		v, err := l.Version(within(t), mayRead(t), 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range v.Differences {
			old := "none"
			if d.Old != nil {
				old = d.Old.Text()
			}
			out = append(out, fmt.Sprintf("%s %s %t", d.Key, old, d.Forgotten))
		}
		return out
	}
	same(t, "differences", known(), []string{"a 1 false", "b2 none false"})
	const at = "/config-service/v1/history/production/pay/000000000000000"
	frame, err := l.raw.Get(within(t), at+"2/keyframe")
	if err != nil || len(frame.Kvs) != 1 {
		t.Fatalf("%v, %v", frame, err)
	}
	// As it was: a keyframe beside the oldest record.
	if _, err := l.raw.Put(within(t), at+"3/keyframe", `{"version":3,"changes":[{"key":"a","value":2},{"key":"b2","value":1}]}`); err != nil {
		t.Fatal(err)
	}
	if _, err := l.raw.Delete(within(t), at+"2/keyframe"); err != nil {
		t.Fatal(err)
	}
	same(t, "differences", known(), []string{"a none true", "b2 none true"})
}

func TestAHistoryWithMissingRecordsBeginsAnew(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.commit(t, "a=1", "c=1")
	l.commit(t, "a=2")
	if _, err := l.raw.Delete(within(t), "/config-service/v1/history/production/pay/0000000000000001", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	l.put(t, "production", "b", "1")
	if scope, err := l.Scope(within(t), mayRead(t)); err != nil || len(scope.Entries) != 3 || !scope.Head.Touched {
		t.Errorf("a scope whose history is missing: %+v, %v", scope, err)
	}
	l.commit(t, "a=3")
	same(t, "newest", l.at(t, 0), map[string]string{"a": "3", "b": "1", "c": "1"})
	same(t, "version 3", l.at(t, 3), map[string]string{"a": "2", "b": "1", "c": "1"})
	if v, err := l.Version(within(t), mayRead(t), 2); err == nil {
		t.Errorf("a version whose history is missing: %+v", v)
	}
}

func TestMuchThatIsWrittenPastTheServiceBecomesSeveralVersions(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	want := map[string]string{"a": "1"}
	for i := range 4 {
		key, text := fmt.Sprintf("big%d", i), fmt.Sprintf(`"%0250000d"`, i)
		l.put(t, "production", key, text)
		want[key] = text
	}
	l.commit(t, "a=1")
	same(t, "newest", l.at(t, 0), want)
	if got := len(l.versions(t)); got != 3 {
		t.Errorf("%d versions", got)
	}
}
