package inspect

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
	"github.com/config-service/config-service/deploy"
)

// pod is a pod with a sidecar.
type pod struct {
	workload.Workload
	sidecar *yaml.Node
	list    string // where it stands
	index   int
	settings
	*about
}

func (r *Report) pods(all []workload.Workload) {
	var without []workload.Workload
	with := 0
	for _, w := range all {
		here := 0
		for _, list := range []string{"initContainers", "containers"} {
			for i, c := range workload.Entries(w.Spec, list) {
				if !workload.IsSidecar(c) {
					continue
				}
				here++
				p := pod{w, c, list, i, settingsOf(w, c), &about{who: w.Name + " (" + w.Kind + ")"}}
				if here > 1 {
					p.wrong(c, "take one away", "it has the sidecar more than once")
				}
				p.look()
				r.add(p.about)
				r.before(p)
			}
		}
		if with += here; here == 0 && !w.OptedOut {
			without = append(without, w)
		}
	}
	for _, w := range without {
		if with == 0 {
			r.Findings = append(r.Findings, Finding{w.Line, w.Name + " (" + w.Kind + "): it has no sidecar", "'configctl sidecar inject' adds it"})
		} else {
			r.Notes = append(r.Notes, w.String()+" has no sidecar")
		}
	}
}

// before notes the init containers that are through before there is configuration.
func (r *Report) before(p pod) {
	if p.list != "initContainers" {
		return
	}
	for _, c := range workload.Entries(p.Spec, p.list)[:p.index] {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: the init container %s (line %d) runs before there is configuration", p.who, workload.Text(c, "name"), c.Line))
	}
}

func (p pod) look() {
	p.stands()
	p.image(workload.Text(p.sidecar, "image"), entry(p.sidecar, "image"))
	p.names(p.settings)
	p.label()
	p.doors(p.settings)
	p.apart(p.settings)
	p.probes()
	p.clashes()
	p.files()
	p.memory()
}

// settingsOf reads the settings of a container of a pod.
func settingsOf(w workload.Workload, container *yaml.Node) settings {
	s := settings{set: map[string]setting{}, at: container, rest: len(workload.Entries(container, "envFrom")) > 0}
	for _, v := range workload.Entries(container, "env") {
		value := workload.Value(v, "value")
		of := setting{at: v}
		if from := workload.Value(v, "valueFrom"); value != nil {
			of.value, of.known = value.Value, !strings.Contains(value.Value, "$(")
		} else if field := workload.Text(workload.Value(from, "fieldRef"), "fieldPath"); field == "metadata.labels['"+workload.NameLabel+"']" {
			of.value, of.known = w.Labels[workload.NameLabel], w.Labels != nil
		}
		s.set[workload.Text(v, "name")] = of
	}
	s.withArguments(append(workload.Entries(container, "command"), workload.Entries(container, "args")...))
	return s
}

// label says what is wrong when the pod's label names the service.
func (p pod) label() {
	name, ok := p.set["SERVICE_NAME"]
	if ok && name.known && name.value == "" {
		p.findings = slices.DeleteFunc(p.findings, func(f Finding) bool { return strings.Contains(f.What, "SERVICE_NAME is \"\"") })
		p.wrong(name.at, "give the pod template the label "+workload.NameLabel+", or SERVICE_NAME a value", "SERVICE_NAME is empty, as the pod has no label %s: it serves the service default", workload.NameLabel)
	}
}

// stands says what is wrong with where the sidecar stands, and with the pod.
func (p pod) stands() {
	policy := workload.Text(p.sidecar, "restartPolicy")
	native := p.list == "initContainers"
	switch {
	case native && policy != "Always":
		p.wrong(p.sidecar, "add restartPolicy: Always to the container", "it is an init container that never ends, so the application never starts")
	case !native && policy != "":
		p.wrong(entry(p.sidecar, "restartPolicy"), "move the container to initContainers", "it has a restartPolicy, and stands among the ordinary containers")
	}
	if !native && p.EndsByItself() {
		p.wrong(p.sidecar, "move it to initContainers, with restartPolicy: Always", "an ordinary container keeps a Job from ever ending")
	}
	if !native && p.index > 0 {
		p.wrong(p.sidecar, "put it first in containers, with a postStart that waits; or into initContainers", "containers that stand before it start without configuration")
	}
	if !native && workload.Value(workload.Value(p.sidecar, "lifecycle"), "postStart") == nil {
		p.wrong(p.sidecar, "put it into initContainers, with restartPolicy: Always; before Kubernetes 1.29: 'configctl sidecar kubernetes --plain'", "nothing holds the application back until there is configuration")
	}
	if workload.Text(p.Spec, "hostNetwork") == "true" {
		p.wrong(entry(p.Spec, "hostNetwork"), "give the pod a network of its own", "with hostNetwork, loopback is the node's: everybody on it can read the configuration, and a second pod finds the ports taken")
	}
}

