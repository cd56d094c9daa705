package opstest

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestTheCollectorsPipelineIsWhole sees that what the pipeline of the OpenTelemetry Collector
// names is configured, and that nothing is configured for nobody.
func TestTheCollectorsPipelineIsWhole(t *testing.T) {
	type named map[string]yaml.Node
	var c struct {
		Receivers, Processors, Exporters, Extensions named
		Service                                      struct {
			Extensions []string
			Pipelines  map[string]struct{ Receivers, Processors, Exporters []string }
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "deploy/monitoring/otel-collector.yaml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		t.Fatal(err)
	}
	used := func(what string, configured named, names []string) {
		for _, n := range names {
			if _, ok := configured[n]; !ok {
				t.Errorf("the %s %s is not configured", what, n)
			}
		}
		for n := range configured {
			if !slices.Contains(names, n) {
				t.Errorf("the %s %s is not used", what, n)
			}
		}
	}
	traces, ok := c.Service.Pipelines["traces"]
	if !ok || len(c.Service.Pipelines) != 1 {
		t.Fatalf("the pipelines are %v", c.Service.Pipelines)
	}
	used("receiver", c.Receivers, traces.Receivers)
	used("processor", c.Processors, traces.Processors)
	used("exporter", c.Exporters, traces.Exporters)
	used("extension", c.Extensions, c.Service.Extensions)
	if traces.Processors[0] != "memory_limiter" || traces.Processors[len(traces.Processors)-1] != "batch" {
		t.Errorf("the processors are %v; memory_limiter is first and batch last", traces.Processors)
	}
}
