package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// Row is a line of the table.
type Row struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Ours  *Figure `json:"ours,omitempty"`
	Bare  *Figure `json:"bare,omitempty"`
	Ratio *Figure `json:"ratio,omitempty"` // pair by pair; of rates and memory ours by bare
	Goal  string  `json:"goal,omitempty"`
	Met   *bool   `json:"met,omitempty"`
	Note  string  `json:"note,omitempty"`
}

// Figure is what several rounds measured: their median, in the table, and each.
type Figure struct {
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Rounds []float64 `json:"rounds"`
}

func figure(rounds []float64) *Figure {
	sorted := slices.Sorted(slices.Values(rounds))
	return &Figure{Median: median(sorted), Min: sorted[0], Max: sorted[len(sorted)-1], Rounds: rounds}
}

// compare makes a row of the rounds of two sides.
func compare(name, unit string, ours, bare []float64) Row {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / bare[i]
	}
	return Row{Name: name, Unit: unit, Ours: figure(ours), Bare: figure(bare), Ratio: figure(ratios)}
}

// throughput makes a row of two times for the same work; the ratio is that of the
// work in a time.
func throughput(name, unit string, ours, bare []float64) Row {
	r := compare(name, unit, ours, bare)
	r.Ratio = compare(name, unit, bare, ours).Ratio
	return r
}

// alone makes a row of the rounds of the server under test.
func alone(name, unit string, ours ...float64) Row {
	return Row{Name: name, Unit: unit, Ours: figure(ours)}
}

// missing makes a row of what this binary or machine cannot show.
func missing(name, goal, why string) Row {
	return Row{Name: name, Goal: goal, Note: "not available: " + why}
}

func (r Row) ratioAtLeast(goal float64) Row {
	return r.judged(r.Ratio.Median >= goal, "ratio >= "+short(goal))
}

func (r Row) ratioAtMost(goal float64) Row {
	return r.judged(r.Ratio.Median <= goal, "ratio <= "+short(goal))
}

func (r Row) atMost(goal float64) Row {
	return r.judged(r.Ours.Median <= goal, "<= "+short(goal)+" "+r.Unit)
}

func (r Row) judged(met bool, goal string) Row {
	r.Goal, r.Met = goal, &met
	return r
}

// Report is a whole run.
type Report struct {
	Started  time.Time     `json:"started"`
	Took     time.Duration `json:"took_ns"`
	Machine  Machine       `json:"machine"`
	Rounds   int           `json:"rounds"`
	Duration time.Duration `json:"duration_ns"`
	Rows     []Row         `json:"rows"`
}

func (r *Report) write(file string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

func (r *Report) print(out io.Writer) {
	m := r.Machine
	fmt.Fprintf(out, "%s, %d cores, GOMAXPROCS %d, %s, grpc %s, %s; %d rounds of %s; took %s\n\n",
		m.CPU, m.Cores, cores, m.Go, m.Modules["google.golang.org/grpc"], m.System, r.Rounds, r.Duration, r.Took.Round(time.Second))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tunit\tours\tbare\tratio (min..max)\tgoal\t")
	for _, row := range r.Rows {
		verdict := row.Goal
		if row.Met != nil {
			verdict += map[bool]string{true: "  met", false: "  MISSED"}[*row.Met]
		}
		if row.Note != "" {
			verdict += "  (" + row.Note + ")"
		}
		ratio := ""
		if row.Ratio != nil {
			ratio = fmt.Sprintf("%.2f (%.2f..%.2f)", row.Ratio.Median, row.Ratio.Min, row.Ratio.Max)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t\n", row.Name, row.Unit, row.Ours, row.Bare, ratio, verdict)
	}
	_ = table.Flush() // to a terminal
}

func (f *Figure) String() string {
	if f == nil {
		return ""
	}
	return short(f.Median)
}

// short writes a figure with as many digits as are of interest.
func short(v float64) string {
	switch {
	case v == float64(int64(v)) || v >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// median is that of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// quantile is that of sorted values.
func quantile[T cmp.Ordered](sorted []T, q float64) T {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// merge joins and sorts.
func merge[T cmp.Ordered](parts [][]T) []T {
	all := slices.Concat(parts...)
	slices.Sort(all)
	return all
}

func each[T any](list []T, value func(T) float64) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = value(v)
	}
	return out
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
