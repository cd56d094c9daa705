// Package gateway is the REST face of ConfigService. A request is checked here for
// what only HTTP has - host, origin, method, query, Accept - and then goes to the
// same handlers through the same interceptors as a gRPC call, without a socket.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/gen"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	gatewayv1 "github.com/config-service/config-service/gen/go/gateway/configservice/v1"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// Config is what the gateway needs.
type Config struct {
	Service configv1.ConfigServiceServer
	Unary   grpc.UnaryServerInterceptor
	Stream  grpc.StreamServerInterceptor
	// AllowedHosts are the host names a request may be for, beside the loopback ones.
	AllowedHosts []string
	// Health answers /healthz and /readyz.
	Health http.Handler
	// IsSpare says whether a request came on a connection beyond the limit.
	IsSpare func(context.Context) bool
	Log     *slog.Logger
	Audit   *telemetry.Audit
	Metrics *telemetry.Metrics
}

// New returns the handler of the REST listener.
func New(cfg Config) (http.Handler, error) {
	unary, stream := newMux(), newMux()
	err := gatewayv1.RegisterConfigServiceHandlerServer(context.Background(), unary, &chained{service: cfg.Service, interceptor: cfg.Unary})
	if err != nil {
		return nil, fmt.Errorf("register the unary routes: %w", err)
	}
	channel := (&inprocgrpc.Channel{}).WithServerStreamInterceptor(cfg.Stream).WithCloner(sharing{})
	configv1.RegisterConfigServiceServer(channel, cfg.Service)
	err = gatewayv1.RegisterConfigServiceHandlerClient(context.Background(), stream, configv1.NewConfigServiceClient(channel))
	if err != nil {
		return nil, fmt.Errorf("register the stream routes: %w", err)
	}
	g := &gate{
		hosts:   newHosts(cfg.AllowedHosts),
		isSpare: cfg.IsSpare,
		unary:   unary,
		stream:  stream,
		plain:   http.NewServeMux(),
		refused: newRefusals(cfg.Log, cfg.Audit, cfg.Metrics.RESTRefused),
	}
	g.plain.Handle("/healthz", cfg.Health)
	g.plain.Handle("/readyz", cfg.Health)
	g.plain.HandleFunc("/openapi.json", openAPI)
	return g, nil
}

func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", mimeJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(gen.OpenAPI)))
	_, _ = w.Write(gen.OpenAPI) // a client that went away is no news
}

func newMux() *runtime.ServeMux {
	return runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, jsonForm{newJSON()}),
		runtime.WithMarshalerOption(mimeJSON, jsonForm{newJSON()}),
		runtime.WithMarshalerOption(mimeText, textForm{newJSON()}),
		runtime.WithMarshalerOption(mimeNDJSON, ndjsonForm{newJSON()}),
		runtime.WithMarshalerOption(mimeSSE, sseForm{newJSON()}),
		runtime.WithIncomingHeaderMatcher(incomingHeader),
		runtime.WithOutgoingHeaderMatcher(outgoingHeader),
		runtime.WithForwardResponseOption(writeHeaders),
		runtime.WithErrorHandler(writeError),
		runtime.WithStreamErrorHandler(streamStatus),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithWriteContentLength(), // else HEAD has none for a longer answer
	)
}
