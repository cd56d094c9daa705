package etcdstore

import (
	"context"
	"encoding/json"
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
func (h *History) PutSchema(ctx context.Context, g policy.Grant, v snapshot.Value, compiled *schema.Schema, dryRun bool) (ServiceSchema, []Violation, error) {
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
	if dryRun {
		return out, found, nil
	}
	out.Revision, err = s.writeSchema(ctx, clientv3.OpPut(schemaKey(namespace), string(raw)))
	return out, found, err
}

// writeSchema does one operation, which can be repeated.
func (s *historyStore) writeSchema(ctx context.Context, op clientv3.Op) (revision int64, err error) {
	if err := s.step("schema"); err != nil {
		return 0, err
	}
	err = s.again(ctx, func(ctx context.Context) error {
		resp, err := s.client.Txn(ctx).Then(op).Commit()
		if err == nil {
			revision = resp.Header.GetRevision()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("write the schema: %w: %w", ErrUnknown, err)
	}
	return revision, nil
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
	return s.schemaOf(ctx, id.Namespace)
}

// SchemaOf returns the schema of the namespace of a grant, whatever that permits there, for
// deciding what of an answer its holder may see; false: there is none.
func (h *History) SchemaOf(ctx context.Context, g policy.Grant) (out ServiceSchema, ok bool, err error) {
	if g.Action() == 0 || g.Namespace() == "" {
		return out, false, policy.ErrDenied
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return out, false, err
	}
	defer release()
	return s.schemaOf(ctx, g.Namespace())
}

func (s *historyStore) schemaOf(ctx context.Context, namespace string) (out ServiceSchema, ok bool, err error) {
	resp, err := s.get(ctx, schemaKey(namespace))
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
func (h *History) DeleteSchema(ctx context.Context, g policy.Grant) (out ServiceSchema, ok bool, err error) {
	namespace, err := everywhere(g, policy.Write)
	if err != nil {
		return out, false, err
	}
	ctx, s, release, err := h.begin(ctx)
	if err != nil {
		return out, false, err
	}
	defer release()
	if out, ok, err = s.schemaOf(ctx, namespace); err != nil || !ok {
		return out, false, err
	}
	_, err = s.writeSchema(ctx, clientv3.OpDelete(schemaKey(namespace)))
	return out, err == nil, err
}
