package robust_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

const (
	stopWithin = 5 * time.Second // the goal
	bigKeys    = 150             // of 4 KiB, which no watch selects
)

// stopCampaign replaces a sidecar again and again, with many open streams and calls
// under way.
func stopCampaign(ctx context.Context, s *stand) {
	s.fill(ctx, 50, 0)
	for i := range bigKeys {
		s.commit(ctx, s.put(fmt.Sprintf("big.k%d", i), 0, 4<<10))
	}
	streams, rounds := pick(200, 500), pick(5, 100)
	c := &stops{stand: s, launch: s.launch("cache", s.proxy.Addr())}
	c.final.Store(1 << 62)
	c.sidecar = s.start(c.launch)
	s.ready(ctx, c.sidecar)
	s.current(ctx, c.sidecar)
	busy, stop := context.WithCancel(ctx)
	defer stop()
	var clients, others sync.WaitGroup
	c.follow(ctx, streams, &clients)
	others.Go(func() { s.writeOn(busy, 20*time.Millisecond, 50) })
	c.callOn(busy, &others)

	rng := rand.New(rand.NewPCG(campaignSeed(s.t), 2))
	var took, again []time.Duration
	for range rounds {
		c.allOpen(ctx, streams)
		if err := pause(ctx, time.Duration(rng.Int64N(int64(50*time.Millisecond)))); err != nil {
			s.t.Fatal(err)
		}
		took = append(took, c.replace(ctx))
		began := time.Now()
		c.allOpen(ctx, streams)
		again = append(again, time.Since(began))
	}
	stop()
	others.Wait()
	c.final.Store(s.newest.Load())
	clients.Wait()
	s.judge(ctx, s.newest.Load(), s.newest.Load(), c.records()...)
	s.t.Logf("FIGURES stop: %d times SIGTERM with %d streams: exit 0 after %s, goal %s; %d of %d calls under way failed (%d more were refused by a stopped server); %d streams ended otherwise than NOT_READY; all streams open again %s after the exit; %d messages",
		rounds, streams, spread(took), stopWithin, c.failed.Load(), c.underWay.Load(), c.refused.Load(), c.rude.Load(), spread(again), c.messages.Load())
	if c.failed.Load() > 0 || c.rude.Load() > 0 {
		s.t.Error("calls failed or streams ended without a word")
	}
	if c.underWay.Load() == 0 {
		s.t.Error("no call was under way")
	}
	s.stop(ctx, c.sidecar)
}

// stops are the sidecars that follow each other at one place, and their clients.
type stops struct {
	*stand
	launch  *robust.Launch
	sidecar *robust.Sidecar

	followers []*follower
	final     atomic.Int64
	signalled atomic.Int64 // when the last SIGTERM was sent, since the beginning

	underWay, failed, refused, rude, messages atomic.Int64
}

// follower is a client whose watch goes on over the ends of its streams.
type follower struct {
	*stops
	open   robust.Open
	record *robust.Record
}

// follow opens n streams, half over REST.
func (c *stops) follow(ctx context.Context, n int, done *sync.WaitGroup) {
	transport := &http.Transport{}
	c.t.Cleanup(transport.CloseIdleConnections)
	rest := &http.Client{Transport: transport}
	var conns []*grpc.ClientConn
	for range 4 {
		conns = append(conns, c.connect(c.launch))
	}
	for i := range n {
		f := &follower{stops: c, record: &robust.Record{
			Client: fmt.Sprintf("stream %d", i), Selection: robust.Selection{Prefix: fmt.Sprintf("g%d", i%10)},
		}}
		switch i % 4 {
		case 0, 1:
			f.open = robust.OverGRPC(conns[i/2%len(conns)])
		case 2:
			f.open = robust.OverNDJSON(rest, "http://"+c.launch.HTTP)
		case 3:
			f.open = robust.OverSSE(rest, "http://"+c.launch.HTTP)
		}
		c.followers = append(c.followers, f)
		done.Go(func() { f.run(ctx) })
	}
}

func (f *follower) run(ctx context.Context) {
	for pace := newPace(20 * time.Millisecond); pace.next(ctx); {
		// A leg's context ends with it, and with it a REST answer's body.
		leg, end := context.WithCancel(ctx)
		finished := f.leg(leg)
		end()
		if finished {
			return
		}
	}
}

// leg is one stream. It returns true when the final revision was seen.
func (f *follower) leg(ctx context.Context) bool {
	from := f.record.Last()
	recv, err := f.open(ctx, f.record.Selection, from)
	if err != nil {
		return false // nobody is there
	}
	leg := robust.Leg{Resume: from}
	defer func() { f.record.Legs = append(f.record.Legs, leg) }()
	for {
		m, err := recv()
		if err != nil {
			if len(leg.Messages) > 0 && !saysNotReady(err) {
				f.rude.Add(1)
				f.t.Logf("%s ended with %v", f.record.Client, err)
			}
			return false
		}
		f.messages.Add(1)
		leg.Messages = append(leg.Messages, m)
		if m.Revision >= f.final.Load() {
			return true
		}
	}
}

// saysNotReady tells the end of a stream by a server that goes.
func saysNotReady(err error) bool {
	if st, ok := status.FromError(err); ok {
		return st.Code() == codes.Unavailable && strings.Contains(fmt.Sprint(st.Details()), "NOT_READY")
	}
	return strings.Contains(err.Error(), "NOT_READY")
}

