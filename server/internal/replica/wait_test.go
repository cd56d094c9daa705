package replica_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

func TestWaitForWhatIsHere(t *testing.T) {
	r := replica.New(time.Now)
	r.Replace(listing("e1", 7, start, payment))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, revision := range []int64{0, 1, 7} {
		if err := r.Wait(ended, "", revision); err != nil {
			t.Errorf("Wait(%d) = %v", revision, err)
		}
	}
	select {
	case <-r.Nudges():
		t.Error("the store is asked for what is here")
	default:
	}
}

func TestWaitReturnsWhenTheRevisionArrives(t *testing.T) {
	for _, test := range []struct {
		name   string
		arrive func(*replica.Replica)
	}{
		{"by a step", func(r *replica.Replica) { r.Advance(snapshot.Batch{Revision: 9}) }},
		{"by a step beyond", func(r *replica.Replica) { r.Advance(snapshot.Batch{Revision: 100}) }},
		{"by a listing", func(r *replica.Replica) { r.Replace(listing("e1", 9, start, payment)) }},
		{"by several steps", func(r *replica.Replica) {
			r.Advance(snapshot.Batch{Revision: 8})
			r.Advance(snapshot.Batch{Revision: 9})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := replica.New(time.Now)
				r.Replace(listing("e1", 7, start, payment))
				began := time.Now()
				done := make(chan error)
				go func() { done <- r.Wait(t.Context(), "", 9) }()
				synctest.Wait()
				select {
				case err := <-done:
					t.Fatalf("Wait returned %v before the revision was here", err)
				default:
				}
				test.arrive(r)
				if err := <-done; err != nil {
					t.Error(err)
				}
				if d := time.Since(began); d != 0 {
					t.Errorf("Wait returned %s after the revision arrived", d)
				}
			})
		})
	}
}

func TestWaitNudges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replica.New(time.Now)
		r.Replace(listing("e1", 7, start, payment))
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := make(chan error)
		go func() { done <- r.Wait(ctx, "", 9) }()
		for i := range 3 {
			<-r.Nudges()
			if d := time.Since(began); d != time.Duration(i)*50*time.Millisecond {
				t.Errorf("nudge %d comes after %s", i+1, d)
			}
		}
		r.Advance(snapshot.Batch{Revision: 9})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestWaitDoesNotDependOnNudges: nobody takes them while the store is away.
func TestWaitDoesNotDependOnNudges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replica.New(time.Now)
		r.Replace(listing("e1", 7, start, payment))
		const callers = 10
		done := make(chan error, callers)
		for range callers {
			go func() { done <- r.Wait(t.Context(), "", 9) }()
		}
		time.Sleep(time.Second) // of the bubble's clock
		r.Advance(snapshot.Batch{Revision: 9})
		for range callers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		nudges := 0
		for range 2 {
			select {
			case <-r.Nudges():
				nudges++
			default:
			}
		}
		if nudges != 1 {
			t.Errorf("%d nudges are queued, want 1", nudges)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replica.New(time.Now)
		bounded := func(revision int64) (time.Duration, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			err := r.Wait(ctx, "", revision)
			return time.Since(began), err
		}
		if d, err := bounded(0); !errors.Is(err, replica.ErrNotLoaded) || d != 3*time.Second {
			t.Errorf("before the load: %v after %s, want ErrNotLoaded after 3s", err, d)
		}
		r.Replace(listing("e1", 7, start, payment))
		if d, err := bounded(8); !errors.Is(err, replica.ErrBehind) || d != 3*time.Second {
			t.Errorf("after the load: %v after %s, want ErrBehind after 3s", err, d)
		}
	})
}

// TestWaitAcrossAnEpoch: a revision that the old history had is not here after the
// store was replaced, until the new one gets there.
func TestWaitAcrossAnEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replica.New(time.Now)
		r.Replace(listing("e1", 100, start, payment))
		r.Replace(listing("e2", 3, start, payment))
		done := make(chan error)
		go func() { done <- r.Wait(t.Context(), "", 50) }()
		synctest.Wait()
		r.Advance(snapshot.Batch{Revision: 49})
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("Wait(50) = %v at revision 49 of the new epoch", err)
		default:
		}
		r.Advance(snapshot.Batch{Revision: 50})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestWaitInAnEpoch: whoever waits for a revision of one epoch need not wait on when
// there is another.
func TestWaitInAnEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := replica.New(time.Now)
		r.Replace(listing("e1", 7, start, payment))
		done := make(chan error)
		go func() { done <- r.Wait(t.Context(), "e1", 9) }()
		synctest.Wait()
		r.Advance(snapshot.Batch{Revision: 8})
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("WaitIn = %v at revision 8", err)
		default:
		}
		began := time.Now()
		r.Replace(listing("e2", 3, start, payment))
		if err := <-done; err != nil || time.Since(began) != 0 {
			t.Errorf("WaitIn = %v, %s after another epoch began", err, time.Since(began))
		}
		if err := r.Wait(t.Context(), "e2", 3); err != nil {
			t.Error(err)
		}
	})
}
