package inject

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
	"github.com/config-service/config-service/deploy"
)

// plan is what one workload gets.
type plan struct {
	of        workload.Workload
	plain     bool
	container *yaml.Node
	volumes   []*yaml.Node // those that the pod does not have yet
	told      []told
}

// told is an application's container that is told where the sidecar is.
type told struct {
	place
	added    []pair
	replaced []replacement
}

type pair struct{ name, value string }

// replacement is another value of a variable that is there.
type replacement struct {
	pair
	value *yaml.Node
}

// planOf says what a workload gets, in words too. Without a plan nothing is to be done.
func planOf(w workload.Workload, sidecar deploy.Kubernetes) (*plan, string, error) {
	if w.OptedOut {
		return nil, "left alone: its annotation " + workload.OptOut + " is none", nil
	}
	applications := containersOf(w)
	for _, c := range applications {
		if workload.IsSidecar(c.container) {
			return nil, fmt.Sprintf("left alone: it has the sidecar already (line %d)", c.container.Line), nil
		}
	}
	if err := fits(w, sidecar); err != nil {
		return nil, "", err
	}
	words := []string{"added"}
	var err error
	if sidecar.Service, err = serviceOf(w, sidecar.Service); err != nil {
		return nil, "", err
	}
	if sidecar.Service != "" {
		words[0] += " for the service " + sidecar.Service
	}
	if sidecar.Plain {
		words = append(words, "it is the container that kubectl logs and exec take, unless the pod's annotation kubectl.kubernetes.io/default-container names another")
	}
	words = append(words, movePorts(&sidecar, applications)...)
	p := &plan{of: w, plain: sidecar.Plain}
	container, volumes, err := fragment(sidecar)
	if err != nil {
		return nil, "", err
	}
	p.container = container
	if p.volumes, err = missing(w, volumes.Content); err != nil {
		return nil, "", err
	}
	for _, c := range applications {
		words = append(words, p.tell(c, sidecar)...)
	}
	return p, strings.Join(words, "; "), nil
}

// place is a container of a pod.
type place struct {
	list      string // of the pod's spec
	index     int    // in the list, as it was
	container *yaml.Node
}

func containersOf(w workload.Workload) []place {
	var all []place
	for _, list := range []string{"initContainers", "containers"} {
		for i, c := range workload.Entries(w.Spec, list) {
			all = append(all, place{list, i, c})
		}
	}
	return all
}

// fits says why a pod cannot have the sidecar, or nil.
func fits(w workload.Workload, sidecar deploy.Kubernetes) error {
	switch {
	case len(workload.Entries(w.Spec, "containers")) == 0:
		return errors.New("its pod has no containers")
	case workload.Text(w.Spec, "hostNetwork") == "true":
		return errors.New("its pod has hostNetwork: true, where loopback is the node's and everybody on it could read the configuration; accepted: a pod with a network of its own")
	case workload.Text(workload.Value(w.Spec, "os"), "name") == "windows":
		return errors.New("its pod is for Windows; accepted: a pod for Linux")
	case sidecar.Plain && w.EndsByItself():
		return errors.New("an ordinary container keeps a Job from ever ending; accepted: a native sidecar, without --plain")
	}
	return nil
}

// serviceOf is the name that the sidecar gets as a value, or "": the label says it.
func serviceOf(w workload.Workload, asked string) (string, error) {
	label := w.Labels[workload.NameLabel]
	switch {
	case asked != "" && asked != label:
		return asked, nil
	case label == "":
		return "", fmt.Errorf("its pods have no label %s, which names the service; accepted: with the label, or --service", workload.NameLabel)
	}
	if err := deploy.CheckName(label); err != nil {
		return "", fmt.Errorf("the label %s of its pods %w; or --service", workload.NameLabel, err)
	}
	return "", nil
}

// movePorts chooses ports that the pod's containers do not use.
func movePorts(sidecar *deploy.Kubernetes, applications []place) []string {
	used := map[int]string{}
	for _, c := range applications {
		for _, port := range workload.PortsOf(c.container) {
			used[port] = workload.Text(c.container, "name")
		}
	}
	var words []string
	for _, p := range []struct {
		what  string
		usual int
		port  *int
	}{
		{"REST", deploy.DefaultHTTPPort, &sidecar.HTTPPort},
		{"gRPC", deploy.DefaultGRPCPort, &sidecar.GRPCPort},
		{"metrics and health", deploy.DefaultOpsPort, &sidecar.OpsPort},
	} {
		by, clash := used[p.usual]
		*p.port = p.usual
		if !clash {
			used[p.usual] = deploy.ContainerName
			continue
		}
		for *p.port += moveBy; used[*p.port] != ""; *p.port++ {
		}
		used[*p.port] = deploy.ContainerName
		words = append(words, fmt.Sprintf("%s moved to %d, since %s uses %d", p.what, *p.port, by, p.usual))
	}
	return words
}

