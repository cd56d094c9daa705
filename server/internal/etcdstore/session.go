package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// session is what a Source does over one connection.
type session struct {
	*Source
	*opening
	endpoint string
	client   *clientv3.Client
	close    func()
	next     *session // takes over, with errRenewed
}

// use follows the store and closes the connection. It returns why it could not go on,
// or the session that takes over.
func (s *session) use(ctx context.Context) (*session, error) {
	defer s.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := s.run(ctx)
	if errors.Is(err, errRenewed) {
		return s.next, nil
	}
	return nil, err
}

// proof is a linearizable read: nothing newer than revision existed when it was sent.
type proof struct {
	sent     time.Time
	revision int64
	cluster  uint64
	term     uint64
	member   uint64
	ahead    *ahead // nil: the member did not tell
}

// ahead bounds how far the raft index is ahead of the revision. A write raises both by
// one, and whatever else the members agree on the index alone: so it never goes back
// within a history. A restore from a backup keeps the revision, or raises it, and begins
// the index anew.
type ahead struct{ least, most int64 }

// run brings the sink up to date and follows the store. It returns why it could not
// go on.
func (s *session) run(ctx context.Context) error {
	relist := ""
	for {
		s.floor = s.revision
		p, err := s.prove(ctx)
		if err != nil {
			return err
		}
		s.look(ctx, &p)
		others, err := s.reach(ctx)
		switch {
		case err != nil:
			return err
		case s.epoch != "" && s.breaks(p):
			relist = "epoch"
		case !s.listed:
			relist = "first"
		case s.differs:
			relist = "differs"
		case others:
			relist = "schemas"
		}
		if relist != "" {
			err = s.list(ctx, p, relist)
		}
		if err == nil {
			s.worked = s.opening
			s.connected(s.endpoint)
			err = s.follow(ctx, p)
		}
		switch {
		case errors.Is(err, errCompacted):
			relist = "compacted"
			if err := s.spread(ctx); err != nil {
				return err
			}
		case errors.Is(err, errDiffers): // which is noted
		case errors.Is(err, errSchemas):
			relist = "schemas"
		case errors.Is(err, errSilent) && relist != "silent":
			// A backlog too long to catch up with before the next proof, or a member
			// that hangs. A listing is bounded; when it does not help, go elsewhere.
			relist = "silent"
		default:
			return err
		}
	}
}

