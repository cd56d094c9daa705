package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// profiled runs something against a server, with a CPU profile of both if the options
// ask for one. That a server has no pprof is said, and is no reason to stop.
func (l *lab) profiled(ctx context.Context, server *child, name string, run func() error) error {
	if l.cpuProfile == "" {
		return run()
	}
	collect, err := l.profileCPU(ctx, server, name)
	if err != nil {
		return err
	}
	return errors.Join(run(), collect())
}

// profileHeap fetches what a server holds, if the options ask for it.
func (l *lab) profileHeap(ctx context.Context, server *child, name string) {
	if l.memProfile != "" {
		l.fetch(ctx, server, "heap?gc=1", l.memProfile, name+".heap")
	}
}

// profileCPU begins profiles of a server and of this process, the load.
func (l *lab) profileCPU(ctx context.Context, server *child, name string) (collect func() error, err error) {
	if err := os.MkdirAll(l.cpuProfile, 0o755); err != nil {
		return nil, err
	}
	own, err := os.Create(filepath.Join(l.cpuProfile, name+"-load.cpu"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(own); err != nil {
		return nil, errors.Join(err, own.Close())
	}
	fetched := make(chan struct{})
	go func() {
		defer close(fetched)
		l.fetch(ctx, server, fmt.Sprintf("profile?seconds=%d", max(1, l.duration/time.Second)), l.cpuProfile, name+".cpu")
	}()
	return func() error {
		pprof.StopCPUProfile()
		<-fetched
		return own.Close()
	}, nil
}

// fetch writes a profile of a server to a file of dir, or says why it could not.
func (l *lab) fetch(ctx context.Context, server *child, query, dir, file string) {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var out *os.File
		if out, err = os.Create(filepath.Join(dir, file)); err == nil {
			err = errors.Join(get(ctx, l.http, "http://"+server.Ops+"/debug/pprof/"+query, out), out.Close())
		}
	}
	if err != nil {
		_ = os.Remove(filepath.Join(dir, file)) // it is empty
		fmt.Fprintf(l.out, "no profile of %s: %v\n", server.name, err)
	}
}
