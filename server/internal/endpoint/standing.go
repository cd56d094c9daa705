package endpoint

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
)

// lookEvery is how often it is asked whether a stream may have to end. It is asked, and
// not waited for, because evidence ends by a wall clock too.
const lookEvery = 500 * time.Millisecond

// Standing are the open streams that are looked at again when who their callers are, or
// what these may do, can have changed. It is safe for concurrent use; the nil Standing
// has none, and costs a stream nothing.
type Standing struct {
	// changed are what returns a channel that is closed when something changes.
	changed []func() <-chan struct{}
	changes []<-chan struct{} // of what was looked at last; owned by who follows
	now     func() time.Time

	mu      sync.Mutex // guards the rest
	streams map[*standing]struct{}
	looks   int // how often all were looked at
}

// standing is one stream. It never changes but for expires, which Follow owns once the
// stream is among the others.
type standing struct {
	evidence               context.Context // of its call
	action                 policy.Action
	namespace, environment string
	holder                 *identity.Identity
	expires                time.Time // zero: not by itself
	end                    context.CancelCauseFunc
}

// NewStanding returns a Standing without streams.
func NewStanding(now func() time.Time, changed ...func() <-chan struct{}) *Standing {
	s := &Standing{changed: changed, now: now, streams: map[*standing]struct{}{}}
	s.changes = s.next()
	return s
}

// begun is how often all were looked at.
func (s *Standing) begun() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// stand has a stream that was admitted looked at from now on, and returns its context,
// which ends with the reason. looks is what begun was before it was admitted: when there
// was a look since, the stream is not in what that saw, and is looked at here.
func (c *Chain) stand(admitted, evidence context.Context, k *call, looks int) (context.Context, *standing) {
	grant := policy.GrantOf(admitted)
	ctx, end := context.WithCancelCause(admitted)
	st := &standing{
		evidence: evidence, action: k.action, namespace: grant.Namespace(), environment: grant.Environment(),
		holder: k.who, expires: k.who.Expires, end: end,
	}
	s := c.Standing
	s.mu.Lock()
	missed := s.looks != looks
	s.streams[st] = struct{}{}
	s.mu.Unlock()
	if missed {
		if _, err := c.still(st); err != nil {
			end(err)
		}
	}
	return ctx, st
}

// remove is called when a stream has ended.
func (s *Standing) remove(st *standing) {
	if st == nil {
		return
	}
	st.end(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
}

// still says why a stream would not be admitted any more: UNAUTHENTICATED or
// PERMISSION_DENIED. Any other trouble of finding that out ends no stream.
func (c *Chain) still(st *standing) (*identity.Identity, error) {
	id, err := c.identify(st.evidence)
	if err == nil && runOut(id.Expires, c.Standing.now()) {
		err = unauthenticated(errRunOut)
	}
	if err == nil {
		_, err = c.authorize(id, st.action, st.namespace, st.environment)
	}
	if err == nil && (st.namespace == "" || st.environment == "") && id.Name() != st.holder.Name() {
		err = unauthenticated(errAnother) // its handler asks the policy about whom it was admitted as
	}
	switch status.Code(err) {
	case codes.Unauthenticated, codes.PermissionDenied:
		return nil, err
	}
	return id, nil
}

var (
	errRunOut  = errors.New("the evidence has run out")
	errAnother = errors.New("the evidence stands for somebody else now")
)

func runOut(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

// Follow ends streams that would not be admitted any more, until ctx ends. Of all the
// copies of a chain, one follows.
func (c Chain) Follow(ctx context.Context) {
	s := c.Standing
	if s == nil {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		all := anyClosed(s.changes)
		if all {
			s.changes = s.next() // before the look: what changes during it is seen by the next
		}
		for _, st := range s.due(all) {
			c.look(st)
		}
	}
}

// look ends a stream, or learns how long its evidence holds.
func (c *Chain) look(st *standing) {
	id, err := c.still(st)
	if err != nil {
		st.end(err)
		return
	}
	if id != nil {
		c.Standing.mu.Lock()
		defer c.Standing.mu.Unlock()
		st.expires = id.Expires
	}
}

func (s *Standing) next() []<-chan struct{} {
	out := make([]<-chan struct{}, len(s.changed))
	for i, changed := range s.changed {
		out[i] = changed()
	}
	return out
}

func anyClosed(changes []<-chan struct{}) bool {
	for _, ch := range changes {
		select {
		case <-ch:
			return true
		default:
		}
	}
	return false
}

// due are the streams to look at: all, or those whose evidence has run out.
func (s *Standing) due(all bool) []*standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	if all {
		s.looks++
	}
	now := s.now()
	var due []*standing
	for st := range s.streams {
		if all || runOut(st.expires, now) {
			due = append(due, st)
		}
	}
	return due
}
