package etcdstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// schemas/<namespace> is what the effective configuration of a service has to be.
func schemaKey(namespace string) string { return schemasPrefix + namespace }

// ServiceSchema is the schema of a service.
type ServiceSchema struct {
	Namespace string
	Schema    snapshot.Value
	Author    string
	Time      time.Time
	Revision  int64 // 0: of a dry run
}

// Violation is a rule that an effective configuration does not keep. It holds no value.
type Violation struct {
	Scope snapshot.ScopeID
	schema.Violation
}

// SchemaError says what a commit would violate that is kept now. Nothing was done.
type SchemaError struct{ Violations []Violation }

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%d rules of schemas would be violated that are kept now; the first: %s", len(e.Violations), e.Violations[0])
}

func (v Violation) String() string {
	key := "the configuration"
	if v.Key != "" {
		key = "key " + snapshot.Quote(v.Key)
	}
	return fmt.Sprintf("%s of %s violates %s (%s)", key, v.Scope, v.Rule, v.Place())
}

// maxShown is how much of a name within a value or a schema is shown: these can be as long
// as the value.
const maxShown = 512

// Name is the key, or the place below a key, within bounds.
func (v Violation) Name() string { return shown(v.Key) }

// Place is where in the schema the rule stands, within bounds.
func (v Violation) Place() string { return shown(v.Where) }

func shown(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "..."
	}
	return s
}

// SchemaConflictError says that the schema is another than the expected one. Nothing was done.
type SchemaConflictError struct {
	Namespace string
	Expected  int64
	Current   ServiceSchema // of revision 0: there is none
}

func (e *SchemaConflictError) Error() string {
	if e.Current.Revision == 0 {
		return fmt.Sprintf("revision %d of the schema of %s was expected, but there is no schema", e.Expected, e.Namespace)
	}
	by := fmt.Sprintf("there is revision %d, by %s at %s", e.Current.Revision, e.Current.Author, e.Current.Time.UTC().Format(time.RFC3339))
	if e.Expected == 0 {
		return fmt.Sprintf("no schema of %s was expected, but %s", e.Namespace, by)
	}
	return fmt.Sprintf("revision %d of the schema of %s was expected, but %s", e.Expected, e.Namespace, by)
}

// ErrMarked says that the present schema marks keys as sensitive, or cannot be read, and that
// its holder may not take that away.
var ErrMarked = errors.New("the present schema marks keys as sensitive")

// SchemaTerms are on what terms a schema is replaced or deleted.
type SchemaTerms struct {
	Expected *int64 // the revision of the present schema, 0: none; nil: whatever there is
	Unmask   bool   // whoever asks may see what is sensitive, and so take marks away
	DryRun   bool
}

// schemaRecord is a schema as it lies in the store.
type schemaRecord struct {
	Schema json.RawMessage `json:"schema"`
	Author string          `json:"author"`
	Time   time.Time       `json:"time"`
}

func readSchema(kv *mvccpb.KeyValue) (ServiceSchema, error) {
	namespace := strings.TrimPrefix(string(kv.Key), schemasPrefix)
	var r schemaRecord
	if err := decodeStored(kv.Value, &r); err != nil {
		return ServiceSchema{}, fmt.Errorf("the schema of %s: %w", namespace, err)
	}
	v, err := snapshot.CanonicalValue(string(r.Schema))
	if err != nil {
		return ServiceSchema{}, fmt.Errorf("the schema of %s: %w", namespace, err)
	}
	return ServiceSchema{Namespace: namespace, Schema: v, Author: r.Author, Time: r.Time, Revision: kv.ModRevision}, nil
}

// everywhere returns the namespace of a grant that holds in all its environments.
func everywhere(g policy.Grant, action policy.Action) (string, error) {
	if g.Action() != action || g.Namespace() == "" {
		return "", policy.ErrDenied
	}
	if _, err := g.In(g.Namespace(), snapshot.AllEnvironments); err != nil {
		return "", err
	}
	return g.Namespace(), nil
}

// PutSchema gives the granted namespace a schema, and returns what its present
// configuration violates. The schema was compiled before.
func (h *History) PutSchema(ctx context.Context, g policy.Grant, v snapshot.Value, compiled *schema.Schema, t SchemaTerms) (ServiceSchema, []Violation, error) {
	namespace, err := everywhere(g, policy.Write)
	if err != nil {
		return ServiceSchema{}, nil, err
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return ServiceSchema{}, nil, err
	}
	defer release()
	out := ServiceSchema{Namespace: namespace, Schema: v, Author: g.Holder().Name(), Time: s.cfg.Now().UTC()}
	if _, err := s.present(ctx, namespace, t); err != nil {
		return out, nil, err
	}
	raw, err := encodeStored(&schemaRecord{Schema: json.RawMessage(v.JSON()), Author: out.Author, Time: out.Time})
	if err != nil {
		return out, nil, err
	}
	// Before it is written: once it is, no failure may say that nothing was done.
	j := s.newJudge(ctx, 0, &plan{}, reserve)
	environments, err := j.environments(ctx, entriesPrefix)
	if err != nil {
		return out, nil, err
	}
	var found []Violation
	for _, environment := range environments {
		one, err := j.violations(ctx, snapshot.ScopeID{Namespace: namespace, Environment: environment}, compiled, false)
		if err != nil {
			return out, nil, err
		}
		found = append(found, one...)
	}
	if t.DryRun {
		return out, found, nil
	}
	_, out.Revision, err = s.replaceSchema(ctx, namespace, string(raw), t)
	return out, found, err
}

