package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

const cacheTimeout = 5 * time.Second

// benchStart measures the time from exec until readiness passes, with a large
// configuration: from etcd, and from the copy on disk while etcd is away.
func benchStart(ctx context.Context, l *lab) ([]Row, error) {
	title := fmt.Sprintf("start to ready, %d keys of %d bytes, ", l.startKeys, entryBytes)
	live, err := l.starts(ctx, configv1.State_LIVE)
	if err != nil {
		return nil, err
	}
	rows := []Row{alone(title+"live", "ms", live...).atMost(100)}
	cache := filepath.Join(l.dir, "cache")
	if err := l.fillCache(ctx, cache); err != nil {
		return nil, err
	}
	for _, away := range []struct {
		name string
		open func() (awayEtcd, error)
		goal float64
	}{
		{"from disk, etcd refuses", refusing, 50},
		{"from disk, etcd is silent", silent, 1100},
		{"from disk, etcd drops packets", dropping, 1100},
	} {
		etcd, err := away.open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", away.name, err)
		}
		took, err := l.starts(ctx, configv1.State_DISK, "CONFIG_CACHE_DIR="+cache, "ETCD_ENDPOINTS="+etcd.addr)
		if err := errors.Join(err, etcd.close()); err != nil {
			return nil, fmt.Errorf("%s: %w", away.name, err)
		}
		rows = append(rows, alone(title+away.name, "ms", took...).atMost(away.goal))
	}
	return rows, nil
}

// starts starts the server several times and returns how long it took each time, in
// ms. What it answers then must come from the source.
func (l *lab) starts(ctx context.Context, from configv1.State_Source, env ...string) ([]float64, error) {
	var all []float64
	for range l.startRounds {
		server, err := l.startOurs(ctx, append([]string{"SERVICE_NAME=" + large}, env...)...)
		if err != nil {
			return nil, err
		}
		all = append(all, millis(time.Since(server.started)))
		if err := errors.Join(l.answersFrom(ctx, server, from), server.stop()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// answersFrom asks for the last key.
func (l *lab) answersFrom(ctx context.Context, server *child, from configv1.State_Source) error {
	conn, err := dial(server.GRPC)
	if err != nil {
		return err
	}
	defer conn.Close()
	got, err := configv1.NewConfigServiceClient(conn).Get(ctx, &configv1.GetRequest{Key: keyName(l.startKeys - 1)})
	if err != nil {
		return fmt.Errorf("a server that is ready answers: %w", err)
	}
	value, err := strconv.Unquote(valueOf(keyName(l.startKeys - 1)))
	if err != nil {
		return err
	}
	if got.GetEntry().GetValue().GetStringValue() != value || got.GetState().GetSource() != from {
		return fmt.Errorf("a server that is ready answers %v, want %q from %s", got, value, from)
	}
	return nil
}

// fillCache lets a server on the live etcd leave its copy on disk.
func (l *lab) fillCache(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	server, err := l.startOurs(ctx, "SERVICE_NAME="+large, "CONFIG_CACHE_DIR="+dir)
	if err != nil {
		return err
	}
	for limit := time.Now().Add(cacheTimeout); !holdsFiles(dir) && time.Now().Before(limit); {
		pause(ctx, 50*time.Millisecond)
	}
	if err := server.stop(); err != nil {
		return err
	}
	if !holdsFiles(dir) {
		return fmt.Errorf("after %s the server had left no copy on disk", cacheTimeout)
	}
	return nil
}

func holdsFiles(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) > 0
}
