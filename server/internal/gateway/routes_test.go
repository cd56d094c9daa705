package gateway

import (
	"os"
	"regexp"
	"strings"
	"testing"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// The table of routes is written by hand. It has to say what the contract says: every
// method once, at the path of gateway.yaml, with the request of the descriptor.
func TestRoutesAreThoseOfTheContract(t *testing.T) {
	mapping, err := os.ReadFile("../../../proto/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{} // by method
	rule := regexp.MustCompile(`selector: configservice\.v1\.ConfigService\.(\w+)\s+get: (\S+)`)
	for _, m := range rule.FindAllStringSubmatch(string(mapping), -1) {
		paths[m[1]] = strings.TrimSuffix(m[2], "{key=**}")
	}
	byMethod := map[string]route{}
	for _, r := range routes {
		if _, twice := byMethod[r.method]; twice {
			t.Errorf("method %s has two routes", r.method)
		}
		byMethod[r.method] = r
	}
	methods := configv1.File_configservice_v1_config_service_proto.Services().ByName("ConfigService").Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		name := string(m.Name())
		r, ok := byMethod[name]
		if !ok {
			t.Errorf("method %s has no route", name)
			continue
		}
		if r.path != paths[name] {
			t.Errorf("%s: path %q, in gateway.yaml %q", name, r.path, paths[name])
		}
		if r.request != m.Input() {
			t.Errorf("%s: request %s, in the contract %s", name, r.request.FullName(), m.Input().FullName())
		}
		allow := unaryMethods
		if m.IsStreamingServer() {
			allow = streamMethods
		}
		if r.allow != allow {
			t.Errorf("%s: allows %q, want %q", name, r.allow, allow)
		}
		delete(byMethod, name)
	}
	for name := range byMethod {
		t.Errorf("the route of %s has no method", name)
	}
	if len(paths) != methods.Len() {
		t.Errorf("gateway.yaml has %d rules for %d methods", len(paths), methods.Len())
	}
}

// Each media type that is offered has to have a form.
func TestEveryOfferHasAForm(t *testing.T) {
	known := map[string]bool{mimeJSON: true, mimeText: true, mimeNDJSON: true, mimeSSE: true}
	for _, r := range routes {
		for _, offer := range r.offers {
			if !known[offer] {
				t.Errorf("%s offers %s, which has no form", r.method, offer)
			}
		}
	}
}