// standing is a schema that is replaced or deleted.
type standing struct {
	ServiceSchema
	revision int64 // 0: there is none
}

// present returns the schema that there is, if the terms permit that it goes.
func (s *historyStore) present(ctx context.Context, namespace string, t SchemaTerms) (standing, error) {
	resp, err := s.get(ctx, schemaKey(namespace))
	if err != nil {
		return standing{}, fmt.Errorf("read the schema of %s: %w", namespace, err)
	}
	var is standing
	marks := false
	for _, kv := range resp.Kvs {
		is.revision = kv.ModRevision
		_, by, err := compiled(kv)
		marks = err != nil || by.Marks() // one that cannot be read may mark anything
		if is.ServiceSchema, err = readSchema(kv); err != nil {
			is.ServiceSchema = ServiceSchema{Namespace: namespace, Schema: unreadableSchema(), Revision: kv.ModRevision}
		}
	}
	switch {
	case marks && !t.Unmask:
		return is, ErrMarked
	case t.Expected != nil && *t.Expected != is.revision:
		return is, &SchemaConflictError{Namespace: namespace, Expected: *t.Expected, Current: is.ServiceSchema}
	}
	return is, nil
}

// unreadableSchema stands for one that was written past this service and is none.
func unreadableSchema() snapshot.Value {
	v, _ := snapshot.CanonicalValue("null") // is JSON
	return v
}

// replaceSchema writes a schema, or with an empty one deletes it, while the one that there is
// may go by the terms: if it is another meanwhile, that one is looked at. It returns which one
// went.
func (s *historyStore) replaceSchema(ctx context.Context, namespace, raw string, t SchemaTerms) (was standing, revision int64, err error) {
	key := schemaKey(namespace)
	op := clientv3.OpPut(key, raw)
	if raw == "" {
		op = clientv3.OpDelete(key)
	}
	for {
		if was, err = s.present(ctx, namespace, t); err != nil || was.revision == 0 && raw == "" {
			return was, 0, err
		}
		if err := s.step("schema"); err != nil {
			return was, 0, err
		}
		done := false
		err = s.again(ctx, func(ctx context.Context) error {
			resp, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", was.revision)).Then(op).Else(clientv3.OpGet(key)).Commit()
			if err != nil {
				return err
			}
			revision, done = resp.Header.GetRevision(), resp.Succeeded
			if !done { // it may have been done by the try before, of which no answer came
				kvs := resp.Responses[0].GetResponseRange().GetKvs()
				switch {
				case raw == "":
					done = len(kvs) == 0
				case len(kvs) > 0 && string(kvs[0].Value) == raw:
					revision, done = kvs[0].ModRevision, true
				}
			}
			return nil
		})
		if err != nil {
			return was, 0, fmt.Errorf("write the schema: %w: %w", ErrUnknown, err)
		}
		if done {
			return was, revision, nil
		}
	}
}

// Schema returns the schema of a namespace, in an environment of which the grant holds;
// false: there is none.
func (h *History) Schema(ctx context.Context, g policy.Grant, environment string) (out ServiceSchema, ok bool, err error) {
	g, err = g.In(g.Namespace(), environment)
	if err != nil {
		return out, false, err
	}
	id, err := readable(g)
	if err != nil {
		return out, false, err
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return out, false, err
	}
	defer release()
	return s.schemaOf(ctx, id.Namespace, 0)
}

// SchemaOf returns the schema of the namespace of a grant as it was at a revision, whatever
// that permits there, for deciding what of an answer its holder may see: the revision is that
// of what is answered. False: there was none.
func (h *History) SchemaOf(ctx context.Context, g policy.Grant, revision int64) (out ServiceSchema, ok bool, err error) {
	if g.Action() == 0 || g.Namespace() == "" {
		return out, false, policy.ErrDenied
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return out, false, err
	}
	defer release()
	return s.schemaOf(ctx, g.Namespace(), revision)
}

func (s *historyStore) schemaOf(ctx context.Context, namespace string, revision int64) (out ServiceSchema, ok bool, err error) {
	resp, err := s.get(ctx, schemaKey(namespace), clientv3.WithRev(revision))
	if err != nil {
		return out, false, fmt.Errorf("read the schema of %s: %w", namespace, err)
	}
	for _, kv := range resp.Kvs {
		out, err = readSchema(kv)
		return out, err == nil, err
	}
	return out, false, nil
}

// DeleteSchema removes the schema of the granted namespace, and returns it; false: there
// was none.
func (h *History) DeleteSchema(ctx context.Context, g policy.Grant, t SchemaTerms) (out ServiceSchema, ok bool, err error) {
	namespace, err := everywhere(g, policy.Write)
	if err != nil {
		return out, false, err
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return out, false, err
	}
	defer release()
	was, _, err := s.replaceSchema(ctx, namespace, "", t)
	return was.ServiceSchema, err == nil && was.revision > 0, err
}
