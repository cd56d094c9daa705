package diskcache_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestNothingWasEverSaved(t *testing.T) {
	g, err := open(t, t.TempDir(), payment).Load()
	if !errors.Is(err, diskcache.ErrEmpty) || g.Refused != nil || g.Content.Epoch != "" {
		t.Errorf("Load = %+v, %v, want ErrEmpty", g, err)
	}
}

func TestAnOperatorCanReadIt(t *testing.T) {
	dir := t.TempDir()
	save(t, open(t, dir, payment), small(9))
	got, err := os.ReadFile(path(dir, payment, "last-known-good.0"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(got), "\n")
	want := []string{
		`{"format":"config-service last known good","version":1,"namespace":"payment-service","environment":"production","sequence":1,` +
			`"saved":"2026-01-02T03:04:05.000000678Z","epoch":"cdf8-1","cluster":"cdf818194e3a8c32","term":7,"index":11,"revision":9,` +
			`"verified":"2026-01-02T03:04:05.000000678Z","scopes":[{"scope":"payment-service/production","items":1},` +
			`{"scope":"payment-service/_all","items":2},{"scope":"_shared/production","items":1},{"scope":"_shared/_all","items":0}]}`,
		"payment-service/production\tgroup.key-000000\t9\t0\t\"HUNTER2 of payment-service at 9 \"\t-",
		"payment-service/_all\tbad\t0\t9\t-\t\"value is \\\"not\\\" JSON\\n\"",
		"payment-service/_all\tlast.good\t1\t9\t{\"HUNTER2\":[null,1.5,\"\\t\\u0000é🙂\"]}\t\"is too long\"",
		"_shared/production\tgroup.key-000000\t9\t0\t\"HUNTER2 of payment-service at 9 \"\t-",
	}
	if diff := cmp.Diff(want, lines[:len(lines)-2]); diff != "" {
		t.Error(diff)
	}
	if last := lines[len(lines)-2]; !strings.HasPrefix(last, "sha256\t") || lines[len(lines)-1] != "" {
		t.Errorf("the last line is %q", last)
	}
}

func TestTheNewestGenerationIsLoaded(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, payment)
	for revision := int64(1); revision <= 5; revision++ {
		saved := start.Add(time.Duration(revision) * time.Minute)
		if err := c.Save(small(revision), saved); err != nil {
			t.Fatal(err)
		}
		if g, err := c.Load(); err != nil || g.Content.Revision != revision || !g.Saved.Equal(saved) {
			t.Fatalf("after %d: revision %d saved at %s, %v", revision, g.Content.Revision, g.Saved, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if refused := loads(t, dir, small(5)); refused != nil {
		t.Error(refused)
	}
	names, err := os.ReadDir(path(dir, payment, ""))
	if err != nil || len(names) != 2 {
		t.Errorf("%d files are there, %v", len(names), err)
	}
	// The one before is whole, too.
	if err := os.Remove(path(dir, payment, "last-known-good.0")); err != nil {
		t.Fatal(err)
	}
	if refused := loads(t, dir, small(4)); refused != nil {
		t.Error(refused)
	}
	// Who saves without having loaded follows on from what is there.
	next := open(t, dir, payment)
	save(t, next, small(6))
	save(t, next, small(7))
	_ = next.Close()
	loads(t, dir, small(7))
}

func TestANewEpochReplacesAnything(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, payment)
	save(t, c, small(100))
	says(t, c.Save(small(99), start), "has revision 99; accepted: at least 100")
	restored := small(3)
	restored.Epoch = "cdf8-2"
	save(t, c, restored)
	_ = c.Close()
	loads(t, dir, restored)
}

func TestSaveRefusesWhatLoadWould(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, payment)
	save(t, c, small(9))
	layers := snapshot.LayersOf(payment)
	item := func(it snapshot.Item) func(*snapshot.Content) {
		return func(c *snapshot.Content) { c.Scopes[layers[0]] = newScope(&it) }
	}
	var none *snapshot.Scope
	one := newValue(`1`)
	for _, test := range []struct {
		name  string
		spoil func(*snapshot.Content)
		want  string
	}{
		{"nothing is loaded", func(c *snapshot.Content) { *c = snapshot.Content{} }, "has no epoch"},
		{"an epoch that is no text", func(c *snapshot.Content) { c.Epoch = "\xff" }, "has no epoch in UTF-8"},
		{"an epoch without end", func(c *snapshot.Content) { c.Epoch = strings.Repeat("e", 4<<10) }, "has a header of"},
		{"no revision", func(c *snapshot.Content) { c.Epoch, c.Revision = "other", 0 }, "has revision 0; accepted: at least 1"},
		{"no scope", func(c *snapshot.Content) { delete(c.Scopes, layers[3]) }, "lacks scope _shared/_all"},
		{"no value", item(snapshot.Item{Key: "a"}), "neither a value nor a problem"},
		{"value without revision", item(snapshot.Item{Key: "a", Value: one}), "without its value"},
		{"revision without value", item(snapshot.Item{Key: "a", Revision: 1, Problem: "p", ProblemRevision: 2}), "without its value"},
		{"problem without revision", item(snapshot.Item{Key: "a", Problem: "p"}), "without its value or problem"},
		{"revision without problem", item(snapshot.Item{Key: "a", Value: one, Revision: 1, ProblemRevision: 2}), "without its value or problem"},
		{"revision of the future", item(snapshot.Item{Key: "a", Value: one, Revision: 10}), "has revision 10"},
		{"problem of the future", item(snapshot.Item{Key: "a", Problem: "p", ProblemRevision: 10}), "problem revision 10"},
		{"negative revision", item(snapshot.Item{Key: "a", Value: one, Revision: -1}), "has revision -1"},
		{"raw newline", item(snapshot.Item{Key: "a", Value: newValue("[1,\n2]"), Revision: 1}), "raw tab or newline"},
		{"raw tab", item(snapshot.Item{Key: "a", Value: newValue("[1,\t2]"), Revision: 1}), "raw tab or newline"},
		{"a key that is none", func(c *snapshot.Content) {
			c.Scopes[layers[0]] = none.Apply([]snapshot.Change{{Key: "a/b", Value: one, Revision: 1}})
		}, "malformed at byte 1"},
		{"more than can be read", func(c *snapshot.Content) {
			text := newValue(`"` + strings.Repeat("x", 1<<20) + `"`)
			items := make([]*snapshot.Item, 65)
			for i := range items {
				items[i] = &snapshot.Item{Key: fmt.Sprintf("a%02d", i), Value: text, Revision: 1}
			}
			c.Scopes[layers[0]] = newScope(items...)
		}, "accepted: at most 4096 and 67108864"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := small(9)
			test.spoil(&content)
			says(t, c.Save(content, start), test.want, "production.payment-service")
		})
	}
	_ = c.Close()
	if refused := loads(t, dir, small(9)); refused != nil {
		t.Error(refused)
	}
}

