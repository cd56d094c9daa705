package monitoring_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v3"
)

// unitTests is alerts_test.yaml, which is in the form of promtool. promtool itself would take
// the clouds' libraries with it, which build for minutes; its rules and its storage are used.
type unitTests struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	Tests              []unitTest     `yaml:"tests"`
}

type unitTest struct {
	Name        string         `yaml:"name"`
	Interval    model.Duration `yaml:"interval"`
	InputSeries []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	AlertRuleTest []moment `yaml:"alert_rule_test"`
}

// moment is what an alert is to be at a time.
type moment struct {
	EvalTime  model.Duration `yaml:"eval_time"`
	Alertname string         `yaml:"alertname"`
	ExpAlerts []firing       `yaml:"exp_alerts"`
}

type firing struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

func readUnitTests(t *testing.T) unitTests {
	t.Helper()
	var file unitTests
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "alerts_test.yaml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAlertsFireWhenTheyAreTo(t *testing.T) {
	file := readUnitTests(t)
	if len(file.Tests) == 0 || !slices.Equal(file.RuleFiles, []string{"alerts.yaml"}) {
		t.Fatalf("alerts_test.yaml has %d tests of %v", len(file.Tests), file.RuleFiles)
	}
	for _, one := range file.Tests {
		t.Run(one.Name, func(t *testing.T) { one.run(t, time.Duration(file.EvaluationInterval)) })
	}
}

// run evaluates all rules at every interval, and looks at the alerts at their moments.
func (u *unitTest) run(t *testing.T, every time.Duration) {
	var load strings.Builder
	fmt.Fprintf(&load, "load %s\n", u.Interval)
	for _, s := range u.InputSeries {
		fmt.Fprintf(&load, "  %s %s\n", s.Series, s.Values)
	}
	parses := parser.NewParser(parser.Options{})
	suite, err := promqltest.NewLazyLoader(load.String(), promqltest.LazyLoaderOpts{EnableAtModifier: true, Parser: parses})
	if err != nil {
		t.Fatal(err)
	}
	defer suite.Close()
	suite.SubqueryInterval = every
	groups, errs := rules.NewManager(&rules.ManagerOptions{
		QueryFunc: rules.EngineQueryFunc(suite.QueryEngine(), suite.Storage()), AppendableV2: suite.Storage(), Context: t.Context(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Logger: slog.New(slog.DiscardHandler), Parser: parses,
	}).LoadGroups(every, labels.EmptyLabels(), "", nil, false, "alerts.yaml")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	last := slices.MaxFunc(u.AlertRuleTest, func(a, b moment) int { return int(a.EvalTime - b.EvalTime) }).EvalTime
	start := time.Unix(0, 0).UTC()
	for at := start; !at.After(start.Add(time.Duration(last))); at = at.Add(every) {
		suite.WithSamplesTill(at, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				g.Eval(suite.Context(), at)
				for _, r := range g.Rules() {
					if r.LastError() != nil {
						t.Fatalf("%s at %s: %v", r.Name(), at.Sub(start), r.LastError())
					}
				}
			}
		})
		for _, m := range u.AlertRuleTest {
			if at.Sub(start) == time.Duration(m.EvalTime) {
				m.compare(t, groups)
			}
		}
	}
}

// compare holds what fires against what is to fire.
func (m *moment) compare(t *testing.T, groups map[string]*rules.Group) {
	t.Helper()
	var got, want []firing
	for _, g := range groups {
		for _, r := range g.AlertingRules() {
			for _, a := range r.ActiveAlerts() {
				if r.Name() == m.Alertname && a.State == rules.StateFiring {
					got = append(got, firing{a.Labels.Map(), a.Annotations.Map()})
				}
			}
		}
	}
	for _, f := range m.ExpAlerts {
		withName := maps.Clone(f.Labels)
		withName[labels.AlertName] = m.Alertname
		want = append(want, firing{withName, f.Annotations})
	}
	text := func(f firing) string { return fmt.Sprint(f) }
	byText := func(a, b firing) int { return strings.Compare(text(a), text(b)) }
	slices.SortFunc(got, byText)
	slices.SortFunc(want, byText)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s at %s, want - got +:\n%s", m.Alertname, m.EvalTime, diff)
	}
}