// ofThisPod is an address of the loopback that the containers of a pod share. Who is told
// another one means it.
var ofThisPod = regexp.MustCompile(`^(https?://)?(localhost|127\.0\.0\.1|\[::1\]):[0-9]+/?$`)

// clashes says which ports the application uses too, and whom nobody told of others.
func (p pod) clashes() {
	usual := map[string]string{"CONFIG_HTTP_ADDR": "8080", "CONFIG_GRPC_ADDR": "9080"}
	tells := map[string][2]string{"CONFIG_HTTP_ADDR": {"CONFIG_SERVICE_URL", "http://localhost:"}, "CONFIG_GRPC_ADDR": {"CONFIG_SERVICE_ADDR", "localhost:"}}
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range workload.Entries(p.Spec, list) {
			if c == p.sidecar || workload.IsSidecar(c) {
				continue
			}
			name, used := workload.Text(c, "name"), workload.PortsOf(c)
			for _, l := range p.listeners() {
				port, err := strconv.Atoi(l.port)
				if err != nil || !l.known {
					continue
				}
				if slices.Contains(used, port) {
					p.wrong(l.at, fmt.Sprintf("move the sidecar: %s=127.0.0.1:%d; 'configctl sidecar inject' does it for a new one", l.variable, port+10000), "%s (line %d) uses port %d, as %s does", name, c.Line, port, l.variable)
				}
				told, has := tells[l.variable]
				if !has || l.port == usual[l.variable] || told[0] == "CONFIG_SERVICE_ADDR" && !speaksGRPC(p, c) {
					continue
				}
				if v, ok := settingsOf(p.Workload, c).get(told[0]); !ok || v.known && ofThisPod.MatchString(v.value) && !strings.HasSuffix(strings.TrimSuffix(v.value, "/"), ":"+l.port) {
					p.wrong(c, "set "+told[0]+"="+told[1]+l.port+" in it", "%s is not told that %s is on port %s", name, l.variable, l.port)
				}
			}
		}
	}
}

// speaksGRPC says whether a container has to know where gRPC is: not one that is told where
// REST is, and nothing of gRPC.
func speaksGRPC(p pod, container *yaml.Node) bool {
	s := settingsOf(p.Workload, container)
	_, rest := s.get("CONFIG_SERVICE_URL")
	_, grpc := s.get("CONFIG_SERVICE_ADDR")
	return grpc || !rest
}

// memory says whether Go knows of the limit.
func (p pod) memory() {
	limit, okLimit := bytesOf(workload.Text(workload.Value(workload.Value(p.sidecar, "resources"), "limits"), "memory"))
	soft, okSoft := bytesOf(strings.TrimSuffix(p.set["GOMEMLIMIT"].value, "B"))
	if okLimit && okSoft && soft >= limit {
		p.wrong(p.where("GOMEMLIMIT"), "nine tenths of the memory limit", "GOMEMLIMIT is not below the memory limit, so that nothing is freed in time")
	}
}

// bytesOf reads a quantity of memory, as far as people write them.
func bytesOf(quantity string) (int64, bool) {
	for suffix, unit := range map[string]int64{"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 1e3, "M": 1e6, "G": 1e9, "": 1} {
		if n, err := strconv.ParseInt(strings.TrimSuffix(quantity, suffix), 10, 64); err == nil && strings.HasSuffix(quantity, suffix) && n > 0 {
			return n * unit, true
		}
	}
	return 0, false
}

// startWait is how long the sidecar may take until it lets the application start.
func (s settings) startWait() (time.Duration, bool) {
	value, known := s.isOr("CONFIG_START_WAIT", "30s")
	wait, err := time.ParseDuration(value)
	return wait, known && err == nil
}

// defaults that a message names.
var opsExample = `set CONFIG_OPS_ADDR=":` + strconv.Itoa(deploy.DefaultOpsPort) + `", and probe that port`
