package etcdstore

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

// renewEvery is how long a credential that the store refuses has to wait for its next
// try: it may be there before the store knows it.
const renewEvery = 10 * time.Second

// renewAgain opens a second connection when the access is renewed, and hands it on once
// the store has answered over it. Until then, and if it never does, this one stays. The
// second channel is closed when the goroutine has ended.
func (f *follower) renewAgain(ctx context.Context) (<-chan *session, <-chan struct{}) {
	out, done := make(chan *session), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-f.superseded:
		case <-ctx.Done():
			return
		}
		next := f.renewed(ctx)
		if next == nil {
			return
		}
		select {
		case out <- next:
		case <-ctx.Done():
			next.close()
		}
	}()
	return out, done
}

// renewed tries until the store takes the newest access; nil when ctx ends before.
func (f *follower) renewed(ctx context.Context) *session {
	for {
		next, err := f.dial(ctx, f.endpoint, f.newest())
		if err == nil {
			if err = next.mayRead(ctx); err == nil {
				f.cfg.Metrics.CredentialRenewals.WithLabelValues("ok").Inc()
				f.cfg.Log.Info("the renewed credential opens the store", "endpoint", f.endpoint)
				return next
			}
			next.close()
		}
		if ctx.Err() != nil {
			return nil
		}
		f.cfg.Metrics.CredentialRenewals.WithLabelValues("failed").Inc()
		f.cfg.Log.Error("the renewed credential does not open the store; the one before stays in use", "endpoint", f.endpoint, "error", err)
		select {
		case <-time.After(renewEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// mayRead asks for as little as possible of every range.
func (s *session) mayRead(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, rng := range s.ranges {
		if _, err := etcdserverpb.NewKVClient(s.client.ActiveConnection()).Range(ctx, &etcdserverpb.RangeRequest{
			Key: []byte(rng.start), RangeEnd: []byte(rng.end), Limit: 1, KeysOnly: true, Serializable: true,
		}); err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
	return nil
}
