package identity

import (
	"context"
	"crypto/x509"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Evidence is what a call arrived with that tells who calls. It never changes.
type Evidence struct {
	// Authorization are the values of all headers of this name.
	Authorization []string
	// Certificates are those that the caller showed and TLS verified, the caller's own
	// first.
	Certificates []*x509.Certificate
	// Peer is the process at the other end of a Unix socket; nil: there is none, or this
	// system does not tell.
	Peer *UnixPeer
}

// UnixPeer is the process that connected to a Unix socket, as the kernel tells.
type UnixPeer struct {
	UID, GID uint32
	PID      int32
}

type evidenceKey struct{}

// WithEvidence hands the evidence of a REST request to the call it becomes. Nobody else
// may call it: what it hands on is believed.
func WithEvidence(ctx context.Context, ev *Evidence) context.Context {
	return context.WithValue(ctx, evidenceKey{}, ev)
}

// EvidenceOf returns the evidence of the call in ctx, over whichever transport it came.
// Of a REST call it reads nothing but what WithEvidence handed on: its metadata is made
// of headers.
func EvidenceOf(ctx context.Context) Evidence {
	if ev, ok := ctx.Value(evidenceKey{}).(*Evidence); ok {
		return *ev
	}
	// A stream of REST crosses a channel that strips the values off the context.
	if outer := inprocgrpc.ClientContext(ctx); outer != nil {
		if ev, ok := outer.Value(evidenceKey{}).(*Evidence); ok {
			return *ev
		}
		return Evidence{}
	}
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Evidence{}
	}
	ev := Evidence{Authorization: metadata.ValueFromIncomingContext(ctx, "authorization")}
	if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.VerifiedChains) > 0 {
		ev.Certificates = info.State.VerifiedChains[0]
	}
	if addr, ok := p.Addr.(interface{ UnixPeer() *UnixPeer }); ok {
		ev.Peer = addr.UnixPeer()
	}
	return ev
}
