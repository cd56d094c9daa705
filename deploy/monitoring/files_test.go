package monitoring_test

import (
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

var write = flag.Bool("write", false, "Write prometheusrule.yaml anew.")

const ruleHead = `# The rules of alerts.yaml for the Prometheus Operator. This file is made:
#   go -C deploy/monitoring test -run PrometheusRule . -args -write
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: config-service
  labels:
    app.kubernetes.io/name: config-service
    app.kubernetes.io/part-of: config-service
spec:
`

// TestPrometheusRule holds the Operator's form of the alerts to the plain one, and to the
// Operator's own types.
func TestPrometheusRule(t *testing.T) {
	plain := read(t, "alerts.yaml")
	_, groups, found := strings.Cut(plain, "\ngroups:\n")
	if !found {
		t.Fatal("alerts.yaml has no groups")
	}
	want := ruleHead + "  groups:\n"
	for line := range strings.Lines(groups) {
		if strings.TrimSpace(line) != "" {
			line = "  " + line
		}
		want += line
	}
	if *write {
		if err := os.WriteFile("prometheusrule.yaml", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := read(t, "prometheusrule.yaml")
	if text != want {
		t.Error("prometheusrule.yaml is not what alerts.yaml makes; its first lines say how to make it")
	}
	var rule monitoringv1.PrometheusRule
	if err := yaml.UnmarshalStrict([]byte(text), &rule); err != nil {
		t.Fatal(err)
	}
	var alerts monitoringv1.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict([]byte(plain), &alerts); err != nil {
		t.Fatal(err)
	}
	if len(alerts.Groups) == 0 || !reflect.DeepEqual(rule.Spec, alerts) {
		t.Error("the rules of prometheusrule.yaml are not those of alerts.yaml")
	}
}

// TestPodMonitors holds the file to the Operator's own types, and its two servers to the same labels.
func TestPodMonitors(t *testing.T) {
	for _, document := range strings.Split(read(t, "podmonitor.yaml"), "\n---\n") {
		var m monitoringv1.PodMonitor
		if err := yaml.UnmarshalStrict([]byte(document), &m); err != nil {
			t.Fatal(err)
		}
		if m.Kind != "PodMonitor" || len(m.Spec.PodMetricsEndpoints) == 0 {
			t.Errorf("%s is a %s with %d endpoints", m.Name, m.Kind, len(m.Spec.PodMetricsEndpoints))
		}
		for _, e := range m.Spec.PodMetricsEndpoints {
			set := map[string]bool{}
			for _, r := range e.RelabelConfigs {
				set[r.TargetLabel] = true
			}
			wanted := []string{"job", "instance", "environment", "service"}
			if m.Name == "config-service-etcd" {
				wanted = wanted[:2]
			}
			for _, label := range wanted {
				if !set[label] {
					t.Errorf("%s does not set the label %s on the port %s", m.Name, label, *e.Port)
				}
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAlertsAreComplete holds each alert to what whoever is woken by it needs.
func TestAlertsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range readAlerts(t).Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] {
				t.Errorf("%s is there twice", r.Alert)
			}
			seen[r.Alert] = true
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
				t.Errorf("%s has the severity %q", r.Alert, r.Labels["severity"])
			}
			for _, note := range []string{"summary", "description", "runbook_url"} {
				if r.Annotations[note] == "" {
					t.Errorf("%s has no %s", r.Alert, note)
				}
			}
		}
	}
}

var heading = regexp.MustCompile(`(?m)^## (ConfigService\w+)$`)

// TestEveryAlertHasItsRunbook holds alerts and runbooks together, both ways.
func TestEveryAlertHasItsRunbook(t *testing.T) {
	const runbooks = "https://github.com/config-service/config-service/blob/main/deploy/monitoring/runbooks.md#"
	var sections, alerts []string
	for _, m := range heading.FindAllStringSubmatch(read(t, "runbooks.md"), -1) {
		sections = append(sections, m[1])
	}
	for _, g := range readAlerts(t).Groups {
		for _, r := range g.Rules {
			alerts = append(alerts, r.Alert)
			if want := runbooks + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
				t.Errorf("the runbook of %s is %s, want %s", r.Alert, r.Annotations["runbook_url"], want)
			}
		}
	}
	if !slices.Equal(sections, alerts) {
		t.Errorf("runbooks.md has the sections\n%s\nand alerts.yaml the alerts\n%s", strings.Join(sections, " "), strings.Join(alerts, " "))
	}
	for _, section := range regexp.MustCompile(`(?m)^## `).Split(read(t, "runbooks.md"), -1)[1:] {
		name, text, _ := strings.Cut(section, "\n")
		if !strings.Contains(text, "**Means.**") || !strings.Contains(text, "**Do.**") {
			t.Errorf("the section %s does not say what the alert means and what to do", name)
		}
	}
}

// TestEveryAlertIsTested wants a case in which each alert fires, and a moment in which it
// does not.
func TestEveryAlertIsTested(t *testing.T) {
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, one := range readUnitTests(t).Tests {
		for _, c := range one.AlertRuleTest {
			if len(c.ExpAlerts) > 0 {
				fires[c.Alertname] = true
			} else {
				quiet[c.Alertname] = true
			}
		}
	}
	for _, g := range readAlerts(t).Groups {
		for _, r := range g.Rules {
			if !fires[r.Alert] || !quiet[r.Alert] {
				t.Errorf("alerts_test.yaml does not see %s fire and be quiet", r.Alert)
			}
		}
	}
}

// TestTheDashboardIsOne that Grafana can show: panels have names, explanations and places of
// their own, and every query goes to the data source that was chosen.
func TestTheDashboardIsOne(t *testing.T) {
	d := readDashboard(t)
	ids, places := map[int]string{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.Title == "" || ids[p.ID] != "" {
			t.Errorf("the panel %d is %q and %q", p.ID, ids[p.ID], p.Title)
		}
		ids[p.ID] = p.Title
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := places[[2]int{x, y}]; other != "" {
					t.Fatalf("the panels %q and %q overlap", other, p.Title)
				}
				places[[2]int{x, y}] = p.Title
			}
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("the panel %q is wider than the dashboard", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" || target.Expr == "" {
				t.Errorf("the panel %q asks %q for %q", p.Title, target.Datasource.UID, target.Expr)
			}
		}
		if p.Type != "row" && (p.Description == nil || len(p.Targets) == 0) {
			t.Errorf("the panel %q has %d queries, and a description: %v", p.Title, len(p.Targets), p.Description != nil)
		}
	}
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		if v.Type == "query" && (v.AllValue != ".*" || !strings.HasPrefix(v.Definition, "label_values(configservice_role{")) {
			t.Errorf("the variable %s is %s, and everything is %q", v.Name, v.Definition, v.AllValue)
		}
	}
	if want := []string{"datasource", "environment", "namespace", "instance"}; !slices.Equal(names, want) {
		t.Errorf("the variables are %v, want %v", names, want)
	}
	used := regexp.MustCompile(`\$\{?([a-z_]+)`)
	for _, m := range used.FindAllStringSubmatch(read(t, "dashboard.json"), -1) {
		if !slices.Contains(append(names, "__rate_interval", "__all"), m[1]) {
			t.Errorf("the dashboard uses the variable %s, which it does not have", m[1])
		}
	}
}
