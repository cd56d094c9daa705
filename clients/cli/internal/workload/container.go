package workload

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/deploy"
)

// IsSidecar says whether a container is the sidecar: by its name, or by its image.
func IsSidecar(container *yaml.Node) bool {
	if Text(container, "name") == deploy.ContainerName {
		return true
	}
	name, _, _ := strings.Cut(Text(container, "image"), "@")
	name = name[strings.LastIndex(name, "/")+1:]
	name, _, _ = strings.Cut(name, ":")
	return name == "config-service"
}

// PortsOf are the ports that a container uses, as far as its manifest tells: those it
// declares and is probed at, those in variables named PORT or ..._PORT, and those that
// arguments end with. A port too many does no harm.
func PortsOf(container *yaml.Node) []int {
	var ports []int
	for _, p := range Entries(container, "ports") {
		ports = appendPort(ports, Text(p, "containerPort"))
	}
	for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
		for _, how := range []string{"httpGet", "tcpSocket", "grpc"} {
			ports = appendPort(ports, Text(Value(Value(container, probe), how), "port"))
		}
	}
	for _, v := range Entries(container, "env") {
		if name := Text(v, "name"); name == "PORT" || strings.HasSuffix(name, "_PORT") {
			ports = appendPort(ports, Text(v, "value"))
		}
	}
	for _, list := range []string{"command", "args"} {
		for _, argument := range Entries(container, list) {
			if m := lastNumber.FindStringSubmatch(argument.Value); m != nil {
				ports = appendPort(ports, m[1])
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

var lastNumber = regexp.MustCompile(`(?:^|[=:])([0-9]+)$`)

func appendPort(ports []int, text string) []int {
	if n, err := strconv.ParseUint(text, 10, 16); err == nil && n > 0 {
		return append(ports, int(n))
	}
	return ports
}
