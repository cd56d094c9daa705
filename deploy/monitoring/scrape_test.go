package monitoring_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// scrapeConfig is as much of Prometheus' configuration as the examples use.
type scrapeConfig struct {
	Global    map[string]string `yaml:"global"`
	RuleFiles []string          `yaml:"rule_files"`
	Scrapes   []struct {
		Job        string              `yaml:"job_name"`
		Kubernetes []map[string]string `yaml:"kubernetes_sd_configs"`
		Static     []struct {
			Targets []string          `yaml:"targets"`
			Labels  map[string]string `yaml:"labels"`
		} `yaml:"static_configs"`
		Relabel []*relabel.Config `yaml:"relabel_configs"`
	} `yaml:"scrape_configs"`
}

func readScrapes(t *testing.T, file string) (c scrapeConfig) {
	t.Helper()
	decoder := yamlv3.NewDecoder(strings.NewReader(read(t, file)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if !slices.Equal(c.RuleFiles, []string{"alerts.yaml"}) {
		t.Errorf("%s has the rules %v", file, c.RuleFiles)
	}
	return c
}

// A pod's container with a port, as Prometheus discovers it.
func discovered(name, partOf, port string) map[string]string {
	return map[string]string{
		"__meta_kubernetes_namespace": "shop", "__meta_kubernetes_pod_name": name + "-0", "__meta_kubernetes_pod_phase": "Running",
		"__meta_kubernetes_pod_label_app_kubernetes_io_name": name, "__meta_kubernetes_pod_label_app_kubernetes_io_part_of": partOf,
		"__meta_kubernetes_pod_container_port_name": port,
	}
}

// scrapes are what is discovered, and the job that it is to be scraped by; empty: by none.
var scrapes = []struct {
	name, partOf, port string
	job                string
}{
	{"payment-service", "", "config-ops", "config-service"},
	{"payment-service", "shop", "config-ops", "config-service"},
	{"payment-service", "", "http", ""},
	{"payment-service", "", "ops", ""},
	{"config-service-control", "config-service", "ops", "config-service"},
	{"config-service-control", "config-service", "rest", ""},
	{"etcd", "config-service", "health", "etcd"},
	{"etcd", "config-service", "client", ""},
	{"etcd", "other", "health", ""},
}

// labelsOf are those that a target is stored with.
func labelsOf(job, name string) map[string]string {
	if job == "" {
		return nil
	}
	set := map[string]string{"job": job, "instance": "shop/" + name + "-0"}
	if job == "config-service" {
		maps.Copy(set, map[string]string{"namespace": "shop", "pod": name + "-0", "service": name, "environment": "production"})
	}
	return set
}

// relabelled is what a target is stored with, nil when it is dropped.
func relabelled(t *testing.T, target map[string]string, configs []*relabel.Config) map[string]string {
	t.Helper()
	b := labels.NewBuilder(labels.FromMap(target))
	for _, c := range configs {
		c.NameValidationScheme = model.UTF8Validation
	}
	if !relabel.ProcessBuilder(b, configs...) {
		return nil
	}
	stored := b.Labels().Map()
	maps.DeleteFunc(stored, func(name, _ string) bool { return strings.HasPrefix(name, "__") })
	return stored
}

func TestKubernetesScrapes(t *testing.T) {
	c := readScrapes(t, "prometheus-kubernetes.yml")
	for _, one := range scrapes {
		var by []map[string]string
		for _, s := range c.Scrapes {
			if len(s.Kubernetes) != 1 || s.Kubernetes[0]["role"] != "pod" {
				t.Fatalf("%s discovers %v", s.Job, s.Kubernetes)
			}
			target := discovered(one.name, one.partOf, one.port)
			target["job"] = s.Job
			if stored := relabelled(t, target, s.Relabel); stored != nil {
				by = append(by, stored)
			}
		}
		compareTargets(t, "prometheus-kubernetes.yml", one.name+":"+one.port, by, labelsOf(one.job, one.name))
	}
}

func TestPodMonitorScrapes(t *testing.T) {
	for _, one := range scrapes {
		var by []map[string]string
		for _, document := range strings.Split(read(t, "podmonitor.yaml"), "\n---\n") {
			var m monitoringv1.PodMonitor
			if err := yaml.UnmarshalStrict([]byte(document), &m); err != nil {
				t.Fatal(err)
			}
			by = append(by, byOperator(t, m, discovered(one.name, one.partOf, one.port))...)
		}
		want := labelsOf(one.job, one.name)
		if one.job == "etcd" {
			maps.Copy(want, map[string]string{"namespace": "shop", "pod": one.name + "-0"}) // the Operator's
		}
		compareTargets(t, "podmonitor.yaml", one.name+":"+one.port, by, want)
	}
}

// byOperator is what the Operator makes of a PodMonitor for a target: its selector, its port,
// its own labels, then those of the file.
func byOperator(t *testing.T, m monitoringv1.PodMonitor, target map[string]string) (stored []map[string]string) {
	t.Helper()
	for label, value := range m.Spec.Selector.MatchLabels {
		if target["__meta_kubernetes_pod_label_"+strings.NewReplacer(".", "_", "/", "_", "-", "_").Replace(label)] != value {
			return nil
		}
	}
	for _, e := range m.Spec.PodMetricsEndpoints {
		if *e.Port != target["__meta_kubernetes_pod_container_port_name"] {
			continue
		}
		target := maps.Clone(target)
		maps.Copy(target, map[string]string{"job": "monitoring/" + m.Name, "namespace": "shop", "pod": target["__meta_kubernetes_pod_name"]})
		var configs []*relabel.Config
		for _, r := range e.RelabelConfigs {
			c := relabel.DefaultRelabelConfig
			for _, l := range r.SourceLabels {
				c.SourceLabels = append(c.SourceLabels, model.LabelName(l))
			}
			if r.Separator != nil {
				c.Separator = *r.Separator
			}
			if r.Replacement != nil {
				c.Replacement = *r.Replacement
			}
			if r.Regex != "" {
				c.Regex = relabel.MustNewRegexp(r.Regex)
			}
			if r.Action != "" {
				c.Action = relabel.Action(strings.ToLower(r.Action))
			}
			c.TargetLabel = r.TargetLabel
			configs = append(configs, &c)
		}
		if s := relabelled(t, target, configs); s != nil {
			stored = append(stored, s)
		}
	}
	return stored
}

func compareTargets(t *testing.T, file, target string, by []map[string]string, want map[string]string) {
	t.Helper()
	switch {
	case want == nil && len(by) == 0:
	case want == nil || len(by) != 1:
		t.Errorf("%s scrapes %s %d times: %v; want %v", file, target, len(by), by, want)
	case !maps.Equal(by[0], want):
		t.Errorf("%s stores %s as %v; want %v", file, target, by[0], want)
	}
}

func TestComposeScrapes(t *testing.T) {
	c := readScrapes(t, "prometheus-compose.yml")
	jobs := map[string][]string{}
	for _, s := range c.Scrapes {
		for _, static := range s.Static {
			jobs[s.Job] = append(jobs[s.Job], static.Targets...)
			if s.Job == "config-service" && (static.Labels["environment"] == "" || static.Labels["namespace"] == "") {
				t.Errorf("%v has the labels %v", static.Targets, static.Labels)
			}
		}
	}
	if !maps.EqualFunc(jobs, map[string][]string{"config-service": {"config-service:9081"}, "etcd": {"etcd:2381"}}, slices.Equal) {
		t.Errorf("the targets are %v", jobs)
	}
}
