package etcdstore

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Raw writes entries as a person with etcdctl would: past every check. It is for the
// dev server and for tests. It is safe for concurrent use.
type Raw struct {
	client *clientv3.Client
	// Patience is how long a call may take; 5 s when OpenRaw returns it.
	Patience time.Duration
}

// RawWrite is one write of Raw.Commit.
type RawWrite struct {
	Scope  snapshot.ScopeID
	Key    string
	Value  string
	Delete bool
}

// OpenRaw returns a Raw for an endpoint. It does not connect yet.
func OpenRaw(endpoint string) (*Raw, error) { return OpenRawAs(endpoint, Access{}) }

// OpenRawAs is OpenRaw with a credential. With a password it connects.
func OpenRawAs(endpoint string, a Access) (*Raw, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, TLS: a.TLS, Username: a.User, Password: a.Password, DialTimeout: callTimeout, MaxUnaryRetries: 2, Logger: zap.NewNop()})
	if err != nil {
		return nil, fmt.Errorf("open etcd on %s: %w", endpoint, err)
	}
	return &Raw{client, callTimeout}, nil
}

// Close ends the connection.
func (r *Raw) Close() error { return r.client.Close() }

// Commit does the writes in one transaction. It returns the revision, and how many
// keys were deleted.
func (r *Raw) Commit(ctx context.Context, writes ...RawWrite) (revision int64, deleted int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	ops := make([]clientv3.Op, len(writes))
	for i, w := range writes {
		if w.Delete {
			ops[i] = clientv3.OpDelete(EntryKey(w.Scope, w.Key))
		} else {
			ops[i] = clientv3.OpPut(EntryKey(w.Scope, w.Key), w.Value)
		}
	}
	resp, err := r.client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return 0, 0, fmt.Errorf("write: %w", err)
	}
	for _, one := range resp.Responses {
		deleted += one.GetResponseDeleteRange().GetDeleted()
	}
	return resp.Header.GetRevision(), deleted, nil
}

// Compact makes etcd forget its history before a revision, as operators do.
func (r *Raw) Compact(ctx context.Context, revision int64) error {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	if _, err := r.client.Compact(ctx, revision); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return nil
}

// Empty says whether there is no entry at all.
func (r *Raw) Empty(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	resp, err := r.client.Get(ctx, entriesPrefix, clientv3.WithPrefix(), clientv3.WithLimit(1), clientv3.WithKeysOnly())
	if err != nil {
		return false, fmt.Errorf("read: %w", err)
	}
	return len(resp.Kvs) == 0, nil
}

// Revision is the newest of the store.
func (r *Raw) Revision(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	resp, err := r.client.Get(ctx, EntryKey(snapshot.ScopeID{}, ""), clientv3.WithCountOnly())
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	return resp.Header.GetRevision(), nil
}