func TestOpenRefusesNamesThatArePaths(t *testing.T) {
	for _, id := range []snapshot.ScopeID{
		{}, {Namespace: "..", Environment: "production"}, {Namespace: "a/../b", Environment: "production"},
		{Namespace: "_shared", Environment: "production"}, {Namespace: "a", Environment: "_all"},
	} {
		_, err := diskcache.Open(t.TempDir(), id)
		says(t, err, "accepted: 1 to 63 of")
	}
}

// TestRoundTrip saves random contents, also such as a store hardly ever has.
func TestRoundTrip(t *testing.T) {
	rnd := seeded(t)
	dir := t.TempDir()
	c := open(t, dir, payment)
	for n := range 200 {
		want := randomContent(rnd)
		want.Epoch += fmt.Sprint(n)
		save(t, c, want)
		got, err := c.Load()
		if err := errors.Join(err, got.Refused); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Content, compareContents); diff != "" {
			t.Fatal(diff)
		}
		if !got.Saved.Equal(start) {
			t.Fatalf("saved at %s", got.Saved)
		}
	}
}

func randomContent(rnd *rand.Rand) snapshot.Content {
	c := snapshot.Content{
		Epoch:    randomText(rnd),
		Cluster:  rnd.Uint64() >> rnd.IntN(64),
		Term:     rnd.Uint64() >> rnd.IntN(64),
		Index:    rnd.Uint64() >> rnd.IntN(64),
		Revision: 1 + rnd.Int64N(math.MaxInt64)>>rnd.IntN(63),
		Scopes:   map[snapshot.ScopeID]*snapshot.Scope{},
	}
	if rnd.IntN(3) > 0 {
		c.Verified = time.Unix(rnd.Int64N(1<<34), rnd.Int64N(1e9)).UTC()
	}
	for _, id := range snapshot.LayersOf(payment) {
		items := make([]*snapshot.Item, rnd.IntN(30))
		for i := range items {
			items[i] = &snapshot.Item{Key: fmt.Sprintf("%02d.%s_", i, strings.Repeat("k", rnd.IntN(250)))}
			if rnd.IntN(4) > 0 {
				items[i].Value, items[i].Revision = randomValue(rnd), 1+rnd.Int64N(c.Revision)
			}
			if items[i].Value.IsZero() || rnd.IntN(4) == 0 {
				items[i].Problem, items[i].ProblemRevision = "p"+randomText(rnd)+"\xff\t\n", 1+rnd.Int64N(c.Revision)
			}
		}
		c.Scopes[id] = newScope(items...)
	}
	return c
}

func randomText(rnd *rand.Rand) string {
	b := make([]rune, rnd.IntN(20))
	for i := range b {
		b[i] = []rune("aB\"\\\n\t\x00<é\u2028🙂\ufffd-")[rnd.IntN(13)]
	}
	return string(b)
}

func randomValue(rnd *rand.Rand) snapshot.Value {
	raw := []string{
		`null`, `-`, `""`, `{}`, `1e-7`, `-0`, `"-"`, `{"b":[{"a":null}],"a":"\t"}`, fmt.Sprintf("%q", strings.Repeat("é", rnd.IntN(2000))),
	}[rnd.IntN(9)]
	if v, err := snapshot.ParseValue([]byte(raw)); err == nil {
		return v
	}
	return newValue(fmt.Sprint(rnd.Int32()))
}
