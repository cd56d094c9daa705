package robust_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// poisons are values that no write of ours lets through.
var poisons = map[string]string{
	"huge":       `"` + strings.Repeat("x", 1400<<10) + `"`,
	"no-utf8":    "\"\xff\xfe\"",
	"broken":     `{"a": `,
	"deep":       strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
	"nan":        "NaN",
	"duplicates": `{"a": 1, "a": 2}`,
	"empty":      "",
	"imprecise":  "9007199254740993",
}

// badNames are keys that nobody can ask for.
var badNames = []string{"", "a..b", "a b", "ümlaut", "a/b", "\xff", ".a", strings.Repeat("k", 300)}

// maxPoisoned is the goal for how long a change of another key takes to the watchers.
const maxPoisoned = time.Second

// TestPoisonedValues writes values that are no configuration straight into the store. Each
// keeps its last good value, is counted and logged once, and no other key waits for it:
// not now, not after a listing, not after a restart from disk.
func TestPoisonedValues(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	p := newPoisoning(t, ctx)
	s, log := p.start(ctx)
	var worst time.Duration
	for name, value := range poisons {
		p.put(ctx, name, value)
		worst = max(worst, p.others(ctx, s))
	}
	for _, name := range badNames {
		p.put(ctx, name, "1")
		worst = max(worst, p.others(ctx, s))
	}
	p.holds(ctx, s)
	t.Logf("the other keys took at most %.2f s, goal %s", worst.Seconds(), maxPoisoned)
	if most := form().Limit(maxPoisoned); worst > most {
		t.Errorf("other keys took %s; at most %s", worst, most)
	}

	s.links.Part()
	newest := p.change(ctx, p.good)
	if _, err := p.client.Compact(ctx, newest); err != nil {
		t.Fatal(err)
	}
	s.links.Join()
	s.reach(ctx, newest)
	p.holds(ctx, s)
	if p.metric(s, `configservice_store_relists_total{reason="compacted"}`) == 0 {
		t.Error("there was no listing")
	}
	p.once(s, log, len(poisons)+len(badNames))

	s.end(newest)
	s.server.Stop(t)
	p.put(ctx, "late", "{") // while nobody looks
	p.poisoned["late"] = true
	again, log := p.start(ctx)
	newest = p.change(ctx, p.good)
	again.reach(ctx, newest)
	p.holds(ctx, again)
	// What was poisoned before is known from disk; it is told once per process.
	p.once(again, log, len(poisons)+len(badNames)+1)
	again.end(newest)
	again.server.Stop(t)
}

// poisoning is an etcd with one namespace of 500 keys, some of which are poisoned.
type poisoning struct {
	t        *testing.T
	etcd     *servertest.Etcd
	client   *clientv3.Client
	dir      string
	good     []string // keys that stay good
	poisoned map[string]bool
	sequence int
}

func newPoisoning(t *testing.T, ctx context.Context) *poisoning {
	t.Helper()
	p := &poisoning{t: t, etcd: servertest.StartEtcd(t), dir: t.TempDir(), poisoned: map[string]bool{}}
	p.client = directly(t, p.etcd.Endpoint)
	all := []string{"late"}
	for name := range poisons {
		p.poisoned[name] = true
		all = append(all, name)
	}
	for i := len(all); i < 500; i++ {
		p.good = append(p.good, fmt.Sprintf("g%d.k%d", i%25, i))
	}
	p.change(ctx, append(all, p.good...))
	return p
}

func (p *poisoning) start(ctx context.Context) (*survivor, *logs) {
	p.t.Helper()
	var log logs
	s := prepareSurvivor(p.t, []string{strings.TrimPrefix(p.etcd.Endpoint, "http://")}, "poisoned")
	s.start(map[string]string{"CONFIG_CACHE_DIR": p.dir}, servertest.Options{Log: log.logger()})
	s.watch(ctx)
	s.until(ctx, func() bool { return s.everyone(func(*robust.Message) bool { return true }) })
	return s, &log
}

// put writes straight into the store.
func (p *poisoning) put(ctx context.Context, key, value string) {
	p.t.Helper()
	w := layer(0)
	w.Key, w.Value = key, value
	commit(p.t, ctx, p.client, []robust.Write{w})
}

// change writes new values, in as few transactions as etcd lets.
func (p *poisoning) change(ctx context.Context, keys []string) (revision int64) {
	p.t.Helper()
	const most = 128 // operations of one transaction
	for len(keys) > 0 {
		n := min(most, len(keys))
		var writes []robust.Write
		for _, key := range keys[:n] {
			p.sequence++
			w := layer(0)
			w.Key, w.Value = key, fmt.Sprint(p.sequence)
			writes = append(writes, w)
		}
		revision, keys = commit(p.t, ctx, p.client, writes), keys[n:]
	}
	return revision
}

// others changes all good keys and returns how long that took to every watcher.
func (p *poisoning) others(ctx context.Context, s *survivor) time.Duration {
	p.t.Helper()
	newest := p.change(ctx, p.good)
	acked := time.Now() // it has been on its way since the first of its transactions
	s.reach(ctx, newest)
	return time.Since(acked)
}

// holds makes sure that good keys are as in etcd, and the others have their last good value.
func (p *poisoning) holds(ctx context.Context, s *survivor) {
	p.t.Helper()
	resp, err := p.client.Get(ctx, entries+environment+"/"+service+"/", clientv3.WithPrefix())
	if err != nil {
		p.t.Fatal(err)
	}
	want := map[string]string{}
	for _, kv := range resp.Kvs {
		want[strings.TrimPrefix(string(kv.Key), entries+environment+"/"+service+"/")] = string(kv.Value)
	}
	_, got := s.list(ctx)
	for _, key := range p.good {
		if got[key].Value != want[key] {
			p.t.Errorf("%q is %s; etcd has %s", key, got[key].Value, want[key])
		}
	}
	for key := range p.poisoned {
		if got[key].Value == "" || got[key].Value == want[key] {
			p.t.Errorf("%q is %q; it had a good value", key, got[key].Value)
		}
	}
	if len(got) != 500 {
		p.t.Errorf("%d keys; want 500", len(got))
	}
}

// once makes sure that every unusable write was counted and logged, once.
func (p *poisoning) once(s *survivor, log *logs, want int) {
	p.t.Helper()
	if n := p.metric(s, "configservice_rejected_values_total"); n != float64(want) {
		p.t.Errorf("%v unusable writes were counted; there are %d", n, want)
	}
	told := map[string]int{}
	for _, line := range append(log.lines(p.t, "stored value is unusable"), log.lines(p.t, "stored key has a name")...) {
		told[line.Key]++
	}
	for key, n := range told {
		if n != 1 {
			p.t.Errorf("key %s was logged %d times", key, n)
		}
	}
	if len(told) != want {
		p.t.Errorf("%d unusable writes were logged; there are %d", len(told), want)
	}
}

func (p *poisoning) metric(s *survivor, name string) float64 {
	p.t.Helper()
	all, err := s.metrics()
	if err != nil {
		p.t.Fatal(err)
	}
	return all[name]
}
