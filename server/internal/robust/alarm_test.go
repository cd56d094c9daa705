package robust_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/embeddedetcd"
	"github.com/config-service/config-service/server/internal/robust"
)

// TestTheStoreIsFull fills etcd until it takes no more writes. A sidecar goes on and stays
// fresh, one can start, and when there is room again changes flow.
func TestTheStoreIsFull(t *testing.T) {
	shared(t)
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	etcd, err := embeddedetcd.StartWith(ctx, "127.0.0.1:0", t.TempDir(), embeddedetcd.Options{Quota: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(etcd.Close)
	addr := strings.TrimPrefix(etcd.Endpoint, "http://")
	client := directly(t, etcd.Endpoint)
	s := newSurvivor(t, []string{addr}, "full", nil)
	s.watch(ctx)
	for n := range 20 {
		s.reach(ctx, commit(t, ctx, client, someOf(n)))
	}
	filler := strings.Repeat("x", 256<<10)
	for !errors.Is(err, rpctypes.ErrNoSpace) {
		if _, err = client.Put(ctx, "filler", filler); err != nil && !errors.Is(err, rpctypes.ErrNoSpace) {
			t.Fatal(err)
		}
	}
	// A proof that is sent from now on is of a store that is full.
	was := s.watchers[0].last.Load().Verified
	s.until(ctx, func() bool { return s.watchers[0].last.Load().Verified.After(was) })
	again := s.watchers[0].last.Load().Verified
	s.until(ctx, func() bool { return s.watchers[0].last.Load().Verified.After(again) })
	s.until(ctx, func() bool { return s.everyone(func(m *robust.Message) bool { return m.Fresh }) })
	s.equal(ctx, client)
	late := newSurvivor(t, []string{addr}, "started on a full store", nil)
	late.equal(ctx, client)

	latest, err := client.Get(ctx, "filler")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(ctx, latest.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Defragment(ctx, addr); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AlarmDisarm(ctx, &clientv3.AlarmMember{}); err != nil {
		t.Fatal(err)
	}
	newest := commit(t, ctx, client, someOf(20))
	s.reach(ctx, newest)
	s.equal(ctx, client)
	s.end(newest)
	for _, w := range s.watchers {
		for _, leg := range w.record.Legs {
			for i, m := range leg.Messages {
				if long() && !m.Fresh { // else a proof can be late
					t.Errorf("%s: message %d is not fresh", w.record.Client, i)
				}
			}
		}
	}
}
