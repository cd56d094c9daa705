package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	environment = "production"
	namespace   = "bench"       // what most benchmarks read
	large       = "bench-large" // what the starts load
	sharedKeys  = 1000
	entryBytes  = 100 // of key and value together: 10,000 of them fit a scope
	batch       = 100 // writes of one transaction
)

// lab is what all benchmarks share. Its servers run until close.
type lab struct {
	options
	out   io.Writer // progress
	dir   string
	etcd  *child
	store *etcdstore.Raw
	watch *clientv3.Client // bare, for comparison
	http  *http.Client     // for all but the load

	ours, bare *child // the steady pair; benchmarks that need a fresh one start their own
}

// openLab starts etcd, fills it, and starts one of each server.
func openLab(ctx context.Context, o options, out io.Writer) (*lab, error) {
	l := &lab{options: o, out: out, http: &http.Client{Transport: &http.Transport{}}}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *lab) open(ctx context.Context) (err error) {
	if l.dir, err = os.MkdirTemp("", "config-service-bench-"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if l.etcd, err = startChild("etcd", self, []string{modeEtcd, filepath.Join(l.dir, "etcd")}); err != nil {
		return err
	}
	if l.store, err = etcdstore.OpenRaw(l.etcd.Ops); err != nil {
		return err
	}
	if l.watch, err = clientv3.New(clientv3.Config{Endpoints: []string{l.etcd.Ops}, Logger: zap.NewNop()}); err != nil {
		return err
	}
	for ns, keys := range map[string]int{namespace: sharedKeys, large: l.startKeys} {
		if err := l.fill(ctx, ns, keys); err != nil {
			return err
		}
	}
	if l.ours, err = l.startOurs(ctx); err != nil {
		return err
	}
	if err := l.record(ctx); err != nil {
		return err
	}
	l.bare, err = l.startBare()
	return err
}

func (l *lab) close() error {
	l.http.CloseIdleConnections()
	var errs []error
	for _, c := range []*child{l.bare, l.ours} {
		if c != nil {
			errs = append(errs, c.stop())
		}
	}
	if l.watch != nil {
		errs = append(errs, l.watch.Close())
	}
	if l.store != nil {
		errs = append(errs, l.store.Close())
	}
	if l.etcd != nil {
		errs = append(errs, l.etcd.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

func keyName(i int) string { return fmt.Sprintf("bench.key.%05d", i) }

func valueOf(key string) string { return `"` + strings.Repeat("v", entryBytes-len(key)-2) + `"` }

func scopeOf(ns string) snapshot.ScopeID {
	return snapshot.ScopeID{Namespace: ns, Environment: environment}
}

// fill writes the keys of a namespace.
func (l *lab) fill(ctx context.Context, ns string, keys int) error {
	for from := 0; from < keys; from += batch {
		var writes []etcdstore.RawWrite
		for i := from; i < min(from+batch, keys); i++ {
			writes = append(writes, etcdstore.RawWrite{Scope: scopeOf(ns), Key: keyName(i), Value: valueOf(keyName(i))})
		}
		if _, _, err := l.store.Commit(ctx, writes...); err != nil {
			return err
		}
	}
	return nil
}

// launchOurs starts the server under test on free ports; env can change its settings.
func (l *lab) launchOurs(env ...string) (*child, error) {
	return startChild("the server under test", l.server, []string{"serve"}, append([]string{
		"SERVICE_NAME=" + namespace, "ENVIRONMENT=" + environment, "ETCD_ENDPOINTS=" + l.etcd.Ops,
		"CONFIG_HTTP_ADDR=127.0.0.1:0", "CONFIG_GRPC_ADDR=127.0.0.1:0", "CONFIG_OPS_ADDR=127.0.0.1:0",
		"CONFIG_MAX_CONNECTIONS=30000", "CONFIG_MAX_STREAMS=30000", "CONFIG_MAX_STREAMS_PER_CONNECTION=1000",
		"CONFIG_START_WAIT=0", "CONFIG_PPROF=true", "LOG_LEVEL=info", "LOG_FORMAT=json",
	}, env...)...)
}

// startOurs starts the server under test, and returns when it is ready.
func (l *lab) startOurs(ctx context.Context, env ...string) (*child, error) {
	c, err := l.launchOurs(env...)
	if err != nil {
		return nil, err
	}
	if err := c.ready(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (l *lab) startBare() (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startChild("the bare server", self, []string{modeBare, l.dir})
}

// record takes down what the server under test answers, for the bare one.
func (l *lab) record(ctx context.Context) error {
	conn, err := dial(l.ours.GRPC)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := configv1.NewConfigServiceClient(conn)
	var r recorded
	got, err := client.Get(ctx, &configv1.GetRequest{Key: keyName(0)})
	if err != nil {
		return err
	}
	r.get.Entry, r.get.State = got.GetEntry(), got.GetState()
	var body strings.Builder
	if err := get(ctx, l.http, "http://"+l.ours.HTTP+"/v1/config/"+keyName(0), &body); err != nil {
		return err
	}
	r.rest = []byte(body.String())
	if err := l.recordWatch(ctx, client, &r); err != nil {
		return err
	}
	return r.save(l.dir)
}

// recordWatch takes down the snapshot and the delta of the watch that is broadcast.
func (l *lab) recordWatch(ctx context.Context, client configv1.ConfigServiceClient, r *recorded) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Watch(ctx, &configv1.WatchRequest{Keys: []string{keyName(0)}})
	if err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	r.snapshot.State, r.snapshot.Event = first.GetState(), first.GetEvent()
	if err := l.write(ctx, keyName(0), valueOf(keyName(0))); err != nil {
		return err
	}
	second, err := stream.Recv()
	if err != nil {
		return err
	}
	if second.GetDelta() == nil {
		return fmt.Errorf("after a write the stream sent no delta but %v", second)
	}
	r.delta.State, r.delta.Event = second.GetState(), second.GetEvent()
	return nil
}

func (l *lab) write(ctx context.Context, key, value string) error {
	_, _, err := l.store.Commit(ctx, etcdstore.RawWrite{Scope: scopeOf(namespace), Key: key, Value: value})
	return err
}

func dial(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
}
