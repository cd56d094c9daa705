package service_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// Who has written reads its own write: by its revision, at once, every time.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for round := range 200 {
		layer := layers[round%len(layers)]
		key := layer.String()
		want := strconv.Itoa(round)
		revision := s.Set(t, layer, key, `"`+want+`"`)
		if round%2 == 0 {
			if e := s.entry(t, key, revision); e.GetValue().GetStringValue() != want || e.GetRevision() != revision {
				t.Fatalf("round %d: wrote %q at %d, read %v", round, want, revision, e)
			}
			continue
		}
		resp, err := s.List(deadline(t), &configv1.ListRequest{Prefix: key, MinRevision: revision})
		if err != nil {
			t.Fatal(err)
		}
		if es := resp.GetEntries(); len(es) != 1 || es[0].GetValue().GetStringValue() != want || resp.GetState().GetRevision() < revision || resp.GetChangedRevision() != revision {
			t.Fatalf("round %d: wrote %q at %d, listed %v", round, want, revision, resp)
		}
	}
}

// A revision can come from a write that this server never sees, to another service's
// key. The read must not wait for somebody's next write: the store is asked.
func TestRevisionOfAnotherServicesWrite(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.settle(t, s.Set(t, own, "a", `1`))
	for range 20 {
		revision := s.Etcd.Commit(t, servertest.Write{Namespace: "other", Environment: "production", Layer: own, Key: "a", JSON: `1`})
		resp, err := s.Get(deadline(t), &configv1.GetRequest{Key: "a", MinRevision: revision})
		if err != nil {
			t.Fatalf("nobody writes any more, and revision %d does not come: %v", revision, err)
		}
		if resp.GetState().GetRevision() < revision {
			t.Fatalf("answered from %d, wanted %d", resp.GetState().GetRevision(), revision)
		}
	}
}

// A revision that does not come is waited for as long as the contract says.
func TestRevisionThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.settle(t, s.Set(t, own, "a", `1`))
	const never = 1 << 40
	calls := map[string]func(context.Context) error{
		"Get": func(ctx context.Context) error {
			_, err := s.Get(ctx, &configv1.GetRequest{Key: "a", MinRevision: never})
			return err
		},
		"List": func(ctx context.Context) error {
			_, err := s.List(ctx, &configv1.ListRequest{MinRevision: never})
			return err
		},
		"Watch": func(ctx context.Context) error {
			epoch := s.settle(t, 0).GetState().GetEpoch()
			w, err := s.Watch(ctx, &configv1.WatchRequest{Resume: &configv1.ResumePoint{Epoch: epoch, Revision: never}})
			if err != nil {
				return err
			}
			_, err = w.Recv()
			return err
		},
	}
	for method, call := range calls {
		t.Run(method+" to the server's limit", func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			f := wantFailure(t, call(deadline(t)), codes.Unavailable, "NOT_READY")
			if took := time.Since(began); took < 4900*time.Millisecond {
				t.Errorf("gave up after %s, want about 5 s: %s", took, f.message)
			}
		})
		t.Run(method+" to the caller's deadline", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if f := failureOf(t, call(ctx)); f.code != codes.DeadlineExceeded {
				t.Errorf("failed with %v", f)
			}
		})
	}
}

// Nobody is kept waiting into the stop of a server.
func TestStopEndsAWait(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	waiting := make(chan error, 2)
	go func() {
		_, err := s.Get(deadline(t), &configv1.GetRequest{Key: "a", MinRevision: 1 << 40})
		waiting <- err
	}()
	w := s.watch(t, &configv1.WatchRequest{})
	w.snapshot(t)
	for ctx := deadline(t); s.metric(t, `grpc_server_started_total\{grpc_method="Get",.*\}`) == 0; {
		if ctx.Err() != nil {
			t.Fatal("the call does not arrive")
		}
	}
	s.Stop(t) // which cuts what has not ended after 4 s, without a reason
	wantFailure(t, <-waiting, codes.Unavailable, "NOT_READY")
	_, err := w.Recv()
	wantFailure(t, err, codes.Unavailable, "NOT_READY")
}
