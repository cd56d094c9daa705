// Package deploy is the sidecar as teams get it: for Kubernetes and for Docker Compose, as
// files that lie beside this one, and filled in. It imports the standard library only.
//
// There is one source for Kubernetes, kubernetes/sidecar.yaml. What is made of it keeps its
// comments, and `make generate-manifests` writes what of it stands in the repository.
package deploy

import (
	_ "embed"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

//go:embed kubernetes/sidecar.yaml
var sidecarSource string

//go:embed sidecar-template.yml
var composeSource string

//go:embed sidecar-template-shared-network.yml
var composeSharedNetworkSource string

// What the source has, and so what is meant by an empty field of Kubernetes.
const (
	DefaultImage       = "ghcr.io/config-service/config-service:0.1.0"
	DefaultConfigMap   = "config-service"
	DefaultTokenSecret = "config-service-token"
	DefaultHTTPPort    = 8080
	DefaultGRPCPort    = 9080
	DefaultOpsPort     = 9081
	ContainerName      = "config-service"
)

var (
	label     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	// image is a reference as registries take it: a name with an optional host and port, a
	// tag, a digest.
	image = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
)

// CheckName says why something is no name of a service or of an environment, or nil. The
// reserved names of the service begin with '_' and are none.
func CheckName(name string) error {
	if !label.MatchString(name) {
		if len(name) > 64 {
			name = name[:64] + "..."
		}
		return fmt.Errorf("is %q; accepted: 1 to 63 of a-z, 0-9 and '-', not starting or ending with '-'", name)
	}
	return nil
}

// CheckObjectName says why something is no name of an object of Kubernetes, or nil.
func CheckObjectName(name string) error {
	if len(name) > 253 || !subdomain.MatchString(name) {
		return fmt.Errorf("is %q; accepted: 1 to 253 of a-z, 0-9, '-' and '.', each part starting and ending with a letter or digit", name)
	}
	return nil
}

// CheckImage says why something is no reference to an image, or nil.
func CheckImage(reference string) error {
	if !image.MatchString(reference) {
		return fmt.Errorf("is %q; accepted: a reference to an image, as %s", reference, DefaultImage)
	}
	return nil
}

// CheckEndpoints says why something is no list of client URLs that a sidecar on another
// machine than etcd may use, or nil. A URL with a user name is not repeated.
func CheckEndpoints(endpoints string) error {
	const accepted = "accepted: https://HOST:PORT, several separated by commas"
	if strings.Contains(endpoints, "@") {
		return fmt.Errorf("has a URL with a user name; %s", accepted)
	}
	for endpoint := range strings.SplitSeq(endpoints, ",") {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "https" || !host.MatchString(u.Hostname()) || u.Host == u.Hostname() || !isPort(u.Port()) ||
			endpoint != u.Scheme+"://"+u.Host {
			return fmt.Errorf("has %q; %s", endpoint, accepted)
		}
	}
	return nil
}

// host is the name or the address of a machine: nothing that a file would take for more.
var host = regexp.MustCompile(`^[a-zA-Z0-9.:-]+$`)

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
