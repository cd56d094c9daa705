package endpoint

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/keepalive"
)

// Limits of the gRPC listener. Those of REST stand in package gateway.
const (
	maxRequestBytes   = 512 << 10 // 1,000 keys of the largest size fit
	maxHeaderBytes    = 16 << 10
	maxStreamsPerConn = 1000
	handshakeTimeout  = 5 * time.Second
	keepaliveTime     = 30 * time.Second
	keepaliveTimeout  = 10 * time.Second
	minKeepaliveTime  = 10 * time.Second
)

// NewServer returns a gRPC server behind the chain.
func NewServer(c Chain) *grpc.Server {
	return grpc.NewServer(
		grpc.UnaryInterceptor(c.Unary()),
		grpc.StreamInterceptor(c.Stream()),
		grpc.UnknownServiceHandler(unknown),
		grpc.ForceServerCodecV2(codec{encoding.GetCodecV2(proto.Name)}),
		grpc.MaxRecvMsgSize(maxRequestBytes),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxConcurrentStreams(maxStreamsPerConn),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minKeepaliveTime, PermitWithoutStream: true}),
	)
}

// unknown answers methods that do not exist. The chain refuses them before it runs.
func unknown(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return noSuchMethod(method)
}
