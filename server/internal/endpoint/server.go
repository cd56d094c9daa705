package endpoint

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// Limits of the gRPC listener. Those of REST stand in package gateway.
const (
	maxRequestBytes = 512 << 10 // 1,000 keys of the largest size fit
	maxHeaderBytes  = 16 << 10
	// unaryPlaces is how many calls a connection takes at a time beside its streams. A
	// client that has reached the number of streams that HTTP/2 grants it queues, and
	// says nothing; so that number lies above the limit for Watch, which is refused
	// with words, by as many calls as fit beside.
	unaryPlaces = 100
	// workers is how many goroutines wait for calls. One that is made for a call begins with a small stack, and growing
	// that was a tenth of what a Get costs. Calls beyond them, as while that many streams are open, get their own.
	workers = 32
)

// NewServer returns a gRPC server behind the chain. More options come first but for the
// size of requests, which they may change.
func NewServer(c Chain, t Times, more ...grpc.ServerOption) *grpc.Server {
	more = append([]grpc.ServerOption{grpc.MaxRecvMsgSize(maxRequestBytes)}, more...)
	return grpc.NewServer(append(more,
		grpc.UnaryInterceptor(c.Unary()),
		grpc.StreamInterceptor(c.Stream()),
		grpc.UnknownServiceHandler(unknown),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.NumStreamWorkers(workers),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxConcurrentStreams(uint32(c.Streams.perConnection)+unaryPlaces),
		grpc.ConnectionTimeout(t.Header),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: t.Ping, Timeout: t.PingAnswer}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: t.MinPing, PermitWithoutStream: true}),
	)...)
}

// unknown answers methods that do not exist. The chain refuses them before it runs.
func unknown(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return noSuchMethod(method)
}
