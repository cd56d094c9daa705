package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
)

const (
	readBatch  = 10_000 // reads that are timed together
	allocReads = 1_000_000
	clients    = 10 // whose memory is measured
	kibibyte   = 1 << 10
)

// benchClient measures the Go client: its reads, its memory, and how long after etcd's own
// watch a listener has a write.
func benchClient(ctx context.Context, l *lab) ([]Row, error) {
	rows, err := l.clientReads(ctx)
	if err != nil {
		return nil, err
	}
	memory, err := l.clientMemory(ctx)
	if err != nil {
		return nil, err
	}
	change, err := l.change(ctx, slowRate, "the Go client's listener", watchClient)
	if err != nil {
		return nil, err
	}
	return append(append(rows, memory), change...), l.fill(ctx, namespace, sharedKeys)
}

func (l *lab) openClient(ctx context.Context) (*configclient.Client, error) {
	c, err := configclient.Open(ctx, configclient.WithAddress(l.ours.GRPC), configclient.WithNamespace(namespace),
		configclient.WithEnvironment(environment), configclient.WithTimeout(startTimeout), configclient.WithLogger(slog.New(slog.DiscardHandler)))
	if err == nil && c.Status() != configclient.Valid {
		c.Close()
		return nil, fmt.Errorf("the client is %s", c.Status())
	}
	return c, err
}

// clientReads returns a row for each way to read a value.
func (l *lab) clientReads(ctx context.Context) ([]Row, error) {
	c, err := l.openClient(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	key := keyName(0)
	value := configclient.NewValue(c, key, "")
	var rows []Row
	for _, way := range []struct {
		name string
		read func()
	}{
		{"cached read in Go, Value.Get", func() { value.Get() }},
		{"cached read in Go, Get", func() { configclient.Get(c, key, "") }},
		{"cached read in Go, Lookup", func() { c.Lookup(key) }},
	} {
		var took []float64
		for range l.rounds {
			took = append(took, fastest(way.read, l.duration/4))
		}
		rows = append(rows, alone(way.name, "ns", took...).atMost(50), alone("  allocations", "", allocations(way.read)).atMost(0))
	}
	return rows, nil
}

// fastest is the time of one read, in ns, in the fastest batch: other work on the machine
// makes the others slower.
func fastest(read func(), within time.Duration) float64 {
	best := time.Duration(1<<63 - 1)
	for end := time.Now().Add(within); time.Now().Before(end); {
		begin := time.Now()
		for range readBatch {
			read()
		}
		best = min(best, time.Since(begin))
	}
	return float64(best.Nanoseconds()) / readBatch
}

// allocations is how many a read makes, in whole ones: those of the watch beside it are few.
func allocations(read func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range allocReads {
		read()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / allocReads)
}

// clientMemory returns a row of what one client holds: heap and stacks, connection included.
func (l *lab) clientMemory(ctx context.Context) (Row, error) {
	first, err := l.openClient(ctx) // what is made once in a process
	if err != nil {
		return Row{}, err
	}
	defer first.Close()
	before := inUse()
	for range clients {
		c, err := l.openClient(ctx)
		if err != nil {
			return Row{}, err
		}
		defer c.Close()
	}
	return alone(fmt.Sprintf("memory of a Go client with %d keys of %d bytes", sharedKeys, entryBytes), "KiB", (inUse()-before)/clients/kibibyte), nil
}

// inUse is the memory of this process after a collection.
func inUse() float64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// watchClient is a watcher that is a listener of the Go client. What a round before wrote
// is overwritten first: the same value again is no change.
func watchClient(ctx context.Context, l *lab, into *arrivals) (func() error, error) {
	if err := l.fill(ctx, namespace, sharedKeys); err != nil {
		return nil, err
	}
	c, err := l.openClient(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.OnChange("*", func(change configclient.Change) {
		if n, ok := change.New.(float64); ok {
			into.arrived(strconv.FormatFloat(n, 'f', -1, 64), time.Now())
		}
	}); err != nil {
		c.Close()
		return nil, err
	}
	return inBackground(ctx, func() error {
		<-ctx.Done()
		c.Close()
		return nil
	}), nil
}
