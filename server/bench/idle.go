package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	idleRounds = 3 // at most: each is a fresh server that comes to rest
	reads      = 10_000
	// proofEvery is the shortest time between two of the reads by which the server
	// under test proves that its copy is current. They are no reads of callers.
	proofEvery = 5 * time.Second
	mebibyte   = 1 << 20
	megabyte   = 1e6
)

// benchIdle measures what a server costs that nobody calls, and that calls cost etcd
// nothing.
func benchIdle(ctx context.Context, l *lab) ([]Row, error) {
	var resident, peak []float64
	for range min(l.rounds, idleRounds) {
		server, err := l.startOurs(ctx)
		if err != nil {
			return nil, err
		}
		pause(ctx, l.settle)
		now, err := server.memory("VmRSS")
		high, err2 := server.memory("VmHWM")
		if err := errors.Join(err, err2, server.stop()); err != nil {
			return nil, err
		}
		resident, peak = append(resident, now/mebibyte), append(peak, high/mebibyte)
	}
	info, err := os.Stat(l.server)
	if err != nil {
		return nil, err
	}
	requests, err := l.requestsOfReads(ctx)
	if err != nil {
		return nil, err
	}
	return []Row{
		alone(fmt.Sprintf("idle with %d keys, RSS", sharedKeys), "MiB", resident...).atMost(30),
		alone("  RSS at its peak", "MiB", peak...).atMost(30),
		alone("binary", "MB", float64(info.Size())/megabyte).atMost(24),
		alone(fmt.Sprintf("etcd requests for %d Gets", reads), "", requests).atMost(0),
	}, nil
}

// requestsOfReads is how many requests etcd gets while callers read, beyond proofs.
func (l *lab) requestsOfReads(ctx context.Context) (float64, error) {
	s, err := openGRPC(l.ours)
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.close() }() // the figures are in
	before, err := l.etcdRequests(ctx)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	var group errgroup.Group
	for n, call := range s.callers {
		group.Go(func() error {
			for i := n; i < reads; i += len(s.callers) {
				if err := call(ctx, i%sharedKeys); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	proofs := 1 + int(time.Since(begin)/proofEvery)
	after, err := l.etcdRequests(ctx)
	return max(0, after-before-float64(proofs)), err
}

// etcdRequests is how many calls etcd has had on its keys.
func (l *lab) etcdRequests(ctx context.Context) (float64, error) {
	var page strings.Builder
	if err := get(ctx, l.http, l.etcd.Ops+"/metrics", &page); err != nil {
		return 0, err
	}
	sum, lines := 0.0, 0
	for line := range strings.Lines(page.String()) {
		if !strings.HasPrefix(line, "grpc_server_started_total{") || !strings.Contains(line, `"etcdserverpb.KV"`) {
			continue
		}
		value := line[strings.LastIndexByte(line, ' ')+1:]
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return 0, fmt.Errorf("metrics of etcd: %w", err)
		}
		sum, lines = sum+n, lines+1
	}
	if sum == 0 {
		return 0, fmt.Errorf("metrics of etcd: %d lines count calls, and there were some", lines)
	}
	return sum, nil
}
