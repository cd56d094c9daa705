// Package servertest runs a whole config-service inside a test: the real server, on a
// real etcd of its own, on free ports of loopback.
package servertest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/daemon"
	"github.com/config-service/config-service/server/internal/embeddedetcd"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// startTimeout bounds how long a part may take to start or stop.
const startTimeout = 2 * time.Minute

// bcryptCost is the least there is: a usual one makes a login take longer than the server
// waits for it, on a slow machine with the race detector.
const bcryptCost = 4

// Etcd is a real etcd that several servers of a test can share. Its methods that write
// are safe for concurrent use, those that stop and start it are not.
type Etcd struct {
	Endpoint string // client URL
	options  EtcdOptions
	dir      string
	running  *embeddedetcd.Etcd // nil while it is stopped
	raw      *etcdstore.Raw
	root     string           // password of its root; empty: authentication is off
	control  etcdstore.Access // of the control server, likewise
}

// StartEtcd runs an etcd until the test ends.
func StartEtcd(t testing.TB) *Etcd {
	t.Helper()
	return StartEtcdAt(t, "127.0.0.1:0")
}

// StartEtcdAt is StartEtcd at a client address (HOST:PORT). One that is to be stopped
// and started needs a port that nobody else takes meanwhile.
func StartEtcdAt(t testing.TB, addr string) *Etcd {
	t.Helper()
	return StartEtcdWith(t, EtcdOptions{Addr: addr})
}

// EtcdOptions change how an etcd runs.
type EtcdOptions struct {
	Addr     string        // default: any port of loopback
	TokenTTL time.Duration // of an idle login, in whole seconds; default: etcd's own
	// With TLS etcd shows this certificate, and asks its clients for one of ClientCA.
	// TLS is what the test itself reaches it with.
	Cert, Key, ClientCA string
	TLS                 *tls.Config
}

// StartEtcdWith is StartEtcd with options.
func StartEtcdWith(t testing.TB, o EtcdOptions) *Etcd {
	t.Helper()
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	e := &Etcd{Endpoint: "http://" + o.Addr, dir: t.TempDir(), options: o, control: etcdstore.Access{TLS: o.TLS}}
	e.Restart(t)
	t.Cleanup(e.Stop)
	return e
}

// Stop ends etcd. Its data stays.
func (e *Etcd) Stop() {
	if e.running == nil {
		return
	}
	_ = e.raw.Close() // nobody writes any more
	e.running.Close()
	e.running = nil
}

