package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/leaktest"
)

// TestMain lets this binary be the bare server and etcd, as the program itself does.
func TestMain(m *testing.M) {
	if serve := childMode(os.Args); serve != nil {
		run(serve)
		return
	}
	leaktest.Main(m)
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "config-service")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// rows are the rows of every run, in order, with what each must hold.
func rows(o options) (list []Row) {
	sided := func(names ...string) {
		for _, n := range names {
			list = append(list, Row{Name: n, Ours: &Figure{}, Bare: &Figure{}, Ratio: &Figure{}})
		}
	}
	const perCall = "  processor time of the server per call"
	sided("gRPC Get, 32 callers on 4 connections, calls", "  p50", "  p99", perCall)
	sided("REST Get, 16 connections, calls", "  p50", "  p99", perCall)
	sided("REST Get, 16 connections, by net/http's client, calls", "  p50", "  p99", perCall)
	for _, rate := range []int{5, 1000} {
		for _, form := range []string{"gRPC", "NDJSON", "SSE"} {
			list = append(list,
				Row{Name: fmt.Sprintf("write -> Watch by %s, beyond etcd's, %d/s, p50", form, rate), Ours: &Figure{}, Bare: &Figure{}},
				Row{Name: "  p99", Ours: &Figure{}, Bare: &Figure{}})
		}
	}
	for _, perConn := range []int{100, 1} {
		sided(fmt.Sprintf("one write to %d streams, %d per connection", o.streams, perConn),
			"  processor time of the server per message", "  memory per idle stream")
	}
	for _, name := range []string{"idle with 1000 keys, RSS", "  RSS at its peak", "binary", "etcd requests for 10000 Gets"} {
		list = append(list, Row{Name: name, Ours: &Figure{}})
	}
	for _, how := range []string{"live", "from disk, etcd refuses", "from disk, etcd is silent", "from disk, etcd drops packets"} {
		list = append(list, Row{Name: fmt.Sprintf("start to ready, %d keys of 100 bytes, %s", o.startKeys, how), Ours: &Figure{}})
	}
	for _, way := range []string{"Value.Get", "Get", "Lookup"} {
		list = append(list, Row{Name: "cached read in Go, " + way, Ours: &Figure{}}, Row{Name: "  allocations", Ours: &Figure{}})
	}
	list = append(list, Row{Name: "memory of a Go client with 1000 keys of 100 bytes", Ours: &Figure{}},
		Row{Name: "write -> Watch by the Go client's listener, beyond etcd's, 5/s, p50", Ours: &Figure{}, Bare: &Figure{}},
		Row{Name: "  p99", Ours: &Figure{}, Bare: &Figure{}},
		Row{Name: "Commit of 5 keys in scopes of 100, 32 callers, beside bare transactions, commits", Ours: &Figure{}, Bare: &Figure{}, Ratio: &Figure{}},
		Row{Name: "  p50", Ours: &Figure{}, Bare: &Figure{}, Ratio: &Figure{}},
		Row{Name: "  p99", Ours: &Figure{}, Bare: &Figure{}, Ratio: &Figure{}})
	return list
}

// TestEveryRowIsMeasured runs everything in small. It asserts that there is a figure,
// never how good it is.
func TestEveryRowIsMeasured(t *testing.T) {
	dir := t.TempDir()
	o := options{
		server: build(t), rounds: 1, duration: 200 * time.Millisecond, json: filepath.Join(dir, "new", "bench.json"),
		cpuProfile: filepath.Join(dir, "cpu"), memProfile: filepath.Join(dir, "mem"),
		streams: 200, startKeys: 200, startRounds: 1, settle: 100 * time.Millisecond,
	}
	var progress bytes.Buffer
	report, err := measure(t.Context(), o, &progress)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	report.print(&table)
	t.Logf("%s%s", &progress, &table)

	want := rows(o)
	if len(report.Rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(report.Rows), len(want))
	}
	for i, w := range want {
		checkRow(t, report.Rows[i], w)
		if !strings.Contains(table.String(), w.Name) {
			t.Errorf("the table has no %q", w.Name)
		}
	}
	checkReport(t, report, o.json)
	for _, file := range []string{"cpu/grpc-get-1-bare.cpu", "cpu/rest-get-1-ours-load.cpu", "mem/rest-get-1-bare.heap", "mem/broadcast-1-1-bare.heap"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() == 0 {
			t.Errorf("profile: %v", err)
		}
	}
}

func checkRow(t *testing.T, got, want Row) {
	t.Helper()
	if got.Name != want.Name {
		t.Errorf("row %q, want %q", got.Name, want.Name)
	}
	for _, f := range []struct {
		what      string
		got, want *Figure
	}{{"ours", got.Ours, want.Ours}, {"bare", got.Bare, want.Bare}, {"ratio", got.Ratio, want.Ratio}} {
		switch {
		case (f.got == nil) != (f.want == nil):
			t.Errorf("%s: %s is %v", got.Name, f.what, f.got)
		case f.got == nil:
		case len(f.got.Rounds) != 1 || f.got.Min > f.got.Median || f.got.Median > f.got.Max || f.got.Max > 1e7:
			t.Errorf("%s: %s is %+v", got.Name, f.what, *f.got)
		}
	}
	// What is subtracted from something can be nothing or less.
	if difference := got.Unit == "ms" && got.Ratio == nil && got.Bare != nil; difference || got.Unit == "" || got.Unit == "KiB" {
		return
	}
	if got.Ours.Min <= 0 || (got.Bare != nil && got.Bare.Min <= 0) {
		t.Errorf("%s: ours %v, bare %v", got.Name, got.Ours, got.Bare)
	}
}

// checkReport: what is kept is what was measured, with the facts of the machine.
func checkReport(t *testing.T, report *Report, file string) {
	t.Helper()
	if err := report.write(file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept Report
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	goals := 0
	for i, row := range kept.Rows {
		if row.Name != report.Rows[i].Name || (row.Ours != nil && row.Ours.Median != report.Rows[i].Ours.Median) {
			t.Errorf("kept as %+v", row)
		}
		if row.Goal != "" {
			goals++
		}
	}
	if goals != 26 {
		t.Errorf("%d rows have a goal, want 26", goals)
	}
	if m := kept.Machine; m.Cores == 0 || m.Go == "" || m.Modules["google.golang.org/grpc"] == "" || m.Server == "" {
		t.Errorf("the machine is %+v", m)
	}
}

func TestOnlyNamesThatExist(t *testing.T) {
	if _, err := measure(t.Context(), options{only: []string{"grpc-get", "grpc"}}, nil); err == nil || !strings.Contains(err.Error(), `"grpc"`) {
		t.Errorf("error %v", err)
	}
	chosen, err := selected([]string{"start", "rest-get"})
	if err != nil || len(chosen) != 2 || chosen[0].name != "rest-get" || chosen[1].name != "start" {
		t.Errorf("selected %v, %v", chosen, err)
	}
}

// A server that does not come up is an error that holds what it said.
func TestServerThatEnds(t *testing.T) {
	_, err := startChild("the server", "sh", []string{"-c", "echo cannot >&2; exit 3"})
	if err == nil || !strings.Contains(err.Error(), "ended before it served") || !strings.Contains(err.Error(), "cannot") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := measure(ctx, options{server: filepath.Join(t.TempDir(), "none"), rounds: 1, duration: 1}, &bytes.Buffer{}); err == nil {
		t.Error("a server that does not exist was measured")
	}
}
