package dockertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// composed is what Compose makes of a file, as far as it is looked at here.
type composed struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		User        string
		DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
		Networks    map[string]any
		Volumes     []mount
	}
	Networks map[string]struct{ Internal bool }
}

type mount struct {
	Source, Target string
	ReadOnly       bool `json:"read_only"`
}

// complete is a .env as the templates and production.yml ask for.
var complete = []string{
	"YOUR_SERVICE_NAME=orders", "PLATFORM_ENVIRONMENT=production", "PLATFORM_ETCD_ENDPOINTS=https://etcd.example.com:2379",
	"PAYMENT_SERVICE_IMAGE=payment-service", "CONTROL_HOSTS=config.example.com",
}

// config lets Compose check a file against its schema, and returns what it understood.
func config(t *testing.T, file string, environment []string) (string, error) {
	t.Helper()
	root := filepath.Join(repository(t), "deploy")
	p := &project{t: t, dir: root, environment: environment, args: []string{"-f", filepath.Join(root, file)}}
	return p.try("config", "--format", "json")
}

func understood(t *testing.T, file string, environment []string) composed {
	t.Helper()
	out, err := config(t, file, environment)
	if err != nil {
		t.Fatal(err)
	}
	var c composed
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return c
}

func TestTemplatesSayWhatASidecarNeeds(t *testing.T) {
	for file, want := range map[string]map[string]string{
		"sidecar-template.yml": {"CONFIG_HTTP_ADDR": ":8080", "CONFIG_GRPC_ADDR": ":9080", "CONFIG_ALLOWED_HOSTS": "config-service", "CONFIG_ALLOW_UNAUTHENTICATED": "true"},
		// On the app's loopback there is nothing to open and nothing to allow.
		"sidecar-template-shared-network.yml": {"CONFIG_HTTP_ADDR": "", "CONFIG_GRPC_ADDR": "", "CONFIG_ALLOWED_HOSTS": "", "CONFIG_ALLOW_UNAUTHENTICATED": ""},
	} {
		t.Run(file, func(t *testing.T) {
			sidecar := understood(t, file, complete).Services["config-service"]
			for name, value := range map[string]string{"SERVICE_NAME": "orders", "ENVIRONMENT": "production",
				"ETCD_ENDPOINTS": "https://etcd.example.com:2379", "AUTH_TOKEN_FILE": "/secrets/config-token"} {
				want[name] = value
			}
			for name, value := range want {
				if got := sidecar.Environment[name]; got != value {
					t.Errorf("%s is %q, not %q", name, got, value)
				}
			}
			secrets := slices.ContainsFunc(sidecar.Volumes, func(v mount) bool {
				return v.Source == "/etc/secrets" && v.Target == "/secrets" && v.ReadOnly
			})
			if !secrets {
				t.Errorf("the secrets are not mounted: %+v", sidecar.Volumes)
			}
			if !strings.HasPrefix(sidecar.Image, "ghcr.io/config-service/config-service:") || strings.HasSuffix(sidecar.Image, ":latest") {
				t.Errorf("the image is %s", sidecar.Image)
			}
		})
	}
}

// The private network holds the app and the sidecar, and nobody else of the project.
func TestTheSidecarsNetworkIsItsOwn(t *testing.T) {
	for file, app := range map[string]string{"compose/production.yml": "payment-service", "compose/demo.yml": "app"} {
		c := understood(t, file, complete)
		for name, service := range c.Services {
			if _, in := service.Networks["config-service"]; in != (name == app || name == "config-service") {
				t.Errorf("%s: %s on the private network: %v", file, name, in)
			}
		}
		if got := c.Services[app].DependsOn["config-service"].Condition; got != "service_healthy" {
			t.Errorf("%s: the app waits for %q", file, got)
		}
		if c.Networks["config-service"].Internal {
			t.Errorf("%s: the sidecar does not reach etcd", file)
		}
	}
}

// The control server holds the right to everything, and nothing that it does not need: not the
// password of etcd's root.
func TestTheControlServerHasNoRootPassword(t *testing.T) {
	c := understood(t, "compose/control.yml", complete)
	control, is := c.Services["control"]
	if !is || len(c.Services) != 1 {
		t.Errorf("up starts %v", c.Services)
	}
	if len(control.Volumes) != 1 || control.Volumes[0] != (mount{"/etc/config-service-control", "/control", true}) || control.User != "65532:65532" {
		t.Errorf("it is user %s, with %+v", control.User, control.Volumes)
	}
	for name, value := range map[string]string{"CONFIG_ROLE": "control", "CONFIG_TLS_CERT_FILE": "/control/tls.crt", "AUTH_TOKEN_FILE": "/control/control.token",
		"CONFIG_ALLOWED_HOSTS": "config.example.com", "ETCD_ENDPOINTS": "https://etcd.example.com:2379"} {
		if got := control.Environment[name]; got != value {
			t.Errorf("%s is %q, not %q", name, got, value)
		}
	}
}

// What is missing is said by its name, with what it is.
func TestWhatIsMissingIsSaid(t *testing.T) {
	for file, required := range map[string][]string{
		"sidecar-template.yml":                {"YOUR_SERVICE_NAME", "PLATFORM_ENVIRONMENT", "PLATFORM_ETCD_ENDPOINTS"},
		"sidecar-template-shared-network.yml": {"YOUR_SERVICE_NAME", "PLATFORM_ENVIRONMENT", "PLATFORM_ETCD_ENDPOINTS"},
		"compose/production.yml":              {"PAYMENT_SERVICE_IMAGE", "PLATFORM_ETCD_ENDPOINTS"},
		"compose/control.yml":                 {"CONTROL_HOSTS", "PLATFORM_ETCD_ENDPOINTS"},
	} {
		text, err := os.ReadFile(filepath.Join(repository(t), "deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range required {
			// Empty counts as missing.
			out, err := config(t, file, append(slices.Clone(complete), name+"="))
			_, after, _ := strings.Cut(string(text), "${"+name+":?")
			words, _, _ := strings.Cut(after, "}")
			if err == nil || words == "" || !strings.Contains(out, name) || !strings.Contains(out, words) {
				t.Errorf("%s without %s: %v\n%s", file, name, err, out)
			}
		}
	}
}
