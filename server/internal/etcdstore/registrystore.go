package etcdstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// registryStore is what a Registry does over one connection.
type registryStore struct {
	*Registry
	client *clientv3.Client
}

// updateTries is how often a record is changed anew because somebody else changed it in
// between: with so many at once something is wrong.
const updateTries = 20

var (
	errContended = errors.New("others keep changing the record of the service")
	errEnded     = errors.New("the service was revoked or deleted meanwhile")
)

// ask does one call to etcd, and once more when it is not known what became of the
// first: all that is asked for here can be repeated.
func (s *registryStore) ask(ctx context.Context, what string, call func(context.Context) error) error {
	err := s.once(ctx, call)
	if err != nil && unclear(err) && ctx.Err() == nil {
		err = s.once(ctx, call)
	}
	switch {
	case err == nil:
		return nil
	case unclear(err):
		return fmt.Errorf("%s: it is not known whether that was done: %w", what, err)
	case codeOf(err) == codes.PermissionDenied:
		return fmt.Errorf("%s: the etcd user of this process needs etcd's role root: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (s *registryStore) once(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

// unclear says that etcd may have done what it did not answer.
func unclear(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	switch codeOf(err) {
	case codes.DeadlineExceeded, codes.Canceled, codes.Unavailable:
		return true
	}
	return false
}

// update changes the record of a service, whoever else does so at the same time. change
// may be called several times, and finds what an earlier call of it has done.
func (s *registryStore) update(ctx context.Context, id snapshot.ScopeID, change func(*record) error) (*record, error) {
	for range updateTries {
		rec, err := s.load(ctx, id)
		if err != nil {
			return nil, err
		}
		before, err := json.Marshal(rec)
		if err != nil {
			return nil, fmt.Errorf("write the record of %s: %w", id, err)
		}
		if err := change(rec); err != nil {
			return nil, err
		}
		after, err := json.Marshal(rec)
		if err != nil {
			return nil, fmt.Errorf("write the record of %s: %w", id, err)
		}
		if bytes.Equal(before, after) {
			return rec, nil
		}
		s.step("record")
		written, err := s.replace(ctx, id, rec, after)
		if err != nil {
			return nil, err
		}
		if written {
			return rec, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", id, errContended)
}

// replace writes the record unless somebody else did since it was loaded.
func (s *registryStore) replace(ctx context.Context, id snapshot.ScopeID, rec *record, content []byte) (written bool, err error) {
	key := serviceKey(id)
	var resp *clientv3.TxnResponse
	err = s.ask(ctx, "write the record of "+id.String(), func(ctx context.Context) (err error) {
		resp, err = s.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(key), "=", rec.revision)).
			Then(clientv3.OpPut(key, string(content))).Commit()
		return err
	})
	if err != nil {
		return false, err
	}
	if resp.Succeeded {
		rec.revision = resp.Header.GetRevision()
	}
	return resp.Succeeded, nil
}

func (s *registryStore) load(ctx context.Context, id snapshot.ScopeID) (*record, error) {
	resp, err := s.get(ctx, serviceKey(id))
	if err != nil {
		return nil, err
	}
	if len(resp.Kvs) == 0 {
		return &record{}, nil
	}
	return parseRecord(id, resp.Kvs[0])
}

func parseRecord(id snapshot.ScopeID, kv *mvccpb.KeyValue) (*record, error) {
	rec := &record{}
	if err := json.Unmarshal(kv.Value, rec); err != nil {
		return nil, fmt.Errorf("the record of %s is malformed: %w", id, err)
	}
	rec.revision = kv.ModRevision
	return rec, nil
}

// get reads; it can fail, but nothing is unclear then.
func (s *registryStore) get(ctx context.Context, key string, opts ...clientv3.OpOption) (resp *clientv3.GetResponse, err error) {
	err = s.once(ctx, func(ctx context.Context) (err error) {
		resp, err = s.client.Get(ctx, key, opts...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read from etcd: %w", err)
	}
	return resp, nil
}

// eachRecord does something with every record. One that is malformed is said and left
// out: it must not keep the others from being seen.
func (s *registryStore) eachRecord(ctx context.Context, do func(snapshot.ScopeID, *record) error) error {
	rng := below(servicesPrefix)
	for start, revision := rng.start, int64(0); ; {
		page, err := s.get(ctx, start, clientv3.WithRange(rng.end), clientv3.WithLimit(listPage), clientv3.WithRev(revision))
		if err != nil {
			return err
		}
		revision = page.Header.GetRevision()
		for _, kv := range page.Kvs {
			environment, namespace, ok := strings.Cut(strings.TrimPrefix(string(kv.Key), servicesPrefix), "/")
			id := snapshot.ScopeID{Namespace: namespace, Environment: environment}
			rec, err := parseRecord(id, kv)
			if !ok || err != nil {
				if skipped, say := s.warned.Pass(); say {
					s.cfg.Log.Warn("a record of a service cannot be used and is left out", "key", snapshot.Quote(string(kv.Key)), "error", err, "more_since_last", skipped)
				}
				continue
			}
			if err := do(id, rec); err != nil {
				return err
			}
		}
		if !page.More {
			return nil
		}
		start = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}
