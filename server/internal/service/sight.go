package service

import (
	"context"
	"sync"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// isOwn says whether a grant is to what is its holder's own in an environment.
func isOwn(g policy.Grant, environment string) bool {
	id := g.Holder()
	return id != nil && id.User == "" && id.Namespace == g.Namespace() && (id.Environment == environment || environment == snapshot.AllEnvironments)
}

// seesSensitive says whether the holder of a grant sees what is sensitive: by the policy, or
// because it is the service's own.
func seesSensitive(decide policy.Decider, g policy.Grant, environment string) bool {
	if isOwn(g, environment) {
		return true
	}
	if g.Holder() == nil {
		return false
	}
	_, ok := decide(g.Holder(), policy.ReadSensitive, g.Namespace(), environment)
	return ok
}

// seen returns the view as the holder of a grant may see it. It is asked for at every
// message of a stream: what its holder may, and what the schema marks, can change meanwhile.
// A view and its schema are of one revision, so that a value is never older than the mark
// that was there when it was written.
func (s *Service) seen(g policy.Grant, v replica.View) (replica.View, error) {
	switch {
	case v.SchemasKnown && v.Schema.Deleted(), seesSensitive(s.decide, g, g.Environment()):
		return v, nil
	case !v.SchemasKnown:
		return replica.View{}, fault.New(configv1.ErrorReason_NOT_READY,
			"which keys are sensitive is not known yet, and this caller has no right to see those (read-sensitive)")
	}
	if m := marksOf(v.Schema); m.any() {
		return v.Masked(m.sensitive), nil
	}
	return v, nil
}

func maskedFault(ctx context.Context, v replica.View, key string) error {
	who := "the caller"
	if id := policy.GrantOf(ctx).Holder(); id != nil {
		who = id.Name()
	}
	return fault.New(configv1.ErrorReason_PERMISSION_DENIED,
		"key %s of %s is marked as sensitive by the schema of %s, and %s may not see it; the right for this is read-sensitive in %s, which a rule of the policy file gives",
		snapshot.Quote(key), v.State.Scope, v.State.Scope.Namespace, who, v.State.Scope)
}

// maxMarks bounds how many keys a schema's marks are remembered of.
const maxMarks = 20_000

// marks are what a stored schema marks. It is safe for concurrent use.
type marks struct {
	by *schema.Schema // nil: it is unreadable, and everything counts as marked

	mu    sync.Mutex // guards known
	known map[string]bool
}

// marksOf reads a stored schema, once.
func marksOf(d *snapshot.Document) *marks {
	return d.Form(func(d *snapshot.Document) any {
		m := &marks{known: map[string]bool{}}
		if v, err := snapshot.CanonicalValue(d.Text); err == nil {
			m.by, _ = schema.Compile(v) // PutSchema takes none that fails; who writes past it seals the namespace
		}
		return m
	}).(*marks)
}

func (m *marks) any() bool { return m.by == nil || m.by.Marks() }

func (m *marks) sensitive(key string) bool {
	if m.by == nil {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	is, ok := m.known[key]
	if !ok {
		if len(m.known) == maxMarks {
			clear(m.known)
		}
		is = m.by.Sensitive(key)
		m.known[key] = is
	}
	return is
}
