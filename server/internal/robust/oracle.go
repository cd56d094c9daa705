package robust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const entriesPrefix = "/config-service/v1/entries/"

// Oracle knows every write: it watches etcd itself, from the first revision on, from
// before anything is compacted.
type Oracle struct {
	client *clientv3.Client
	done   chan struct{}
	cancel context.CancelFunc

	mu     sync.Mutex
	writes []Write // in order
	seen   int64   // written by the goroutine of take alone
	failed error
	more   chan struct{} // closed when seen has risen
}

// NewOracle returns an Oracle that follows the store until Close, through the loss of
// any of its endpoints.
func NewOracle(endpoints ...string) (*Oracle, error) {
	client, err := newClient(endpoints...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &Oracle{client: client, done: make(chan struct{}), cancel: cancel, more: make(chan struct{})}
	watch := o.watch(ctx)
	if first := <-watch; !first.Created {
		cancel()
		return nil, errors.Join(fmt.Errorf("watch etcd: %w", first.Err()), client.Close())
	}
	go func() {
		defer close(o.done)
		for ctx.Err() == nil {
			for resp := range watch {
				o.take(resp)
			}
			watch = o.watch(ctx) // its member has lost the others
		}
	}()
	return o, nil
}

// watch begins where the oracle stands. A watch that does not ask for a leader is
// silent for ever on a member that is isolated.
func (o *Oracle) watch(ctx context.Context) clientv3.WatchChan {
	return o.client.Watch(clientv3.WithRequireLeader(ctx), entriesPrefix,
		clientv3.WithPrefix(), clientv3.WithRev(o.seen+1), clientv3.WithCreatedNotify())
}

// Close ends the oracle.
func (o *Oracle) Close() {
	o.cancel()
	<-o.done
	_ = o.client.Close() // it is of no more use
}

func (o *Oracle) take(resp clientv3.WatchResponse) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := resp.Err(); err != nil && !errors.Is(err, rpctypes.ErrNoLeader) {
		o.failed = err
	}
	for _, ev := range resp.Events {
		parts := strings.SplitN(strings.TrimPrefix(string(ev.Kv.Key), entriesPrefix), "/", 3)
		w := Write{Revision: ev.Kv.ModRevision, Env: parts[0], Namespace: parts[1], Key: parts[2], Deleted: ev.Type == mvccpb.Event_DELETE}
		if !w.Deleted {
			w.Value = canonical(ev.Kv.Value)
		}
		o.writes = append(o.writes, w)
		o.seen = w.Revision
	}
	close(o.more)
	o.more = make(chan struct{})
}

// canonical is JSON in one form. Campaigns write usable JSON only.
func canonical(raw []byte) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "unusable: " + err.Error()
	}
	out, err := json.Marshal(v)
	if err != nil {
		return "unusable: " + err.Error()
	}
	return string(out)
}

// Wait returns when the oracle has seen a write at revision or later.
func (o *Oracle) Wait(ctx context.Context, revision int64) error {
	for {
		o.mu.Lock()
		seen, failed, more := o.seen, o.failed, o.more
		o.mu.Unlock()
		if failed != nil {
			return fmt.Errorf("the oracle's watch: %w", failed)
		}
		if seen >= revision {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("the oracle stands at %d, not %d: %w", seen, revision, ctx.Err())
		}
	}
}

// Truth works out what a scope was, from all writes so far.
func (o *Oracle) Truth(namespace, environment string) *Truth {
	o.mu.Lock()
	defer o.mu.Unlock()
	return TruthOf(o.writes, namespace, environment)
}
