package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

const (
	grpcConns   = 4
	grpcCallers = 32
	restConns   = 16
)

// caller does one call after the other; i says which key. One goroutine owns it.
type caller func(ctx context.Context, i int) error

// load is what callers measured in one round.
type load struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	CPU       float64 `json:"cpu_us"` // processor time of the server per call
	calls     int
}

// drive lets every caller call for d, each as fast as it is answered.
func drive(ctx context.Context, callers []caller, d time.Duration) (load, error) {
	took := make([][]time.Duration, len(callers))
	var group errgroup.Group
	begin := time.Now()
	for n, call := range callers {
		group.Go(func() error {
			mine := make([]time.Duration, 0, 1<<16)
			for i := n; time.Since(begin) < d; i++ {
				before := time.Now()
				if err := call(ctx, i%sharedKeys); err != nil {
					return err
				}
				mine = append(mine, time.Since(before))
			}
			took[n] = mine
			return nil
		})
	}
	err := group.Wait()
	elapsed := time.Since(begin)
	all := merge(took)
	if err == nil && len(all) == 0 {
		err = errors.New("no call was answered")
	}
	if err != nil {
		return load{}, err
	}
	return load{
		PerSecond: float64(len(all)) / elapsed.Seconds(),
		P50:       micros(quantile(all, .5)),
		P99:       micros(quantile(all, .99)),
		calls:     len(all),
	}, nil
}

// sideNames are those of the two sides in the names of files, in the order in which
// they are measured.
var sideNames = [2]string{"ours", "bare"}

// side is one of two servers that are compared, with connections to it.
type side struct {
	server  *child
	callers []caller
	close   func() error
}

// measure is one round, with what it costs the server.
func (s side) measure(ctx context.Context, d time.Duration) (load, error) {
	before, err := s.server.processor()
	if err != nil {
		return load{}, err
	}
	one, err := drive(ctx, s.callers, d)
	if err != nil {
		return load{}, err
	}
	used, err := s.server.processorSince(before)
	one.CPU = micros(used) / float64(one.calls)
	return one, err
}

// compareCalls measures both sides in turn, round by round. atLeast is the goal; 0: none.
func (l *lab) compareCalls(ctx context.Context, name, title string, atLeast float64, open func(*child) (side, error)) ([]Row, error) {
	var sides [2]side
	for i, server := range []*child{l.ours, l.bare} {
		var err error
		if sides[i], err = open(server); err != nil {
			return nil, err
		}
		defer func() { _ = sides[i].close() }() // the figures are in
		if _, err := drive(ctx, sides[i].callers, l.duration/2); err != nil {
			return nil, fmt.Errorf("warm-up of %s: %w", server.name, err)
		}
	}
	var loads [2][]load
	for round := range l.rounds {
		for i, s := range sides {
			file := fmt.Sprintf("%s-%d-%s", name, round+1, sideNames[i])
			err := l.profiled(ctx, s.server, file, func() error {
				one, err := s.measure(ctx, l.duration)
				loads[i] = append(loads[i], one)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.server.name, err)
			}
			l.profileHeap(ctx, s.server, file)
		}
	}
	row := func(name, unit string, value func(load) float64) Row {
		return compare(name, unit, each(loads[0], value), each(loads[1], value))
	}
	calls := row(title+", calls", "1/s", func(o load) float64 { return o.PerSecond })
	if atLeast > 0 {
		calls = calls.ratioAtLeast(atLeast)
	}
	return []Row{
		calls,
		row("  p50", "us", func(o load) float64 { return o.P50 }),
		row("  p99", "us", func(o load) float64 { return o.P99 }),
		row("  processor time of the server per call", "us", func(o load) float64 { return o.CPU }),
	}, nil
}

func benchGRPCGet(ctx context.Context, l *lab) ([]Row, error) {
	return l.compareCalls(ctx, "grpc-get", fmt.Sprintf("gRPC Get, %d callers on %d connections", grpcCallers, grpcConns), .90, openGRPC)
}

func openGRPC(server *child) (side, error) {
	s := side{server: server}
	var conns []*grpc.ClientConn
	s.close = func() error {
		var errs []error
		for _, c := range conns {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
	requests := make([]*configv1.GetRequest, sharedKeys)
	for i := range requests {
		requests[i] = &configv1.GetRequest{Key: keyName(i)}
	}
	for range grpcConns {
		conn, err := dial(server.GRPC)
		if err != nil {
			return s, errors.Join(err, s.close())
		}
		conns = append(conns, conn)
	}
	for n := range grpcCallers {
		client := configv1.NewConfigServiceClient(conns[n%grpcConns])
		s.callers = append(s.callers, func(ctx context.Context, i int) error {
			resp, err := client.Get(ctx, requests[i])
			if err == nil && resp.GetEntry().GetValue() == nil {
				err = errors.New("an answer has no value")
			}
			return err
		})
	}
	return s, nil
}

// benchRESTGet measures with a client that does next to nothing, so that the servers'
// own cost is compared; then with the one of Go's that programs use, for information.
func benchRESTGet(ctx context.Context, l *lab) ([]Row, error) {
	rows, err := l.compareCalls(ctx, "rest-get", fmt.Sprintf("REST Get, %d connections", restConns), .60, openREST)
	if err != nil {
		return nil, err
	}
	usual, err := l.compareCalls(ctx, "rest-get-http", fmt.Sprintf("REST Get, %d connections, by net/http's client", restConns), 0, openRESTByHTTP)
	return append(rows, usual...), err
}

func openRESTByHTTP(server *child) (side, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: restConns, MaxConnsPerHost: restConns}
	client := &http.Client{Transport: transport}
	s := side{server: server, close: func() error { transport.CloseIdleConnections(); return nil }}
	urls := make([]string, sharedKeys)
	for i := range urls {
		urls[i] = "http://" + server.HTTP + "/v1/config/" + keyName(i)
	}
	for range restConns {
		s.callers = append(s.callers, func(ctx context.Context, i int) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, urls[i], nil)
			if err != nil {
				return err
			}
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if err == nil && (n == 0 || resp.StatusCode != http.StatusOK) {
				err = fmt.Errorf("REST answers %s with %d bytes", resp.Status, n)
			}
			return errors.Join(err, resp.Body.Close())
		})
	}
	return s, nil
}

func openREST(server *child) (side, error) {
	s := side{server: server}
	var conns []*restConn
	s.close = func() error {
		var errs []error
		for _, c := range conns {
			errs = append(errs, c.conn.Close())
		}
		return errors.Join(errs...)
	}
	requests := make([][]byte, sharedKeys)
	for i := range requests {
		requests[i] = fmt.Appendf(nil, "GET /v1/config/%s HTTP/1.1\r\nHost: %s\r\n\r\n", keyName(i), server.HTTP)
	}
	for range restConns {
		c, err := dialREST(server.HTTP)
		if err != nil {
			return s, errors.Join(err, s.close())
		}
		conns = append(conns, c)
		s.callers = append(s.callers, func(_ context.Context, i int) error { return c.call(requests[i]) })
	}
	return s, nil
}
