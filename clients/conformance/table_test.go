package conformance

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// table is what became of each scenario with each client. It is safe for concurrent
// use.
type table struct {
	mu      sync.Mutex
	results map[string]map[string]string // by scenario, by client
}

const (
	passed  = "pass"
	failed  = "FAIL"
	skipped = "skip"
)

func (tb *table) put(scenario, client, result string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.results == nil {
		tb.results = map[string]map[string]string{}
	}
	if tb.results[scenario] == nil {
		tb.results[scenario] = map[string]string{}
	}
	tb.results[scenario][client] = result
}

// print writes the scenarios that ran, by file, and the totals.
func (tb *table) print(out io.Writer, scenarios []*scenario, clients []client) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	width := 0
	for _, s := range scenarios {
		width = max(width, len(s.Name))
	}
	row := func(first string, cell func(client) string) {
		fmt.Fprintf(out, "%-*s", width, first)
		for _, c := range clients {
			fmt.Fprintf(out, "  %*s", max(len(c.name), 7), cell(c))
		}
		fmt.Fprintln(out)
	}
	byFile := slices.SortedStableFunc(slices.Values(scenarios), func(a, b *scenario) int { return strings.Compare(a.file, b.file) })
	totals, file := map[string]map[string]int{}, ""
	for _, s := range byFile {
		results := tb.results[s.Name]
		if results == nil {
			continue
		}
		if s.file != file {
			file = s.file
			fmt.Fprintln(out)
			row(strings.TrimSuffix(file, ".yaml"), func(c client) string { return c.name })
		}
		row("  "+s.Name, func(c client) string {
			if totals[c.name] == nil {
				totals[c.name] = map[string]int{}
			}
			totals[c.name][results[c.name]]++
			return results[c.name]
		})
	}
	fmt.Fprintln(out)
	for _, result := range []string{passed, failed, skipped} {
		row(result, func(c client) string { return fmt.Sprint(totals[c.name][result]) })
	}
	for _, c := range clients {
		if c.missing != "" {
			fmt.Fprintf(out, "SKIP: scenarios of %s: %s is not installed\n", c.name, c.missing)
		}
	}
}
