package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/embeddedetcd"
)

// The modes in which this program is a server under test. Their argument is a
// directory: with the answers to repeat, or for etcd's data.
const (
	modeBare = "serve-bare"
	modeEtcd = "serve-etcd"
)

// childMode returns what a command line asks to serve, or nil.
func childMode(args []string) func(context.Context) error {
	if len(args) != 3 {
		return nil
	}
	switch args[1] {
	case modeBare:
		return func(ctx context.Context) error { return serveBare(ctx, args[2]) }
	case modeEtcd:
		return func(ctx context.Context) error { return serveEtcd(ctx, args[2]) }
	}
	return nil
}

// announce says where this process listens.
func announce(s serving) error {
	s.Msg = "serving"
	return json.NewEncoder(os.Stderr).Encode(s)
}

func serveEtcd(ctx context.Context, dir string) error {
	etcd, err := embeddedetcd.Start(ctx, "127.0.0.1:0", dir)
	if err != nil {
		return err
	}
	defer etcd.Close()
	if err := announce(serving{Ops: etcd.Endpoint}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// recorded are the answers of the server under test that the bare one repeats.
type recorded struct {
	get      configv1.GetResponse
	rest     []byte
	snapshot configv1.WatchResponse
	delta    configv1.WatchResponse
}

// files are the recorded messages by the name of their file.
func (r *recorded) files() map[string]proto.Message {
	return map[string]proto.Message{"get.binpb": &r.get, "snapshot.binpb": &r.snapshot, "delta.binpb": &r.delta}
}

const restFile = "get.json"

func (r *recorded) save(dir string) error {
	for name, m := range r.files() {
		data, err := proto.Marshal(m)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, restFile), r.rest, 0o600)
}

func (r *recorded) load(dir string) (err error) {
	for name, m := range r.files() {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(data, m); err != nil {
			return err
		}
	}
	r.rest, err = os.ReadFile(filepath.Join(dir, restFile))
	return err
}

// bare answers as the server under test does and does nothing else: an empty grpc-go
// server without options or interceptors, and a net/http handler without routes.
type bare struct {
	configv1.UnimplementedConfigServiceServer
	recorded

	mu   sync.Mutex    // guards next
	next chan struct{} // closed, and replaced, at every broadcast
}

func (b *bare) Get(context.Context, *configv1.GetRequest) (*configv1.GetResponse, error) {
	return &b.get, nil
}

// Watch sends the snapshot, and the delta at every broadcast.
func (b *bare) Watch(_ *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
	next := b.upcoming()
	if err := stream.Send(&b.snapshot); err != nil {
		return err
	}
	for {
		select {
		case <-next:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
		next = b.upcoming()
		if err := stream.Send(&b.delta); err != nil {
			return err
		}
	}
}

func (b *bare) upcoming() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

func (b *bare) broadcast(http.ResponseWriter, *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}

func (b *bare) answerREST(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b.rest)))
	_, _ = w.Write(b.rest) // a client that went away is no news
}

// serveBare serves until ctx ends.
func serveBare(ctx context.Context, dir string) error {
	b := &bare{next: make(chan struct{})}
	if err := b.load(dir); err != nil {
		return err
	}
	var listeners [3]net.Listener
	for i := range listeners {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		listeners[i] = l
	}
	rpc := grpc.NewServer()
	configv1.RegisterConfigServiceServer(rpc, b)
	rest := &http.Server{Handler: http.HandlerFunc(b.answerREST), ReadHeaderTimeout: time.Minute}
	ops := &http.Server{Handler: b.opsRoutes(), ReadHeaderTimeout: time.Minute}

	group, failed := errgroup.WithContext(ctx)
	group.Go(func() error { return rpc.Serve(listeners[0]) })
	group.Go(func() error { return served(rest.Serve(listeners[1])) })
	group.Go(func() error { return served(ops.Serve(listeners[2])) })
	group.Go(func() error {
		<-failed.Done()
		rpc.Stop()
		return errors.Join(rest.Close(), ops.Close())
	})
	if err := announce(serving{GRPC: listeners[0].Addr().String(), HTTP: listeners[1].Addr().String(), Ops: listeners[2].Addr().String()}); err != nil {
		return err
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (b *bare) opsRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /broadcast", b.broadcast)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}
