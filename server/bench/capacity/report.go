package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// row is a figure of every size. Where it grows with the fleet, a line through the smallest
// and the largest size says what a thousand more take.
type row struct {
	name   string
	value  func(figures) float64
	format string
	grows  bool
}

const mib = 1 << 20

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

var rows = []row{
	{"etcd, resident: the configuration alone", func(f figures) float64 { return f.empty / mib }, "%.0f MiB", false},
	{"etcd, resident: with the fleet", func(f figures) float64 { return f.resident / mib }, "%.0f MiB", true},
	{"connections of etcd", func(f figures) float64 { return float64(f.connections) }, "%.0f", true},
	{"watches", func(f figures) float64 { return f.watchers }, "%.0f", true},
	{"idle: reads a second (proofs of freshness)", func(f figures) float64 { return f.idleReads }, "%.0f", true},
	{"idle: bytes a second from etcd", func(f figures) float64 { return f.idleSent / 1024 }, "%.1f KiB", true},
	{"idle: processor time of etcd, cores", func(f figures) float64 { return f.idleEtcd }, "%.3f", true},
	{"idle: processor time of the sidecars, cores", func(f figures) float64 { return f.idleFleet }, "%.3f", true},
	{"FRESH after that", func(f figures) float64 { return float64(f.fresh) }, "%.0f", false},
	{"all start at once: until all are loaded", func(f figures) float64 { return f.allThere.Seconds() }, "%.2f s", true},
	{"one change of _shared: until all have it, p50", func(f figures) float64 { return millis(f.sharedP50) }, "%.0f ms", true},
	{"  at most", func(f figures) float64 { return millis(f.sharedMax) }, "%.0f ms", false},
	{"  bytes from etcd", func(f figures) float64 { return f.sharedBytes / 1024 }, "%.0f KiB", true},
	{"  processor time of etcd", func(f figures) float64 { return millis(f.sharedProcessor) }, "%.0f ms", true},
	{"a change of one service: until its sidecar has it, p50", func(f figures) float64 { return millis(f.ownP50) }, "%.1f ms", false},
	{"  at most", func(f figures) float64 { return millis(f.ownMax) }, "%.1f ms", false},
	{"  bytes from etcd", func(f figures) float64 { return f.ownBytes / 1024 }, "%.1f KiB", false},
	{"memory of what a sidecar has towards etcd, each", func(f figures) float64 { return f.own / 1024 }, "%.0f KiB", false},
}

// report writes a table in Markdown.
func report(out io.Writer, o options, all []figures) {
	fmt.Fprintf(out, "%d cores, %s %s/%s; %d keys of 100 bytes a service, %d shared; idle for %s, %d changes of each kind.\n\n",
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, o.keys, o.shared, o.idle, o.changes)
	head, rule := "| sidecars |", "|---|"
	for _, f := range all {
		head += fmt.Sprintf(" %d |", f.sidecars)
		rule += "---:|"
	}
	first, last := all[0], all[len(all)-1]
	slope := last.sidecars > first.sidecars
	if slope {
		head, rule = head+" 1,000 more |", rule+"---:|"
	}
	fmt.Fprintf(out, "%s\n%s\n", head, rule)
	for _, r := range rows {
		line := "| " + strings.Replace(r.name, "  ", "… ", 1) + " |"
		for _, f := range all {
			line += fmt.Sprintf(" "+r.format+" |", r.value(f))
		}
		switch {
		case slope && r.grows:
			line += fmt.Sprintf(" "+r.format+" |", (r.value(last)-r.value(first))/float64(last.sidecars-first.sidecars)*1000)
		case slope:
			line += " |"
		}
		fmt.Fprintln(out, line)
	}
}
