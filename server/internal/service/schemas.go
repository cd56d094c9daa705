package service

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// How many violations an answer names.
const (
	maxViolations        = 1000
	maxRefusedViolations = 100 // of an error
	// maxRefusedBytes is how many bytes they are: an error travels in a header, and clients
	// other than Go's take 8 KiB of these.
	maxRefusedBytes = 3 << 10
)

// PutSchema gives the granted namespace a schema.
func (a *Admin) PutSchema(ctx context.Context, req *adminv1.PutSchemaRequest) (*adminv1.PutSchemaResponse, error) {
	v, err := valueOf(req.GetSchema())
	if err != nil {
		return nil, fault.Field("schema", err)
	}
	compiled, err := schema.Compile(v)
	if err != nil {
		return nil, fault.Field("schema", err)
	}
	terms := a.schemaTerms(ctx, req.ExpectedRevision)
	terms.DryRun = req.GetDryRun()
	s, found, err := a.history.PutSchema(ctx, policy.GrantOf(ctx), v, compiled, terms)
	if err != nil {
		return nil, schemaRefusal(ctx, err)
	}
	resp := &adminv1.PutSchemaResponse{}
	if resp.Schema, err = wireSchema(s); err != nil {
		return nil, err
	}
	for _, v := range found[:min(len(found), maxViolations)] {
		resp.Violations = append(resp.Violations, &adminv1.Violation{
			Namespace: v.Scope.Namespace, Environment: v.Scope.Environment, Key: v.Name(), Rule: v.Rule, Location: v.Place(),
		})
	}
	return resp, nil
}

// GetSchema answers the schema of the granted namespace.
func (a *Admin) GetSchema(ctx context.Context, req *adminv1.GetSchemaRequest) (*adminv1.GetSchemaResponse, error) {
	environment := req.GetEnvironment()
	if environment == "" {
		environment = snapshot.AllEnvironments
	}
	s, ok, err := a.history.Schema(ctx, policy.GrantOf(ctx), environment)
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	resp := &adminv1.GetSchemaResponse{}
	if ok {
		resp.Schema, err = wireSchema(s)
	}
	return resp, err
}

// DeleteSchema removes the schema of the granted namespace.
func (a *Admin) DeleteSchema(ctx context.Context, req *adminv1.DeleteSchemaRequest) (*adminv1.DeleteSchemaResponse, error) {
	s, ok, err := a.history.DeleteSchema(ctx, policy.GrantOf(ctx), a.schemaTerms(ctx, req.ExpectedRevision))
	if err != nil {
		return nil, schemaRefusal(ctx, err)
	}
	resp := &adminv1.DeleteSchemaResponse{}
	if ok {
		resp.Schema, err = wireSchema(s)
	}
	return resp, err
}

// schemaTerms are those of a caller: who may see what is sensitive in every environment may
// also take the marks away.
func (a *Admin) schemaTerms(ctx context.Context, expected *int64) etcdstore.SchemaTerms {
	return etcdstore.SchemaTerms{Expected: expected, Unmask: a.seesSensitive(policy.GrantOf(ctx), snapshot.AllEnvironments)}
}

func schemaRefusal(ctx context.Context, err error) error {
	var conflict *etcdstore.SchemaConflictError
	switch {
	case errors.Is(err, etcdstore.ErrMarked):
		return fault.New(configv1.ErrorReason_PERMISSION_DENIED,
			"the present schema of %s marks keys as sensitive, and whoever replaces or deletes it could see them; nothing was done; the right for this is read-sensitive in _all of %[1]s, which a rule of the policy file gives",
			policy.GrantOf(ctx).Namespace())
	case errors.As(err, &conflict):
		return schemaConflictFault(conflict)
	}
	return historyFault(ctx, err)
}

func schemaConflictFault(c *etcdstore.SchemaConflictError) error {
	f := fault.New(configv1.ErrorReason_VERSION_CONFLICT, "%v; nothing was done", c)
	f.Metadata = map[string]string{
		"namespace":         c.Namespace,
		"expected_revision": strconv.FormatInt(c.Expected, 10),
		"current_revision":  strconv.FormatInt(c.Current.Revision, 10),
	}
	if c.Current.Author != "" {
		f.Metadata["author"] = c.Current.Author
		f.Metadata["time"] = c.Current.Time.UTC().Format(time.RFC3339)
	}
	return f
}

func wireSchema(s etcdstore.ServiceSchema) (*adminv1.Schema, error) {
	v, err := wireValue(s.Schema)
	if err != nil {
		return nil, err
	}
	return &adminv1.Schema{Namespace: s.Namespace, Schema: v, Author: s.Author, Time: wireTime(s.Time), Revision: s.Revision}, nil
}

func schemaFault(e *etcdstore.SchemaError) error {
	f := fault.New(configv1.ErrorReason_SCHEMA_VIOLATION, "%v; nothing was done", e)
	bytes := 0
	for _, v := range e.Violations[:min(len(e.Violations), maxRefusedViolations)] {
		one := &errdetails.PreconditionFailure_Violation{Type: v.Rule, Subject: v.Scope.String() + "/" + v.Name(), Description: v.String()}
		if bytes += framed(proto.Size(one)); bytes > maxRefusedBytes {
			break
		}
		f.Preconditions = append(f.Preconditions, one)
	}
	return f
}