// spread waits for a moment, each sidecar for its own: when the store was away and has
// forgotten what happened meanwhile, all of a fleet have to list anew. What they had
// before is served until then; who has nothing does not wait.
func (s *session) spread(ctx context.Context) error {
	if !s.listed {
		return nil
	}
	select {
	case <-time.After(time.Duration(s.cfg.Rand.Int64N(int64(relistApart)))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prove reads nothing, through the quorum. It does not use the client's Get, which
// tries again: this one says at once that something is wrong.
func (s *session) prove(ctx context.Context) (proof, error) {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	sent := s.cfg.Now()
	first := s.ranges[0]
	resp, err := etcdserverpb.NewKVClient(s.client.ActiveConnection()).Range(ctx, &etcdserverpb.RangeRequest{
		Key: []byte(first.start), RangeEnd: []byte(first.end), Limit: 1, KeysOnly: true,
	})
	if err != nil {
		return proof{}, fmt.Errorf("read: %w", err)
	}
	h := resp.GetHeader()
	return proof{sent: sent, revision: h.GetRevision(), cluster: h.GetClusterId(), term: h.GetRaftTerm(), member: h.GetMemberId()}, nil
}

// breaks says whether the proof comes from another history than what was published.
// A quorum's revision and term never go back within one, nor does how far the index is
// ahead of the revision. What was published may be ahead of the proof: more can arrive
// while the proof is under way. The index tells what the others cannot: a restore from
// a backup that keeps the cluster's id, and raises or has overtaken the revision.
func (s *session) breaks(p proof) bool {
	return p.cluster != s.cluster || p.revision < s.floor || p.term < s.term || (p.ahead != nil && p.ahead.most < s.ahead)
}

// learn takes note of what a proof of the same history says.
func (s *session) learn(p proof) {
	s.term = p.term
	if p.ahead != nil {
		s.ahead = max(s.ahead, p.ahead.least)
	}
}

// index is that of raft at the published revision, at least; 0 when that is not known.
func (s *session) index() uint64 {
	if s.ahead == unknown {
		return 0
	}
	return uint64(max(0, s.revision+s.ahead))
}

// list reads all ranges at the revision of the proof and replaces the content.
func (s *session) list(ctx context.Context, p proof, reason string) error {
	listing := snapshot.Listing{
		Cluster: p.cluster, Term: p.term,
		Revision: p.revision,
		Verified: p.sent,
		Scopes:   map[snapshot.ScopeID][]snapshot.Change{},
	}
	for _, id := range s.cfg.Scopes {
		listing.Scopes[id] = nil
	}
	if reason == "epoch" {
		s.own = nil // of a store that is gone: its revisions say nothing of this one's
	}
	listing.Schemas = s.own
	if s.schemas {
		listing.Schemas = snapshot.Schemas{}
	}
	if s.cfg.Heads {
		listing.Heads = map[snapshot.ScopeID]*snapshot.Head{}
	}
	for _, rng := range s.ranges {
		if err := s.listRange(ctx, rng, listing); err != nil {
			return err
		}
	}
	if s.epoch == "" || reason == "epoch" || reason == "differs" { // what was said in that epoch was not true
		s.epoch, s.ahead = s.newEpoch(p.cluster), unknown
	}
	s.revision, s.cluster = p.revision, p.cluster
	s.learn(p)
	s.listed, s.schemasListed, s.differs = true, s.schemas, false
	listing.Epoch, listing.Index = s.epoch, s.index()
	s.cfg.Metrics.StoreRelists.WithLabelValues(reason).Inc()
	if now := s.cfg.Now(); reason != "first" && now.Sub(s.lastRelist) >= logEvery {
		s.lastRelist = now
		s.cfg.Log.Warn("read the whole configuration from the store anew", "reason", reason, "epoch", s.epoch, "revision", s.revision)
	}
	s.sink.Replace(listing)
	return nil
}

func (s *session) listRange(ctx context.Context, rng keyRange, into snapshot.Listing) error {
	return s.eachKey(ctx, rng, into.Revision, func(kv *mvccpb.KeyValue) {
		if namespace, d := s.document(kv, false); d != nil {
			into.Schemas[namespace] = d
		} else if id, ok := parseHeadKey(string(kv.GetKey())); ok {
			into.Heads[id] = s.readHead(id, kv)
		} else if id, change, ok := s.read(kv, false); ok {
			into.Scopes[id] = append(into.Scopes[id], change)
		}
	})
}

// eachKey does something with every key of a range at a revision, page by page.
func (s *session) eachKey(ctx context.Context, rng keyRange, revision int64, do func(*mvccpb.KeyValue), opts ...clientv3.OpOption) error {
	for start := rng.start; ; {
		page, err := s.page(ctx, start, rng.end, revision, opts...)
		if err != nil {
			return err
		}
		for _, kv := range page.Kvs {
			do(kv)
		}
		if !page.More {
			return nil
		}
		start = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}

func (s *session) page(ctx context.Context, start, end string, revision int64, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := s.client.Get(ctx, start, append(opts, clientv3.WithRange(end), clientv3.WithRev(revision), clientv3.WithLimit(listPage))...)
	if errors.Is(err, rpctypes.ErrCompacted) {
		return nil, errCompacted
	}
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return resp, nil
}

// read turns a stored key into a change. It returns false for what lies outside the
// scopes or has a name that nobody can ask for.
func (s *session) read(kv *mvccpb.KeyValue, deleted bool) (snapshot.ScopeID, snapshot.Change, bool) {
	id, key, ok := parseEntryKey(string(kv.GetKey()))
	if !ok || !isScope(id) {
		return id, snapshot.Change{}, false
	}
	c := snapshot.Change{Key: key, Revision: kv.GetModRevision(), Created: kv.GetCreateRevision(), Deleted: deleted}
	if err := snapshot.CheckKey(key); err != nil {
		if !deleted {
			s.reject(id, c, "stored key has a name that nobody can ask for", "key "+err.Error())
		}
		return id, snapshot.Change{}, false
	}
	if deleted {
		return id, c, true
	}
	value, err := snapshot.ParseValue(kv.GetValue())
	if err != nil {
		c.Problem = "value " + err.Error()
		s.reject(id, c, "stored value is unusable; the last good one stays, where there is one", c.Problem)
	}
	c.Value = value
	return id, c, true
}

// maxWarned bounds the memory of what was logged already.
const maxWarned = 10_000

// reject counts an unusable write and logs it once.
func (s *session) reject(id snapshot.ScopeID, c snapshot.Change, what, problem string) {
	at := EntryKey(id, snapshot.Quote(c.Key)) // which bounds it
	if s.warned[at] == c.Revision {
		return
	}
	if len(s.warned) >= maxWarned {
		clear(s.warned)
	}
	s.warned[at] = c.Revision
	s.cfg.Metrics.RejectedValues.Inc()
	s.cfg.Log.Warn(what,
		"namespace", id.Namespace, "environment", id.Environment, "key", snapshot.Quote(c.Key),
		"revision", c.Revision, "problem", problem)
}
