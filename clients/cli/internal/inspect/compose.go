package inspect

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
)

// isCompose says whether a document is a file of Docker Compose.
func isCompose(document *yaml.Node) bool {
	services := workload.Value(document, "services")
	return services != nil && services.Kind == yaml.MappingNode && workload.Text(document, "apiVersion") == ""
}

// service is one of Compose.
type service struct {
	name string
	at   *yaml.Node // its key
	*yaml.Node
}

// composed is a sidecar of Compose.
type composed struct {
	service
	others []service
	settings
	*about
}

func (r *Report) compose(document *yaml.Node) {
	var sidecars, others []service
	services := workload.Value(document, "services")
	for i := 0; i+1 < len(services.Content); i += 2 {
		s := service{services.Content[i].Value, services.Content[i], workload.Resolve(services.Content[i+1])}
		if isComposeSidecar(s) {
			sidecars = append(sidecars, s)
		} else {
			others = append(others, s)
		}
	}
	if len(sidecars) == 0 {
		r.Findings = append(r.Findings, Finding{services.Line, "no service is the sidecar", "'configctl sidecar compose' prints one"})
	}
	for _, s := range sidecars {
		c := composed{s, others, composeSettings(s), &about{who: s.name}}
		c.look()
		r.add(c.about)
	}
}

// isComposeSidecar says whether a service runs the sidecar: its image, for nothing else.
func isComposeSidecar(s service) bool {
	image := expanded(workload.Text(s.Node, "image"))
	named := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "image"}, {Kind: yaml.ScalarNode, Value: image}}}
	command := words(workload.Value(s.Node, "command"))
	return (s.name == "config-service" || workload.IsSidecar(named)) && (len(command) == 0 || command[0].Value == "serve")
}

