package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// example is the chart of an application, with the library in it as `helm dependency update`
// puts it there.
func example(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "payment-service")
	for from, to := range map[string]string{deployed + "/helm/example": dir, deployed + "/helm/config-service-sidecar": dir + "/charts/config-service-sidecar"} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// rendered is what `helm template` prints of the example with values.
func rendered(t *testing.T, values map[string]any) ([]byte, error) {
	t.Helper()
	chart, err := loader.Load(example(t))
	if err != nil {
		t.Fatal(err)
	}
	all, err := util.ToRenderValues(chart, map[string]any{"config-service-sidecar": values}, common.ReleaseOptions{Name: "payment-service", Namespace: "shop"}, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	return []byte(files["payment-service/templates/deployment.yaml"]), nil
}

func TestTheChartsAreLinted(t *testing.T) {
	for _, dir := range []string{deployed + "/helm/config-service-sidecar", example(t)} {
		result := lint.RunAll(dir, nil, "shop")
		for _, m := range result.Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %s", dir, m)
			}
		}
	}
}

// Each value is in what comes out.
func TestValuesOfTheChart(t *testing.T) {
	text, err := rendered(t, map[string]any{
		"resources": map[string]any{"limits": map[string]any{"memory": "256Mi"}},
		"extraEnv":  []any{map[string]any{"name": "GOMEMLIMIT", "value": "230MiB"}},
		"ports":     map[string]any{"http": 18080, "grpc": 19080, "ops": 19081},
	})
	if err != nil {
		t.Fatal(err)
	}
	spec := pods(objects(t, text))["payment-service"]
	c := sidecarOf(t, spec).Container
	if c.Resources.Limits.Memory().String() != "256Mi" || len(c.Resources.Requests) != 0 {
		t.Errorf("resources are %v", c.Resources)
	}
	if last := c.Env[len(c.Env)-1]; last.Name != "GOMEMLIMIT" || last.Value != "230MiB" {
		t.Errorf("the last variable is %v", last)
	}
	app := spec.Containers[0].Env
	if app[0].Value != "http://localhost:18080" || app[1].Value != "localhost:19080" {
		t.Errorf("the application is told %v", app)
	}
}

// A mistake in the values is said before anything is rendered.
func TestTheSchemaOfTheValues(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"unknown":     {"imagee": "a"},
		"service":     {"service": "Payment"},
		"environment": {"environment": "_all"},
		"plaintext":   {"etcdEndpoints": "http://etcd:2379"},
		"port":        {"ports": map[string]any{"http": 70000}},
		"plain":       {"plain": "yes"},
		"secret":      {"tokenSecret": ""},
	} {
		if text, err := rendered(t, values); err == nil || !strings.Contains(err.Error(), "config-service-sidecar") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	if _, err := rendered(t, map[string]any{"global": map[string]any{"a": 1}}); err != nil {
		t.Errorf("global: %v", err)
	}
}

// What `configctl sidecar helm` prints are the dependency of the example, and values that
// the schema takes.
func TestWhatConfigctlPrintsForCharts(t *testing.T) {
	text := ctl(t, nil, "sidecar", "helm", "--service", "payment-service", "-e", "production", "--etcd-endpoints", "https://etcd-1:2379,https://etcd-2:2379", "--http-port", "18080", "--plain")
	first, second, _ := strings.Cut(string(text), "---\n")
	var chart struct {
		Dependencies []struct{ Name, Version, Repository string }
	}
	var values map[string]map[string]any
	if err := yaml.UnmarshalStrict([]byte(first), &chart); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(second), &values); err != nil {
		t.Fatal(err)
	}
	library, err := loader.Load(deployed + "/helm/config-service-sidecar")
	if err != nil {
		t.Fatal(err)
	}
	if d := chart.Dependencies[0]; d.Name != library.Metadata.Name || d.Version != library.Metadata.Version {
		t.Errorf("the dependency is %+v, the chart %s %s", d, library.Metadata.Name, library.Metadata.Version)
	}
	out, err := rendered(t, values["config-service-sidecar"])
	if err != nil {
		t.Fatal(err)
	}
	c := sidecarOf(t, pods(objects(t, out))["payment-service"]).Container
	if c.RestartPolicy != nil || c.Lifecycle == nil || c.Env[0].Value != "payment-service" {
		t.Errorf("it is %+v", c)
	}
}
