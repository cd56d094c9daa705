package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Schemas are read in two ways. Who serves many services follows all of them on the stream of
// the entries: so a step has the schemas as of its revision, and no value is told by a mark
// that is older than the value. A sidecar, of which there are many, looks at that of its own
// service when it connects and about every minute: it asks for the revision, and for the
// schema only when that is another.

// schemaEvery is between two looks at schemas that are not followed, give or take a sixth.
const schemaEvery = time.Minute

// errSchemas says that the schemas can be followed now.
var errSchemas = errors.New("the store lets the schemas be read now")

func schemasRange() keyRange { return below(schemasPrefix) }

// ownSchema is the range of one key.
func ownSchema(namespace string) keyRange { return keyRange{start: schemaKey(namespace)} }

// reach sees which ranges the credential may read, and says whether these are others than
// what was listed: then nothing may be followed before a listing, be it over a later
// connection, or what is not known would count as not there. That a store of an earlier
// version does not let the schemas be read stops nothing: who needs them is told that they
// are not known.
func (s *session) reach(ctx context.Context) (others bool, err error) {
	if !s.cfg.Schemas {
		return false, nil
	}
	may, err := s.mayReadSchemas(ctx)
	if err != nil {
		return false, err
	}
	s.schemas = may
	s.ranges = s.followable()
	return s.schemas != s.schemasListed, nil
}

// mayReadSchemas asks for as little as possible. Only a refusal says no.
func (s *session) mayReadSchemas(ctx context.Context) (bool, error) {
	rng := schemasRange()
	_, err := s.rangeOf(ctx, &etcdserverpb.RangeRequest{Key: []byte(rng.start), RangeEnd: []byte(rng.end), Limit: 1, KeysOnly: true, Serializable: true})
	switch {
	case err == nil:
		return true, nil
	case codeOf(err) != codes.PermissionDenied:
		return false, err
	}
	if !s.refused {
		s.refused = true
		s.cfg.Log.Warn("etcd does not permit this credential to read the schemas: callers that may not see what is sensitive get NOT_READY from ConfigService; a control server mends it, or 'config-service bootstrap'")
	}
	return false, nil
}

func (s *session) rangeOf(ctx context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := etcdserverpb.NewKVClient(s.client.ActiveConnection()).Range(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("read the schemas: %w", err)
	}
	return resp, nil
}

// document is a stored schema; nil for a key that is none. What cannot be read stands as a
// schema that is none: nobody is told a value by it.
func (s *session) document(kv *mvccpb.KeyValue, deleted bool) (namespace string, d *snapshot.Document) {
	namespace, ok := strings.CutPrefix(string(kv.GetKey()), schemasPrefix)
	if !ok || snapshot.CheckNamespace(namespace) != nil {
		return "", nil
	}
	d = &snapshot.Document{Revision: kv.GetModRevision()}
	if deleted {
		return namespace, d
	}
	record, err := readSchema(kv)
	if err != nil {
		s.cfg.Log.Warn("a stored schema cannot be read; all keys of its service count as sensitive", "namespace", namespace, "revision", d.Revision, "error", err)
		d.Text = "null"
		return namespace, d
	}
	d.Text = record.Schema.JSON()
	return namespace, d
}

// schemaLook is what a look at schemas has found.
type schemaLook struct {
	own   *snapshot.Document // nil: it may not be read
	again bool               // all of them can be followed now
}

// schemasAgain looks at schemas that are not followed. The second channel is closed when its
// goroutine has ended.
func (f *follower) schemasAgain(ctx context.Context) (<-chan schemaLook, <-chan struct{}) {
	out, done := make(chan schemaLook), make(chan struct{})
	wanted := f.cfg.OwnSchema != "" || f.cfg.Schemas && !f.schemas
	// The jitter is drawn once per stream: the generator belongs to this goroutine.
	first := time.Duration(f.cfg.Rand.Int64N(int64(time.Second)))
	every := schemaEvery - schemaEvery/6 + time.Duration(f.cfg.Rand.Int64N(int64(schemaEvery/3)))
	known := f.own[f.cfg.OwnSchema]
	go func() {
		defer close(done)
		for wait := first; wanted; wait = every {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			look, news := f.lookAgain(ctx, known)
			if !news {
				continue
			}
			known = look.own
			select {
			case out <- look:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, done
}

// lookAgain says what there is, and whether it is news. What goes wrong is none: the next
// look is not far, and the watch tells of a store that is away.
func (f *follower) lookAgain(ctx context.Context, known *snapshot.Document) (schemaLook, bool) {
	if f.cfg.OwnSchema == "" {
		may, err := f.mayReadSchemas(ctx)
		return schemaLook{again: true}, err == nil && may
	}
	key := []byte(schemaKey(f.cfg.OwnSchema))
	resp, err := f.rangeOf(ctx, &etcdserverpb.RangeRequest{Key: key, KeysOnly: true, Serializable: true})
	switch {
	case codeOf(err) == codes.PermissionDenied:
		return schemaLook{}, known != nil
	case err != nil:
		return schemaLook{}, false
	case len(resp.GetKvs()) == 0:
		return schemaLook{own: &snapshot.Document{Revision: resp.GetHeader().GetRevision()}}, known == nil || !known.Deleted()
	case known != nil && known.Revision == resp.GetKvs()[0].GetModRevision() && !known.Deleted():
		return schemaLook{}, false
	}
	resp, err = f.rangeOf(ctx, &etcdserverpb.RangeRequest{Key: key, Serializable: true})
	if err != nil || len(resp.GetKvs()) == 0 {
		return schemaLook{}, false
	}
	_, d := f.document(resp.GetKvs()[0], false)
	return schemaLook{own: d}, d != nil
}

// looked takes over what was found.
func (f *follower) looked(l schemaLook) error {
	if l.again {
		return errSchemas
	}
	b := f.batch(nil, time.Time{})
	f.own = nil
	if b.Unknown = l.own == nil; !b.Unknown {
		f.own = snapshot.Schemas{f.cfg.OwnSchema: l.own}
		b.Schemas = f.own
	}
	f.sink.Advance(b)
	return nil
}
