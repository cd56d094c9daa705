package robust_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

// TestCommitsUnderKills kills a control server at random points while clients commit, each
// commit over two environments and under a request id. Whoever gets no answer asks again
// under the same id, until there is one. Then each commit is in both histories once, at
// the same revision.
func TestCommitsUnderKills(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*hang)
	defer cancel()
	binary, err := robust.BuildSidecar(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := robust.NewCluster(ctx, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	seed := campaignSeed(t)
	t.Logf("SEED=%d", seed)
	launch := controlLaunch(t, binary, cluster.Endpoints()...)
	sc, err := launch.Start()
	if err != nil {
		t.Fatal(err)
	}
	api := editorOf(t, launch)

	running, stop := context.WithCancel(ctx)
	defer stop()
	var busy sync.WaitGroup
	var again atomic.Int64
	done := make([]map[string]int64, 6) // revision by request id
	for i := range done {
		done[i] = map[string]int64{}
		busy.Go(func() {
			for n := 0; running.Err() == nil; n++ {
				request := fmt.Sprintf("writer%d-%d", i, n)
				revision, tries := commitOnce(ctx, t, api, i, n, request)
				done[i][request] = revision
				again.Add(int64(tries))
			}
		})
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	kills := pick(20, 200)
	for range kills {
		if _, err := sc.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		_ = pause(ctx, time.Duration(rng.Int64N(int64(300*time.Millisecond))))
		sc.Kill()
		if sc, err = launch.Start(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { sc.Kill() })
	stop()
	busy.Wait()
	judgeKills(ctx, t, api, done)
	t.Logf("FIGURES commits under kills: %d SIGKILLs, %d times a client had to ask again", kills, again.Load())
	if again.Load() == 0 {
		t.Error("no kill was felt")
	}
}

// commitOnce asks until there is an answer.
func commitOnce(ctx context.Context, t *testing.T, api adminv1.ConfigAdminServiceClient, writer, n int, request string) (revision int64, again int) {
	text := fmt.Sprint(n)
	key := fmt.Sprintf("writer%d", writer)
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(asEditor(ctx), 15*time.Second)
		resp, err := api.Commit(call, &adminv1.CommitRequest{
			Namespace: service, Message: "m", RequestId: request,
			Changes: []*adminv1.Change{setKey("one", key, text), setKey("two", key, text), setKey("two", key+".also", text)},
		})
		cancel()
		if err == nil {
			return resp.GetRevision(), again
		}
		switch reason, _ := settled(err); reason {
		case "INVALID_ARGUMENT", "TOO_LARGE", "VERSION_NOT_FOUND":
			t.Errorf("%s: %v", request, err)
			return 0, again
		}
		again++
		_ = pause(ctx, 5*time.Millisecond)
	}
	return 0, again
}

func judgeKills(ctx context.Context, t *testing.T, api adminv1.ConfigAdminServiceClient, done []map[string]int64) {
	t.Helper()
	commits := 0
	for _, of := range done {
		commits += len(of)
	}
	at := map[string]int64{}
	for _, environment := range []string{"one", "two"} {
		versions := judgeHistory(ctx, t, api, environment)
		if len(versions) != commits {
			t.Errorf("%s has %d versions after %d commits", environment, len(versions), commits)
		}
		seen := map[string]bool{}
		for _, v := range versions {
			if seen[v.GetRequestId()] {
				t.Errorf("%s was done twice in %s", v.GetRequestId(), environment)
			}
			seen[v.GetRequestId()] = true
			if before, ok := at[v.GetRequestId()]; ok && before != v.GetRevision() {
				t.Errorf("%s was done at %d and %d", v.GetRequestId(), before, v.GetRevision())
			}
			at[v.GetRequestId()] = v.GetRevision()
		}
	}
	for _, of := range done {
		for request, revision := range of {
			if at[request] != revision {
				t.Errorf("%s was answered with revision %d and is at %d", request, revision, at[request])
			}
		}
	}
	t.Logf("FIGURES commits under kills: %d commits", commits)
}
