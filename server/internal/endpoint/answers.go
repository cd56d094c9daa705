package endpoint

import (
	"container/list"
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
)

const (
	// smallAnswer is the size up to which an answer is not counted: the calls that a
	// connection takes at a time bound them well enough.
	smallAnswer = 4 << 10
	// restWeight is about how many times its encoded size an answer takes over REST, as
	// JSON.
	restWeight = 4
)

// Answers bounds the memory of unary answers that wait for their readers: those above
// smallAnswer share a number of bytes. A call whose answer does not fit waits, within
// its deadline. While one waits, connections whose answers have lain for longer than
// the patience are closed: nobody reads them.
type Answers struct {
	max      int64
	patience time.Duration

	mu     sync.Mutex // guards the rest, and conn.held
	used   int64
	held   *list.List    // of *held, the oldest first
	freed  chan struct{} // closed when bytes become free and
	wanted bool          // somebody waits for them
}

// held is an answer that is counted.
type held struct {
	conn  *conn
	bytes int64
	since time.Time
	place *list.Element // nil: released
}

// NewAnswers returns room for max bytes.
func NewAnswers(max int64, t Times) *Answers {
	return &Answers{max: max, patience: t.Stall, held: list.New(), freed: make(chan struct{})}
}

// measured is an answer with its size, for the codec; counted when hold is set.
type measured struct {
	proto.Message
	size int
	hold *held
	of   *Answers
}

// admit makes room for the answer of a unary call, and returns it as its connection
// takes it.
func (a *Answers) admit(ctx context.Context, answer any) (any, error) {
	m, ok := answer.(proto.Message)
	if !ok || isSmall(m) {
		return answer, nil
	}
	size := proto.Size(m)
	if c := overREST(ctx); c != nil {
		if size <= smallAnswer {
			return answer, nil
		}
		_, err := a.take(ctx, c, int64(size)*restWeight)
		return answer, err
	}
	c := overGRPC(ctx)
	if c == nil {
		return answer, nil
	}
	out := &measured{Message: m, size: size, of: a}
	if size <= smallAnswer {
		return out, nil
	}
	var err error
	out.hold, err = a.take(ctx, c, int64(size))
	return out, err
}

// isSmall says what can be told at a glance.
func isSmall(m proto.Message) bool {
	get, ok := m.(*configv1.GetResponse)
	if !ok {
		return false
	}
	switch v := get.GetEntry().GetValue().GetKind().(type) {
	case *structpb.Value_StringValue:
		return len(v.StringValue) < smallAnswer/2
	case *structpb.Value_StructValue, *structpb.Value_ListValue:
		return false
	}
	return true
}

func overGRPC(ctx context.Context) *conn {
	if p, ok := peer.FromContext(ctx); ok {
		if addr, ok := p.Addr.(*peerAddr); ok {
			return addr.conn
		}
	}
	return nil
}

func overREST(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

func (a *Answers) take(ctx context.Context, c *conn, bytes int64) (*held, error) {
	ctx, cancel := context.WithTimeout(ctx, unaryTimeout)
	defer cancel()
	for {
		h, freed, oldest := a.try(c, bytes)
		if h != nil {
			if c.closed.Load() { // it may have settled before
				a.release(h)
			}
			return h, nil
		}
		left := a.patience - time.Since(oldest.since)
		if left <= 0 {
			_ = oldest.conn.Close() // nobody reads what could not be sent
			a.releaseAll(oldest.conn)
			continue
		}
		wait := time.NewTimer(left)
		select {
		case <-freed:
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, fault.New(configv1.ErrorReason_NOT_READY, "too many large answers wait for their readers; come back later")
		}
		wait.Stop()
	}
}

// try takes bytes, or says what to wait for. One answer is taken whatever its size.
func (a *Answers) try(c *conn, bytes int64) (h *held, freed <-chan struct{}, oldest *held) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used > 0 && a.used+bytes > a.max {
		a.wanted = true
		return nil, a.freed, a.held.Front().Value.(*held)
	}
	h = &held{conn: c, bytes: bytes, since: time.Now()}
	a.used += bytes
	h.place = a.held.PushBack(h)
	c.hold(a, h)
	return h, nil, nil
}

// release gives the bytes back. It may be called more than once.
func (a *Answers) release(h *held) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(h)
}

// releaseAll gives back what a connection holds: it is closed, or has sent its answer.
func (a *Answers) releaseAll(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for h := range c.held {
		a.drop(h)
	}
}

func (a *Answers) drop(h *held) {
	if h.place == nil {
		return
	}
	a.held.Remove(h.place)
	h.place = nil
	delete(h.conn.held, h)
	a.used -= h.bytes
	if a.wanted {
		close(a.freed)
		a.freed, a.wanted = make(chan struct{}), false
	}
}
