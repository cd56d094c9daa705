// Package configtest gives a test the real sidecar: the one that runs in production, in
// the process of the test, on a real etcd of its own and on ports of loopback.
//
//	server := configtest.Start(t, configtest.Values{"database.pool_size": 20})
//	config := server.Client(t)
//	server.Set(t, "database.pool_size", 25)
//
// Start takes a few hundred milliseconds; a test that only needs other values than the
// last one calls Set. etcd's server becomes part of the test binary, which grows by some 22 MB
// (of 18), and of go.mod and go.sum: 56 more indirect requirements. A module that uses
// configclient alone has none of that.
package configtest

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// patience bounds waits that should take no time.
const patience = time.Minute

// Values are a configuration: what json.Marshal makes of each is stored.
type Values map[string]any

// Server is a sidecar with its store.
type Server struct {
	URL         string // of REST
	Addr        string // of gRPC
	Namespace   string
	Environment string
	etcd        *servertest.Etcd
	running     *servertest.Server // nil while it is stopped
}

// Start runs a sidecar, which has the values, until the test ends.
func Start(t testing.TB, values Values) *Server {
	t.Helper()
	s := &Server{
		URL: "http://" + servertest.FreeAddress(t), Addr: servertest.FreeAddress(t), Namespace: "payment-service", Environment: "development",
		etcd: servertest.StartEtcd(t),
	}
	s.SetAll(t, values)
	s.Restart(t)
	return s
}

// Set stores a value under a key. Clients have it some milliseconds later.
func (s *Server) Set(t testing.TB, key string, value any) {
	t.Helper()
	s.SetAll(t, Values{key: value})
}

// SetAll stores values at one moment: clients see all of them or none.
func (s *Server) SetAll(t testing.TB, values Values) {
	t.Helper()
	writes := make([]servertest.Write, 0, len(values))
	for key, value := range values {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("the value of %s: %v", key, err)
		}
		writes = append(writes, s.write(key, string(data)))
	}
	if len(writes) > 0 {
		s.etcd.Commit(t, writes...)
	}
}

// SetRaw stores bytes that need not be JSON.
func (s *Server) SetRaw(t testing.TB, key, raw string) {
	t.Helper()
	s.etcd.Commit(t, s.write(key, raw))
}

// Delete deletes a key.
func (s *Server) Delete(t testing.TB, key string) {
	t.Helper()
	w := s.write(key, "")
	w.Delete = true
	s.etcd.Commit(t, w)
}

func (s *Server) write(key, raw string) servertest.Write {
	return servertest.Write{
		Namespace: s.Namespace, Environment: s.Environment, Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: key, JSON: raw,
	}
}

// Stop ends the sidecar, as when its container stops. The values stay in the store.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.running != nil {
		s.running.Stop(t)
		s.running = nil
	}
}

// Restart starts the sidecar again, on the same addresses, and returns when it serves.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.running = servertest.Start(t, servertest.Options{
		Etcd: s.etcd, Namespace: s.Namespace, Environment: s.Environment,
		Settings: map[string]string{"CONFIG_HTTP_ADDR": s.URL[len("http://"):], "CONFIG_GRPC_ADDR": s.Addr},
	})
}

// Client returns a client of the sidecar that has its values, and logs nothing, until the
// test ends. Options come after those that this needs.
func (s *Server) Client(t testing.TB, options ...configclient.Option) *configclient.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := configclient.Open(ctx, append([]configclient.Option{
		configclient.WithAddress(s.Addr), configclient.WithNamespace(s.Namespace), configclient.WithEnvironment(s.Environment),
		configclient.WithTimeout(patience), configclient.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