// Restart starts etcd again at its address, with the data it has, after Stop.
func (e *Etcd) Restart(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	running, err := e.run(ctx)
	// A child process that is just being started holds the old listener open for a moment.
	for errors.Is(err, syscall.EADDRINUSE) && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
		running, err = e.run(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	if e.raw, err = etcdstore.OpenRawAs(running.Endpoint, e.control); err != nil {
		running.Close()
		t.Fatal(err)
	}
	e.raw.Patience = startTimeout
	e.running, e.Endpoint = running, running.Endpoint
}

// Empty makes a stopped etcd forget everything: it starts as another cluster.
func (e *Etcd) Empty(t testing.TB) {
	t.Helper()
	if err := os.RemoveAll(e.dir); err != nil {
		t.Fatal(err)
	}
}

// Write is one write to a layer of a scope.
type Write struct {
	Namespace   string
	Environment string
	Layer       configv1.Layer
	Key         string
	JSON        string
	Delete      bool
}

func (e *Etcd) run(ctx context.Context) (*embeddedetcd.Etcd, error) {
	o := embeddedetcd.Options{BcryptCost: bcryptCost, TokenTTL: e.options.TokenTTL}
	if e.options.Cert != "" {
		o.TLS = &embeddedetcd.TLS{Cert: e.options.Cert, Key: e.options.Key, ClientCA: e.options.ClientCA}
	}
	_, addr, _ := strings.Cut(e.Endpoint, "://")
	return embeddedetcd.StartWith(ctx, addr, e.dir, o)
}

// Commit does the writes in one transaction, unchecked, and returns its revision.
func (e *Etcd) Commit(t testing.TB, writes ...Write) int64 {
	t.Helper()
	raw := make([]etcdstore.RawWrite, len(writes))
	for i, w := range writes {
		layers := snapshot.LayersOf(snapshot.ScopeID{Namespace: w.Namespace, Environment: w.Environment})
		raw[i] = etcdstore.RawWrite{Scope: layers[w.Layer-1], Key: w.Key, Value: w.JSON, Delete: w.Delete}
	}
	revision, _, err := e.raw.Commit(context.Background(), raw...)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// Compact makes etcd forget its history before a revision.
func (e *Etcd) Compact(t testing.TB, revision int64) {
	t.Helper()
	if err := e.raw.Compact(context.Background(), revision); err != nil {
		t.Fatal(err)
	}
}

// Options change what Start runs. The zero value runs `payment-service` in
// `development`, on an etcd of its own.
type Options struct {
	Etcd        *Etcd             // nil: one of its own
	Namespace   string            // default payment-service
	Environment string            // default development
	Settings    map[string]string // further settings, by environment variable
	Log         *slog.Logger      // default: none
	NoWait      bool              // return before the configuration is loaded
	// Hurry is how many times sooner than usual the server loses patience with clients
	// that do not read or answer. Default 1.
	Hurry int
}

// Server is a running server.
type Server struct {
	URL       string // of REST
	GRPC      string // address of gRPC
	Ops       string // URL of metrics and health
	Etcd      *Etcd
	namespace string
	environ   string
	conn      *grpc.ClientConn
	stop      func() error
}

// Start runs a server until the test ends, and returns when its configuration is
// loaded.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Namespace == "" {
		o.Namespace = "payment-service"
	}
	if o.Environment == "" {
		o.Environment = "development"
	}
	store := o.Settings["ETCD_ENDPOINTS"]
	if store == "" {
		if o.Etcd == nil {
			o.Etcd = StartEtcd(t)
		}
		store = o.Etcd.Endpoint
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	environment := map[string]string{
		"SERVICE_NAME": o.Namespace, "ENVIRONMENT": o.Environment, "ETCD_ENDPOINTS": store,
		"CONFIG_HTTP_ADDR": "127.0.0.1:0", "CONFIG_GRPC_ADDR": "127.0.0.1:0", "CONFIG_OPS_ADDR": "127.0.0.1:0",
	}
	for name, value := range o.Settings {
		environment[name] = value
	}
	var s settings.Settings
	flags := pflag.NewFlagSet("servertest", pflag.ContinueOnError)
	s.AddFlags(flags)
	if err := s.Load(flags, func(name string) (string, bool) { v, ok := environment[name]; return v, ok }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	begin := func() (*daemon.Daemon, error) {
		return daemon.New(ctx, &s, o.Log, "test", daemon.WithTimes(endpoint.DefaultTimes().Sooner(max(o.Hurry, 1))))
	}
	d, err := begin()
	// The listener of the server before it may be held open, as that of an etcd.
	for began := time.Now(); err != nil && strings.Contains(err.Error(), "is in use by another process") && time.Since(began) < startTimeout; {
		time.Sleep(20 * time.Millisecond)
		d, err = begin()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	srv := &Server{
		URL: "http://" + d.HTTPAddr().String(), GRPC: d.GRPCAddr().String(), Ops: "http://" + d.OpsAddr().String(),
		Etcd: o.Etcd, namespace: o.Namespace, environ: o.Environment,
	}
	stopped := false
	srv.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if srv.conn != nil {
			_ = srv.conn.Close() // the test is over
		}
		http.DefaultClient.CloseIdleConnections()
		srv.Stop(t)
	})
	if !o.NoWait {
		select {
		case <-d.Loaded():
		case <-time.After(startTimeout):
			t.Fatal("no configuration was loaded")
		}
	}
	return srv
}

// Stop ends the server as SIGTERM would, and returns when it has ended.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// Set writes a key of the server's scope into a layer, unchecked, and returns the
// revision.
func (s *Server) Set(t testing.TB, layer configv1.Layer, key, json string) int64 {
	t.Helper()
	return s.Etcd.Commit(t, Write{s.namespace, s.environ, layer, key, json, false})
}

// Delete deletes a key of the server's scope from a layer and returns the revision.
func (s *Server) Delete(t testing.TB, layer configv1.Layer, key string) int64 {
	t.Helper()
	return s.Etcd.Commit(t, Write{s.namespace, s.environ, layer, key, "", true})
}

// Settle returns when the server has all that is in its store now.
func (s *Server) Settle(t testing.TB) {
	t.Helper()
	revision, err := s.Etcd.raw.Revision(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(startTimeout); s.confirmed(t) < float64(revision); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("revision %d does not arrive", revision)
		}
	}
}

// confirmed is the revision that the server's metrics say it is at.
func (s *Server) confirmed(t testing.TB) (revision float64) {
	t.Helper()
	resp, err := http.Get(s.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\nconfigservice_confirmed_revision ")
	if _, err := fmt.Sscan(after, &revision); err != nil {
		t.Fatalf("the metrics have no revision: %v", err)
	}
	return revision
}

// Conn returns the test's connection to the server's gRPC.
func (s *Server) Conn(t testing.TB) *grpc.ClientConn {
	t.Helper()
	if s.conn == nil {
		conn, err := grpc.NewClient(s.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		s.conn = conn
	}
	return s.conn
}

// Client returns a client of the server.
func (s *Server) Client(t testing.TB) configv1.ConfigServiceClient {
	t.Helper()
	return configv1.NewConfigServiceClient(s.Conn(t))
}

// FreeAddress finds an address to listen on, also again after a stop: its port lies below
// those that systems give to outgoing connections, and nobody else who asks in this way,
// in whatever process, gets it before the test has ended.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 30_000+rand.IntN(2_000))
		// The port of UDP stands for the one of TCP with the same number.
		claim, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		if !isFree(addr) {
			_ = claim.Close() // it held nothing but the number
			continue
		}
		t.Cleanup(func() { _ = claim.Close() })
		return addr
	}
	t.Fatal("no port of 30000 to 32000 is free")
	return ""
}

// isFree says whether nobody listens at an address. It does not listen there itself: a child
// process that is just being started would hold that open for a moment.
func isFree(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		_ = conn.Close() // nothing was sent
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
