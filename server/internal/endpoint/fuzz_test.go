package endpoint_test

import (
	"context"
	"log/slog"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// transport takes the headers of an answer.
type transport struct{ header metadata.MD }

func (*transport) Method() string { return configv1.ConfigService_Get_FullMethodName }
func (s *transport) SetHeader(md metadata.MD) error {
	s.header = metadata.Join(s.header, md)
	return nil
}
func (*transport) SendHeader(metadata.MD) error { return nil }
func (*transport) SetTrailer(metadata.MD) error { return nil }

// FuzzMetadata calls with any metadata. None of it chooses what is read, and what
// comes back of it can stand in a header and in a log line.
func FuzzMetadata(f *testing.F) {
	f.Add("x-request-id", "abc-123", "authorization", "Bearer x")
	f.Add("x-request-id", "a\r\nb", "x-request-id", "second")
	f.Add("grpcgateway-authorization", "\x00", "x-forwarded-for", "evil\"}")
	f.Add("namespace", "other", "x-namespace", "other")
	f.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "-bin", "\xff")
	chain := endpoint.Chain{
		Log: slog.New(slog.NewJSONHandler(&journal{}, &slog.HandlerOptions{Level: slog.LevelDebug})), Metrics: telemetry.NewCalls(),
		Identify:  identity.Pin("payment-service", "development"),
		Authorize: policy.Sidecar,
		Streams:   endpoint.NewStreams(10, 10), Answers: endpoint.NewAnswers(1<<20, endpoint.DefaultTimes()),
	}
	call := chain.Unary()
	f.Fuzz(func(t *testing.T, name, value, name2, value2 string) {
		md := metadata.MD{}
		md.Append(name, value)
		md.Append(name2, value2)
		answer := &transport{}
		ctx := grpc.NewContextWithServerTransportStream(metadata.NewIncomingContext(context.Background(), md), answer)
		_, err := call(ctx, &configv1.GetRequest{Key: "a"}, &grpc.UnaryServerInfo{FullMethod: configv1.ConfigService_Get_FullMethodName},
			func(ctx context.Context, _ any) (any, error) {
				if g := policy.GrantOf(ctx); g.Namespace() != "payment-service" || g.Environment() != "development" {
					t.Errorf("metadata %q chose the scope %v", md, g)
				}
				return &configv1.GetResponse{}, nil
			})
		if err != nil {
			t.Errorf("metadata %q: %v", md, err)
		}
		for _, values := range answer.header {
			for _, v := range values {
				for _, c := range []byte(v) {
					if c <= ' ' || c > '~' {
						t.Errorf("metadata %q comes back as the header %q", md, v)
					}
				}
			}
		}
	})
}
