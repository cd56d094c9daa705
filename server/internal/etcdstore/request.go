package etcdstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// digest stands for what was asked for, and by whom.
func (w *wish) digest() string {
	sum := sha256.New()
	enc := json.NewEncoder(sum) // its texts are quoted: nothing runs into what follows
	_ = enc.Encode([]any{w.namespace, w.by, w.kind, w.to, w.Message, w.PlanHash, w.Expected})
	for _, id := range w.scopes {
		edits := slices.SortedFunc(slices.Values(w.edits[id.Environment]), func(a, b Edit) int { return strings.Compare(a.Key, b.Key) })
		for _, e := range edits {
			_ = enc.Encode([]any{id.Environment, e.Key, e.Delete, e.stored.text})
		}
	}
	if len(w.Accepted) > 0 { // without any it is as releases before have it
		_ = enc.Encode(slices.Sorted(slices.Values(w.Accepted)))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// answer is what is kept of a commit for who asks again. It holds no value.
type answer struct {
	Sum      string    `json:"sum"` // of what was asked for
	Versions []Version `json:"versions"`
}

// requests are where the answer to a call with the same request id lies: the place of the
// id, and beside it the caller's own, for which see place.
func (w *wish) requests() []string {
	if w.RequestID == "" || w.DryRun {
		return nil
	}
	return []string{requestKey(w.namespace, w.RequestID), callerKey(w.namespace, w.RequestID, w.by)}
}

// repeated is the outcome of an earlier call of the same caller with the same request id.
func (w *wish) repeated(r *reading) (out Outcome, ok bool, err error) {
	for _, kv := range r.requests {
		var a answer
		if err := decodeStored(kv.Value, &a); err != nil {
			return out, false, fmt.Errorf("the answer to request %s: %w", snapshot.Quote(w.RequestID), err)
		}
		if a.by() != w.by {
			continue
		}
		if a.Sum != w.sum {
			return out, false, ErrReused
		}
		for i := range a.Versions {
			a.Versions[i].Revision = kv.ModRevision
		}
		return Outcome{Versions: a.Versions, Revision: kv.ModRevision}, true, nil
	}
	return out, false, nil
}

// by is who asked. Every answer has a version.
func (a *answer) by() string {
	for _, v := range a.Versions {
		return v.Author
	}
	return ""
}

// place is where the answer is kept: the place of the id, where releases before look too,
// or, when another caller's answer lies there, a place of the caller's own.
func (w *wish) place(r *reading) string {
	places := w.requests()
	for _, kv := range r.requests {
		if string(kv.Key) == places[0] {
			return places[1]
		}
	}
	return places[0]
}

// How long an answer is kept: a day at least. A lease is used by many requests.
const (
	leaseFor     = 25 * time.Hour
	leaseUsedFor = time.Hour
	leaseUses    = 2000
)

// requestLease is the lease of the answers that are kept. It is safe for concurrent use.
type requestLease struct {
	mu    sync.Mutex // guards all; it is not held while the store is asked
	id    clientv3.LeaseID
	since time.Time
	uses  int
}

// get returns a lease that lasts for a day or longer.
func (l *requestLease) get(ctx context.Context, s *historyStore) (clientv3.LeaseID, error) {
	if id := l.usable(s.cfg.Now()); id != 0 {
		return id, nil
	}
	var resp *clientv3.LeaseGrantResponse
	if err := s.again(ctx, func(ctx context.Context) (err error) {
		resp, err = s.client.Grant(ctx, int64(leaseFor/time.Second))
		return err
	}); err != nil {
		return 0, fmt.Errorf("get a lease of the store: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id, l.since, l.uses = resp.ID, s.cfg.Now(), 1
	return l.id, nil
}

func (l *requestLease) usable(now time.Time) clientv3.LeaseID {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.id == 0 || l.uses >= leaseUses || now.Sub(l.since) >= leaseUsedFor || now.Before(l.since) {
		return 0
	}
	l.uses++
	return l.id
}

// drop forgets a lease that the store does not know: it was restored from a backup.
func (l *requestLease) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id = 0
}
