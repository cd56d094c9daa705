package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// A control server fills the template in with what is asked for and what the platform has
// set; it asks nobody for a credential, and holds none.
func TestTheTemplateOfASidecar(t *testing.T) {
	t.Parallel()
	s := visit(t, servertest.StartControl(t, servertest.Options{Settings: map[string]string{
		"CONFIG_TEMPLATE_ETCD_ENDPOINTS": "https://etcd-1.example.com:2379,https://etcd-2.example.com:2379",
		"CONFIG_TEMPLATE_IMAGE":          "registry.example.com/config-service:1.2.3",
	}}))
	for query, shared := range map[string]bool{
		"?service=payment-service&environment=production":                         false,
		"?service=payment-service&environment=production&variant=private-network": false,
		"?variant=shared-network&environment=production&service=payment-service":  true,
	} {
		a := s.get(t, "/sidecar-template.yml"+query)
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/yaml; charset=utf-8" {
			t.Fatalf("%s: %d %v", query, a.status, a.header)
		}
		// Saved under the name by which its own head has Compose read it.
		_, name, found := strings.Cut(a.header.Get("Content-Disposition"), "attachment; filename=")
		if !found || !strings.Contains(a.body, "COMPOSE_FILE=compose.yml:"+strings.Trim(name, `"`)+"\n") {
			t.Errorf("%s: it is called %s, and its head says\n%.900s", query, name, a.body)
		}
		for _, line := range []string{
			"      - SERVICE_NAME=payment-service\n", "      - ENVIRONMENT=production\n", "    image: registry.example.com/config-service:1.2.3\n",
			"      - ETCD_ENDPOINTS=https://etcd-1.example.com:2379,https://etcd-2.example.com:2379\n", "      - AUTH_TOKEN_FILE=/secrets/config-token\n",
		} {
			if !strings.Contains(a.body, line) {
				t.Errorf("%s: there is no %q in\n%s", query, line, a.body)
			}
		}
		if strings.Contains(a.body, "${") || strings.Contains(a.body, servertest.AdminToken) || strings.Contains(a.body, strings.TrimPrefix(s.Etcd.Endpoint, "http://")) {
			t.Errorf("%s: it holds what it should not:\n%s", query, a.body)
		}
		if got := strings.Contains(a.body, "network_mode: service:config-network"); got != shared {
			t.Errorf("%s: on one loopback: %v", query, got)
		}
	}
	get, head := s.get(t, "/sidecar-template.yml"), s.do(t, http.MethodHead, "/sidecar-template.yml")
	if head.status != http.StatusOK || head.body != "" || head.header.Get("Content-Length") != get.header.Get("Content-Length") {
		t.Errorf("HEAD answers %d %v %q", head.status, head.header, head.body)
	}
	wantMethodRefused(t, s.do(t, http.MethodPost, "/sidecar-template.yml"), "GET, HEAD")
}

// What nobody has set stays a variable of Compose: least of all does the server's own etcd
// get there.
func TestTheTemplateTellsNobodyWhereTheStoreIs(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	a := s.get(t, "/sidecar-template.yml?service=payment-service")
	for _, variable := range []string{"${PLATFORM_ETCD_ENDPOINTS:?", "${PLATFORM_ENVIRONMENT:?", "${CONFIG_SERVICE_IMAGE:-"} {
		if a.status != http.StatusOK || !strings.Contains(a.body, variable) {
			t.Errorf("%d, there is no %s in\n%s", a.status, variable, a.body)
		}
	}
	if strings.Contains(a.body, strings.TrimPrefix(s.Etcd.Endpoint, "http://")) {
		t.Errorf("it tells where the store is:\n%s", a.body)
	}
}

func TestTheTemplateTakesGoodNamesOnly(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	for query, field := range map[string]string{
		"service=Payment":                        "service",
		"service=":                               "service",
		"service=_shared":                        "service",
		"service=a%0Ab%3A":                       "service",
		"service=%24%7BHOME%7D":                  "service",
		"environment=a.b":                        "environment",
		"environment=_all":                       "environment",
		"environment=" + strings.Repeat("a", 64): "environment",
		"service=a&service=b":                    "service",
		"variant=host":                           "variant",
		"image=a":                                `"image"`,
		"service=%":                              "query",
	} {
		wantField(t, s.get(t, "/sidecar-template.yml?"+query), field)
	}
	a := s.get(t, "/sidecar-template.yml?service="+strings.Repeat("A", 10_000))
	if wantField(t, a, "service"); len(a.body) > 2_000 {
		t.Errorf("a long name is answered with %d bytes", len(a.body))
	}
	text := s.get(t, "/sidecar-template.yml?service=A", "Accept: text/plain")
	if text.status != http.StatusBadRequest || !strings.HasPrefix(text.body, "INVALID_ARGUMENT: ") {
		t.Errorf("as text: %d %q", text.status, text.body)
	}
}

// The gate is before it, as before everything; and no other role has it.
func TestTheTemplateIsBehindTheGate(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	wantRefused(t, s.get(t, "/sidecar-template.yml", "Host: evil.example.com"), http.StatusForbidden, "PERMISSION_DENIED")
	wantRefused(t, s.get(t, "/sidecar-template.yml", "Origin: https://evil.example.com"), http.StatusForbidden, "PERMISSION_DENIED")
	wantRefused(t, s.get(t, "/nowhere"), http.StatusNotFound, "NO_SUCH_METHOD", "/sidecar-template.yml")
	sidecar := open(t, servertest.Options{})
	wantRefused(t, sidecar.get(t, "/sidecar-template.yml?service=a"), http.StatusNotFound, "NO_SUCH_METHOD")
	if a := sidecar.get(t, "/nowhere"); strings.Contains(a.body, "sidecar-template") {
		t.Errorf("a sidecar says it has it: %s", a.body)
	}
}
