package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
)

// Rates of the writer, in writes per second. At the slow one a round lasts slowRounds
// times as long, to see enough writes.
const (
	slowRate   = 5
	fastRate   = 1000
	slowRounds = 3
	arriveIn   = 10 * time.Second
)

// arrivals is when each numbered write arrived at one watcher.
type arrivals struct {
	mu   sync.Mutex // guards the rest
	at   []time.Time
	left int
	all  chan struct{} // closed when every write has arrived
}

func expect(writes int) *arrivals {
	return &arrivals{at: make([]time.Time, writes), left: writes, all: make(chan struct{})}
}

// arrived notes a write by its value, once. With it have come the earlier ones to its
// key, which a watch may leave out.
func (a *arrivals) arrived(value string, at time.Time) {
	n, err := strconv.Atoi(value)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil || n >= len(a.at) {
		return // no write of this round
	}
	for ; n >= 0 && a.at[n].IsZero(); n -= sharedKeys {
		a.at[n] = at
		if a.left--; a.left == 0 {
			close(a.all)
		}
	}
}

// watcher opens a watch on the benchmark's entries. When it returns, the watch is
// open; it notes what arrives until ctx ends, and then returns from wait.
type watcher func(ctx context.Context, l *lab, into *arrivals) (wait func() error, err error)

// forms are the ways to watch the server under test.
var forms = []struct {
	name string
	goal bool
	open watcher
}{
	{"gRPC", true, watchGRPC},
	{"NDJSON", false, watchLines("application/x-ndjson")},
	{"SSE", false, watchLines("text/event-stream")},
}

// benchChange measures how much later than at a bare watch of etcd's client a write
// arrives at a Watch. Both watch the same range from this process at the same time.
func benchChange(ctx context.Context, l *lab) ([]Row, error) {
	var rows []Row
	for _, rate := range []int{slowRate, fastRate} {
		for _, form := range forms {
			row, err := l.change(ctx, rate, form.name, form.open)
			if err != nil {
				return nil, fmt.Errorf("%s at %d/s: %w", form.name, rate, err)
			}
			if form.goal {
				row[0], row[1] = row[0].atMost(.5), row[1].atMost(3)
			}
			rows = append(rows, row...)
		}
	}
	return rows, l.fill(ctx, namespace, sharedKeys)
}

// change returns two rows: p50 and p99 of the differences of all rounds. Bare stands
// for the time from the write to etcd's own watch.
func (l *lab) change(ctx context.Context, rate int, form string, open watcher) ([]Row, error) {
	duration := l.duration
	if rate == slowRate {
		duration *= slowRounds
	}
	writes := max(2, int(duration.Seconds()*float64(rate)))
	var beyond, bare [][]time.Duration
	for range l.rounds {
		b, e, err := l.changeRound(ctx, rate, writes, open)
		if err != nil {
			return nil, err
		}
		beyond, bare = append(beyond, b), append(bare, e)
	}
	title := fmt.Sprintf("write -> Watch by %s, beyond etcd's, %d/s", form, rate)
	return []Row{
		pooled(title+", p50", beyond, bare, .5),
		pooled("  p99", beyond, bare, .99),
	}, nil
}

// pooled makes a row of a quantile over all rounds; the figures of the rounds stand
// beside it.
func pooled(name string, ours, bare [][]time.Duration, q float64) Row {
	of := func(rounds [][]time.Duration) *Figure {
		f := figure(each(rounds, func(r []time.Duration) float64 { return millis(quantile(merge([][]time.Duration{r}), q)) }))
		f.Median = millis(quantile(merge(rounds), q))
		return f
	}
	return Row{Name: name, Unit: "ms", Ours: of(ours), Bare: of(bare)}
}

// changeRound writes at a rate, each write on its time whether or not the one before
// is answered, and returns for each how much later than etcd's own watch ours had it,
// and how long etcd's own took.
func (l *lab) changeRound(ctx context.Context, rate, writes int, open watcher) (beyond, bare []time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ours, etcds := expect(writes), expect(writes)
	waitOurs, err := open(ctx, l, ours)
	if err != nil {
		return nil, nil, err
	}
	waitEtcd, err := watchEtcd(ctx, l, etcds)
	if err != nil {
		return nil, nil, err
	}
	written, err := l.writeOpenLoop(ctx, rate, writes)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range []*arrivals{ours, etcds} {
		select {
		case <-a.all:
		case <-time.After(arriveIn):
			return nil, nil, fmt.Errorf("not every one of %d writes arrived within %s", writes, arriveIn)
		}
	}
	cancel()
	if err := errors.Join(waitOurs(), waitEtcd()); err != nil {
		return nil, nil, err
	}
	for i := range written {
		beyond = append(beyond, ours.at[i].Sub(etcds.at[i]))
		bare = append(bare, etcds.at[i].Sub(written[i]))
	}
	return beyond, bare, nil
}

