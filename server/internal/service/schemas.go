package service

import (
	"context"

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
	s, found, err := a.history.PutSchema(ctx, policy.GrantOf(ctx), v, compiled, req.GetDryRun())
	if err != nil {
		return nil, historyFault(ctx, err)
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
func (a *Admin) DeleteSchema(ctx context.Context, _ *adminv1.DeleteSchemaRequest) (*adminv1.DeleteSchemaResponse, error) {
	s, ok, err := a.history.DeleteSchema(ctx, policy.GrantOf(ctx))
	if err != nil {
		return nil, historyFault(ctx, err)
	}
	resp := &adminv1.DeleteSchemaResponse{}
	if ok {
		resp.Schema, err = wireSchema(s)
	}
	return resp, err
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
