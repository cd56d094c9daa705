package deploy

import (
	"fmt"
	"regexp"
	"strings"
)

// Compose is a sidecar for Docker Compose. What is empty stays a variable that Compose asks
// for, or the image the template came with.
type Compose struct {
	Image         string
	Service       string
	Environment   string
	EtcdEndpoints string // client URLs, separated by commas
	SharedNetwork bool   // app and sidecar on one loopback
}

// Check says which field cannot be used, by the flag of configctl, or nil.
func (c Compose) Check() error {
	return Kubernetes{Image: c.Image, Service: c.Service, Environment: c.Environment, EtcdEndpoints: c.EtcdEndpoints}.Check()
}

// YAML is the template, filled in.
func (c Compose) YAML() (string, error) {
	if err := c.Check(); err != nil {
		return "", err
	}
	text := composeSource
	if c.SharedNetwork {
		text = composeSharedNetworkSource
	}
	for _, v := range []struct{ variable, value string }{
		{"YOUR_SERVICE_NAME", c.Service},
		{"PLATFORM_ENVIRONMENT", c.Environment},
		{"PLATFORM_ETCD_ENDPOINTS", c.EtcdEndpoints},
		{"CONFIG_SERVICE_IMAGE", c.Image},
	} {
		if v.value == "" {
			continue
		}
		asked := regexp.MustCompile(`\$\{` + v.variable + `:[?-][^}]*\}`)
		if !asked.MatchString(text) {
			return "", fmt.Errorf("the template has no ${%s:...}", v.variable)
		}
		text = asked.ReplaceAllLiteralString(text, v.value)
		text = withoutLine(text, "#   "+v.variable+"=") // what the .env would have had
	}
	if c.Service != "" { // a comment calls it by the variable
		text = strings.ReplaceAll(text, "YOUR_SERVICE_NAME", c.Service)
	}
	return text, nil
}

// withoutLine is the text without the line that begins so.
func withoutLine(text, begin string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, begin) {
			out.WriteString(line)
		}
	}
	return out.String()
}
