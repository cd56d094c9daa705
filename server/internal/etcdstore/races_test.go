package etcdstore_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/servertest"
)

// TestOneWriterOfManyWins lets writers of several processes change the same version: each
// time exactly one does.
func TestOneWriterOfManyWins(t *testing.T) {
	t.Parallel()
	races := 300
	if os.Getenv("SOAK") != "" {
		races = 5000
	}
	const writers = 6
	l := newLedger(t)
	stores := []*etcdstore.History{l.History, l.another(t, 1e6, time.Hour), l.another(t, 1e6, time.Hour)}
	ctx, grant := t.Context(), mayWrite(t)
	for race := range int64(races) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var winners []int
		for i := range writers {
			draft := etcdstore.Draft{
				Terms: etcdstore.Terms{Message: "m", Expected: map[string]int64{"production": race}},
				Edits: edits(t, fmt.Sprintf(`a="%d of %d"`, race, i), fmt.Sprintf("k%d=%d", i, race)),
			}
			wg.Go(func() {
				out, err := stores[i%len(stores)].Commit(ctx, grant, draft)
				var conflict *etcdstore.ConflictError
				switch {
				case err == nil && out.Versions[0].Number == race+1:
					mu.Lock()
					winners = append(winners, i)
					mu.Unlock()
				case !errors.As(err, &conflict) || conflict.Current.Number != race+1:
					t.Errorf("race %d: %+v, %v", race, out, err)
				}
			})
		}
		wg.Wait()
		if len(winners) != 1 {
			t.Fatalf("race %d has the winners %v", race, winners)
		}
		if race%100 == 99 {
			same(t, "the winner's value", l.live(t, "production")["a"], fmt.Sprintf(`"%d of %d"`, race, winners[0]))
		}
	}
	same(t, "newest", l.at(t, 0), l.live(t, "production"))
	list, _, err := l.Versions(within(t), mayRead(t), etcdstore.VersionsQuery{Limit: 2000})
	if err != nil || len(list) != min(races, 1000) {
		t.Errorf("%d versions, %v", len(list), err)
	}
}

// TestWritersWithoutAVersionAllGetThrough lets writers of several processes change one
// scope without an expected version: all of it is done, each once.
func TestWritersWithoutAVersionAllGetThrough(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	stores := []*etcdstore.History{l.History, l.another(t, 1e6, time.Hour), l.another(t, 1e6, time.Hour)}
	const writers, each = 9, 20
	ctx, grant := t.Context(), mayWrite(t)
	var wg sync.WaitGroup
	for i := range writers {
		var drafts []etcdstore.Draft
		for n := range each {
			drafts = append(drafts, etcdstore.Draft{Terms: etcdstore.Terms{Message: "m"}, Edits: edits(t, fmt.Sprintf("k%d=%d", i, n), fmt.Sprintf(`last="%d %d"`, i, n))})
		}
		wg.Go(func() {
			for _, d := range drafts {
				if _, err := stores[i%len(stores)].Commit(ctx, grant, d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	v, err := l.Version(within(t), mayRead(t), 0)
	if err != nil || v.Version.Number != writers*each {
		t.Fatalf("version %d, %v", v.Version.Number, err)
	}
	same(t, "newest", texts(v.Entries), l.live(t, "production"))
}

// TestACommitArrivesAsOneDelta commits as much as there can be, over two layers, and
// watches through a sidecar.
func TestACommitArrivesAsOneDelta(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	l := &ledger{etcd: etcd, raw: open(t, etcd, "", "")}
	l.History = l.another(t, 10, 0)
	sidecar := servertest.Start(t, servertest.Options{Etcd: etcd, Namespace: "pay", Environment: "production"})
	conn, err := grpc.NewClient(sidecar.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := configv1.NewConfigServiceClient(conn).Watch(within(t), &configv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || first.GetSnapshot() == nil {
		t.Fatalf("%v, %v", first, err)
	}
	var list []etcdstore.Edit
	for i := range 4000 {
		e := etcdstore.Edit{Environment: "production", Key: fmt.Sprintf("own%d", i), Value: value(t, fmt.Sprint(i))}
		if i%4 == 0 {
			e.Environment, e.Key = "_all", fmt.Sprintf("all%d", i)
		}
		list = append(list, e)
	}
	out, err := l.large(t, list)
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetDelta() == nil {
			continue
		}
		if n := len(m.GetDelta().GetEntries()); n != 4000 || m.GetState().GetRevision() < out.Revision {
			t.Errorf("a Delta with %d entries at revision %d; the commit is at %d", n, m.GetState().GetRevision(), out.Revision)
		}
		return
	}
}
