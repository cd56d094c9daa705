package robust_test

import (
	"context"
	"slices"
	"testing"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
	"github.com/config-service/config-service/server/servertest"
)

// maxRestored is the goal for how long after its first contact with a restored store a
// sidecar serves the history that was lost.
const maxRestored = 5 * time.Second

// TestRestoredBackups restores an older backup of the store in every way there is. A
// sidecar that lives through it, one that comes back from its disk cache, and all their
// watchers learn that the history is another, and hold nothing of the lost one.
func TestRestoredBackups(t *testing.T) {
	for _, c := range []struct {
		name    string
		how     restored
		beyond  bool // it is written past the lost revision before a sidecar comes back
		restart bool // the raft term is past the lost one too
	}{
		{name: "plain"},
		{name: "revision bumped", how: restored{bump: 1e9}},
		{name: "another cluster id", how: restored{token: "another"}},
		{name: "written beyond in the same term", beyond: true},
		{name: "written beyond in a later term", beyond: true, restart: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			shared(t)
			ctx, cancel := context.WithTimeout(context.Background(), hang)
			defer cancel()
			r := newRestoring(t, ctx)
			backup := r.lose(ctx)
			r.living.links.Part()
			lostTerm := r.term(ctx)
			restore(t, ctx, r.cluster, backup, c.how)
			r.writes = r.writes[:r.kept]
			if c.restart {
				restartAll(t, ctx, r.cluster)
			}
			r.write(ctx, 3)
			for c.beyond && r.newest < r.living.lost.Revision+10 {
				r.write(ctx, 1)
			}
			if term := r.term(ctx); c.beyond && (term > lostTerm) != c.restart {
				t.Errorf("the term was %d and is %d, which is not what this is about", lostTerm, term)
			}
			r.met(ctx, r.living, r.livingDir)
			r.met(ctx, r.back(ctx), r.goneDir)
		})
	}
}

// restoring is a store that is restored from a backup, and who has seen what is lost.
type restoring struct {
	t        *testing.T
	cluster  *robust.Cluster
	living   *survivor // through it
	gone     *survivor // when it happens; it comes back from its disk
	writes   []robust.Write
	kept     int // of the writes
	newest   int64
	sequence int
	before   *robust.Truth // as it was

	livingDir, goneDir string // of their caches
}

