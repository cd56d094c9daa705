// Package daemon puts the parts together: it wires them, starts them in order, and
// stops them in order.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/diskcache"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/gateway"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/service"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/internal/watched"
)

// maxAnswers is how many bytes of large unary answers may wait for their readers; at
// most a quarter of GOMEMLIMIT.
const maxAnswers = 256 << 20

// stopTimeout is how long calls that are under way may take when the server stops;
// then they are cut. The process ends within 5 s of the signal.
const stopTimeout = 4 * time.Second

// The server goes on for so many moments when it is to stop: for requests that were sent
// before, but not read yet. http.Server closes a connection that is idle without a look
// at what has arrived on it. They are moments, and not one time, because a machine that
// stood still for so long has read nothing either.
const lastMoments, moment = 10, 10 * time.Millisecond

// spareConnections are taken on the HTTP listeners beyond the limit: to say so, and to
// answer probes and scrapes.
const spareConnections = 32

// auditEvery is how often the whole copy is compared with the store.
const auditEvery = time.Hour

// Daemon is a server with open listeners. Run serves and closes them.
type Daemon struct {
	settings *settings.Settings
	version  string
	log      *slog.Logger
	replica  *replica.Replica
	source   *etcdstore.Source
	access   *watched.Files[etcdstore.Access] // nil: none
	registry *etcdstore.Registry              // nil: not the role control
	history  *etcdstore.History               // nil: not the role control
	tls      *watched.Files[endpoint.TLS]     // nil: plaintext
	policy   *watched.Files[*policy.Policy]   // nil: none
	cache    *diskcache.Cache                 // nil: none
	health   *Health
	required *required
	times    endpoint.Times
	tracing  *telemetry.Tracing
	metrics  *telemetry.Metrics
	stopping chan struct{}

	audit     *telemetry.Audit
	auditFile *telemetry.AppendFile // nil: none
	chain     endpoint.Chain

	authenticator *identity.Authenticator // nil: every caller is the sidecar's application
	background    []func(context.Context) // what Run runs beside the rest, until it ends

	grpc                  *grpc.Server
	http, ops             *http.Server
	onGRPC, onHTTP, onOps *endpoint.Listener
}

// Option changes what no setting does.
type Option func(*Daemon)

// WithTimes sets how long the server waits for its clients.
func WithTimes(t endpoint.Times) Option { return func(d *Daemon) { d.times = t } }

// New wires a daemon and opens its listeners. It does not touch the store yet.
func New(ctx context.Context, s *settings.Settings, log *slog.Logger, version string, options ...Option) (*Daemon, error) {
	d := &Daemon{
		settings: s,
		version:  version,
		log:      log,
		metrics:  telemetry.NewMetrics(version, time.Now),
		replica:  replica.New(time.Now),
		times:    endpoint.DefaultTimes(),
		stopping: make(chan struct{}),
	}
	for _, option := range options {
		option(d)
	}
	d.health = newHealth(d.copied, time.Now, log)
	d.metrics.ObserveCopy(d.copied)
	d.watchRequired()
	err := d.openAudit()
	if err != nil {
		return nil, err
	}
	if err = d.openPolicy(); err == nil {
		err = d.wireSource()
	}
	if err != nil {
		d.closeAudit()
		return nil, err
	}
	d.tracing, err = telemetry.StartTracing(ctx, telemetry.TracingConfig{
		Getenv: os.Getenv, Version: version, Namespace: s.ServiceName, Environment: s.Environment, Log: log,
	})
	if err != nil {
		d.closeAudit()
		return nil, err
	}
	if err = d.wireServers(); err == nil {
		err = d.listen(ctx)
	}
	if err != nil {
		d.tracing.Stop(ctx)
		d.closeAudit()
		return nil, errors.Join(err, d.close())
	}
	d.observe()
	d.restore()
	return d, nil
}

// copied is what operators see of the in-memory copy.
func (d *Daemon) copied() telemetry.Copy {
	st := d.replica.Status()
	return telemetry.Copy{
		Loaded: st.Loaded, Disk: st.Loaded && !st.Live, Applied: st.Applied, Confirmed: st.Revision,
		Verified: st.Verified, Fresh: st.Fresh, Keys: st.Keys,
	}
}

