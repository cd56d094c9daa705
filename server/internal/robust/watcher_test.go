package robust_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/config-service/config-service/server/internal/robust"
)

// interruption is a cut connection: when the client may come back, and whether it
// then resumes.
type interruption struct {
	resume bool
	back   chan struct{}
}

// watcher is a client that watches until it has seen the final revision.
type watcher struct {
	open   robust.Open
	record *robust.Record
	final  *atomic.Int64
	cuts   chan interruption
	failed error
	// reached is the revision of the last message, which is last.
	reached atomic.Int64
	last    atomic.Pointer[robust.Message]
	// note takes down what happens, where it is kept; else nil.
	note func(robust.Op)
}

func (w *watcher) run(ctx context.Context) {
	resume := false
	for ctx.Err() == nil {
		cut, err := w.leg(ctx, resume)
		if err != nil || cut == nil {
			w.failed = err
			return
		}
		resume = cut.resume
		<-cut.back
	}
	w.failed = ctx.Err()
}

// leg is one connection. It ends when the final revision was seen, or by a cut, which
// it returns.
func (w *watcher) leg(ctx context.Context, resume bool) (*interruption, error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	var cut *interruption
	go func() {
		defer close(ended)
		select {
		case one := <-w.cuts:
			cut = &one
			cancel()
		case <-ctx.Done():
		}
	}()
	finished, err := w.receive(ctx, resume)
	self := ctx.Err() == nil
	cancel()
	<-ended
	switch {
	case finished:
		return nil, nil
	case self:
		return nil, fmt.Errorf("the stream ended by itself: %w", err)
	case cut == nil:
		return nil, context.DeadlineExceeded
	}
	return cut, nil
}

func (w *watcher) receive(ctx context.Context, resume bool) (finished bool, err error) {
	var from *robust.Point
	if resume {
		from = w.record.Last()
	}
	w.record.Legs = append(w.record.Legs, robust.Leg{Resume: from})
	leg := &w.record.Legs[len(w.record.Legs)-1]
	w.noted(robust.Op{Kind: robust.OpOpen, Selection: &w.record.Selection, Resume: from})
	recv, err := w.open(ctx, w.record.Selection, from)
	for err == nil {
		var m robust.Message
		if m, err = recv(); err == nil {
			w.noted(robust.Op{Kind: robust.OpMessage, Message: &m})
			leg.Messages = append(leg.Messages, m)
			w.reached.Store(m.Revision)
			w.last.Store(&m)
			if m.Revision >= w.final.Load() {
				return true, nil
			}
		}
	}
	return false, err
}

func (w *watcher) noted(op robust.Op) {
	if w.note != nil {
		op.Client = w.record.Client
		w.note(op)
	}
}
