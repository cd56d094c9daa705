package service

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	defaultScopes = 100
	// headsPerMessage is how many heads a message of WatchHeads has at most.
	headsPerMessage = 1000
	// headsInterval is how long a stream is silent at most.
	headsInterval = 15 * time.Second
)

// ListNamespaces answers a page of the scopes that the caller may read.
func (a *Admin) ListNamespaces(ctx context.Context, req *adminv1.ListNamespacesRequest) (*adminv1.ListNamespacesResponse, error) {
	list := place("scopes", req.GetNamespace(), req.GetEnvironment())
	after, err := list.from(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	view, err := a.confirmed(ctx)
	if err != nil {
		return nil, err
	}
	last := scopeOf(after)
	resp := &adminv1.ListNamespacesResponse{}
	limit := orDefault(req.GetPageSize(), defaultScopes)
	for h := range view.From(last) {
		if h.Scope == last {
			continue
		}
		if n := len(resp.Scopes); n == limit {
			resp.NextPageToken = list.token(resp.Scopes[n-1].GetNamespace() + "/" + resp.Scopes[n-1].GetEnvironment())
			break
		}
		resp.Scopes = append(resp.Scopes, wireHead(h))
	}
	return resp, nil
}

func scopeOf(text string) snapshot.ScopeID {
	namespace, environment, _ := strings.Cut(text, "/")
	return snapshot.ScopeID{Namespace: namespace, Environment: environment}
}

// confirmed returns all scopes that the caller may read. It asks the store how far it is
// and waits until the copy is as far, so that nothing that was answered before is missed; and
// that nothing is told of a history that is no more, when the store was restored.
func (a *Admin) confirmed(ctx context.Context) (replica.HeadsView, error) {
	held, _ := a.reads.replica.Content()
	at, err := a.history.Position(ctx)
	if err != nil {
		return replica.HeadsView{}, historyFault(ctx, err)
	}
	if held.Epoch != "" && !at.Follows(held) {
		err = a.reads.wait(ctx, held.Epoch, math.MaxInt64) // until there is another epoch
	}
	if err == nil {
		err = a.reads.wait(ctx, "", at.Revision)
	}
	if err != nil {
		if ctx.Err() != nil {
			return replica.HeadsView{}, err
		}
		return replica.HeadsView{}, behind(err)
	}
	view, err := a.reads.replica.Heads(policy.GrantOf(ctx))
	if errors.Is(err, replica.ErrNotLoaded) { // what is loaded came from disk
		err = behind(err)
	}
	return view, err
}

func behind(cause error) error {
	return storeFault("this server does not follow the store at the moment", cause)
}

// WatchHeads streams where scopes stand. See the contract.
func (a *Admin) WatchHeads(_ *adminv1.WatchHeadsRequest, stream grpc.ServerStreamingServer[adminv1.WatchHeadsResponse]) error {
	a.reads.metrics.OpenWatches.Inc()
	defer a.reads.metrics.OpenWatches.Dec()
	w := &headsWatch{Admin: a, stream: stream, admitted: policy.GrantOf(stream.Context())}
	w.regrant()
	if err := w.begin(); err != nil {
		return err
	}
	return w.follow(stream.Context())
}

// headsWatch is one stream. Like watch it is a loop over views, and keeps no queue.
type headsWatch struct {
	*Admin
	stream   grpc.ServerStreamingServer[adminv1.WatchHeadsResponse]
	admitted policy.Grant

	// grant is admitted by the policy of one moment, so that what could be read before can
	// be told when the policy is another; regranted is closed then.
	grant     policy.Grant
	denied    error
	regranted <-chan struct{}

	view     replica.HeadsView // what the client has
	idleFrom time.Time
}

func (w *headsWatch) regrant() {
	var now *policy.Policy
	now, w.regranted = w.policy()
	authorize := policy.By(func() *policy.Policy { return now })
	w.grant, w.denied = authorize(w.admitted.Holder(), policy.Inspect, w.admitted.Namespace(), w.admitted.Environment())
}

// current is the present view; one that is stale ends the stream.
func (w *headsWatch) current() (replica.HeadsView, error) {
	if w.denied != nil {
		return replica.HeadsView{}, w.denied
	}
	view, err := w.reads.replica.Heads(w.grant)
	switch {
	case errors.Is(err, replica.ErrNotLoaded):
		return view, behind(err)
	case err == nil && !view.State.Fresh:
		return view, behind(replica.ErrBehind)
	}
	return view, err
}

// begin sends all there is.
func (w *headsWatch) begin() error {
	view, err := w.current()
	if err != nil {
		return err
	}
	return w.tell(view, view.Since(replica.HeadsView{}))
}

// follow sends what comes afterwards.
func (w *headsWatch) follow(ctx context.Context) error {
	timer := time.NewTimer(w.untilNextLook())
	defer timer.Stop()
	for {
		select {
		case <-w.view.Superseded:
		case <-w.regranted:
			w.regrant()
		case <-timer.C:
		case <-w.reads.stopping:
			return fault.New(configv1.ErrorReason_NOT_READY, "this server is stopping; come back")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := w.step(); err != nil {
			return err
		}
		timer.Reset(w.untilNextLook())
	}
}

func (w *headsWatch) step() error {
	view, err := w.current()
	if err != nil {
		return err
	}
	if view.Denied(w.view) {
		return policy.ErrDenied
	}
	step := view.Since(w.view)
	if step.Empty() && w.reads.now().Sub(w.idleFrom) < headsInterval {
		w.view = view
		return nil
	}
	return w.tell(view, step)
}

// untilNextLook is how long nothing can be due unless something moves.
func (w *headsWatch) untilNextLook() time.Duration {
	now := w.reads.now()
	return max(0, min(w.idleFrom.Add(headsInterval).Sub(now), w.view.State.FreshUntil().Sub(now)+1))
}

// tell sends a step that leads to a view.
func (w *headsWatch) tell(view replica.HeadsView, step snapshot.HeadsStep) error {
	m := &adminv1.WatchHeadsResponse{}
	for _, id := range step.Gone {
		m.Deleted = append(m.Deleted, &adminv1.ScopeName{Namespace: id.Namespace, Environment: id.Environment})
	}
	for heads := range slices.Chunk(step.Heads, headsPerMessage) {
		if len(m.Scopes) > 0 {
			if err := w.send(m); err != nil {
				return err
			}
			m = &adminv1.WatchHeadsResponse{}
		}
		for _, h := range heads {
			m.Scopes = append(m.Scopes, wireHead(h))
		}
	}
	m.Listed, m.Revision = true, view.State.Revision
	if err := w.send(m); err != nil {
		return err
	}
	w.view, w.idleFrom = view, w.reads.now()
	return nil
}

func (w *headsWatch) send(m *adminv1.WatchHeadsResponse) error {
	ctx := w.stream.Context()
	if ctx.Err() != nil { // where several things are ready, select takes any
		return context.Cause(ctx)
	}
	if err := w.stream.Send(m); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx) // the in-process connection says io.EOF for it
		}
		return err
	}
	return nil
}

func wireHead(h *snapshot.Head) *adminv1.ScopeHead {
	w := &adminv1.ScopeHead{
		Namespace: h.Scope.Namespace, Environment: h.Scope.Environment, Version: h.Version, Keys: int32(h.Keys),
		Bytes: h.Bytes, Time: wireTime(h.Time), Author: h.Author,
	}
	if h.Version > 0 {
		w.Revision = h.Revision
	}
	return w
}
