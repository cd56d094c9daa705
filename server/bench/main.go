// Command bench measures the server beside bare ones that answer with the same bytes,
// in one run, and prints how they compare. `make bench` runs it. Every server is a
// process of its own; the load comes from this one, the same for both sides.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// options are what the command line says.
type options struct {
	server     string
	only       []string
	rounds     int
	duration   time.Duration
	json       string
	cpuProfile string
	memProfile string

	// Sizes that the smoke test makes small.
	streams     int
	startKeys   int
	startRounds int
	settle      time.Duration // until a server's memory has come to rest
}

func main() {
	if serve := childMode(os.Args); serve != nil {
		run(serve)
		return
	}
	run(command)
}

// run ends the process with status 1 when f fails.
func run(f func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := f(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func command(ctx context.Context) error {
	o := options{streams: 10_000, startKeys: 10_000, startRounds: 10, settle: 5 * time.Second}
	pflag.StringVar(&o.server, "server", ".build/config-service", "The binary to measure.")
	pflag.StringSliceVar(&o.only, "only", nil, "Measure these only, separated by commas: "+benchmarkNames()+".")
	pflag.IntVar(&o.rounds, "rounds", 5, "How often each side is measured, in turn.")
	pflag.DurationVar(&o.duration, "duration", 2*time.Second, "How long each side is measured in a round.")
	pflag.StringVar(&o.json, "json", ".build/bench.json", "Where all figures go.")
	pflag.StringVar(&o.cpuProfile, "cpuprofile", "", "Directory for CPU profiles of both servers and of this process, one a round, by *-get and broadcast. Needs a binary with pprof on its ops address.")
	pflag.StringVar(&o.memProfile, "memprofile", "", "Directory for heap profiles of both servers, one a round; by broadcast of idle streams.")
	pflag.Parse()
	if pflag.NArg() > 0 {
		return fmt.Errorf("there are no arguments but flags; got %q", pflag.Args())
	}
	if o.rounds < 1 || o.duration <= 0 {
		return fmt.Errorf("--rounds is %d and --duration %s; accepted: 1 or more, above 0", o.rounds, o.duration)
	}
	runtime.GOMAXPROCS(cores)
	report, err := measure(ctx, o, os.Stderr)
	if err != nil {
		return err
	}
	if err := report.write(o.json); err != nil {
		return err
	}
	report.print(os.Stdout)
	return nil
}

// cores is how many cores every process may use, this one included.
const cores = 2