// moveBy is how far a port moves first.
const moveBy = 10000

// missing are the volumes that the pod does not have. One that is another is in the way.
func missing(w workload.Workload, volumes []*yaml.Node) ([]*yaml.Node, error) {
	var absent []*yaml.Node
	for _, v := range volumes {
		there := slices.IndexFunc(workload.Entries(w.Spec, "volumes"), func(have *yaml.Node) bool {
			return workload.Text(have, "name") == workload.Text(v, "name")
		})
		if there < 0 {
			absent = append(absent, v)
			continue
		}
		have := workload.Entries(w.Spec, "volumes")[there]
		var is any
		if err := have.Decode(&is); err != nil || !reflect.DeepEqual(is, valueOf(v)) {
			return nil, fmt.Errorf("its pod has another volume %s (line %d); accepted: one of another name", workload.Text(v, "name"), have.Line)
		}
	}
	return absent, nil
}

var ofThisPod = regexp.MustCompile(`^(https?://)?(localhost|127\.0\.0\.1|\[::1\]):[0-9]+/?$`)

// tell has a container told where the sidecar is, when that is not where clients look.
func (p *plan) tell(c place, sidecar deploy.Kubernetes) []string {
	t := told{place: c}
	var words []string
	name := workload.Text(c.container, "name")
	for _, v := range []struct {
		pair
		usual bool
	}{
		{pair{"CONFIG_SERVICE_URL", fmt.Sprintf("http://localhost:%d", sidecar.HTTPPort)}, sidecar.HTTPPort == deploy.DefaultHTTPPort},
		{pair{"CONFIG_SERVICE_ADDR", fmt.Sprintf("localhost:%d", sidecar.GRPCPort)}, sidecar.GRPCPort == deploy.DefaultGRPCPort},
	} {
		env := workload.Entries(c.container, "env")
		there := slices.IndexFunc(env, func(have *yaml.Node) bool { return workload.Text(have, "name") == v.name })
		switch {
		case v.usual:
		case there < 0:
			t.added = append(t.added, v.pair)
			words = append(words, fmt.Sprintf("%s set in %s", v.name, name))
		default:
			value := workload.Value(env[there], "value")
			if value == nil || !ofThisPod.MatchString(value.Value) {
				words = append(words, fmt.Sprintf("%s of %s left as it is", v.name, name))
			} else if strings.TrimSuffix(value.Value, "/") != v.pair.value {
				t.replaced = append(t.replaced, replacement{v.pair, value})
				words = append(words, fmt.Sprintf("%s changed in %s", v.name, name))
			}
		}
	}
	p.told = append(p.told, t)
	return words
}

// apply changes the spec of a pod as the plan has it.
func (p *plan) apply(spec map[string]any) {
	for _, t := range p.told {
		t.apply(spec)
	}
	list := "initContainers"
	if p.plain {
		list = "containers"
	}
	before, _ := spec[list].([]any)
	spec[list] = slices.Insert(slices.Clone(before), 0, valueOf(p.container))
	if len(p.volumes) > 0 {
		volumes, _ := spec["volumes"].([]any)
		var ours []any
		for _, v := range p.volumes {
			ours = append(ours, valueOf(v))
		}
		spec["volumes"] = append(ours, volumes...)
	}
}

func (t told) apply(spec map[string]any) {
	if len(t.added)+len(t.replaced) == 0 {
		return
	}
	list := slices.Clone(spec[t.list].([]any))
	spec[t.list] = list
	container := maps.Clone(list[t.index].(map[string]any))
	list[t.index] = container
	var env []any
	for _, v := range t.added {
		env = append(env, map[string]any{"name": v.name, "value": v.value})
	}
	before, _ := container["env"].([]any)
	for _, entry := range before {
		e, _ := entry.(map[string]any)
		for _, r := range t.replaced {
			if e["name"] == r.name {
				e = maps.Clone(e)
				e["value"], entry = r.pair.value, e
			}
		}
		env = append(env, entry)
	}
	container["env"] = env
}
