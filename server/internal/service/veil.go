package service

import (
	"context"
	"fmt"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// veil masks what the schema of a namespace marks as sensitive, for callers without the
// right to see it. One call owns it. The nil veil masks nothing.
type veil struct {
	by   *schema.Schema
	sees map[string]bool // by environment
}

// veilOver returns the veil over what the holder of a grant is told of environments as they
// were at a revision: by the schema of that moment, for both may be gone since.
func (a *Admin) veilOver(ctx context.Context, revision int64, environments ...string) (*veil, error) {
	g := policy.GrantOf(ctx)
	v := &veil{sees: map[string]bool{}}
	all := true
	for _, environment := range environments {
		v.sees[environment] = a.seesSensitive(g, environment)
		all = all && v.sees[environment]
	}
	if all || g.Namespace() == snapshot.SharedNamespace {
		return nil, nil // no need to ask for the schema; what everybody reads is not sensitive
	}
	s, ok, err := a.history.SchemaOf(ctx, g, revision)
	if err != nil || !ok {
		return nil, err
	}
	if v.by, err = schema.Compile(s.Schema); err != nil {
		return nil, fmt.Errorf("the schema of %s %w", g.Namespace(), err)
	}
	return v, nil
}

// seesSensitive says whether the holder of a grant sees what is sensitive: by the policy, or
// because it is the service's own.
func (a *Admin) seesSensitive(g policy.Grant, environment string) bool {
	return seesSensitive(a.decide, g, environment)
}

// over masks the content of a key, if the caller may not see it in all of the environments.
func (v *veil) over(c *adminv1.Content, key string, environments ...string) *adminv1.Content {
	if v == nil || c == nil || !v.by.Sensitive(key) {
		return c
	}
	for _, environment := range environments {
		if !v.sees[environment] {
			return &adminv1.Content{Masked: true}
		}
	}
	return c
}
