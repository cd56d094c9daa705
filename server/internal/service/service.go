// Package service implements ConfigService over the replica. Its handlers are called
// with a checked request and a Grant in the context; see package endpoint.
package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// maxWait bounds how long a call waits for a revision.
const maxWait = 5 * time.Second

// maxAnswer is how many bytes of entries an answer may hold: under the 4 MiB that
// every gRPC client takes by default, with room for the rest of the message.
const maxAnswer = 4<<20 - 64<<10

// Service answers from the replica. It is safe for concurrent use.
type Service struct {
	configv1.UnimplementedConfigServiceServer

	replica  *replica.Replica
	metrics  *telemetry.Metrics
	now      func() time.Time
	stopping <-chan struct{}
	decide   policy.Decider // nil: nothing is masked
	version  string
	role     string
}

// Option changes what a Service does besides.
type Option func(*Service)

// Masking masks what schemas mark as sensitive for callers that may not see it by decide.
// Without it nothing is masked: a sidecar has nothing but its own service's.
func Masking(decide policy.Decider) Option { return func(s *Service) { s.decide = decide } }

// As is what GetStatus says of the server.
func As(version, role string) Option { return func(s *Service) { s.version, s.role = version, role } }

// New returns a Service. When stopping is closed, its streams end and its waits give
// up.
func New(r *replica.Replica, m *telemetry.Metrics, now func() time.Time, stopping <-chan struct{}, options ...Option) *Service {
	s := &Service{replica: r, metrics: m, now: now, stopping: stopping}
	for _, option := range options {
		option(s)
	}
	return s
}

// Get answers one effective entry.
func (s *Service) Get(ctx context.Context, req *configv1.GetRequest) (*configv1.GetResponse, error) {
	v, err := s.view(ctx, req.GetMinRevision())
	if err != nil {
		return nil, err
	}
	e := v.Find(req.GetKey())
	switch {
	case e == nil:
		return nil, notFound(v, req.GetKey())
	case v.Masks(e.Key):
		return nil, maskedFault(ctx, v, e.Key)
	case e.Invalid():
		return nil, unusable(v, e)
	}
	w, err := wire(e)
	if err != nil {
		return nil, err
	}
	return &configv1.GetResponse{Entry: w.entry, State: wireState(v)}, nil
}

// List answers the selected entries.
func (s *Service) List(ctx context.Context, req *configv1.ListRequest) (*configv1.ListResponse, error) {
	v, err := s.view(ctx, req.GetMinRevision())
	if err != nil {
		return nil, err
	}
	sel := snapshot.NewSelection(req.GetPrefix(), req.GetKeys())
	entries, invalid, err := wireAll(v.Select(sel))
	if err != nil {
		return nil, err
	}
	resp := &configv1.ListResponse{
		Entries:         entries,
		InvalidKeys:     invalid,
		State:           wireState(v),
		ChangedRevision: v.ChangedRevision(sel),
	}
	if req.GetIncludeHidden() {
		return withHidden(resp, v, sel)
	}
	return resp, nil
}

// Explain answers what each layer has for a key.
func (s *Service) Explain(ctx context.Context, req *configv1.ExplainRequest) (*configv1.ExplainResponse, error) {
	v, err := s.view(ctx, 0)
	if err != nil {
		return nil, err
	}
	return explain(v, req.GetKey())
}

// view returns the caller's view, at a revision or later.
func (s *Service) view(ctx context.Context, revision int64) (replica.View, error) {
	if revision > 0 {
		if err := s.wait(ctx, "", revision); err != nil {
			return replica.View{}, err
		}
	}
	return s.current(ctx)
}

func (s *Service) current(ctx context.Context) (replica.View, error) {
	g := policy.GrantOf(ctx)
	v, err := s.replica.View(g)
	switch {
	case errors.Is(err, replica.ErrNotLoaded):
		return v, notLoaded()
	case err != nil:
		return v, err
	}
	return s.asSeen(g, v)
}

// asSeen returns the view as the holder of the grant may see it.
func (s *Service) asSeen(g policy.Grant, v replica.View) (replica.View, error) {
	if s.decide == nil || isOwn(g, g.Environment()) {
		return v, nil
	}
	return s.seen(g, v)
}

// wait waits for a revision, or for another epoch when one is given: at most maxWait,
// and not into the stop.
func (s *Service) wait(ctx context.Context, epoch string, revision int64) error {
	bounded, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-bounded.Done():
		}
	}()
	switch err := s.replica.Wait(bounded, epoch, revision); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, replica.ErrNotLoaded):
		return notLoaded()
	default:
		return fault.New(configv1.ErrorReason_NOT_READY, "revision %d is not here yet; this server is at %d", revision, s.replica.Status().Revision)
	}
}

func notLoaded() error {
	return fault.New(configv1.ErrorReason_NOT_READY, "no configuration is loaded yet; the store was not reached since the start")
}

func notFound(v replica.View, key string) error {
	e := fault.New(configv1.ErrorReason_KEY_NOT_FOUND, "key %s does not exist in %s", snapshot.Quote(key), v.State.Scope)
	for _, c := range v.Explain(key) {
		if c.Outcome == snapshot.Hidden {
			e.Message = fmt.Sprintf("key %s of layer %s is hidden in %s by key %s of layer %s; Explain says more",
				snapshot.Quote(key), c.Layer, v.State.Scope, c.HidBy.Key, c.HidBy.Layer)
			break
		}
	}
	if similar := v.Similar(key); len(similar) > 0 {
		e.Message += "; similar keys: " + strings.Join(similar, ", ")
		e.Metadata = map[string]string{"similar_keys": strings.Join(similar, ",")}
	}
	return e
}

func unusable(v replica.View, e *snapshot.Entry) error {
	item := v.Layers()[e.Layer-1].Find(e.Key)
	return fault.New(configv1.ErrorReason_VALUE_INVALID,
		"the stored value of key %s is unusable and there is no earlier good one: it %s (layer %s, revision %d)",
		snapshot.Quote(e.Key), strings.TrimPrefix(item.Problem, "value "), e.Layer, item.ProblemRevision)
}
