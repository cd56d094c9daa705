package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// maxOps is how many operations etcd takes in a transaction, and in all levels of one
// together: an inner transaction may have what the outer one leaves of it.
const maxOps = 128

// keyframeBudget is how large a commit may be together with the keyframes that it writes
// along: somewhat below what etcd takes, 1.5 MiB. A keyframe that has no room waits for the
// next time.
const keyframeBudget = 1400 << 10

// opTime is what an operation may take longer: to send a large transaction again does not
// help a store that is busy with it.
const opTime = time.Millisecond

// writing is one transaction under way: what has to hold, and what it does.
type writing struct {
	guards []clientv3.Cmp
	ops    []clientv3.Op
	// keyframes may be left out.
	keyframes []clientv3.Op
	// proof is the record that only this transaction writes; commit is what is in it.
	proof  string
	commit string
}

// guard lets the transaction hold only if a scope is as it was read. The head sees every
// other commit and the deletion of the service; the range sees every put past this
// service, whose revision is newer.
func (t *writing) guard(r *scopeReading, revision int64) {
	rng := scopeRange(r.id)
	t.guards = append(t.guards,
		clientv3.Compare(clientv3.ModRevision(headKey(r.id)), "=", r.revision),
		clientv3.Compare(clientv3.ModRevision(rng.start).WithRange(rng.end), "<", revision+1))
}

// guardSchemas lets the transaction hold only if no schema is newer than what was read,
// nor, of a service that has one, a layer beside its own.
func (t *writing) guardSchemas(w *wish, r *reading) {
	ranges := []keyRange{w.schemas()}
	if len(r.schemas) > 0 && w.namespace != snapshot.SharedNamespace {
		for _, id := range w.scopes {
			for _, layer := range weaker(id) {
				if rng := scopeRange(layer); !slices.Contains(w.scopes, layer) && !slices.Contains(ranges, rng) {
					ranges = append(ranges, rng)
				}
			}
		}
	}
	for _, rng := range ranges {
		t.guards = append(t.guards, clientv3.Compare(clientv3.ModRevision(rng.start).WithRange(rng.end), "<", r.revision+1))
	}
}

func (t *writing) put(key string, v any) error {
	raw, err := encodeStored(v)
	if err != nil {
		return err
	}
	t.ops = append(t.ops, clientv3.OpPut(key, string(raw)))
	return nil
}

// addKeyframes adds those that there is room for beside all the rest.
func (t *writing) addKeyframes() {
	bytes := func(op clientv3.Op) int { return len(op.KeyBytes()) + len(op.ValueBytes()) }
	size := 0
	for _, op := range t.ops {
		size += bytes(op)
	}
	for _, op := range t.keyframes {
		if size+bytes(op) <= keyframeBudget {
			size += bytes(op)
			t.ops = append(t.ops, op)
		}
	}
}

// version adds the record and the head of a new version.
func (t *writing) version(id snapshot.ScopeID, r *versionRecord, keys int, bytes int64) error {
	t.proof, t.commit = recordKey(id, r.Version), r.Commit
	if err := t.put(t.proof, r); err != nil {
		return err
	}
	return t.put(headKey(id), &headRecord{
		Version: r.Version, Keys: keys, Bytes: bytes, Kind: r.Kind, Author: r.Author, Time: r.Time, Commit: r.Commit,
	})
}

// nested packs operations into inner transactions: two levels carry 4,096 of them, three
// some 77,000. least is how many the outer level counts anyway, for its guards.
func nested(ops []clientv3.Op, budget, least int) []clientv3.Op {
	if len(ops) <= budget {
		return ops
	}
	flat := func(budget int) int { return budget }
	halved := func(budget int) int { return (budget / 2) * (budget - budget/2) }
	for _, capacity := range []func(int) int{flat, halved} {
		for outer := max(least, 2); outer < budget-1; outer++ {
			if outer*capacity(budget-outer) >= len(ops) {
				return split(ops, outer, budget-outer)
			}
		}
	}
	return ops // etcd says that these are too many
}

func split(ops []clientv3.Op, outer, budget int) []clientv3.Op {
	each := (len(ops) + outer - 1) / outer
	var out []clientv3.Op
	for len(ops) > 0 {
		n := min(each, len(ops))
		out = append(out, clientv3.OpTxn(nil, nested(ops[:n], budget, 1), nil))
		ops = ops[n:]
	}
	return out
}

