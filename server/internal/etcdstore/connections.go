package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

var errClosed = errors.New("the registry is closed")

// stores is the connection of a Registry or a History: made by the first call, and made anew
// by the first one after the access was renewed, or the connection doubted. The one before is
// closed when the calls that use it have ended. While a renewed access does not open the store,
// the connection of the one before is used; that this is so, the Source says.
type stores struct {
	cfg     RegistryConfig
	dialing chan struct{} // holds one token: who has it may dial

	mu      sync.Mutex // guards the rest
	current *connection
	again   time.Time // until then a renewed access is not tried that did not open the store
	closed  bool
	open    sync.WaitGroup // connections that are not closed yet
}

// connection is one client. Its counts are guarded by stores.mu.
type connection struct {
	client     *clientv3.Client
	superseded <-chan struct{}
	end        context.CancelFunc
	users      int
	retired    bool // closed when nobody uses it

	doubted atomic.Bool // another one is to take its place; not guarded

	suits time.Time // when the store was found to keep services apart; zero: never
}

func (s *stores) init(cfg RegistryConfig) {
	s.cfg = cfg
	s.dialing = make(chan struct{}, 1)
	s.dialing <- struct{}{}
}

// take returns the connection, and what gives it back.
func (s *stores) take(ctx context.Context) (*connection, func(), error) {
	select {
	case <-s.dialing:
		defer func() { s.dialing <- struct{}{} }()
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for a connection to etcd: %w", ctx.Err())
	}
	if c, err := s.usable(); c != nil || err != nil {
		return c, func() { s.release(c) }, err
	}
	c, err := s.dial(ctx)
	if err != nil {
		if before := s.before(ctx); before != nil {
			return before, func() { s.release(before) }, nil
		}
		return nil, nil, err
	}
	if err := s.adopt(c); err != nil {
		c.close()
		return nil, nil, err
	}
	return c, func() { s.release(c) }, nil
}

// usable returns the present connection with one user more; nil when another is needed.
func (s *stores) usable() (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errClosed
	case s.current == nil:
		return nil, nil
	}
	if s.current.doubted.Load() {
		return nil, nil
	}
	select {
	case <-s.current.superseded:
		if !s.cfg.Now().Before(s.again) {
			return nil, nil
		}
	default:
	}
	s.current.users++
	return s.current, nil
}

// before returns the present connection with one user more, when a renewed access does not
// open the store; nil: it is of no use either.
func (s *stores) before(ctx context.Context) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.current.serves() || ctx.Err() != nil {
		return nil
	}
	s.again = s.cfg.Now().Add(renewEvery)
	s.current.users++
	return s.current
}

// serves says whether a connection was of use so far.
func (c *connection) serves() bool { return c != nil && !c.doubted.Load() }

// adopt makes a connection the present one, with one user.
func (s *stores) adopt(c *connection) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.retire()
	c.users = 1
	s.current = c
	s.open.Add(1)
	return nil
}

// retire lets the present connection go. s.mu is held.
func (s *stores) retire() {
	if c := s.current; c != nil {
		c.retired = true
		if c.users == 0 {
			s.drop(c)
		}
	}
	s.current = nil
}

// drop closes a connection that nobody uses. s.mu is held.
func (s *stores) drop(c *connection) {
	c.close()
	s.open.Done()
}

func (s *stores) release(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.users--; c.users == 0 && c.retired {
		s.drop(c)
	}
}

// close waits until nobody uses a connection.
func (s *stores) close() {
	s.mu.Lock()
	s.closed = true
	s.retire()
	s.mu.Unlock()
	s.open.Wait()
}

func (c *connection) close() {
	c.end()
	_ = c.client.Close() // it says that its context has ended
}

// dial makes a connection with the present access. It lives until it is closed: ctx
// bounds its opening only. One that is to take the place of another that serves has to open
// the store.
func (s *stores) dial(ctx context.Context) (*connection, error) {
	c := &connection{}
	var access Access
	if s.cfg.Access != nil {
		access, c.superseded = s.cfg.Access()
	}
	var err error
	if c.client, c.end, err = dialAll(ctx, s.cfg.Endpoints, access, grpc.WithChainUnaryInterceptor(c.doubt)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	replaces := s.current.serves()
	s.mu.Unlock()
	if !replaces {
		return c, nil // if the store does not answer, the call says it
	}
	ask, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	if _, err := c.client.Get(ask, headsPrefix, clientv3.WithKeysOnly(), clientv3.WithSerializable()); err != nil {
		c.close()
		return nil, fmt.Errorf("read from etcd: %w", err)
	}
	return c, nil
}

// doubtAfter is how long a call has to go without an answer for the connection to be doubted;
// who has less time than that says nothing about it.
const doubtAfter = time.Second

// doubt notices calls that are not answered although the connection stands. etcd restored from
// a backup does that: it makes a login of before wait until its raft index, which began anew, has
// come to where the login was made. Only another login helps.
func (c *connection) doubt(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	began := time.Now()
	err := invoke(ctx, method, request, reply, conn, opts...)
	if status.Code(err) == codes.DeadlineExceeded && time.Since(began) >= doubtAfter && conn.GetState() == connectivity.Ready {
		c.doubted.Store(true)
	}
	return err
}

// comingBack is how a client that stays comes back to an etcd that was away: gRPC's own
// pauses grow to two minutes, for which every write would fail after etcd is there again.
func comingBack() grpc.ConnectParams {
	return grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: backoffFirst, Multiplier: 2, Jitter: 0.5, MaxDelay: backoffMost},
		MinConnectTimeout: callTimeout,
	}
}

// dialAll opens a client of all endpoints. A wrong password is said here.
func dialAll(ctx context.Context, endpoints []string, access Access, options ...grpc.DialOption) (*clientv3.Client, context.CancelFunc, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	opened := context.AfterFunc(ctx, end)
	client, err := clientv3.New(clientv3.Config{
		Context:              life,
		Endpoints:            endpoints,
		TLS:                  access.TLS,
		Username:             access.User,
		Password:             access.Password,
		DialTimeout:          callTimeout,
		DialKeepAliveTime:    keepaliveTime,
		DialKeepAliveTimeout: keepaliveTimeout,
		DialOptions:          append(options, grpc.WithConnectParams(comingBack())),
		Logger:               zap.NewNop(),
	})
	opened()
	if err != nil {
		end()
		return nil, nil, fmt.Errorf("connect to etcd: %w", err)
	}
	return client, end, nil
}