func newRestoring(t *testing.T, ctx context.Context) *restoring {
	t.Helper()
	cluster, err := robust.NewCluster(ctx, "", pick(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r := &restoring{t: t, cluster: cluster, livingDir: t.TempDir(), goneDir: t.TempDir()}
	r.write(ctx, 5)
	r.living, r.gone = r.begin(ctx, "living", r.livingDir, false), r.begin(ctx, "gone", r.goneDir, false)
	return r
}

// lose makes a backup and then the history that it lacks. Everybody has seen that when
// it returns.
func (r *restoring) lose(ctx context.Context) (backup string) {
	r.t.Helper()
	r.write(ctx, 60)
	backup, r.kept = backUp(r.t, ctx, r.cluster), len(r.writes)
	r.write(ctx, 20)
	r.living.reach(ctx, r.newest)
	r.gone.reach(ctx, r.newest)
	r.before = robust.TruthOf(slices.Clone(r.writes), service, environment)
	r.living.remember(ctx)
	r.gone.remember(ctx)
	r.gone.end(r.newest)
	r.gone.server.Stop(r.t)
	return backup
}

// back starts the sidecar that was gone, while nothing reaches the store: it serves what
// is lost, and says that it is old.
func (r *restoring) back(ctx context.Context) *survivor {
	r.t.Helper()
	s := r.begin(ctx, "back", r.goneDir, true)
	st, _ := s.list(ctx)
	if st.GetSource() != configv1.State_DISK || st.GetFreshness() != configv1.State_STALE || pointOf(st) != r.gone.lost {
		r.t.Errorf("from disk came %v; want what was lost, %v", st, r.gone.lost)
	}
	s.remember(ctx)
	return s
}

// met lets a sidecar reach the restored store and looks at everything it then does.
func (r *restoring) met(ctx context.Context, s *survivor, dir string) {
	r.t.Helper()
	connections, began := s.links.Changed(), time.Now()
	s.links.Join()
	s.until(ctx, func() bool { return s.links.Changed() > connections })
	contact := time.Now()
	s.until(ctx, func() bool { return s.everyone(func(m *robust.Message) bool { return m.Epoch != s.lost.Epoch }) })
	took := time.Since(contact)
	r.t.Logf("%s: another epoch %.2f s after the first contact, goal %s; %.2f s after the store was back", s.name, took.Seconds(), maxRestored, time.Since(began).Seconds())
	if most := form().Limit(maxRestored); took > most {
		r.t.Errorf("%s: the lost history was served for %s; at most %s", s.name, took, most)
	}
	r.write(ctx, 2) // no stream is stuck
	s.reach(ctx, r.newest)
	s.equal(ctx, r.cluster.Client())
	s.void(ctx)
	s.end(r.newest)
	truth := robust.TruthOf(slices.Clone(r.writes), service, environment)
	for _, w := range s.watchers {
		lost, now := split(w.record, s.lost.Epoch)
		for _, v := range append(robust.Check(lost, r.before, 0), robust.Check(now, truth, r.newest)...) {
			r.t.Error(v)
		}
	}
	// What is on disk from now on is of the restored history.
	newest, _ := s.list(ctx)
	s.server.Stop(r.t)
	again := r.begin(ctx, s.name+" again", dir, true)
	if st, _ := again.list(ctx); st.GetSource() != configv1.State_DISK || st.GetEpoch() != newest.GetEpoch() || st.GetRevision() < newest.GetRevision() {
		r.t.Errorf("%s: from disk came %v; saved was %v", again.name, st, newest)
	}
	again.equal(ctx, r.cluster.Client())
	again.links.Join()
	r.write(ctx, 1)
	again.reach(ctx, r.newest)
	if st, _ := again.list(ctx); st.GetEpoch() != newest.GetEpoch() {
		r.t.Errorf("%s: epoch %s became %s, but the history is the same", again.name, newest.GetEpoch(), st.GetEpoch())
	}
	again.end(r.newest)
	again.server.Stop(r.t)
}

// split parts a record into what was seen of a lost history and after it.
func split(r *robust.Record, epoch string) (lost, now *robust.Record) {
	lost, now = &robust.Record{Client: r.Client + " before"}, &robust.Record{Client: r.Client + " after"}
	for _, leg := range r.Legs {
		at := slices.IndexFunc(leg.Messages, func(m robust.Message) bool { return m.Epoch != epoch })
		if at < 0 {
			at = len(leg.Messages)
		}
		if at > 0 {
			lost.Legs = append(lost.Legs, robust.Leg{Resume: leg.Resume, Messages: leg.Messages[:at]})
		}
		if at < len(leg.Messages) {
			now.Legs = append(now.Legs, robust.Leg{Messages: leg.Messages[at:]})
		}
	}
	return lost, now
}

// write does so many transactions, one after the other: changes of a few keys over the
// layers, new keys, and deletes. The same revision never has the same values twice.
func (r *restoring) write(ctx context.Context, n int) {
	r.t.Helper()
	for range n {
		r.sequence++
		writes := someOf(r.sequence)
		r.newest = commit(r.t, ctx, r.cluster.Client(), writes)
		for i := range writes {
			writes[i].Revision = r.newest
		}
		r.writes = append(r.writes, writes...)
	}
}

func (r *restoring) term(ctx context.Context) uint64 {
	r.t.Helper()
	_, term, err := r.cluster.WaitLeader(ctx, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return term
}

// begin starts a sidecar; a parted one finds no store until its links are joined.
func (r *restoring) begin(ctx context.Context, name, dir string, parted bool) *survivor {
	r.t.Helper()
	s := prepareSurvivor(r.t, r.cluster.Endpoints(), name)
	if parted {
		s.links.Part()
	}
	s.start(map[string]string{"CONFIG_CACHE_DIR": dir}, servertest.Options{})
	s.watch(ctx)
	return s
}