// writeOpenLoop writes numbers, each to the next key, and returns when each write
// began.
func (l *lab) writeOpenLoop(ctx context.Context, rate, writes int) ([]time.Time, error) {
	written := make([]time.Time, writes)
	var group errgroup.Group
	begin := time.Now()
	for i := range writes {
		select {
		case <-time.After(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate)))):
		case <-ctx.Done():
			return nil, errors.Join(group.Wait(), ctx.Err())
		}
		group.Go(func() error {
			written[i] = time.Now()
			return l.write(ctx, keyName(i%sharedKeys), strconv.Itoa(i))
		})
	}
	return written, group.Wait()
}

func watchEtcd(ctx context.Context, l *lab, into *arrivals) (func() error, error) {
	events := l.watch.Watch(ctx, etcdstore.EntryKey(scopeOf(namespace), ""), clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	if created := <-events; created.Err() != nil {
		return nil, created.Err()
	}
	return inBackground(ctx, func() error {
		for got := range events {
			at := time.Now()
			if err := got.Err(); err != nil {
				return err
			}
			for _, e := range got.Events {
				into.arrived(string(e.Kv.Value), at)
			}
		}
		return nil
	}), nil
}

func watchGRPC(ctx context.Context, l *lab, into *arrivals) (func() error, error) {
	conn, err := dial(l.ours.GRPC)
	if err != nil {
		return nil, err
	}
	stream, err := configv1.NewConfigServiceClient(conn).Watch(ctx, &configv1.WatchRequest{})
	if err == nil {
		_, err = stream.Recv() // the snapshot
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return inBackground(ctx, func() error {
		defer conn.Close()
		for {
			m, err := stream.Recv()
			if err != nil {
				return err
			}
			at := time.Now()
			for _, e := range m.GetDelta().GetEntries() {
				into.arrived(strconv.FormatFloat(e.GetValue().GetNumberValue(), 'f', -1, 64), at)
			}
		}
	}), nil
}

// watchLines watches over REST. A line with entries is a message, of NDJSON as well as
// of SSE.
func watchLines(accept string) watcher {
	return func(ctx context.Context, l *lab, into *arrivals) (func() error, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.ours.HTTP+"/v1/watch", nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", accept)
		resp, err := l.http.Do(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			return nil, errors.Join(fmt.Errorf("the watch answers %s", resp.Status), resp.Body.Close())
		}
		in := bufio.NewReader(resp.Body)
		for snapshot := false; !snapshot; {
			line, err := in.ReadString('\n')
			if err != nil {
				return nil, errors.Join(err, resp.Body.Close())
			}
			snapshot = strings.Contains(line, `"snapshot":`)
		}
		return inBackground(ctx, func() error {
			defer resp.Body.Close()
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return err
				}
				if err := into.line(line, time.Now()); err != nil {
					return err
				}
			}
		}), nil
	}
}

// line notes the entries of a line that holds some.
func (a *arrivals) line(line string, at time.Time) error {
	begin := strings.IndexByte(line, '{')
	if begin < 0 {
		return nil
	}
	type message struct {
		Delta struct {
			Entries []struct{ Value json.RawMessage }
		}
	}
	var m struct {
		Result  message // NDJSON
		message         // SSE
	}
	if err := json.Unmarshal([]byte(line[begin:]), &m); err != nil {
		return fmt.Errorf("a line of the watch: %w", err)
	}
	for _, e := range append(m.Result.Delta.Entries, m.Delta.Entries...) {
		a.arrived(string(e.Value), at)
	}
	return nil
}

// inBackground runs until ctx ends; that end is no error.
func inBackground(ctx context.Context, run func() error) (wait func() error) {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	return func() error {
		if err := <-ended; err != nil && ctx.Err() == nil {
			return err
		}
		return nil
	}
}