var variable = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(?::?-([^}]*))?[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*`)

// expanded is a value with the defaults of its variables; of those without one ${} is left.
func expanded(value string) string {
	return variable.ReplaceAllStringFunc(value, func(v string) string {
		if m := variable.FindStringSubmatch(v); strings.Contains(v, "-") && m[1] != "" {
			return m[1]
		}
		return "${}"
	})
}

// words are those of a command, which is a list or a text.
func words(command *yaml.Node) []*yaml.Node {
	switch {
	case command == nil || command.Tag == "!!null":
		return nil
	case command.Kind == yaml.SequenceNode:
		return command.Content
	}
	var all []*yaml.Node
	for _, w := range strings.Fields(command.Value) {
		all = append(all, &yaml.Node{Kind: yaml.ScalarNode, Value: w, Line: command.Line})
	}
	return all
}

// composeSettings reads the environment of a service, a list or a map, and its command.
func composeSettings(s service) settings {
	_, file := workload.Entry(s.Node, "env_file")
	of := settings{set: map[string]setting{}, at: s.at, rest: file != nil}
	put := func(name, value string, known bool, at *yaml.Node) {
		value = expanded(value)
		of.set[name] = setting{value, known && !strings.Contains(value, "${}"), at}
	}
	switch environment := workload.Value(s.Node, "environment"); {
	case environment == nil:
	case environment.Kind == yaml.SequenceNode:
		for _, e := range environment.Content {
			name, value, has := strings.Cut(e.Value, "=")
			put(name, value, has, e)
		}
	default:
		for i := 0; i+1 < len(environment.Content); i += 2 {
			value := workload.Resolve(environment.Content[i+1])
			put(environment.Content[i].Value, value.Value, value.Tag != "!!null", environment.Content[i])
		}
	}
	of.withArguments(words(workload.Value(s.Node, "command")))
	return of
}

func (c composed) look() {
	c.image(expanded(workload.Text(c.Node, "image")), entry(c.Node, "image"))
	c.names(c.settings)
	c.doors(c.settings)
	c.apart(c.settings)
	c.files()
	if workload.Text(workload.Value(c.Node, "healthcheck"), "disable") == "true" {
		c.wrong(entry(c.Node, "healthcheck"), "leave healthcheck out: the image has one", "its health check is off, so that nothing can wait for it")
	}
	mode := workload.Text(c.Node, "network_mode")
	if mode == "host" {
		c.wrong(entry(c.Node, "network_mode"), "a network of its own, or network_mode: service:...", "with the network of the host, everybody on it can read the configuration")
		return
	}
	if sharing := c.sharing(); len(sharing) > 0 || strings.HasPrefix(mode, "service:") {
		c.clashes(sharing)
		c.waits(sharing)
		return
	}
	c.network()
}

// sharing are the services on the loopback of the sidecar.
func (c composed) sharing() []service {
	owner := strings.TrimPrefix(workload.Text(c.Node, "network_mode"), "service:")
	var all []service
	for _, o := range c.others {
		mode := workload.Text(o.Node, "network_mode")
		if mode == "service:"+c.name || owner != "" && (mode == "service:"+owner || o.name == owner) {
			all = append(all, o)
		}
	}
	return all
}

// clashes says which services on one loopback use the sidecar's ports.
func (c composed) clashes(sharing []service) {
	for _, o := range sharing {
		for _, p := range workload.Entries(o.Node, "ports") {
			target := p.Value
			if p.Kind == yaml.MappingNode {
				target = workload.Text(p, "target")
			}
			target, _, _ = strings.Cut(target[strings.LastIndex(target, ":")+1:], "/")
			for _, l := range c.listeners() {
				if l.known && l.port != "" && l.port == target {
					c.wrong(p, "move the sidecar, with "+l.variable+", and tell the application; and publish no port of the sidecar", "%s publishes port %s of their loopback, which %s uses", o.name, target, l.variable)
				}
			}
		}
	}
}

// waits says which services start without waiting for the sidecar.
func (c composed) waits(apps []service) {
	for _, o := range apps {
		if words(workload.Value(o.Node, "command")) != nil && strings.Contains(expanded(workload.Text(o.Node, "image")), "/config-service:") {
			continue // it owns the loopback, and does nothing
		}
		depends := workload.Value(o.Node, "depends_on")
		if on := workload.Value(depends, c.name); workload.Text(on, "condition") != "service_healthy" {
			at := o.at
			if depends != nil {
				at = entry(o.Node, "depends_on")
			}
			c.wrong(at, "depends_on: {"+c.name+": {condition: service_healthy}}", "%s does not wait until there is configuration", o.name)
		}
	}
}

// network looks at a sidecar with a network of its own, and at the services on it.
func (c composed) network() {
	networks := namesOf(workload.Value(c.Node, "networks"))
	if ports := workload.Value(c.Node, "ports"); ports != nil {
		c.wrong(entry(c.Node, "ports"), "remove it: the application comes by the network", "its ports are published, so that whoever reaches the host can read the configuration")
	}
	if open := c.set["CONFIG_ALLOW_UNAUTHENTICATED"]; c.is("CONFIG_ALLOW_UNAUTHENTICATED") && (len(networks) == 0 || slices.Contains(networks, "default")) {
		c.wrong(open.at, "a network for the two of them: networks: ["+c.name+"]", "nobody is asked for a token, and it is on the network of the whole project")
	}
	http := c.listeners()[0]
	if http.known && http.loopback && http.port != "" {
		c.wrong(http.at, "CONFIG_HTTP_ADDR=:8080 and CONFIG_GRPC_ADDR=:9080, as in 'configctl sidecar compose'; or one loopback, as with --shared-network", "CONFIG_HTTP_ADDR is %q, its own loopback, where no other container comes", http.value)
		return
	}
	if hosts, ok := c.get("CONFIG_ALLOWED_HOSTS"); !ok || hosts.known && !slices.Contains(strings.Split(hosts.value, ","), c.name) {
		c.wrong(c.where("CONFIG_ALLOWED_HOSTS"), "CONFIG_ALLOWED_HOSTS="+c.name, "CONFIG_ALLOWED_HOSTS has no %s, the name that the application calls it by: it is refused", c.name)
	}
	c.apps(networks, http)
}

// apps looks at the services that are on the network of the sidecar.
func (c composed) apps(networks []string, http listener) {
	var apps []service
	for _, o := range c.others {
		on := namesOf(workload.Value(o.Node, "networks"))
		if !slices.ContainsFunc(on, func(n string) bool { return slices.Contains(networks, n) && n != "default" }) && workload.Value(workload.Value(o.Node, "depends_on"), c.name) == nil {
			continue
		}
		apps = append(apps, o)
		if len(networks) > 0 && !slices.ContainsFunc(on, func(n string) bool { return slices.Contains(networks, n) }) {
			c.wrong(o.at, "networks: [default, "+networks[0]+"]", "%s waits for it, and is not on its network", o.name)
		}
		s := composeSettings(o)
		_, url := s.get("CONFIG_SERVICE_URL")
		_, addr := s.get("CONFIG_SERVICE_ADDR")
		if !url && !addr {
			c.wrong(o.at, fmt.Sprintf("set CONFIG_SERVICE_URL=http://%s:%s in it", c.name, http.port), "%s is not told where it is", o.name)
		}
	}
	c.waits(apps)
}

// namesOf are the networks of a service: a list, or the keys of a map.
func namesOf(networks *yaml.Node) []string {
	var names []string
	switch {
	case networks == nil:
	case networks.Kind == yaml.SequenceNode:
		for _, n := range networks.Content {
			names = append(names, n.Value)
		}
	default:
		for i := 0; i+1 < len(networks.Content); i += 2 {
			names = append(names, networks.Content[i].Value)
		}
	}
	return names
}

// files says which files come from nowhere.
func (c composed) files() {
	if _, token := c.get("AUTH_TOKEN_FILE"); !token {
		if _, certificate := c.get("ETCD_CERT_FILE"); !certificate {
			c.wrong(c.at(), "mount the folder with its token, and set AUTH_TOKEN_FILE", "it has no credential for etcd: neither AUTH_TOKEN_FILE nor ETCD_CERT_FILE is set")
		}
	}
	for _, name := range []string{"AUTH_TOKEN_FILE", "ETCD_CA_FILE", "ETCD_CERT_FILE", "ETCD_KEY_FILE", "CONFIG_CACHE_DIR"} {
		s, ok := c.set[name]
		if ok && s.known && s.value != "" && !c.mounted(s.value) {
			c.wrong(s.at, "a volume, or a secret, that holds it", "%s is %q, where nothing is mounted", name, s.value)
		}
	}
}

func (c composed) at() *yaml.Node { return c.service.at }

// mounted says whether a path is in a volume or a secret of the service.
func (c composed) mounted(file string) bool {
	var targets []string
	for _, v := range workload.Entries(c.Node, "volumes") {
		if target := workload.Text(v, "target"); target != "" {
			targets = append(targets, target)
		} else if parts := strings.Split(v.Value, ":"); len(parts) > 1 {
			targets = append(targets, parts[1])
		}
	}
	for _, list := range []string{"secrets", "configs"} {
		for _, s := range workload.Entries(c.Node, list) {
			target := workload.Text(s, "target")
			if target == "" {
				target = s.Value + workload.Text(s, "source")
			}
			if !path.IsAbs(target) {
				target = "/run/secrets/" + target
			}
			targets = append(targets, target)
		}
	}
	return slices.ContainsFunc(targets, func(t string) bool {
		return file == t || strings.HasPrefix(file, strings.TrimSuffix(path.Clean(t), "/")+"/")
	})
}
