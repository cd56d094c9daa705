package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
)

// patience bounds each step.
const patience = 5 * time.Minute

// apart is the time between changes: long enough for the one before to have reached all.
const apart = 200 * time.Millisecond

// figures are those of one size of the fleet.
type figures struct {
	sidecars int

	empty, resident float64       // bytes of etcd: with the configuration alone, and with the fleet
	own             float64       // bytes of this process per sidecar
	allThere        time.Duration // until all had their configuration
	connections     int
	watchers        float64

	// While nothing changed.
	idleReads, idleSent  float64 // a second
	idleEtcd, idleFleet  float64 // cores
	fresh                int
	sharedP50, sharedMax time.Duration // one change, until all have it
	sharedBytes          float64       // sent by etcd for one change, beyond what idling takes
	sharedProcessor      time.Duration // of etcd
	ownP50, ownMax       time.Duration // a change of one service, until its sidecar has it
	ownBytes             float64
}

// lab is a size under measurement.
type lab struct {
	options
	etcd  *etcd
	store *etcdstore.Raw
	fleet *fleet
	figures
}

func measure(ctx context.Context, o options, n int) (figures, error) {
	dir, err := os.MkdirTemp("", "config-service-capacity-")
	if err != nil {
		return figures{}, err
	}
	l := &lab{options: o, figures: figures{sidecars: n}}
	err = l.run(ctx, dir)
	if l.fleet != nil {
		l.fleet.stop()
	}
	if l.store != nil {
		err = errors.Join(err, l.store.Close())
	}
	if l.etcd != nil {
		err = errors.Join(err, l.etcd.stop())
	}
	return l.figures, errors.Join(err, os.RemoveAll(dir))
}

func (l *lab) run(ctx context.Context, dir string) (err error) {
	if l.etcd, err = startEtcd(filepath.Join(dir, "etcd")); err != nil {
		return err
	}
	if l.store, err = etcdstore.OpenRaw(l.etcd.endpoint); err != nil {
		return err
	}
	if err := fill(ctx, l.store, l.options, l.sidecars); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{l.arrive, l.idles, l.changesForAll, l.changesForOne} {
		within, cancel := context.WithTimeout(ctx, patience+l.idle+time.Duration(l.changes)*time.Second)
		err := step(within)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// arrive starts the fleet, all at once.
func (l *lab) arrive(ctx context.Context) error {
	fmt.Fprintf(os.Stderr, "%d sidecars: they arrive\n", l.sidecars)
	before, err := usageOf(l.etcd.cmd.Process.Pid)
	if err != nil {
		return err
	}
	mine, err := usageOf(os.Getpid())
	if err != nil {
		return err
	}
	l.empty = before.resident
	began := time.Now()
	l.fleet = startFleet(context.WithoutCancel(ctx), l.etcd.endpoint, l.sidecars)
	took, err := l.fleet.reached(ctx, l.sidecars, 1, began)
	if err != nil {
		return err
	}
	l.allThere = slices.Max(took)
	after, err := usageOf(os.Getpid())
	l.own = (after.resident - mine.resident) / float64(l.sidecars)
	return err
}

// idles looks at a fleet for which nothing changes.
func (l *lab) idles(ctx context.Context) error {
	fmt.Fprintf(os.Stderr, "%d sidecars: they idle for %s\n", l.sidecars, l.idle)
	if err := pause(ctx, 15*time.Second); err != nil { // the first proofs, and the dust of the start
		return err
	}
	rates, err := l.over(ctx, func() error { return pause(ctx, l.idle) })
	if err != nil {
		return err
	}
	seconds := l.idle.Seconds()
	l.idleReads, l.idleSent = rates.reads/seconds, rates.sent/seconds
	l.idleEtcd, l.idleFleet = rates.etcd.Seconds()/seconds, rates.fleet.Seconds()/seconds
	l.fresh = l.fleet.fresh()
	now, err := usageOf(l.etcd.cmd.Process.Pid)
	if err != nil {
		return err
	}
	l.resident, l.connections = now.resident, now.sockets
	says, err := l.etcd.counters(ctx)
	l.watchers = says.watchers
	return err
}

// spent is what was taken over a while.
type spent struct {
	reads, sent float64
	etcd, fleet time.Duration
	took        time.Duration
}

func (l *lab) over(ctx context.Context, do func() error) (s spent, err error) {
	var counted [2]counters
	var etcd, fleet [2]usage
	began := time.Now()
	for i := range 2 {
		if i == 1 {
			if err := do(); err != nil {
				return s, err
			}
		}
		if counted[i], err = l.etcd.counters(ctx); err != nil {
			return s, err
		}
		if etcd[i], err = usageOf(l.etcd.cmd.Process.Pid); err != nil {
			return s, err
		}
		if fleet[i], err = usageOf(os.Getpid()); err != nil {
			return s, err
		}
	}
	return spent{
		reads: counted[1].reads - counted[0].reads, sent: counted[1].sent - counted[0].sent,
		etcd: etcd[1].processor - etcd[0].processor, fleet: fleet[1].processor - fleet[0].processor, took: time.Since(began),
	}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// changesForAll writes to what all services share.
func (l *lab) changesForAll(ctx context.Context) error {
	all, s, err := l.change(ctx, "_shared", l.sidecars)
	l.sharedP50, l.sharedMax = all[len(all)/2], all[len(all)-1]
	l.sharedBytes = max(0, s.sent-l.idleSent*s.took.Seconds()) / float64(l.changes)
	l.sharedProcessor = max(0, s.etcd-time.Duration(l.idleEtcd*float64(s.took))) / time.Duration(l.changes)
	return err
}

// changesForOne writes to one service: the first.
func (l *lab) changesForOne(ctx context.Context) error {
	all, s, err := l.change(ctx, serviceName(0), 1)
	l.ownP50, l.ownMax = all[len(all)/2], all[len(all)-1]
	l.ownBytes = max(0, s.sent-l.idleSent*s.took.Seconds()) / float64(l.changes)
	return err
}

// change makes changes one after the other. Of each it takes the time until all of so many
// sidecars have it; sorted, and never empty.
func (l *lab) change(ctx context.Context, service string, sidecars int) ([]time.Duration, spent, error) {
	fmt.Fprintf(os.Stderr, "%d sidecars: %d changes of %s\n", l.sidecars, l.changes, service)
	all := make([]time.Duration, l.changes)
	s, err := l.over(ctx, func() error {
		for n := range l.changes {
			began := time.Now()
			revision, _, err := l.store.Commit(ctx, etcdstore.RawWrite{Scope: scopeOf(service), Key: keyName(0), Value: valueOf(keyName(0), n+1)})
			if err != nil {
				return err
			}
			took, err := l.fleet.reached(ctx, sidecars, revision, began)
			if err != nil {
				return err
			}
			all[n] = slices.Max(took)
			if err := pause(ctx, apart); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(all)
	return all, s, err
}
