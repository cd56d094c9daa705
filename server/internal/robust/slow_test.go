package robust_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/robust"
)

const (
	slowKeys = 50 // of 4 KiB
	slowRoom = 32 << 20
)

// slowCampaign has many watchers of large values, of which none, one, and most do not
// read.
func slowCampaign(ctx context.Context, s *stand) {
	watchers := pick(24, 200)
	none := s.crowd(ctx, watchers, 0)
	one := s.crowd(ctx, watchers, 1)
	most := s.crowd(ctx, watchers, watchers*3/4)
	for _, c := range []*crowd{none, one, most} {
		s.t.Logf("FIGURES slow readers, %d of %d: %d writes of 4 KiB; lag of the others %s (p99 %.2f of that without); RSS at most %.1f MiB (%+.1f); the slow ones read %d messages at the end",
			c.slow, watchers, c.writes, spread(c.lags), float64(p99(c.lags))/float64(max(p99(none.lags), 1)),
			float64(c.resident)/(1<<20), float64(c.resident-none.resident)/(1<<20), c.drained)
		if grown := c.resident - none.resident; long() && grown > slowRoom {
			s.t.Errorf("%d slow readers cost %d bytes", c.slow, grown)
		}
	}
}

// crowd is the watchers of one sidecar.
type crowd struct {
	*stand
	sidecar *robust.Sidecar
	slow    int
	writes  int
	sent    []atomic.Int64 // when each value was written, since the beginning; by number

	mu       sync.Mutex
	lags     []time.Duration
	resident int64
	drained  int
}

// crowd writes while watchers watch, of which slow do not read before all is written.
// Then every one has to come to the last values.
func (s *stand) crowd(ctx context.Context, watchers, slow int) *crowd {
	s.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &crowd{stand: s, slow: slow, writes: pick(600, 10_000)}
	first := int(s.sequence.Load()) + slowKeys
	c.sent = make([]atomic.Int64, first+c.writes+1)
	s.fill(ctx, slowKeys, 4<<10)
	c.sidecar = s.start(s.launch(fmt.Sprintf("cache-%d", slow), s.proxy.Addr()))
	s.ready(ctx, c.sidecar)
	s.current(ctx, c.sidecar)

	last := first + c.writes
	var reading sync.WaitGroup
	var idle []*sleeper
	for i := range watchers {
		if i < slow {
			idle = append(idle, c.sleeper(ctx, i))
			continue
		}
		reading.Go(func() { c.read(ctx, i, last) })
	}
	if err := robust.Poll(ctx, func() error {
		if n := int(s.metric(ctx, c.sidecar, "configservice_open_watches")); n != watchers {
			return fmt.Errorf("%d open watches", n)
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	for pace, n := newPace(time.Second/time.Duration(pick(300, 200))), 0; n < c.writes && pace.next(ctx); n++ {
		c.sent[first+n+1].Store(int64(s.now()))
		s.commit(ctx, s.put(fmt.Sprintf("g%d.k%d", n%10, n/10%(slowKeys/10)), 0, 4<<10))
	}
	reading.Wait()
	_, c.resident, _ = c.sidecar.Resident()
	for _, one := range idle {
		reading.Go(func() { one.drain(ctx) })
	}
	reading.Wait()
	var records []*robust.Record
	for _, one := range idle {
		records = append(records, one.record)
		c.drained += len(one.record.Legs[0].Messages)
	}
	s.judge(ctx, s.newest.Load(), s.newest.Load(), records...)
	cancel()
	s.stop(context.WithoutCancel(ctx), c.sidecar)
	return c
}

// read watches until the last value is there, and notes how late each message is. It
// does not decode more than it needs.
func (c *crowd) read(ctx context.Context, i, last int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, err := c.open(ctx, i)
	var lags []time.Duration
	for newest := 0; err == nil && newest < last; {
		if newest, err = next(); err == nil && newest > 0 {
			if sent := c.sent[newest].Load(); sent > 0 {
				lags = append(lags, c.now()-time.Duration(sent))
			}
		}
	}
	if err != nil {
		c.t.Errorf("watcher %d: %v", i, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lags = append(c.lags, lags...)
}

// open opens a watch over one of the transports. It returns what receives the number of
// the newest value in the next message; 0: none.
func (c *crowd) open(ctx context.Context, i int) (func() (int, error), error) {
	if i%3 == 0 {
		stream, err := c.client(c.sidecar.Launch).Watch(ctx, &configv1.WatchRequest{})
		return func() (int, error) {
			m, err := stream.Recv()
			newest := 0
			for _, e := range append(m.GetDelta().GetEntries(), m.GetSnapshot().GetEntries()...) {
				newest = max(newest, newestIn([]byte(e.GetValue().GetStringValue())))
			}
			return newest, err
		}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.sidecar.HTTP+"/v1/watch", nil)
	if err != nil {
		return nil, err
	}
	if i%3 == 1 {
		req.Header.Set("Accept", "text/event-stream")
	}
	resp, err := c.sidecar.HTTPClient.Do(req)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = resp.Body.Close() })
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	return func() (int, error) {
		line, err := lines.ReadBytes('\n')
		return newestIn(line), err
	}, nil
}

// newestIn finds the highest number after a mark.
func newestIn(text []byte) int {
	newest := 0
	for {
		_, rest, ok := bytes.Cut(text, []byte(mark))
		if !ok || len(rest) < 6 {
			return newest
		}
		n, _ := strconv.Atoi(string(rest[:6]))
		newest, text = max(newest, n), rest
	}
}

// sleeper is a watcher that does not read until it drains. When it was cut meanwhile,
// it resumes.
type sleeper struct {
	*stand
	open   robust.Open
	recv   robust.Recv
	record *robust.Record
}

func (c *crowd) sleeper(ctx context.Context, i int) *sleeper {
	c.t.Helper()
	base := "http://" + c.sidecar.HTTP
	one := &sleeper{stand: c.stand, record: &robust.Record{Client: fmt.Sprintf("slow reader %d", i), Legs: make([]robust.Leg, 1)}}
	switch i % 3 {
	case 0:
		one.open = robust.OverGRPC(c.connect(c.sidecar.Launch))
	case 1:
		one.open = robust.OverSSE(c.sidecar.HTTPClient, base)
	case 2:
		one.open = robust.OverNDJSON(c.sidecar.HTTPClient, base)
	}
	var err error
	if one.recv, err = one.open(ctx, robust.Selection{}, nil); err != nil {
		c.t.Fatal(err)
	}
	return one
}

func (s *sleeper) drain(ctx context.Context) {
	for at := int64(0); at < s.newest.Load() && ctx.Err() == nil; {
		leg := &s.record.Legs[len(s.record.Legs)-1]
		m, err := s.recv()
		if err == nil {
			leg.Messages, at = append(leg.Messages, m), m.Revision
			continue
		}
		from := s.record.Last()
		if s.recv, err = s.open(ctx, s.record.Selection, from); err != nil {
			s.t.Errorf("%s cannot come back: %v", s.record.Client, err)
			return
		}
		s.record.Legs = append(s.record.Legs, robust.Leg{Resume: from})
	}
}
