package inspect

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
)

// probes says what is wrong with the probes of the sidecar.
func (p pod) probes() {
	startup := workload.Value(p.sidecar, "startupProbe")
	if startup == nil && p.list == "initContainers" {
		p.wrong(p.sidecar, "add a startupProbe: httpGet /readyz on the ops port, every second, for 60 s", "it has no startup probe, so the application starts before there is configuration")
	}
	if startup != nil {
		p.probe("startupProbe", startup)
		p.lastsLongEnough(startup)
	}
	if liveness := workload.Value(p.sidecar, "livenessProbe"); liveness != nil {
		p.probe("livenessProbe", liveness)
	}
	if workload.Value(p.sidecar, "readinessProbe") != nil {
		p.wrong(entry(p.sidecar, "readinessProbe"), "remove it", "its readiness probe is its pod's: when it fails, an application that has all its values is taken out of service")
	}
}

// lastsLongEnough holds the startup probe against how long a start without etcd takes.
func (p pod) lastsLongEnough(probe *yaml.Node) {
	wait, known := p.startWait()
	allowed := time.Duration(number(probe, "failureThreshold", 3)*number(probe, "periodSeconds", 10)+number(probe, "initialDelaySeconds", 0)) * time.Second
	if known && wait > 0 && allowed <= wait {
		p.wrong(entry(p.sidecar, "startupProbe"), fmt.Sprintf("failureThreshold x periodSeconds above %s, as 60 x 1", wait),
			"its startup probe gives up after %s, before CONFIG_START_WAIT (%s): without etcd it is restarted for ever", allowed, wait)
	}
}

func number(mapping *yaml.Node, key string, otherwise int) int {
	if n, err := strconv.Atoi(workload.Text(mapping, key)); err == nil {
		return n
	}
	return otherwise
}

// What the probes are to ask for, by path and by service of health checking.
var (
	asksFor = map[string]string{"startupProbe": "/readyz", "livenessProbe": "/healthz"}
	asksOf  = map[string]string{"startupProbe": "readiness", "livenessProbe": "liveness"}
)

// probe looks at whom one asks, and for what.
func (p pod) probe(name string, probe *yaml.Node) {
	at := entry(p.sidecar, name)
	http, grpc, exec := workload.Value(probe, "httpGet"), workload.Value(probe, "grpc"), workload.Value(probe, "exec")
	switch {
	case http != nil:
		if path := workload.Text(http, "path"); path != asksFor[name] {
			p.wrong(entry(http, "path"), asksFor[name], "its %s asks for %q, which is not what it has to know", name, path)
		}
		p.reaches(name, http, "CONFIG_OPS_ADDR")
	case grpc != nil:
		if service := workload.Text(grpc, "service"); service != asksOf[name] && (service != "" || name != "startupProbe") {
			p.wrong(entry(grpc, "service"), asksOf[name], "its %s asks for the service %q, which is not what it has to know", name, service)
		}
		p.reaches(name, grpc, "CONFIG_GRPC_ADDR")
	case exec != nil:
		p.runs(name, exec)
	default:
		p.wrong(at, "httpGet "+asksFor[name]+" on the ops port", "its %s only connects, which tells nothing", name)
	}
}

// runs looks at a probe that runs healthcheck.
func (p pod) runs(name string, exec *yaml.Node) {
	var words []string
	for _, w := range workload.Entries(exec, "command") {
		words = append(words, w.Value)
	}
	line := strings.ReplaceAll(strings.Join(words, " "), "=", " ")
	switch {
	case len(words) < 2 || words[0] != "/config-service" || words[1] != "healthcheck":
		p.wrong(entry(exec, "command"), `["/config-service", "healthcheck"]`, "its %s runs what the image does not have: it holds one program", name)
	case name == "livenessProbe" && !strings.Contains(line, "--service liveness"):
		p.wrong(entry(exec, "command"), `["/config-service", "healthcheck", "--service", "liveness"]`, "its %s asks for readiness, and would restart it for want of etcd", name)
	}
}

// reaches says why the kubelet, who comes to the pod's address, gets no answer.
func (p pod) reaches(name string, asked *yaml.Node, variable string) {
	port := workload.Text(asked, "port")
	at := entry(asked, "port")
	if _, err := strconv.Atoi(port); err != nil {
		named := ""
		for _, declared := range workload.Entries(p.sidecar, "ports") {
			if workload.Text(declared, "name") == port {
				named = workload.Text(declared, "containerPort")
			}
		}
		if named == "" {
			p.wrong(at, "name the port in the ports of the container, or give its number", "its %s asks port %q, which the container does not name", name, port)
			return
		}
		port = named
	}
	for _, l := range p.listeners() {
		switch {
		case !l.known && l.variable == variable:
			return
		case l.variable != variable:
			continue
		case l.loopback:
			p.wrong(at, opsExample, "its %s cannot reach it: %s is %q, and the kubelet comes to the address of the pod", name, variable, l.value)
		case l.port != port:
			p.wrong(at, "the port of "+variable, "its %s asks port %s, and %s is %q", name, port, variable, l.value)
		}
	}
}