func (c *stops) records() (all []*robust.Record) {
	for _, f := range c.followers {
		epochs := map[string]bool{}
		for _, leg := range f.record.Legs {
			for _, m := range leg.Messages {
				epochs[m.Epoch] = true
			}
		}
		if len(epochs) != 1 {
			c.t.Errorf("%s saw %d epochs", f.record.Client, len(epochs))
		}
		all = append(all, f.record)
	}
	return all
}

// allOpen returns when all streams are open.
func (c *stops) allOpen(ctx context.Context, n int) {
	c.t.Helper()
	if err := robust.Poll(ctx, func() error {
		metrics, err := c.sidecar.Metrics(ctx)
		if open := metrics["configservice_open_watches"]; err == nil && open != float64(n) {
			err = fmt.Errorf("%v streams are open", open)
		}
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
}

// callOn makes calls, over both transports, until ctx ends.
func (c *stops) callOn(ctx context.Context, done *sync.WaitGroup) {
	transport := &http.Transport{}
	c.t.Cleanup(transport.CloseIdleConnections)
	rest := &http.Client{Transport: transport}
	for range 2 {
		for _, call := range []func() (time.Duration, error){c.listGRPC(), func() (time.Duration, error) { return c.listREST(rest) }} {
			done.Go(func() {
				for pace := newPace(2 * time.Millisecond); pace.next(ctx); {
					c.counted(call())
				}
			})
		}
	}
}

// listGRPC returns what makes a call, one at a time over a connection of its own, and
// returns when it was sent; never if there was nobody to send it to.
func (c *stops) listGRPC() func() (sent time.Duration, err error) {
	c.t.Helper()
	var written atomic.Int64 // when something was first, since the call began
	conn, err := dial(c.launch.GRPC, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		return &notingConn{conn, func() { written.CompareAndSwap(math.MaxInt64, int64(c.now())) }}, err
	}))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	return func() (time.Duration, error) {
		written.Store(math.MaxInt64)
		_, err := configv1.NewConfigServiceClient(conn).List(context.Background(), &configv1.ListRequest{})
		return time.Duration(written.Load()), err
	}
}

// notingConn notes each write that is done.
type notingConn struct {
	net.Conn
	written func()
}

func (c *notingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written()
	return n, err
}

// listREST returns when its request was sent; never if there was nobody to send it to.
func (c *stops) listREST(rest *http.Client) (sent time.Duration, err error) {
	sent = math.MaxInt64
	var mu sync.Mutex // the request is written by a goroutine of the transport
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
		mu.Lock()
		defer mu.Unlock()
		sent = min(sent, c.now())
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), http.MethodGet, "http://"+c.launch.HTTP+"/v1/config", nil)
	if err != nil {
		return sent, err
	}
	resp, err := rest.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	return sent, err
}

// counted takes down a call that has ended: it was under way at the stop if it was sent
// before.
func (c *stops) counted(began time.Duration, err error) {
	signalled := time.Duration(c.signalled.Load())
	before := began < signalled && c.now() > signalled
	if before {
		c.underWay.Add(1)
	}
	switch {
	case err != nil && before:
		c.failed.Add(1)
		c.t.Logf("a call that began %s before the signal failed: %v", signalled-began, err)
	case err != nil:
		c.refused.Add(1)
	}
}

// replace stops the sidecar and starts the next, at the same place. It returns how long
// the stop took.
func (c *stops) replace(ctx context.Context) time.Duration {
	c.t.Helper()
	var finish []func() error
	for range 4 {
		end, err := c.slowly(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		finish = append(finish, end)
	}
	began := time.Now()
	c.signalled.Store(int64(c.now()))
	if err := c.sidecar.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	var reading sync.WaitGroup
	for _, end := range finish {
		c.underWay.Add(1)
		reading.Go(func() {
			if err := end(); err != nil {
				c.failed.Add(1)
				c.t.Logf("a call whose answer was under way failed: %v", err)
			}
		})
	}
	select {
	case <-c.sidecar.Ended():
	case <-ctx.Done():
		c.t.Fatalf("it does not stop: %v", c.sidecar.Log())
	}
	took := time.Since(began)
	if code := c.sidecar.ExitCode(); code != 0 || took > form().Limit(stopWithin) {
		c.t.Errorf("exit code %d after %s: %v", code, took, c.sidecar.Log())
	}
	reading.Wait()
	c.sidecar = c.start(c.launch)
	c.ready(ctx, c.sidecar)
	return took
}

// slowly asks for everything, takes the first byte of the answer, and returns what
// reads the rest.
func (c *stops) slowly(ctx context.Context) (func() error, error) {
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		// A small window: the answer does not fit between the two.
		return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 32<<10) })
	}}
	conn, err := d.DialContext(ctx, "tcp", c.launch.HTTP)
	if err != nil {
		return nil, err
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprint(conn, "GET /v1/config HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return nil, err
	}
	reader := bufio.NewReaderSize(conn, 16)
	if _, err := reader.Peek(1); err != nil {
		return nil, err
	}
	return func() error {
		defer conn.Close()
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			return err
		}
		var all struct{ Entries []any }
		if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
			return err
		}
		if n := len(all.Entries); n < bigKeys {
			return fmt.Errorf("an answer with %d entries", n)
		}
		return nil
	}, nil
}
