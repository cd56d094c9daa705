package service

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

const defaultCheckpointInterval = 15 * time.Second

// watch is one stream. It is a loop over views: it sends what differs between the
// one it sent last and the present one. It keeps no queue, so a reader that is slow
// to take a message gets the latest state with the next.
type watch struct {
	*Service
	stream    grpc.ServerStreamingServer[configv1.WatchResponse]
	selection snapshot.Selection
	interval  time.Duration

	view     replica.View // what the client has, by content
	sent     replica.State
	idleFrom time.Time
}

// Watch streams the selection. See the contract for its guarantees.
func (s *Service) Watch(req *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
	s.metrics.OpenWatches.Inc()
	defer s.metrics.OpenWatches.Dec()
	w := &watch{
		Service:   s,
		stream:    stream,
		selection: snapshot.NewSelection(req.GetPrefix(), req.GetKeys()),
		interval:  defaultCheckpointInterval,
	}
	if d := req.GetCheckpointInterval(); d != nil {
		w.interval = d.AsDuration()
	}
	ctx := stream.Context()
	if err := w.begin(ctx, req.GetResume()); err != nil {
		return err
	}
	timer := time.NewTimer(w.untilNextLook())
	defer timer.Stop()
	for {
		select {
		case <-w.view.Superseded:
		case <-timer.C:
		case <-s.stopping:
			return fault.New(configv1.ErrorReason_NOT_READY, "this server is stopping; come back with the resume point")
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := w.step(ctx); err != nil {
			return err
		}
		timer.Reset(w.untilNextLook())
	}
}

// begin sends the first message.
func (w *watch) begin(ctx context.Context, resume *configv1.ResumePoint) error {
	view, err := w.current(ctx)
	if err != nil {
		return err
	}
	if resume.GetEpoch() == view.State.Epoch && resume.GetRevision() > view.State.Revision {
		// The client has seen more than this copy: an answer now would go backwards.
		if err := w.wait(ctx, resume.GetEpoch(), resume.GetRevision()); err != nil {
			return err
		}
		if view, err = w.current(ctx); err != nil {
			return err
		}
	}
	w.view = view
	if resume.GetEpoch() == view.State.Epoch && view.ChangedRevision(w.selection) <= resume.GetRevision() {
		return w.send(checkpoint())
	}
	return w.sendSnapshot()
}

// step sends what the client does not have yet, or a checkpoint when one is due.
func (w *watch) step(ctx context.Context) error {
	before, seen := w.view.Effective, w.view.Changes
	view, err := w.current(ctx)
	if err != nil {
		return err
	}
	w.view = view
	if view.State.Epoch != w.sent.Epoch {
		return w.sendSnapshot()
	}
	step := snapshot.Diff(before, view.Effective, w.selection)
	switch {
	case !step.Empty():
		if n := view.Changes - seen; n > 1 {
			w.metrics.CoalescedChanges.Add(float64(n - 1))
		}
		return w.sendDelta(step)
	case view.State.Fresh != w.sent.Fresh, view.State.Live != w.sent.Live, w.now().Sub(w.idleFrom) >= w.interval:
		return w.send(checkpoint())
	}
	return nil
}

// untilNextLook is how long nothing can be due unless the view is superseded.
func (w *watch) untilNextLook() time.Duration {
	now := w.now()
	next := w.idleFrom.Add(w.interval).Sub(now)
	if w.view.State.Fresh {
		// One nanosecond later the copy is stale.
		next = min(next, w.view.State.FreshUntil().Sub(now)+1)
	}
	return max(next, 0)
}

func (w *watch) sendSnapshot() error {
	entries, invalid, err := wireAll(w.view.Select(w.selection))
	if err != nil {
		return err
	}
	return w.send(&configv1.WatchResponse{Event: &configv1.WatchResponse_Snapshot{
		Snapshot: &configv1.Snapshot{Entries: entries, InvalidKeys: invalid},
	}})
}

// sendDelta sends a step. Whoever watches everything from the same state on gets the
// same message, made once.
func (w *watch) sendDelta(step snapshot.Step) error {
	if !w.selection.All() {
		return w.sendUnlessTooLarge(delta(step, w.sent.Revision))
	}
	type key struct {
		from  int64
		fresh bool
	}
	m := w.view.Share(key{w.sent.Revision, w.view.State.Fresh}, func() any {
		m := delta(step, w.sent.Revision)
		if m == nil {
			return (*shared)(nil)
		}
		m.State = wireState(w.view.State)
		return share(m)
	}).(*shared)
	if m == nil {
		return w.sendSnapshot()
	}
	return w.sendMessage(m)
}

func (w *watch) sendUnlessTooLarge(m *configv1.WatchResponse) error {
	if m == nil {
		return w.sendSnapshot()
	}
	return w.send(m)
}

// delta makes the message of a step; nil when it is too large, which a step can be
// where its result is not.
func delta(step snapshot.Step, from int64) *configv1.WatchResponse {
	changed := step.Entries
	if len(step.Invalid) > 0 {
		changed = slices.Concat(step.Entries, step.Invalid)
	}
	entries, invalid, err := wireAll(changed, step.Deleted...)
	if err != nil {
		return nil
	}
	return &configv1.WatchResponse{Event: &configv1.WatchResponse_Delta{
		Delta: &configv1.Delta{Entries: entries, DeletedKeys: step.Deleted, FromRevision: from, InvalidKeys: invalid},
	}}
}

func checkpoint() *configv1.WatchResponse {
	return &configv1.WatchResponse{Event: &configv1.WatchResponse_Checkpoint{Checkpoint: &configv1.Checkpoint{}}}
}

func (w *watch) send(m *configv1.WatchResponse) error {
	m.State = wireState(w.view.State)
	return w.sendMessage(m)
}

func (w *watch) sendMessage(m proto.Message) error {
	if err := w.stream.SendMsg(m); err != nil {
		if gone := w.stream.Context().Err(); gone != nil {
			return gone // the in-process connection says io.EOF for it
		}
		return err
	}
	w.sent, w.idleFrom = w.view.State, w.now()
	return nil
}
