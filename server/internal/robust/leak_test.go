package robust_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

// What a sidecar may hold more after all is closed.
const (
	moreGoroutines = 5
	moreFiles      = 3
	moreHeap       = 5 << 20
)

// leakCampaign opens and closes watches, in every way, and makes the sidecar connect to
// etcd again and again. Then it holds what it held before.
func leakCampaign(ctx context.Context, s *stand) {
	s.fill(ctx, 100, 100)
	sc := s.start(s.launch("cache", s.proxy.Addr()))
	s.ready(ctx, sc)
	s.current(ctx, sc)
	s.cycle(ctx, sc, 400) // warm
	s.reconnect(ctx, sc, 1)
	before := s.holding(ctx, sc, held{})

	cycles, reconnects := pick(2000, 20_000), pick(10, 200)
	began := time.Now()
	var done sync.WaitGroup
	done.Go(func() { s.cycle(ctx, sc, cycles) })
	s.reconnect(ctx, sc, reconnects)
	done.Wait()
	took := time.Since(began)
	after := s.holding(ctx, sc, before)
	s.t.Logf("FIGURES leaks, after %d watches and %d reconnects in %s: goroutines %.0f (%+.0f), files %.0f (%+.0f), heap %.1f MiB (%+.2f), RSS %.1f MiB (%+.1f)",
		cycles, reconnects, took.Round(time.Second), after.goroutines, after.goroutines-before.goroutines, after.files, after.files-before.files,
		after.heap/(1<<20), (after.heap-before.heap)/(1<<20), after.resident/(1<<20), (after.resident-before.resident)/(1<<20))
	if more := after.above(before); more != "" {
		s.t.Error(more)
	}
	s.stop(ctx, sc)
}

// held is what a process holds.
type held struct{ goroutines, files, heap, resident float64 }

// above says what is held more than is right; "" if nothing.
func (h held) above(before held) string {
	switch {
	case h.goroutines > before.goroutines+moreGoroutines:
		return fmt.Sprintf("%.0f goroutines; %.0f before", h.goroutines, before.goroutines)
	case h.files > before.files+moreFiles:
		return fmt.Sprintf("%.0f open files; %.0f before", h.files, before.files)
	case h.heap > before.heap+moreHeap:
		return fmt.Sprintf("%.0f bytes of heap; %.0f before", h.heap, before.heap)
	}
	return ""
}

// leakPatience is how long a sidecar may take to let go of what was closed.
const leakPatience = time.Minute

// holding measures once no watch is open: when it is no more than before, or after
// leakPatience.
func (s *stand) holding(ctx context.Context, sc *robust.Sidecar, before held) (h held) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, leakPatience)
	defer cancel()
	err := robust.Poll(ctx, func() error {
		sc.HTTPClient.CloseIdleConnections()
		if code, _, body, err := sc.Read(ctx, sc.Ops, "/debug/pprof/heap?gc=1"); err != nil || code != 200 {
			return fmt.Errorf("a collection of garbage: %d %s %w", code, body, err)
		}
		metrics, err := sc.Metrics(ctx)
		if err != nil {
			return err
		}
		h = held{
			metrics["go_goroutines"], metrics["process_open_fds"],
			metrics["go_memstats_heap_alloc_bytes"], metrics["process_resident_memory_bytes"],
		}
		if n := metrics["configservice_open_watches"]; n != 0 {
			return fmt.Errorf("%v open watches", n)
		}
		if more := h.above(before); before.heap > 0 && more != "" {
			return fmt.Errorf("%s", more)
		}
		return nil
	})
	if err != nil {
		s.t.Log(err)
	}
	return h
}

// cycle opens n watches, each until its first message, and closes them: half over REST,
// half of each with a reset of the connection.
func (s *stand) cycle(ctx context.Context, sc *robust.Sidecar, n int) {
	turns := make(chan int)
	shared := s.client(sc.Launch)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for i := range turns {
				var err error
				for range 3 { // on a starved machine a handshake can take longer than the sidecar waits for it
					switch i % 4 {
					case 0:
						err = firstMessage(ctx, shared)
					case 1:
						err = s.resetGRPC(ctx, sc)
					case 2, 3:
						err = closeREST(ctx, sc, i%4 == 3)
					}
					if err == nil {
						break
					}
				}
				if err != nil {
					s.t.Errorf("watch %d: %v", i, err)
				}
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	done.Wait()
}

// firstMessage watches until the first message, and leaves.
func firstMessage(ctx context.Context, client configv1.ConfigServiceClient) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Watch(ctx, &configv1.WatchRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	return err
}

// resetGRPC watches over a connection of its own, through a proxy that resets it.
func (s *stand) resetGRPC(ctx context.Context, sc *robust.Sidecar) error {
	proxy, err := robust.NewProxy(sc.GRPC)
	if err != nil {
		return err
	}
	defer proxy.Close()
	conn, err := dial(proxy.Addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := configv1.NewConfigServiceClient(conn).Watch(ctx, &configv1.WatchRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	proxy.Part()
	return err
}

// closeREST watches over a connection of its own, and closes or resets it.
func closeREST(ctx context.Context, sc *robust.Sidecar, reset bool) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", sc.HTTP)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET /v1/watch HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	lines := bufio.NewReader(conn)
	resp, err := http.ReadResponse(lines, nil)
	if err != nil {
		return err
	}
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || !strings.Contains(line, "snapshot") {
		return fmt.Errorf("got %q: %w", line, err)
	}
	if reset {
		return conn.(*net.TCPConn).SetLinger(0)
	}
	return nil
}

// reconnect cuts the sidecar's connection to etcd n times, each time when it follows
// again.
func (s *stand) reconnect(ctx context.Context, sc *robust.Sidecar, n int) {
	s.t.Helper()
	for range n {
		s.proxy.Cut()
		s.commit(ctx, s.put("g0.k1", 0, 0))
		s.current(ctx, sc)
	}
}
