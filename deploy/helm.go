package deploy

import (
	"fmt"
	"strconv"
	"strings"
)

// The chart with the named templates.
const (
	chartName       = "config-service-sidecar"
	chartVersion    = "0.1.0"
	chartRepository = "oci://ghcr.io/config-service/charts"
)

// Helm is what the chart of an application takes: a dependency, values, and in comments what
// its templates include. It is two documents of YAML, for two files.
func (k Kubernetes) Helm() (string, error) {
	if err := k.Check(); err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# In Chart.yaml; then: helm dependency update\ndependencies:\n  - name: %s\n    version: %s\n    repository: %s\n", chartName, chartVersion, chartRepository)
	fmt.Fprintf(&out, "---\n# In values.yaml.\n%s:\n", chartName)
	fmt.Fprintf(&out, "  image: %s\n", strconv.Quote(orKeep(k.Image, DefaultImage)))
	for _, v := range []struct{ name, value string }{{"service", k.Service}, {"environment", k.Environment}, {"etcdEndpoints", k.EtcdEndpoints}} {
		if v.value != "" {
			fmt.Fprintf(&out, "  %s: %s\n", v.name, strconv.Quote(v.value))
		}
	}
	fmt.Fprintf(&out, "  configMap: %s\n  tokenSecret: %s\n", strconv.Quote(orKeep(k.ConfigMap, DefaultConfigMap)), strconv.Quote(orKeep(k.TokenSecret, DefaultTokenSecret)))
	fmt.Fprintf(&out, "  ports: {http: %d, grpc: %d, ops: %d}\n", orPort(k.HTTPPort, DefaultHTTPPort), orPort(k.GRPCPort, DefaultGRPCPort), orPort(k.OpsPort, DefaultOpsPort))
	list := "initContainers:\n#   "
	if k.Plain {
		out.WriteString("  plain: true\n")
		list = "containers:  # before the application's\n#   "
	}
	out.WriteString(`# In the template of the workload, with the indentation that its place has:
#
# ` + list + `  {{- include "config-service.sidecar" . | nindent 8 }}
# containers:
#   - name: app
#     env:  # only where the ports are not the usual ones
#       {{- include "config-service.env" . | nindent 12 }}
# volumes:
#     {{- include "config-service.volumes" . | nindent 8 }}
`)
	return out.String(), nil
}
