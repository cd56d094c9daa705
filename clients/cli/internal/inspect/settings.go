package inspect

import (
	"net"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
	"github.com/config-service/config-service/deploy"
)

// setting is one of the sidecar.
type setting struct {
	value string
	known bool // else it comes from elsewhere
	at    *yaml.Node
}

// settings are those of a sidecar, by environment variable.
type settings struct {
	set  map[string]setting
	rest bool // more come from elsewhere
	at   *yaml.Node
}

// get is a setting; ok says whether it is set, or may be.
func (s settings) get(name string) (v setting, ok bool) {
	v, ok = s.set[name]
	if !ok && s.rest {
		return setting{at: s.at}, true
	}
	return v, ok
}

// where is the node of a setting, or of the whole.
func (s settings) where(name string) *yaml.Node {
	if v, ok := s.set[name]; ok {
		return v.at
	}
	return s.at
}

// is says whether a setting is known to be true.
func (s settings) is(name string) bool {
	value, err := strconv.ParseBool(s.set[name].value)
	return err == nil && value
}

// isOr is the value of a setting, or its default; known is false when nobody can tell.
func (s settings) isOr(name, otherwise string) (value string, known bool) {
	v, ok := s.get(name)
	switch {
	case !ok || v.known && v.value == "":
		return otherwise, true
	case !v.known:
		return "", false
	}
	return v.value, true
}

// flags are the settings that are looked at, by the flag that goes before the variable.
var flags = map[string]string{
	"service-name": "SERVICE_NAME", "environment": "ENVIRONMENT", "etcd-endpoints": "ETCD_ENDPOINTS", "etcd-ca-file": "ETCD_CA_FILE",
	"etcd-cert-file": "ETCD_CERT_FILE", "etcd-key-file": "ETCD_KEY_FILE", "etcd-allow-plaintext": "ETCD_ALLOW_PLAINTEXT", "auth-token-file": "AUTH_TOKEN_FILE",
	"http-addr": "CONFIG_HTTP_ADDR", "grpc-addr": "CONFIG_GRPC_ADDR", "ops-addr": "CONFIG_OPS_ADDR", "allow-unauthenticated": "CONFIG_ALLOW_UNAUTHENTICATED",
	"tokens-file": "CONFIG_TOKENS_FILE", "jwks": "CONFIG_JWKS", "tls-client-ca-file": "CONFIG_TLS_CLIENT_CA_FILE", "cache-dir": "CONFIG_CACHE_DIR",
	"start-wait": "CONFIG_START_WAIT", "allowed-hosts": "CONFIG_ALLOWED_HOSTS", "role": "CONFIG_ROLE",
}

// withArguments reads the flags of a command line.
func (s *settings) withArguments(arguments []*yaml.Node) {
	for i, a := range arguments {
		text, isFlag := strings.CutPrefix(a.Value, "--")
		if !isFlag {
			continue
		}
		name, value, has := strings.Cut(text, "=")
		variable := flags[name]
		switch {
		case variable == "":
			continue
		case !has && i+1 < len(arguments) && !strings.HasPrefix(arguments[i+1].Value, "--"):
			value = arguments[i+1].Value
		case !has:
			value = "true"
		}
		s.set[variable] = setting{value, !strings.Contains(value, "$("), a}
	}
}

// names says what is wrong with whom the sidecar serves.
func (a *about) names(s settings) {
	if name, ok := s.get("SERVICE_NAME"); !ok {
		a.wrong(s.at, "set SERVICE_NAME to the name that the service is registered by", "SERVICE_NAME is not set, so it serves the service default")
	} else if err := deploy.CheckName(name.value); name.known && err != nil {
		a.wrong(name.at, "the name that the service is registered by", "SERVICE_NAME %v", err)
	}
	if name, ok := s.get("ENVIRONMENT"); !ok {
		a.wrong(s.at, "set ENVIRONMENT to the environment this is for", "ENVIRONMENT is not set, so it does not start")
	} else if err := deploy.CheckName(name.value); name.known && err != nil {
		a.wrong(name.at, "the environment this is for", "ENVIRONMENT %v", err)
	}
	endpoints, ok := s.get("ETCD_ENDPOINTS")
	switch {
	case !ok:
		a.wrong(s.at, "set ETCD_ENDPOINTS to the client URLs of etcd", "ETCD_ENDPOINTS is not set, so it looks for etcd on its own loopback")
	case endpoints.known && !s.is("ETCD_ALLOW_PLAINTEXT") && !s.rest && deploy.CheckEndpoints(endpoints.value) != nil:
		a.wrong(endpoints.at, "https://HOST:PORT, several separated by commas; ETCD_ALLOW_PLAINTEXT=true for an etcd without TLS", "ETCD_ENDPOINTS %v", deploy.CheckEndpoints(endpoints.value))
	}
}

