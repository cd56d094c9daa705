// Command capacity measures what an etcd and a fleet of sidecars take together: connections,
// watches, memory, processor time, requests and bytes, and how long until a change has
// reached all. `make capacity` runs it.
//
// The sidecars are what a sidecar has towards etcd, for real: etcdstore's Source with a
// connection of its own, and the replica that it fills; all of them in this process. etcd is a
// process of its own, of one member, without TLS and authentication. Both use all cores.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// options are what the command line says.
type options struct {
	sizes   []int
	keys    int
	shared  int
	idle    time.Duration
	changes int
}

func main() {
	do := command
	if dir, ok := childMode(os.Args); ok {
		do = func(ctx context.Context) error { return serveEtcd(ctx, dir) }
	}
	if err := do(untilTerm()); err != nil {
		fmt.Fprintln(os.Stderr, "capacity:", err)
		os.Exit(1)
	}
}

// untilTerm is until the process is told to end.
func untilTerm() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	return ctx
}

func command(ctx context.Context) error {
	var o options
	pflag.IntSliceVar(&o.sizes, "sidecars", []int{500, 1000, 2000}, "How many sidecars, one figure after the other, separated by commas.")
	pflag.IntVar(&o.keys, "keys", 20, "Keys of each service, of 100 bytes.")
	pflag.IntVar(&o.shared, "shared", 200, "Keys of _shared, of 100 bytes.")
	pflag.DurationVar(&o.idle, "idle", time.Minute, "How long the fleet is watched while nothing changes; freshness is proved every 7 s.")
	pflag.IntVar(&o.changes, "changes", 50, "Changes that reach all, and as many of one service.")
	pflag.Parse()
	if err := o.check(pflag.Args()); err != nil {
		return err
	}
	var all []figures
	for _, n := range o.sizes {
		f, err := measure(ctx, o, n)
		if err != nil {
			return fmt.Errorf("%d sidecars: %w", n, err)
		}
		all = append(all, f)
	}
	report(os.Stdout, o, all)
	return nil
}

func (o *options) check(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("there are no arguments but flags; got %q", args)
	}
	least := o.keys
	for _, n := range append(o.sizes, o.shared, o.changes) {
		least = min(least, n)
	}
	if len(o.sizes) == 0 || least < 1 || o.keys > 2000 || o.shared > 2000 || o.idle <= 0 {
		return fmt.Errorf("--sidecars %v --keys %d --shared %d --changes %d --idle %s; accepted: 1 and more, at most 2000 keys, above 0", o.sizes, o.keys, o.shared, o.changes, o.idle)
	}
	return nil
}
