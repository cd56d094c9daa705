package robust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const entriesPrefix = "/config-service/v1/entries/"

// Oracle knows every write: it watches etcd itself, from the first revision on, from
// before anything is compacted.
type Oracle struct {
	client *clientv3.Client
	done   chan struct{}
	cancel context.CancelFunc

	mu     sync.Mutex
	writes []write // in order
	seen   int64
	failed error
	more   chan struct{} // closed when seen has risen
}

// write is one write to one key.
type write struct {
	revision  int64
	namespace string
	env       string
	key       string
	value     string // canonical JSON
	deleted   bool
}

// NewOracle returns an Oracle that follows the endpoint until Close.
func NewOracle(endpoint string) (*Oracle, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &Oracle{client: client, done: make(chan struct{}), cancel: cancel, more: make(chan struct{})}
	watch := client.Watch(ctx, entriesPrefix, clientv3.WithPrefix(), clientv3.WithRev(1), clientv3.WithCreatedNotify())
	if first := <-watch; !first.Created {
		cancel()
		return nil, errors.Join(fmt.Errorf("watch etcd: %w", first.Err()), client.Close())
	}
	go func() {
		defer close(o.done)
		for resp := range watch {
			o.take(resp)
		}
	}()
	return o, nil
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
	if err := resp.Err(); err != nil {
		o.failed = err
	}
	for _, ev := range resp.Events {
		parts := strings.SplitN(strings.TrimPrefix(string(ev.Kv.Key), entriesPrefix), "/", 3)
		w := write{revision: ev.Kv.ModRevision, env: parts[0], namespace: parts[1], key: parts[2], deleted: ev.Type == mvccpb.Event_DELETE}
		if !w.deleted {
			w.value = canonical(ev.Kv.Value)
		}
		o.writes = append(o.writes, w)
		o.seen = w.revision
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

// Truth is the effective configuration of one scope at every revision.
type Truth struct {
	revisions []int64
	states    []map[string]Entry // Entry.Revision is that of the winning write
}

// At returns the state at a revision.
func (t *Truth) At(revision int64) map[string]Entry {
	i := sort.Search(len(t.revisions), func(i int) bool { return t.revisions[i] > revision })
	if i == 0 {
		return nil
	}
	return t.states[i-1]
}

// Truth works out what a scope was, from all writes so far.
func (o *Oracle) Truth(namespace, environment string) *Truth {
	o.mu.Lock()
	defer o.mu.Unlock()
	layers := []string{namespace + "/" + environment, namespace + "/_all", "_shared/" + environment, "_shared/_all"}
	content := make([]map[string]Entry, len(layers))
	for i := range content {
		content[i] = map[string]Entry{}
	}
	t := &Truth{}
	for i, w := range o.writes {
		layer := slices.Index(layers, w.namespace+"/"+w.env)
		if layer >= 0 {
			if w.deleted {
				delete(content[layer], w.key)
			} else {
				content[layer][w.key] = Entry{w.value, w.revision, int32(layer + 1)}
			}
		}
		if i+1 < len(o.writes) && o.writes[i+1].revision == w.revision {
			continue // within one transaction
		}
		t.revisions = append(t.revisions, w.revision)
		t.states = append(t.states, effective(content))
	}
	return t
}

// effective merges the layers, strongest first, by the words of the contract.
func effective(layers []map[string]Entry) map[string]Entry {
	out := map[string]Entry{}
	for _, layer := range layers {
		fits := map[string]Entry{}
		for key, e := range layer {
			if !conflicts(out, key) && !anyBelow(layer, key) {
				fits[key] = e
			}
		}
		maps.Copy(out, fits)
	}
	return out
}

func conflicts(keys map[string]Entry, key string) bool {
	for k := range keys {
		if k == key || strings.HasPrefix(k, key+".") || strings.HasPrefix(key, k+".") {
			return true
		}
	}
	return false
}

func anyBelow(keys map[string]Entry, key string) bool {
	for k := range keys {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}
