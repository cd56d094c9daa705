package endpoint

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/peer"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
)

// Streams are the places for streams that stay open. A stream takes one before its
// request is read: one whose request never comes costs as much. Calls that are no
// streams do not come by here.
type Streams struct {
	max, perConnection int64
	// Watch streams; and as many streams again of libraries, which are health and
	// reflection: a client that only asks how we are is not to suffer from watches.
	watches, others atomic.Int64
}

// NewStreams returns places for max streams of the process, of which perConnection may
// be on one gRPC connection. (An HTTP/1.1 connection carries one.)
func NewStreams(max, perConnection int) *Streams {
	return &Streams{max: int64(max), perConnection: int64(perConnection)}
}

// enter takes a place, until leave is called.
func (s *Streams) enter(ctx context.Context, watch bool) (leave func(), err error) {
	ofProcess := &s.others
	if watch {
		ofProcess = &s.watches
	}
	ofConnection := new(atomic.Int64) // in-process: the connection carries no other
	if p, ok := peer.FromContext(ctx); ok {
		if addr, ok := p.Addr.(*peerAddr); ok {
			ofConnection = &addr.streams
		}
	}
	if ofConnection.Add(1) > s.perConnection {
		ofConnection.Add(-1)
		return nil, fault.New(configv1.ErrorReason_TOO_MANY_STREAMS,
			"this connection has %d open streams, as many as CONFIG_MAX_STREAMS_PER_CONNECTION allows; close one, or use another connection", s.perConnection)
	}
	if ofProcess.Add(1) > s.max {
		ofProcess.Add(-1)
		ofConnection.Add(-1)
		return nil, fault.New(configv1.ErrorReason_TOO_MANY_STREAMS,
			"this server has %d open streams, as many as CONFIG_MAX_STREAMS allows; close one, or come back later", s.max)
	}
	return func() {
		ofProcess.Add(-1)
		ofConnection.Add(-1)
	}, nil
}
