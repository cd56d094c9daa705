package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/config-service/config-service/server/internal/daemon"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// printBanner prints lines that work as they stand, from the root of the repository.
func printBanner(w io.Writer, d *daemon.Daemon, scope snapshot.ScopeID, etcdEndpoint string) {
	rest, grpc := shown(d.HTTPAddr()), shown(d.GRPCAddr())
	set := "go run ./server/dev set database.pool_size 25"
	if etcd := strings.TrimPrefix(etcdEndpoint, "http://"); etcd != defaultEtcdAddr {
		set += " --etcd " + etcd
	}
	if scope != demoScope {
		set += " --service-name " + scope.Namespace + " --environment " + scope.Environment
	}
	fmt.Fprintf(w, `
config-service is up, with demo data on an embedded etcd (%s). Try, in another terminal:

  read a value     curl -s %s/v1/config/database.pool_size
  read them all    curl -s -H 'Accept: text/plain' %s/v1/config
  see why          curl -s %s/v1/explain/database.pool_size
  watch (SSE)      curl -sN -H 'Accept: text/event-stream' %s/v1/watch
  watch (gRPC)     go tool -modfile=.tools/go.mod grpcurl -plaintext %s configservice.v1.ConfigService/Watch
  change a value   %s

The gRPC line builds grpcurl the first time. Ctrl-C stops it.

`, etcdEndpoint, rest, rest, rest, rest, grpc, set)
}

// shown is an address as a person would type it.
func shown(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsLoopback() {
		return fmt.Sprintf("localhost:%d", t.Port)
	}
	return a.String()
}
