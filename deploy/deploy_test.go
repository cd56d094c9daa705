package deploy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/config-service/config-service/deploy"
)

func TestWhatIsGeneratedIsInTheRepository(t *testing.T) {
	files, err := deploy.Generated()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what the source makes (%v); run make generate-manifests and commit", name, err)
		}
	}
}

func TestTheSourceAsItStandsIsWhatNothingFilledInGives(t *testing.T) {
	source, err := os.ReadFile("kubernetes/sidecar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := deploy.Kubernetes{}.YAML()
	if err != nil || got != string(source) {
		t.Fatalf("%v, got\n%s", err, got)
	}
}

func TestEachFieldGoesToItsPlaces(t *testing.T) {
	got, err := deploy.Kubernetes{
		Image: "localhost:5000/a/config-service@sha256:" + strings.Repeat("0", 64), Service: "order", Environment: "staging",
		EtcdEndpoints: "https://a:1,https://[::1]:2", ConfigMap: "platform", TokenSecret: "order-token",
		HTTPPort: 18080, GRPCPort: 19080, OpsPort: 19081,
	}.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for text, times := range map[string]int{
		"image: localhost:5000/a/config-service@sha256:000": 1,
		"- name: SERVICE_NAME\n        value: \"order\"\n":  1,
		"- name: ENVIRONMENT\n        value: \"staging\"\n": 1,
		"value: \"https://a:1,https://[::1]:2\"\n":          1,
		"      name: platform\n":                            1, // of the volume: both variables have values
		"secretName: order-token\n":                         1,
		"value: \"127.0.0.1:18080\"":                        1,
		"value: \"127.0.0.1:19080\"":                        1,
		"value: \":19081\"":                                 1,
		"containerPort: 19081":                              1,
		"CONFIG_SERVICE_URL=http://localhost:18080":         1,
		"configMapKeyRef":                                   0,
		"fieldRef":                                          0,
		"REST (18080) and gRPC (19080) listen on loopback":  1,
		"finds its configuration at http://localhost:8080":  0,
	} {
		if n := strings.Count(got, text); n != times {
			t.Errorf("%q is there %d times, want %d", text, n, times)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestPlainIsNoInitContainer(t *testing.T) {
	got, err := deploy.Kubernetes{Plain: true}.YAML()
	if err != nil || strings.Contains(got, "\ninitContainers:") || strings.Contains(got, "\n    restartPolicy:") || !strings.Contains(got, "postStart:") {
		t.Errorf("%v, got\n%s", err, got)
	}
}

func TestComposeIsFilledIn(t *testing.T) {
	for _, shared := range []bool{false, true} {
		filled := deploy.Compose{Image: "registry.example.com/config-service:1.2.3", Service: "order", Environment: "staging", EtcdEndpoints: "https://a:1", SharedNetwork: shared}
		got, err := filled.YAML()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"- SERVICE_NAME=order\n", "- ENVIRONMENT=staging\n", "- ETCD_ENDPOINTS=https://a:1\n", "image: registry.example.com/config-service:1.2.3\n"} {
			if !strings.Contains(got, text) {
				t.Errorf("there is no %q in\n%s", text, got)
			}
		}
		for _, text := range []string{"${", "YOUR_SERVICE_NAME", "PLATFORM_ETCD_ENDPOINTS="} {
			if strings.Contains(got, text) {
				t.Errorf("there is still %q in\n%s", text, got)
			}
		}
		filled.Service = ""
		if got, err = filled.YAML(); err != nil || !strings.Contains(got, "${YOUR_SERVICE_NAME:?") || !strings.Contains(got, "#   YOUR_SERVICE_NAME=") {
			t.Errorf("without a service: %v\n%s", err, got)
		}
	}
}

func TestWhatCannotBeUsedIsSaid(t *testing.T) {
	for _, k := range []deploy.Kubernetes{
		{Service: "Payment"}, {Service: "_shared"}, {Service: "a\nb: c"}, {Environment: "a.b"}, {Environment: strings.Repeat("a", 64)},
		{EtcdEndpoints: "http://a:1"}, {EtcdEndpoints: "https://a"}, {EtcdEndpoints: "https://a:1/"}, {EtcdEndpoints: "https://a:1, https://b:1"},
		{EtcdEndpoints: "https://a:0"}, {EtcdEndpoints: "https://$A:1"}, {EtcdEndpoints: "https://a:1?x"}, {EtcdEndpoints: "https://:1"},
		{Image: "a b"}, {Image: "a:${B}"}, {Image: "-a"}, {Image: "A/"}, {ConfigMap: "A"}, {TokenSecret: "a_b"},
	} {
		if got, err := k.YAML(); err == nil || !strings.Contains(err.Error(), "accepted: ") {
			t.Errorf("%+v: %v\n%s", k, err, got)
		}
	}
	if err := deploy.CheckEndpoints("https://root:secret@a:1"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a URL with a password: %v", err)
	}
}