// listener is an address that the sidecar listens on.
type listener struct {
	variable string
	value    string
	known    bool
	loopback bool
	port     string // "": a socket
	at       *yaml.Node
}

// listeners are REST, gRPC and ops.
func (s settings) listeners() []listener {
	var all []listener
	for _, l := range []struct{ variable, usual string }{
		{"CONFIG_HTTP_ADDR", "127.0.0.1:8080"}, {"CONFIG_GRPC_ADDR", "127.0.0.1:9080"}, {"CONFIG_OPS_ADDR", "127.0.0.1:9081"},
	} {
		value, known := s.isOr(l.variable, l.usual)
		of := listener{variable: l.variable, value: value, known: known, at: s.where(l.variable)}
		if strings.HasPrefix(value, "unix:") {
			of.loopback = true
		} else if host, port, err := net.SplitHostPort(value); err == nil {
			ip := net.ParseIP(host)
			of.port, of.loopback = port, host == "localhost" || ip != nil && ip.IsLoopback()
		}
		all = append(all, of)
	}
	return all
}

// doors says what is wrong with how far the configuration can be read.
func (a *about) doors(s settings) {
	for _, l := range s.listeners()[:2] {
		if !l.known || l.loopback || s.is("CONFIG_ALLOW_UNAUTHENTICATED") || s.rest {
			continue
		}
		asks := false
		for _, way := range []string{"CONFIG_TOKENS_FILE", "CONFIG_JWKS", "CONFIG_TLS_CLIENT_CA_FILE"} {
			_, has := s.get(way)
			asks = asks || has
		}
		if !asks {
			a.wrong(l.at, "127.0.0.1:"+l.port+", or callers that show who they are (CONFIG_TOKENS_FILE, CONFIG_JWKS, CONFIG_TLS_CLIENT_CA_FILE)",
				"%s is %q, beyond loopback, where everybody could read the configuration: it does not start", l.variable, l.value)
		}
	}
}

// apart says which listeners are on one port.
func (a *about) apart(s settings) {
	by := map[string]string{}
	for _, l := range s.listeners() {
		if l.known && l.port != "" && l.port != "0" {
			if by[l.port] != "" {
				a.wrong(l.at, "a port of its own", "%s and %s are both on port %s", by[l.port], l.variable, l.port)
			}
			by[l.port] = l.variable
		}
	}
}

var release = regexp.MustCompile(`^v?([0-9]+)\.([0-9]+)\.([0-9]+)$`)

// image says what is wrong with the image.
func (a *about) image(reference string, at *yaml.Node) {
	name, digest, _ := strings.Cut(reference, "@")
	_, tag, _ := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	switch {
	case reference == "" || strings.ContainsAny(reference, "${}"):
	case tag == "" && digest == "" || tag == "latest" && digest == "":
		a.wrong(at, "pin a release, as "+deploy.DefaultImage, "the image %s is another one every day", reference)
	case older(tag, deploy.DefaultImage[strings.LastIndex(deploy.DefaultImage, ":")+1:]):
		a.wrong(at, "take "+deploy.DefaultImage+" or newer", "the image %s is older than this configctl knows", reference)
	}
}

func older(tag, than string) bool {
	a, b := release.FindStringSubmatch(tag), release.FindStringSubmatch(than)
	if a == nil || b == nil {
		return false
	}
	for i := 1; i < len(a); i++ {
		x, _ := strconv.Atoi(a[i]) // digits
		y, _ := strconv.Atoi(b[i])
		if x != y {
			return x < y
		}
	}
	return false
}

// entry is a key of a mapping, or the mapping when it has none: where to point.
func entry(mapping *yaml.Node, key string) *yaml.Node {
	if k, _ := workload.Entry(mapping, key); k != nil {
		return k
	}
	return workload.Resolve(mapping)
}
