package service

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// maxStatusKeys is how many keys of a kind a status names.
const maxStatusKeys = 1000

// GetStatus answers how the server and the configuration of the granted scope are.
func (s *Service) GetStatus(ctx context.Context, _ *configv1.GetStatusRequest) (*configv1.GetStatusResponse, error) {
	out := &configv1.GetStatusResponse{Version: s.version, Role: s.role, Time: timestamppb.New(s.now()), Schema: configv1.GetStatusResponse_UNKNOWN}
	g := policy.GrantOf(ctx)
	v, err := s.replica.View(g)
	switch {
	case errors.Is(err, replica.ErrNotLoaded):
		return out, nil
	case err != nil:
		return nil, err
	}
	if seen, err := s.asSeen(g, v); err == nil { // else nothing is known of the schema, which is said
		v = seen
	}
	out.State = wireState(v)
	for _, e := range v.Select(snapshot.Selection{}) {
		if e.Invalid() && len(out.InvalidKeys) < maxStatusKeys {
			out.InvalidKeys = append(out.InvalidKeys, e.Key)
		}
	}
	out.Schema, out.MissingKeys = Missing(v)
	out.MissingKeys = out.MissingKeys[:min(len(out.MissingKeys), maxStatusKeys)]
	return out, nil
}

// Missing returns what is known of the schema of a view, and the keys that it requires and
// that are not there. It is found out once for a configuration and its schema. Of a view that
// is masked it is judged without what that does not tell: a schema can require one key for
// the value of another.
func Missing(v replica.View) (configv1.GetStatusResponse_SchemaState, []string) {
	switch {
	case !v.SchemasKnown:
		return configv1.GetStatusResponse_UNKNOWN, nil
	case v.Schema.Deleted():
		return configv1.GetStatusResponse_NONE, nil
	}
	type verdict struct {
		state configv1.GetStatusResponse_SchemaState
		keys  []string
	}
	said := v.Judged(func() any {
		by := marksOf(v.Schema).by
		if by == nil {
			return verdict{state: configv1.GetStatusResponse_UNKNOWN}
		}
		told, masked := v.Told()
		keys, err := by.Missing(told)
		if err != nil { // it costs too much: PutSchema takes none like it
			return verdict{state: configv1.GetStatusResponse_UNKNOWN}
		}
		return verdict{configv1.GetStatusResponse_KNOWN, slices.DeleteFunc(keys, func(key string) bool { return touches(masked, key) })}
	}).(verdict)
	return said.state, said.keys
}

// touches says whether one of the entries is at, above or below a key.
func touches(entries []*snapshot.Entry, key string) bool {
	return slices.ContainsFunc(entries, func(e *snapshot.Entry) bool { return below(e.Key, key) || below(key, e.Key) })
}
