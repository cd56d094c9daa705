package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

const (
	broadcastRounds = 3 // at most: each opens all streams anew, on fresh servers
	wavesPerRound   = 10
	openAtOnce      = 32
	streamInterval  = 5 * time.Minute // no checkpoint comes between
)

// benchBroadcast measures how long one write takes to reach the last of all streams,
// and what an idle stream costs the server.
func benchBroadcast(ctx context.Context, l *lab) ([]Row, error) {
	var rows []Row
	for _, perConn := range []int{100, 1} {
		shape := fmt.Sprintf("%d streams, %d per connection", l.streams, perConn)
		if limit := openFiles(); limit < uint64(l.streams/perConn+100) {
			rows = append(rows, missing("one write to "+shape, "ratio >= 0.80", fmt.Sprintf("this system allows %d open files", limit)))
			continue
		}
		more, err := l.broadcast(ctx, shape, perConn)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shape, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// openFiles is how many files a process may have open. Go raises the soft limit to it.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return limit.Max
}

func (l *lab) broadcast(ctx context.Context, shape string, perConn int) ([]Row, error) {
	starts := []func() (*child, error){
		func() (*child, error) { return l.startOurs(ctx) },
		l.startBare,
	}
	sends := []func(*child) error{
		func(*child) error { return l.write(ctx, keyName(0), valueOf(keyName(0))) },
		func(c *child) error {
			return ask(ctx, l.http, http.MethodPost, "http://"+c.Ops+"/broadcast", io.Discard)
		},
	}
	var rounds [2][]crowdCost
	for round := range min(l.rounds, broadcastRounds) {
		for i, start := range starts {
			server, err := start()
			if err != nil {
				return nil, err
			}
			file := fmt.Sprintf("broadcast-%d-%d-%s", perConn, round+1, sideNames[i])
			cost, err := l.crowdRound(ctx, server, perConn, file, sends[i])
			if err := errors.Join(err, server.stop()); err != nil {
				return nil, fmt.Errorf("%s: %w", server.name, err)
			}
			rounds[i] = append(rounds[i], cost)
		}
	}
	both := func(value func(crowdCost) float64) (ours, bare []float64) {
		return each(rounds[0], value), each(rounds[1], value)
	}
	ours, bare := both(func(c crowdCost) float64 { return c.took })
	cpuOurs, cpuBare := both(func(c crowdCost) float64 { return c.cpu })
	memoryOurs, memoryBare := both(func(c crowdCost) float64 { return c.memory })
	return []Row{
		throughput("one write to "+shape, "ms", ours, bare).ratioAtLeast(.8),
		compare("  processor time of the server per message", "us", cpuOurs, cpuBare),
		compare("  memory per idle stream", "KiB", memoryOurs, memoryBare).ratioAtMost(1.5),
	}, nil
}

// crowdCost is what one round measured.
type crowdCost struct {
	took   float64 // ms from a write to the last stream
	cpu    float64 // us of the server's processor time for one message to one stream
	memory float64 // KiB of an idle stream
}

// crowdRound opens the streams of a fresh server and sends messages to all of them.
func (l *lab) crowdRound(ctx context.Context, server *child, perConn int, file string, send func(*child) error) (cost crowdCost, err error) {
	before, err := server.memory("VmRSS")
	if err != nil {
		return cost, err
	}
	c, err := openCrowd(ctx, server, l.streams, perConn)
	if err != nil {
		return cost, err
	}
	defer c.close()
	pause(ctx, l.settle)
	after, err := server.memory("VmRSS")
	if err != nil {
		return cost, err
	}
	grown := max(1, after-before) // few streams can fit what was there
	cost.memory = grown / 1024 / float64(l.streams)
	l.profileHeap(ctx, server, file)
	idle, err := server.processor()
	if err != nil {
		return cost, err
	}
	err = l.profiled(ctx, server, file, func() error {
		cost.took, err = c.waves(ctx, func() error { return send(server) })
		return err
	})
	if err != nil {
		return cost, err
	}
	used, err := server.processorSince(idle)
	cost.cpu = micros(used) / float64(wavesPerRound*l.streams)
	return cost, err
}

// crowd is many watching streams on one server.
type crowd struct {
	streams int
	conns   []*grpc.ClientConn
	cancel  context.CancelFunc
	readers errgroup.Group

	left   atomic.Int64  // streams that the present message has not reached
	all    chan struct{} // told when it has reached the last one
	broken chan error    // told when a stream ends; holds the first
}

func openCrowd(ctx context.Context, server *child, streams, perConn int) (*crowd, error) {
	ctx, cancel := context.WithCancel(ctx)
	c := &crowd{streams: streams, cancel: cancel, all: make(chan struct{}, 1), broken: make(chan error, 1)}
	for range (streams + perConn - 1) / perConn {
		conn, err := grpc.NewClient(server.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
			grpc.WithReadBufferSize(4<<10)) // it reads small messages
		if err != nil {
			c.close()
			return nil, err
		}
		c.conns = append(c.conns, conn)
	}
	var opening errgroup.Group
	opening.SetLimit(openAtOnce)
	for i := range streams {
		opening.Go(func() error { return c.join(ctx, configv1.NewConfigServiceClient(c.conns[i/perConn])) })
	}
	if err := opening.Wait(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// join opens one stream and reads it until the crowd is closed.
func (c *crowd) join(ctx context.Context, client configv1.ConfigServiceClient) error {
	stream, err := client.Watch(ctx, &configv1.WatchRequest{Keys: []string{keyName(0)}, CheckpointInterval: durationpb.New(streamInterval)})
	if err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil { // the snapshot
		return err
	}
	c.readers.Go(func() error {
		for {
			m, err := stream.Recv()
			if err != nil {
				select {
				case c.broken <- err:
				default: // another stream's error is there
				}
				return nil
			}
			if m.GetDelta() != nil && c.left.Add(-1) == 0 {
				c.all <- struct{}{}
			}
		}
	})
	return nil
}

// waves sends some messages, one after the other, and returns how long one takes, in
// ms. The first finds everything cold and does not count.
func (c *crowd) waves(ctx context.Context, send func() error) (float64, error) {
	var all []float64
	for range wavesPerRound {
		runtime.GC() // this process's, so that it does not fall into the wave
		wave, err := c.wave(ctx, send)
		if err != nil {
			return 0, err
		}
		all = append(all, millis(wave))
	}
	return figure(all[1:]).Median, nil
}

// wave sends one message to all streams and returns how long the last had to wait.
func (c *crowd) wave(ctx context.Context, send func() error) (time.Duration, error) {
	c.left.Store(int64(c.streams))
	begin := time.Now()
	if err := send(); err != nil {
		return 0, err
	}
	select {
	case <-c.all:
		return time.Since(begin), nil
	case err := <-c.broken:
		return 0, fmt.Errorf("a stream ended: %w", err)
	case <-time.After(startTimeout):
		return 0, fmt.Errorf("%d of %d streams have no message after %s", c.left.Load(), c.streams, startTimeout)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// close ends the streams and returns when their readers have ended.
func (c *crowd) close() {
	c.cancel()
	for _, conn := range c.conns {
		_ = conn.Close() // it only says that it was closed before
	}
	_ = c.readers.Wait() // they return nil
}

// pause lets a server come to rest.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
