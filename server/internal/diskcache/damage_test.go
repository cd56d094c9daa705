package diskcache_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	olderFile = "last-known-good.0"
	newerFile = "last-known-good.1"
)

// twoGenerations is a directory with revision 1 in the older file and revision 2 in the
// newer one.
type twoGenerations struct {
	cache        *diskcache.Cache
	older, newer string
	first        snapshot.Content // as it is loaded
	bytes        []byte           // of the newer file
}

func newTwoGenerations(t *testing.T, first, second snapshot.Content) *twoGenerations {
	t.Helper()
	dir := t.TempDir()
	g := &twoGenerations{cache: open(t, dir, payment), older: path(dir, payment, olderFile), newer: path(dir, payment, newerFile)}
	save(t, g.cache, first)
	loaded, err := g.cache.Load()
	if err != nil {
		t.Fatal(err)
	}
	g.first = loaded.Content
	save(t, g.cache, second)
	g.bytes = read(t, g.newer)
	return g
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// refusesNewer checks that the newer file is refused, for a reason that holds no value,
// and that all of the older one is loaded.
func (g *twoGenerations) refusesNewer(t *testing.T, what string) error {
	t.Helper()
	got, err := g.cache.Load()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !reflect.DeepEqual(got.Content, g.first) {
		t.Fatalf("%s: loaded is revision %d, and not the whole first generation", what, got.Content.Revision)
	}
	sayWhy(t, what, g.newer, got.Refused)
	return got.Refused
}

func sayWhy(t *testing.T, what, name string, refused error) {
	t.Helper()
	if refused == nil {
		t.Fatalf("%s: nothing was refused", what)
	}
	if text := refused.Error(); !strings.Contains(text, name+": ") || !strings.Contains(text, "accepted: ") || strings.Contains(text, secret) {
		t.Fatalf("%s: %q has to hold the name and what is accepted, and no value", what, text)
	}
}

func TestEveryTruncation(t *testing.T) {
	g := newTwoGenerations(t, contentOf(payment, 1, 40, 50), contentOf(payment, 2, 40, 50))
	for size := len(g.bytes) - 1; size >= 0; size-- {
		if err := os.Truncate(g.newer, int64(size)); err != nil {
			t.Fatal(err)
		}
		g.refusesNewer(t, fmt.Sprintf("truncated to %d bytes", size))
	}
}

func TestEveryFlippedBit(t *testing.T) {
	g := newTwoGenerations(t, small(1), small(2))
	for i := range len(g.bytes) * 8 {
		g.flip(t, i)
	}
}

func TestFlippedBitsOfALargeFile(t *testing.T) {
	rnd := seeded(t)
	g := newTwoGenerations(t, small(1), contentOf(payment, 2, 1000, 100))
	for range 1000 {
		g.flip(t, rnd.IntN(len(g.bytes)*8))
	}
}

func (g *twoGenerations) flip(t *testing.T, bit int) {
	t.Helper()
	f, err := os.OpenFile(g.newer, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	at, was := int64(bit/8), g.bytes[bit/8]
	_, err = f.WriteAt([]byte{was ^ 1<<(bit%8)}, at)
	g.refusesNewer(t, fmt.Sprintf("bit %d flipped", bit))
	_, undone := f.WriteAt([]byte{was}, at)
	if err := errors.Join(err, undone, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestTheOlderFileIsDamaged(t *testing.T) {
	g := newTwoGenerations(t, small(1), small(2))
	write(t, g.older, []byte("nonsense"))
	got, err := g.cache.Load()
	if err != nil || got.Content.Revision != 2 {
		t.Fatalf("Load = revision %d, %v", got.Content.Revision, err)
	}
	sayWhy(t, "damaged", g.older, got.Refused)
}

func TestBothFilesAreDamaged(t *testing.T) {
	g := newTwoGenerations(t, small(1), small(2))
	write(t, g.older, nil)
	write(t, g.newer, g.bytes[1:])
	got, err := g.cache.Load()
	if err == nil || errors.Is(err, diskcache.ErrEmpty) || got.Content.Epoch != "" {
		t.Fatalf("Load = %+v, %v", got, err)
	}
	sayWhy(t, "both", g.older, err)
	sayWhy(t, "both", g.newer, err)
	// What cannot be used is no obstacle to what comes, whatever its revision was.
	save(t, g.cache, small(1))
	if got, err := g.cache.Load(); err != nil || got.Content.Revision != 1 {
		t.Errorf("after the next save: revision %d, %v", got.Content.Revision, err)
	}
}

func TestAnotherServicesFile(t *testing.T) {
	g := newTwoGenerations(t, small(1), small(2))
	for _, id := range []snapshot.ScopeID{
		orders,
		{Namespace: payment.Namespace, Environment: "development"},
		{Namespace: payment.Namespace + "-2", Environment: payment.Environment},
	} {
		dir := t.TempDir()
		save(t, open(t, dir, id), contentOf(id, 9, 40, 50))
		write(t, g.newer, read(t, path(dir, id, olderFile)))
		refused := g.refusesNewer(t, "another service's file")
		says(t, refused, fmt.Sprintf("%q", id.Namespace), fmt.Sprintf("%q", id.Environment), "accepted: that of payment-service/production")
	}
	// The header alone does not make it this service's.
	dir := t.TempDir()
	save(t, open(t, dir, orders), contentOf(orders, 9, 40, 50))
	foreign := string(read(t, path(dir, orders, olderFile)))
	header, lines, _ := strings.Cut(foreign[:len(foreign)-diskcache.ChecksumSize], "\n")
	header = strings.ReplaceAll(header, orders.Namespace, payment.Namespace)
	header = strings.Replace(header, `"sequence":1`, `"sequence":9`, 1)
	write(t, g.newer, diskcache.Seal([]byte(header+"\n"+lines)))
	says(t, g.refusesNewer(t, "another service's lines"), "line 2, of scope payment-service/production: is of another scope")
}

// TestWellSealedNonsense changes what a file says and makes the checksum anew.
func TestWellSealedNonsense(t *testing.T) {
	g := newTwoGenerations(t, small(1), small(2))
	whole := string(g.bytes[:len(g.bytes)-diskcache.ChecksumSize])
	const (
		first = "payment-service/production\tgroup.key-000000\t2\t0\t\"HUNTER2 of payment-service at 2 \"\t-\n"
		bad   = "payment-service/_all\tbad\t0\t2\t-\t\"value is \\\"not\\\" JSON\\n\"\n"
		item  = "payment-service/production\tgroup.key-000000\t2\t0\t"
	)
	for _, test := range []struct{ name, old, new, want string }{
		{"another format", `"config-service last known good"`, `"something else"`, "is no file of this cache"},
		{"no header", whole[:strings.Index(whole, "\n")], "# HUNTER2", "is no file of this cache"},
		{"a later version", `"version":1`, `"version":2`, "has version 2 of the format; accepted: version 1"},
		{"no version", `"version":1,`, ``, "has version 0"},
		{"version of another kind", `"version":1`, `"version":"1"`, "is no file of this cache"},
		{"a header without end", `"epoch":"`, `"epoch":"` + strings.Repeat("x", 5000), "has a header of"},
		{"a member more", `"epoch"`, `"more":1,"epoch"`, "other members"},
		{"a member twice", `"epoch"`, `"epoch":"x","epoch"`, "other members"},
		{"a member less", `"term":7,`, ``, "other members"},
		{"space in the header", `"term":7`, `"term": 7`, "other members"},
		{"a negative term", `"term":7`, `"term":-7`, "cannot be read"},
		{"a revision beyond 64 bits", `"revision":2`, `"revision":9223372036854775808`, "cannot be read"},
		{"no day", `"saved":"2026-01-02`, `"saved":"2026-02-30`, "cannot be read"},
		{"another zone", `678Z","epoch"`, `678+01:00","epoch"`, "other members or another spelling"},
		{"sequence 0", `"sequence":2`, `"sequence":0`, "has sequence 0; accepted: 1 to"},
		{"last sequence", `"sequence":2`, `"sequence":9007199254740992`, "accepted: 1 to 9007199254740991"},
		{"a cluster that is no id", `"cluster":"c`, `"cluster":"x`, "up to 16 hexadecimal digits"},
		{"a cluster in other letters", `"cluster":"c`, `"cluster":"C`, "up to 16 hexadecimal digits"},
		{"no epoch", `"epoch":"cdf8-1"`, `"epoch":""`, "has no epoch"},
		{"revision 0", `"revision":2`, `"revision":0`, "has revision 0; accepted: at least 1"},
		{"items newer than the whole", `"revision":2`, `"revision":1`, "line 2, of scope payment-service/production: has revision 2"},
		{"a scope less", `,{"scope":"_shared/_all","items":0}`, ``, "has 3 scopes; accepted: the four of payment-service/production"},
		{"a scope more", `"items":0}`, `"items":0},{"scope":"order-service/_all","items":0}`, "has 5 scopes"},
		{"a scope twice", `"scope":"_shared/_all"`, `"scope":"_shared/production"`, "accepted: _shared/_all in its place"},
		{"a line too many", `"items":2`, `"items":1`, "is of another scope"},
		{"a last line too many", `"_shared/production","items":1`, `"_shared/production","items":0`, "more lines than its header says, from line 5"},
		{"a line too few", `"_shared/_all","items":0`, `"_shared/_all","items":1`, "has 1 items; accepted: 0 to 0"},
		{"a line too few for the first scope", `"items":1},{"scope":"payment-service/_all"`, `"items":5},{"scope":"payment-service/_all"`, "another scope"},
		{"items without end", `"items":2`, `"items":2147483647`, "has 2147483647 items; accepted: 0 to"},
		{"less than no items", `"items":2`, `"items":-2`, "has -2 items"},
		{"a line twice", first, first + first, "another scope"},
		{"trailing lines", whole, whole + first, "more lines than its header says"},
		{"a line that does not end", whole, strings.TrimSuffix(whole, "\n"), "does not end with its checksum"},
		{"a duplicate", "last.good", "bad", "does not come after"},
		{"out of order", "last.good", "aaa", "does not come after"},
		{"a key that is none", "last.good", "../x", "malformed"},
		{"no key", "\tlast.good", "\t", "is empty"},
		{"a field less", bad, "payment-service/_all\tbad\t0\t2\t-\n", "line 3, of scope payment-service/_all: accepted: 6 fields"},
		{"a field more", bad, strings.TrimSuffix(bad, "\n") + "\t-\n", "6 fields"},
		{"no value and no problem", item + "\"HUNTER2 of payment-service at 2 \"", "payment-service/production\tgroup.key-000000\t0\t0\t-", "neither a value nor a problem"},
		{"value without revision", item, strings.Replace(item, "\t2\t", "\t0\t", 1), "without its value"},
		{"sign", item, strings.Replace(item, "\t2\t", "\t+2\t", 1), "malformed revision"},
		{"minus", item, strings.Replace(item, "\t2\t", "\t-2\t", 1), "malformed revision"},
		{"leading zero", item, strings.Replace(item, "\t2\t", "\t02\t", 1), "malformed revision"},
		{"two zeros", item, strings.Replace(item, "\t0\t", "\t00\t", 1), "malformed revision"},
		{"minus zero", item, strings.Replace(item, "\t0\t", "\t-0\t", 1), "malformed revision"},
		{"no revision", item, strings.Replace(item, "\t2\t", "\t\t", 1), "malformed revision"},
		{"underscore", item, strings.Replace(item, "\t2\t", "\t0_2\t", 1), "malformed revision"},
		{"problem revision that is none", item, strings.Replace(item, "\t0\t", "\tx\t", 1), "malformed revision"},
		{"value that is no JSON", item + `"HUNTER2`, item + `HUNTER2`, "is not JSON"},
		{"value that is no UTF-8", item + `"HUNTER2`, item + "\"\xff", "is not JSON"},
		{"no value", item + "\"HUNTER2 of payment-service at 2 \"", item, "is not JSON"},
		{"problem without quotes", `"is too long"`, `HUNTER2`, "malformed problem"},
		{"problem in other quotes", `"is too long"`, "`HUNTER2`", "malformed problem"},
		{"problem in another spelling", `"is too long"`, `"\x41HUNTER2"`, "malformed problem"},
		{"empty problem", `"is too long"`, `""`, "malformed problem"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(whole, test.old) {
				t.Fatalf("%q is not in the file", test.old)
			}
			write(t, g.newer, diskcache.Seal([]byte(strings.Replace(whole, test.old, test.new, 1))))
			says(t, g.refusesNewer(t, test.name), test.want)
		})
	}
	write(t, g.newer, append(bytes.Clone(g.bytes), '\n'))
	says(t, g.refusesNewer(t, "a byte more"), "something follows")
	write(t, g.newer, append(bytes.Clone(g.bytes), g.bytes...))
	says(t, g.refusesNewer(t, "twice"), "does not match its checksum")
}