func (d *Daemon) wireSource() error {
	var err error
	if d.access, err = openAccess(d.settings, d.metrics.FilesAre("store_credential"), d.log); err != nil {
		return err
	}
	cfg := etcdstore.Config{
		Endpoints: d.settings.EtcdEndpoints,
		Access:    storeAccess(d.settings, d.access),
		Scopes:    d.scopes(),
		Schemas:   d.settings.Role != settings.RoleSidecar,
		OwnSchema: d.ownSchema(),
		Heads:     d.settings.Role == settings.RoleControl,
		Nudges:    d.replica.Nudges(),

		AuditEvery: auditEvery,
		Log:        d.log,
		Metrics:    d.metrics,
		Now:        time.Now,
		Rand:       rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
	d.source = etcdstore.NewSource(cfg, d.replica)
	d.registry = d.newRegistry()
	d.history = d.newHistory()
	return nil
}

func (d *Daemon) wireServers() error {
	calls := telemetry.NewCalls()
	d.metrics.Registry.MustRegister(calls)
	var err error
	if d.tls, err = d.openTLS(); err != nil {
		return err
	}
	who, err := d.identifier()
	if err != nil {
		return err
	}
	d.chain = endpoint.Chain{
		Log:       d.log,
		Metrics:   calls,
		Identify:  who,
		Authorize: d.authorizer(),
		Streams:   endpoint.NewStreams(d.settings.MaxStreams, d.settings.MaxStreamsPerConnection),
		Answers:   endpoint.NewAnswers(min(maxAnswers, debug.SetMemoryLimit(-1)/4), d.times),
		Stopping:  d.stopping,
		Audit:     d.audit,
		Standing:  d.standing(),
	}
	chain := d.chain
	svc := service.New(d.replica, d.metrics, time.Now, d.stopping, d.seeing()...)

	options := d.tracing.ServerOptions(endpoint.CarriesConfiguration)
	if d.tls != nil && !settings.IsSocket(d.settings.GRPCAddr) {
		options = append(options, grpc.Creds(credentials.NewTLS(endpoint.GRPC(d.currentTLS))))
	}
	d.grpc = endpoint.NewServer(chain, d.times, append(options, d.requests()...)...)
	configv1.RegisterConfigServiceServer(d.grpc, svc)
	access, admin := d.registerServices(svc)
	healthpb.RegisterHealthServer(d.grpc, d.health.grpc)
	if d.settings.GRPCReflection || settings.IsLocal(d.settings.GRPCAddr) {
		reflection.Register(d.grpc)
	}

	rest, err := gateway.New(gateway.Config{
		Service:      svc,
		Access:       access,
		Admin:        admin,
		Unary:        chain.Unary(),
		Stream:       chain.Stream(),
		Knows:        d.knows,
		AllowedHosts: d.settings.AllowedHosts,
		Template:     d.template(),
		Health:       d.health,
		IsSpare:      endpoint.IsSpare,
		UnixPeer:     endpoint.UnixPeerOf,
		Log:          d.log,
		Audit:        d.audit,
		Metrics:      d.metrics,
	})
	if err != nil {
		return err
	}
	d.http = endpoint.NewHTTP(d.tracing.HTTP(d.metrics.REST(rest, gateway.Route), gateway.ContractRoute), d.times, d.log)
	ops := http.NewServeMux()
	ops.Handle("GET /metrics", promhttp.HandlerFor(d.metrics.Registry, promhttp.HandlerOpts{}))
	ops.Handle("GET /healthz", d.health)
	ops.Handle("GET /readyz", d.health)
	if d.settings.Pprof {
		profiles(ops)
	}
	d.ops = endpoint.NewHTTP(endpoint.Bodiless(ops, d.times), d.times, d.log)
	return nil
}

// profiles serves what `go tool pprof` asks for.
func profiles(ops *http.ServeMux) {
	ops.HandleFunc("GET /debug/pprof/", pprof.Index)
	ops.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	ops.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	ops.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	ops.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

func (d *Daemon) listen(ctx context.Context) error {
	for _, l := range []struct {
		flag, name, addr string
		spare            int
		into             **endpoint.Listener
	}{
		{"http-addr", "rest", d.settings.HTTPAddr, spareConnections, &d.onHTTP},
		{"grpc-addr", "grpc", d.settings.GRPCAddr, 0, &d.onGRPC},
		{"ops-addr", "ops", d.settings.OpsAddr, spareConnections, &d.onOps},
	} {
		open, err := endpoint.Listen(ctx, l.addr)
		if err != nil {
			return fmt.Errorf("--%s: %w", l.flag, err)
		}
		*l.into = endpoint.Within(open, endpoint.Limit{
			Name:   l.name,
			Max:    d.settings.MaxConnections,
			Spare:  l.spare,
			Stall:  d.times.Stall,
			Beyond: d.metrics.RefusedConnections.WithLabelValues(l.name),
			Log:    d.log,
		})
	}
	return nil
}

// close ends what New started, when Run does not come.
func (d *Daemon) close() error {
	if d.grpc != nil {
		d.grpc.Stop() // it has goroutines from the beginning
	}
	var errs []error
	for _, l := range []*endpoint.Listener{d.onHTTP, d.onGRPC, d.onOps} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// HTTPAddr is where REST listens.
func (d *Daemon) HTTPAddr() net.Addr { return d.onHTTP.Addr() }

// GRPCAddr is where gRPC listens.
func (d *Daemon) GRPCAddr() net.Addr { return d.onGRPC.Addr() }

// OpsAddr is where metrics and health listen.
func (d *Daemon) OpsAddr() net.Addr { return d.onOps.Addr() }

// Loaded is closed when the first configuration is in, from the store or from disk.
func (d *Daemon) Loaded() <-chan struct{} { return d.replica.Loaded() }

func (d *Daemon) starting() starting {
	return starting{loaded: d.replica.Loaded(), live: d.replica.Live(), failed: d.source.Failed()}
}

// Run serves until ctx ends, or until a part fails, which ends the others too. When
// it returns, all that New and Run started has ended.
func (d *Daemon) Run(ctx context.Context) error {
	d.sayWhatIsServed()
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	group, failed := errgroup.WithContext(ctx)
	group.Go(func() error { d.source.Run(background); return nil })
	if d.access != nil {
		group.Go(func() error { d.access.Run(background); return nil })
	}
	if d.tls != nil {
		group.Go(func() error { d.tls.Run(background); return nil })
	}
	if d.history != nil {
		group.Go(func() error { d.keepHistory(background); return nil })
	}
	if d.registry != nil {
		group.Go(func() error { d.keepServices(background); return nil })
	}
	if d.policy != nil {
		group.Go(func() error { d.policy.Run(background); return nil })
	}
	group.Go(func() error { d.chain.Follow(background); return nil })
	for _, run := range d.background {
		group.Go(func() error { run(background); return nil })
	}
	group.Go(func() error { d.keep(background); return nil })
	group.Go(func() error { d.health.follow(background, d.starting(), d.settings.StartWait); return nil })
	group.Go(func() error { d.health.followFreshness(background); return nil })
	group.Go(func() error { return served("gRPC", d.grpc.Serve(d.onGRPC)) })
	group.Go(func() error { return served("REST", d.http.Serve(d.overTLS(d.onHTTP))) })
	group.Go(func() error { return served("ops", d.ops.Serve(d.onOps)) })
	group.Go(func() error {
		<-failed.Done()
		d.stop(context.WithoutCancel(ctx))
		stopBackground()
		return nil
	})
	err := group.Wait()
	d.closeAudit()
	d.log.Info("stopped")
	return err
}

// sayWhatIsServed is the line of the start, and one more for a sidecar that was pointed
// at a store but not told whose configuration it is to serve.
func (d *Daemon) sayWhatIsServed() {
	s := d.settings
	whose := []any{"role", s.Role}
	if s.Role == settings.RoleSidecar {
		whose = append(whose, "namespace", s.ServiceName, "environment", s.Environment)
	}
	d.log.Info("serving", append(whose, "http", d.HTTPAddr().String(), "grpc", d.GRPCAddr().String(), "ops", d.OpsAddr().String(),
		"max_connections", s.MaxConnections, "max_streams", s.MaxStreams, "max_streams_per_connection", s.MaxStreamsPerConnection,
		"tls", d.tls != nil, "cache", d.cache != nil, "tracing", d.tracing.Protocol(), "pprof", s.Pprof)...)
	if s.Role == settings.RoleSidecar && s.Explicit("etcd-endpoints") && !s.Explicit("service-name") {
		d.log.Warn("no service is named, so the configuration of the service \"default\" is served; SERVICE_NAME names the service this sidecar stands beside")
	}
}

func served(what string, err error) error {
	if err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", what, err)
}

// stop says that the server goes, ends the streams, lets calls finish, and cuts what
// is left after stopTimeout. Health and metrics answer to the last, while the last spans leave.
func (d *Daemon) stop(ctx context.Context) {
	d.log.Info("stopping")
	d.health.stop()
	for range lastMoments { // before the end of the streams, which is work
		time.Sleep(moment)
	}
	close(d.stopping)
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	spared := context.AfterFunc(ctx, func() {
		d.log.Warn("gRPC calls were cut", "after", stopTimeout.String())
		d.onGRPC.Cut() // Stop waits for handshakes
		d.grpc.Stop()
	})
	var calls errgroup.Group
	calls.Go(func() error { d.grpc.GracefulStop(); return nil })
	calls.Go(func() error { return d.shutdown(ctx, "REST", d.http) })
	_ = calls.Wait() // shutdown has logged it
	spared()
	var last errgroup.Group
	last.Go(func() error { d.tracing.Stop(ctx); return nil })
	last.Go(func() error { return d.shutdown(ctx, "ops", d.ops) })
	_ = last.Wait()
}

func (d *Daemon) shutdown(ctx context.Context, what string, s *http.Server) error {
	err := s.Shutdown(ctx)
	if err != nil {
		d.log.Warn(what+" calls were cut", "after", stopTimeout.String())
		err = s.Close()
	}
	return err
}
