package etcdstore

import (
	"context"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// The audit is the last line of defence: from time to time the keys and revisions of
// the whole copy are compared with the store's, at the same revision. It finds what
// should not exist: a lost event, or a history that was swapped unnoticed.

// untilAudit is between half and one and a half times the setting.
func (s *Source) untilAudit() time.Duration {
	return s.cfg.AuditEvery/2 + time.Duration(s.cfg.Rand.Int64N(int64(s.cfg.AuditEvery)))
}

// auditAgain audits when it is due. A difference is noted, sent, and ends it. The second
// channel is closed when its goroutine has ended; until then the note is its own.
func (f *follower) auditAgain(ctx context.Context) (<-chan error, <-chan struct{}) {
	now := f.cfg.Now()
	if !f.nextAudit.After(now) { // done in the session before, or due while there was none
		f.nextAudit = now.Add(f.untilAudit())
	}
	first, every := f.nextAudit.Sub(now), f.untilAudit()
	out, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		for wait := first; ; wait = every {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			content, _ := f.sink.Content()
			different, err := f.audit(ctx, content)
			if err != nil { // history was compacted meanwhile, or the session is about to end
				f.cfg.Log.Debug("the copy could not be compared with the store", "revision", content.Revision, "error", err)
			}
			if different == 0 {
				continue
			}
			f.cfg.Log.Error("the copy differs from the store at the same revision", "revision", content.Revision, "keys", different)
			f.differs = true // whatever becomes of this connection
			select {
			case out <- errDiffers:
			case <-ctx.Done():
			}
			return
		}
	}()
	return out, done
}

// audit counts the keys that differ from the store's at the content's revision.
func (s *session) audit(ctx context.Context, content snapshot.Content) (different int, err error) {
	held, seen := 0, 0
	for _, scope := range content.Scopes {
		held += len(scope.Items())
	}
	for _, d := range content.Schemas {
		if s.schemas && !d.Deleted() {
			held++
		}
	}
	if s.cfg.Heads {
		for _, h := range content.Heads.From(snapshot.ScopeID{}) {
			if h.Revision > 0 {
				held++
			}
		}
	}
	for _, rng := range s.ranges {
		err := s.eachKey(ctx, rng, content.Revision, func(kv *mvccpb.KeyValue) {
			if namespace, ok := strings.CutPrefix(string(kv.GetKey()), schemasPrefix); ok {
				if snapshot.CheckNamespace(namespace) != nil {
					return
				}
				if d := content.Schemas[namespace]; d.Deleted() || d.Revision != kv.GetModRevision() {
					different++
				}
				seen++
				return
			}
			if id, ok := parseHeadKey(string(kv.GetKey())); ok {
				if h := content.Heads.Find(id); h == nil || h.Revision != kv.GetModRevision() {
					different++
				}
				seen++
				return
			}
			id, key, ok := parseEntryKey(string(kv.GetKey()))
			if !ok || !isScope(id) || snapshot.CheckKey(key) != nil {
				return
			}
			if it := content.Scopes[id].Find(key); it == nil || it.ModRevision() != kv.GetModRevision() {
				different++
			}
			seen++
		}, clientv3.WithKeysOnly())
		if err != nil {
			return 0, err
		}
	}
	return max(different, held-seen), nil
}
