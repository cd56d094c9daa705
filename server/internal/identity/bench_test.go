package identity_test

import (
	"context"
	"crypto/x509"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/config-service/config-service/server/internal/identity"
)

// BenchmarkIdentify is what every call pays. Each kind of evidence is one that was seen
// before, but for the last.
func BenchmarkIdentify(b *testing.B) {
	ec := newSigner(b, "ec", jose.ES256)
	token, line := entry(b, "service: payment-service, environment: production")
	tr := newTrial(b, line, keySet(b, ec), kubernetes, identity.MapRule{DNS: "{service}.{environment}.internal"}, identity.MapRule{UID: uid(1), User: "alice"})
	overREST := func(ev identity.Evidence) context.Context { return identity.WithEvidence(b.Context(), &ev) }
	header := func(token string) context.Context {
		return overREST(identity.Evidence{Authorization: []string{"Bearer " + token}})
	}
	cert := leaf(b, []string{"payment-service.production.internal"})
	cert.Raw = make([]byte, 1000)
	secure := credentials.TLSInfo{}
	secure.State.VerifiedChains = [][]*x509.Certificate{{cert}}
	overGRPC := metadata.NewIncomingContext(peer.NewContext(b.Context(), &peer.Peer{AuthInfo: secure}), metadata.MD{})
	for _, bench := range []struct {
		name string
		ctx  context.Context
	}{
		{"token over REST", header(token)},
		{"token over gRPC", metadata.NewIncomingContext(peer.NewContext(b.Context(), &peer.Peer{}), metadata.Pairs("authorization", "Bearer "+token))},
		{"certificate over REST", overREST(identity.Evidence{Certificates: []*x509.Certificate{cert}})},
		{"certificate over gRPC", overGRPC},
		{"Unix user", overREST(identity.Evidence{Peer: &identity.UnixPeer{UID: 1}})},
		{"JWT", header(ec.sign(b, with(b, nil)))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tr.Identify(bench.ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("JWT for the first time", func(b *testing.B) {
		ctx := header(ec.sign(b, with(b, nil)))
		b.ReportAllocs()
		for b.Loop() {
			tr.mapping.set(newMapping(b, kubernetes))
			if _, err := tr.Identify(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}
