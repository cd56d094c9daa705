package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// benchmark measures some rows of the table.
type benchmark struct {
	name string
	run  func(context.Context, *lab) ([]Row, error)
}

func benchmarks() []benchmark {
	return []benchmark{
		{"grpc-get", benchGRPCGet},
		{"rest-get", benchRESTGet},
		{"change", benchChange},
		{"broadcast", benchBroadcast},
		{"idle", benchIdle},
		{"start", benchStart},
		{"client", benchClient},
		{"commit", benchCommit},
	}
}

func benchmarkNames() string {
	var names []string
	for _, b := range benchmarks() {
		names = append(names, b.name)
	}
	return strings.Join(names, ", ")
}

// selected are the benchmarks of --only, or all.
func selected(only []string) ([]benchmark, error) {
	all := benchmarks()
	for _, name := range only {
		if !slices.ContainsFunc(all, func(b benchmark) bool { return b.name == name }) {
			return nil, fmt.Errorf("--only has %q; accepted: %s", name, benchmarkNames())
		}
	}
	if len(only) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(b benchmark) bool { return !slices.Contains(only, b.name) }), nil
}

// measure runs the selected benchmarks. It fails only when something could not be
// measured; a goal that is missed stands in the report.
func measure(ctx context.Context, o options, out io.Writer) (report *Report, err error) {
	chosen, err := selected(o.only)
	if err != nil {
		return nil, err
	}
	report = &Report{Started: time.Now(), Machine: thisMachine(o.server), Rounds: o.rounds, Duration: o.duration}
	l, err := openLab(ctx, o, out)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	for _, b := range chosen {
		fmt.Fprintf(out, "measuring %s\n", b.name)
		rows, err := b.run(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.name, err)
		}
		report.Rows = append(report.Rows, rows...)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	report.Took = time.Since(report.Started)
	return report, nil
}
