// Package gateway is the REST face of the contract. A request is checked here for
// what only HTTP has - host, origin, method, query, Accept, body - and then goes to the
// same handlers through the same interceptors as a gRPC call, without a socket.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/deploy"
	"github.com/config-service/config-service/gen"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	gatewayadminv1 "github.com/config-service/config-service/gen/go/gateway/configservice/admin/v1"
	gatewayv1 "github.com/config-service/config-service/gen/go/gateway/configservice/v1"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// Config is what the gateway needs.
type Config struct {
	Service configv1.ConfigServiceServer
	// Access and Admin are nil where the role does not serve them.
	Access configv1.AccessServiceServer
	Admin  adminv1.ConfigAdminServiceServer
	Unary  grpc.UnaryServerInterceptor
	Stream grpc.StreamServerInterceptor
	// Knows says whether the evidence in a context stands for somebody. Of nobody a large body
	// is read. Nil: it always does.
	Knows func(context.Context) bool
	// AllowedHosts are the host names a request may be for, beside the loopback ones.
	AllowedHosts []string
	// Template is what the platform fills the template of a sidecar in with; nil: none is
	// served.
	Template *deploy.Compose
	// Health answers /healthz and /readyz.
	Health http.Handler
	// IsSpare says whether a request came on a connection beyond the limit.
	IsSpare func(context.Context) bool
	// UnixPeer returns the process at the other end of the Unix socket that a request came
	// over; nil: there is none.
	UnixPeer func(context.Context) *identity.UnixPeer
	Log      *slog.Logger
	Audit    *telemetry.Audit
	Metrics  *telemetry.Metrics
}

// New returns the handler of the REST listener.
func New(cfg Config) (http.Handler, error) {
	said := &said{}
	unary, stream := newMux(said), newMux(said)
	if err := registerUnary(unary, cfg); err != nil {
		return nil, fmt.Errorf("register the unary routes: %w", err)
	}
	if err := registerStreams(stream, cfg); err != nil {
		return nil, fmt.Errorf("register the stream routes: %w", err)
	}
	served := routesOf(cfg.serves)
	document, err := openAPIOf(gen.OpenAPI, served)
	if err != nil {
		return nil, err
	}
	g := &gate{
		hosts:   newHosts(cfg.AllowedHosts),
		isSpare: cfg.IsSpare,
		knows:   cfg.Knows,
		peer:    cfg.UnixPeer,
		routes:  served,
		unary:   unary,
		stream:  stream,
		direct:  direct{mux: unary, service: &chained{service: cfg.Service, interceptor: cfg.Unary}, said: said},
		plain:   http.NewServeMux(),
		refused: newRefusals(cfg.Log, cfg.Audit, cfg.Metrics.RESTRefused),
	}
	g.plain.Handle("/healthz", cfg.Health)
	g.plain.Handle("/readyz", cfg.Health)
	g.plain.Handle("/openapi.json", document)
	if cfg.Template != nil {
		g.hasTemplate = true
		g.plain.Handle(templatePath, &sidecarTemplate{*cfg.Template, g.refused})
	}
	return g, nil
}

func (cfg *Config) serves(service string) bool {
	switch service {
	case configService:
		return true
	case accessService:
		return cfg.Access != nil
	case adminService:
		return cfg.Admin != nil
	}
	return false
}

func registerUnary(mux *runtime.ServeMux, cfg Config) error {
	ctx := context.Background()
	err := gatewayv1.RegisterConfigServiceHandlerServer(ctx, mux, &chained{service: cfg.Service, interceptor: cfg.Unary})
	if cfg.Access != nil {
		err = errors.Join(err, gatewayv1.RegisterAccessServiceHandlerServer(ctx, mux, &chainedAccess{service: cfg.Access, interceptor: cfg.Unary}))
	}
	if cfg.Admin != nil {
		err = errors.Join(err, gatewayadminv1.RegisterConfigAdminServiceHandlerServer(ctx, mux, &chainedAdmin{service: cfg.Admin, interceptor: cfg.Unary}))
	}
	return err
}

// registerStreams registers the services whole. Only what streams is routed there; what
// answers once would meet the same chain.
func registerStreams(mux *runtime.ServeMux, cfg Config) error {
	ctx := context.Background()
	channel := (&inprocgrpc.Channel{}).WithServerStreamInterceptor(cfg.Stream).WithServerUnaryInterceptor(cfg.Unary).WithCloner(sharing{})
	configv1.RegisterConfigServiceServer(channel, cfg.Service)
	err := gatewayv1.RegisterConfigServiceHandlerClient(ctx, mux, configv1.NewConfigServiceClient(inProcess{channel}))
	if cfg.Admin != nil {
		adminv1.RegisterConfigAdminServiceServer(channel, cfg.Admin)
		err = errors.Join(err, gatewayadminv1.RegisterConfigAdminServiceHandlerClient(ctx, mux, adminv1.NewConfigAdminServiceClient(inProcess{channel})))
	}
	return err
}

func newMux(said *said) *runtime.ServeMux {
	return runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, jsonForm{newJSON()}),
		runtime.WithMarshalerOption(mimeJSON, jsonForm{newJSON()}),
		runtime.WithMarshalerOption(mimeText, textForm{newJSON()}),
		runtime.WithMarshalerOption(mimeNDJSON, ndjsonForm{newJSON()}),
		runtime.WithMarshalerOption(mimeSSE, sseForm{newJSON()}),
		runtime.WithIncomingHeaderMatcher(incomingHeader),
		runtime.WithOutgoingHeaderMatcher(outgoingHeader),
		runtime.WithForwardResponseOption(said.writeHeaders),
		runtime.WithErrorHandler(writeError),
		runtime.WithStreamErrorHandler(streamStatus),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithWriteContentLength(), // else HEAD has none for a longer answer
	)
}