// write does what is planned. It says whether another attempt is due, because somebody
// else was first.
func (s *historyStore) write(ctx context.Context, w *wish, r *reading, p *plan) (out Outcome, again bool, err error) {
	t := &writing{}
	now := s.cfg.Now().UTC()
	for _, scope := range p.scopes {
		t.guard(scope.read, r.revision)
		if len(scope.changes) == 0 {
			continue
		}
		record := w.record(scope, now)
		if err := s.addScope(ctx, t, scope, record, r.revision); err != nil {
			return out, false, err
		}
		out.Versions = append(out.Versions, record.info(scope.read.id))
	}
	t.guardSchemas(w, r)
	if w.RequestID != "" {
		lease, err := s.lease.get(ctx, s)
		if err != nil {
			return Outcome{}, false, err
		}
		key := w.place(r)
		raw, err := encodeStored(&answer{Sum: w.sum, Versions: out.Versions})
		if err != nil {
			return Outcome{}, false, err
		}
		t.guards = append(t.guards, clientv3.Compare(clientv3.ModRevision(key), "=", 0))
		t.ops = append(t.ops, clientv3.OpPut(key, string(raw), clientv3.WithLease(lease)))
	}
	t.addKeyframes()
	if err := s.step("commit"); err != nil {
		return Outcome{}, false, err
	}
	revision, done, err := s.run(ctx, t)
	if err != nil || !done {
		return Outcome{}, err == nil, err
	}
	for i := range out.Versions {
		out.Versions[i].Revision = revision
	}
	out.Revision = revision
	return out, false, nil
}

// addScope adds what changes in a scope, and every now and then a keyframe.
func (s *historyStore) addScope(ctx context.Context, t *writing, p *scopePlan, r *versionRecord, revision int64) error {
	for _, c := range p.changes {
		if c.new == nil {
			t.ops = append(t.ops, clientv3.OpDelete(EntryKey(p.read.id, c.key)))
		} else {
			t.ops = append(t.ops, clientv3.OpPut(EntryKey(p.read.id, c.key), c.new.text))
		}
	}
	if err := t.version(p.read.id, r, p.keys, p.bytes); err != nil {
		return err
	}
	if r.Version%keyframeEvery != 0 {
		return nil
	}
	state, err := s.stateAt(ctx, p.read.id, p.read.head.Version, revision)
	if errors.Is(err, ErrBroken) {
		return nil // found and mended when something is written past this service
	}
	if err != nil {
		return err
	}
	state.apply(r)
	raw, err := encodeStored(state.keyframe(r.Version))
	t.keyframes = append(t.keyframes, clientv3.OpPut(keyframeKey(p.read.id, r.Version), string(raw)))
	return err
}

// run does a transaction. When no answer comes it is sent again, which is safe: once it
// was done, or somebody else was first, its guards do not hold any more. done says that it
// was done, at a revision.
func (s *historyStore) run(ctx context.Context, t *writing) (revision int64, done bool, err error) {
	ops := nested(t.ops, maxOps, len(t.guards))
	patience := attemptTimeout + time.Duration(len(t.ops))*opTime
	unknown := false
	for try := 0; ; try++ {
		attempt, cancel := context.WithTimeout(ctx, patience)
		resp, err := s.client.Txn(attempt).If(t.guards...).Then(ops...).Else(clientv3.OpGet(t.proof)).Commit()
		cancel()
		switch {
		case err == nil && resp.Succeeded:
			return resp.Header.GetRevision(), true, nil
		case err == nil && unknown:
			return t.proven(resp)
		case err == nil:
			return 0, false, nil
		case errors.Is(err, rpctypes.ErrLeaseNotFound):
			s.lease.drop()
			if !unknown {
				return 0, false, nil
			}
		case !unanswered(err) && !unknown:
			return 0, false, refusedBy(err)
		case !unanswered(err):
		default:
			unknown = true
		}
		if !s.pauses(ctx, try) {
			return 0, false, fmt.Errorf("write to the store: %w: %w", ErrUnknown, err)
		}
	}
}

// proven says what became of a transaction whose guards do not hold now: it was done, or
// never will be.
func (t *writing) proven(resp *clientv3.TxnResponse) (revision int64, done bool, err error) {
	for _, kv := range resp.Responses[0].GetResponseRange().GetKvs() {
		var r versionRecord
		if err := decodeStored(kv.Value, &r); err != nil {
			return 0, false, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		if r.Commit == t.commit {
			return kv.ModRevision, true, nil
		}
	}
	return 0, false, nil
}

// refusedBy words what etcd did not take.
func refusedBy(err error) error {
	if errors.Is(err, rpctypes.ErrRequestTooLarge) || codeOf(err) == codes.ResourceExhausted && !errors.Is(err, rpctypes.ErrTooManyRequests) && !errors.Is(err, rpctypes.ErrNoSpace) {
		return &LimitError{What: "the commit, with the full names of its keys and its history, is larger than the store takes at once (1.5 MiB unless etcd's --max-request-bytes says otherwise); accepted: fewer changes at once"}
	}
	return fmt.Errorf("write to the store: %w", err)
}
