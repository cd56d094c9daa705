package service

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
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
	release, err := s.replica.Keep(policy.GrantOf(stream.Context()))
	if err != nil {
		return err
	}
	defer release()
	w := s.newWatch(req, stream)
	if err := w.begin(stream.Context(), req.GetResume()); err != nil {
		return err
	}
	return w.follow(stream.Context())
}

func (s *Service) newWatch(req *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) *watch {
	w := &watch{
		Service:   s,
		stream:    stream,
		selection: snapshot.NewSelection(req.GetPrefix(), req.GetKeys()),
		interval:  defaultCheckpointInterval,
	}
	if d := req.GetCheckpointInterval(); d != nil {
		w.interval = d.AsDuration()
	}
	return w
}

// follow sends what comes after the first message. A stream spends its life in here:
// what this function and its callers keep on the stack, each idle stream costs, and
// above 4 KiB in all the stack is 16 KiB instead of 8.
func (w *watch) follow(ctx context.Context) error {
	timer := time.NewTimer(w.untilNextLook())
	defer timer.Stop()
	for {
		select {
		case <-w.view.Superseded:
		case <-timer.C:
		case <-w.stopping:
			return fault.New(configv1.ErrorReason_NOT_READY, "this server is stopping; come back with the resume point")
		case <-ctx.Done():
			return context.Cause(ctx)
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
		if err := w.wait(ctx, view.State.History, resume.GetRevision()); err != nil {
			return err
		}
		if view, err = w.current(ctx); err != nil {
			return err
		}
	}
	w.view = view
	if resume.GetEpoch() == view.State.Epoch && view.ChangedRevision(w.selection) <= resume.GetRevision() {
		return w.sendCheckpoint()
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
		return w.sendCheckpoint()
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
	return w.send(0, w.snapshot)
}

func (w *watch) snapshot() (*configv1.WatchResponse, error) {
	entries, invalid, err := wireAll(w.view.Select(w.selection))
	return &configv1.WatchResponse{Event: &configv1.WatchResponse_Snapshot{
		Snapshot: &configv1.Snapshot{Entries: entries, InvalidKeys: invalid},
	}}, err
}

// sendDelta sends a step, or a snapshot where the step does not fit one message: it can
// be larger than what it leads to.
func (w *watch) sendDelta(step snapshot.Step) error {
	from := w.sent.Revision
	return w.send(from, func() (*configv1.WatchResponse, error) {
		changed := step.Entries
		if len(step.Invalid) > 0 {
			changed = slices.Concat(step.Entries, step.Invalid)
		}
		entries, invalid, err := wireAll(changed, step.Deleted...)
		if err != nil {
			return w.snapshot()
		}
		return &configv1.WatchResponse{Event: &configv1.WatchResponse_Delta{
			Delta: &configv1.Delta{Entries: entries, DeletedKeys: step.Deleted, FromRevision: from, InvalidKeys: invalid},
		}}, nil
	})
}

func (w *watch) sendCheckpoint() error {
	return w.send(-1, func() (*configv1.WatchResponse, error) {
		return &configv1.WatchResponse{Event: &configv1.WatchResponse_Checkpoint{Checkpoint: &configv1.Checkpoint{}}}, nil
	})
}

// send sends what the present view has to say to a client that has everything up to
// the revision from; 0: nothing, -1: all of it.
func (w *watch) send(from int64, make func() (*configv1.WatchResponse, error)) error {
	m, err := w.message(from, make)
	if err != nil {
		return err
	}
	ctx := w.stream.Context()
	if ctx.Err() != nil { // where several things are ready, select takes any
		return context.Cause(ctx)
	}
	if err := w.stream.SendMsg(m); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx) // the in-process connection says io.EOF for it
		}
		return err
	}
	w.sent, w.idleFrom = w.view.State, w.now()
	return nil
}

// message makes a message. All who watch everything and are at the same point get the
// same one, made and encoded once, as long as no other is asked for in between.
func (w *watch) message(from int64, make func() (*configv1.WatchResponse, error)) (proto.Message, error) {
	if !w.selection.All() {
		m, err := make()
		m.State = wireState(w.view)
		return m, err
	}
	type key struct {
		epoch string // also tells who may see all of it from who may not
		from  int64
		fresh bool
	}
	m := w.view.Share(key{w.view.State.Epoch, from, w.view.State.Fresh}, func() any {
		m, err := make()
		m.State = wireState(w.view)
		return share(m, err)
	}).(*shared)
	return m, m.err
}
