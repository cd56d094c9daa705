package manifests

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
)

const bare = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: payment-service
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: payment-service
  template:
    metadata:
      labels:
        app.kubernetes.io/name: payment-service
    spec:
      containers:
        - name: app
          image: registry.example.com/payment-service:1.4.2
`

// differs says how two sidecars do. The order of variables is Kustomize's to choose where a
// patch has some.
func differs(a, b part) string {
	return cmp.Diff(a, b, cmpopts.SortSlices(func(x, y corev1.EnvVar) bool { return x.Name < y.Name }))
}

// The sidecar is the same, whichever way it comes.
func TestEveryWayGivesTheSameSidecar(t *testing.T) {
	example := pods(objects(t, read(t, deployed+"/kubernetes/payment-service.yaml")))["payment-service"]
	chart, err := rendered(t, map[string]any{"environment": ""})
	if err != nil {
		t.Fatal(err)
	}
	same(t, map[string]*corev1.PodSpec{
		"sidecar.yaml":                 podSpec(t, read(t, deployed+"/kubernetes/sidecar.yaml")),
		"payment-service.yaml":         example,
		"Kustomize":                    pods(objects(t, kustomized(t, overlay(t, []byte(bare), ""), "/overlay")))["payment-service"],
		"Helm":                         pods(objects(t, chart))["payment-service"],
		"configctl sidecar kubernetes": podSpec(t, ctl(t, nil, "sidecar", "kubernetes")),
		"configctl sidecar inject":     pods(objects(t, ctl(t, []byte(bare), "sidecar", "inject", "-f", "-")))["payment-service"],
	})
}

// And with everything filled in.
func TestEveryWayGivesTheSameSidecarFilledIn(t *testing.T) {
	const endpoints, image = "https://etcd-1:2379,https://etcd-2:2379", "registry.example.com/config-service@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	args := []string{"--service", "payments", "--environment", "staging", "--etcd-endpoints", endpoints, "--image", image, "--config-map", "platform", "--token-secret", "payment-token"}
	chart, err := rendered(t, map[string]any{"service": "payments", "environment": "staging", "etcdEndpoints": endpoints, "image": image, "configMap": "platform", "tokenSecret": "payment-token"})
	if err != nil {
		t.Fatal(err)
	}
	patch := `patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: payment-service}
      spec:
        template:
          spec:
            initContainers:
              - name: config-service
                image: ` + image + `
                env:
                  - {name: SERVICE_NAME, value: payments, valueFrom: null}
                  - {name: ENVIRONMENT, value: staging, valueFrom: null}
                  - {name: ETCD_ENDPOINTS, value: "` + endpoints + `", valueFrom: null}
            volumes:
              - {name: config-service-token, secret: {secretName: payment-token}}
              - {name: config-service-ca, configMap: {name: platform}}
`
	same(t, map[string]*corev1.PodSpec{
		"configctl sidecar kubernetes": podSpec(t, ctl(t, nil, append([]string{"sidecar", "kubernetes"}, args...)...)),
		"configctl sidecar inject":     pods(objects(t, ctl(t, []byte(bare), append([]string{"sidecar", "inject", "-f", "-"}, args...)...)))["payment-service"],
		"Helm":                         pods(objects(t, chart))["payment-service"],
		"Kustomize":                    pods(objects(t, kustomized(t, overlay(t, []byte(bare), patch), "/overlay")))["payment-service"],
	})
}

// So it is on other ports, and as an ordinary container.
func TestEveryWayGivesTheSamePlainSidecar(t *testing.T) {
	chart, err := rendered(t, map[string]any{"environment": "", "plain": true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, map[string]*corev1.PodSpec{
		"sidecar-plain.yaml":           podSpec(t, read(t, deployed+"/kubernetes/sidecar-plain.yaml")),
		"Helm":                         pods(objects(t, chart))["payment-service"],
		"configctl sidecar kubernetes": podSpec(t, ctl(t, nil, "sidecar", "kubernetes", "--plain")),
		"configctl sidecar inject":     pods(objects(t, ctl(t, []byte(bare), "sidecar", "inject", "-f", "-", "--plain")))["payment-service"],
	})
	chart, err = rendered(t, map[string]any{"environment": "", "ports": map[string]any{"http": 18080, "grpc": 19080, "ops": 19081}})
	if err != nil {
		t.Fatal(err)
	}
	busy := bare + "          ports: [{containerPort: 8080}, {containerPort: 9080}, {containerPort: 9081}]\n"
	same(t, map[string]*corev1.PodSpec{
		"Helm":                         pods(objects(t, chart))["payment-service"],
		"configctl sidecar kubernetes": podSpec(t, ctl(t, nil, "sidecar", "kubernetes", "--http-port", "18080", "--grpc-port", "19080", "--ops-port", "19081")),
		"configctl sidecar inject":     pods(objects(t, ctl(t, []byte(busy), "sidecar", "inject", "-f", "-")))["payment-service"],
	})
}

func same(t *testing.T, ways map[string]*corev1.PodSpec) {
	t.Helper()
	first := ""
	for name, spec := range ways {
		if spec == nil {
			t.Fatalf("%s has no pod", name)
		}
		if first == "" {
			first = name
		} else if d := differs(sidecarOf(t, ways[first]), sidecarOf(t, spec)); d != "" {
			t.Errorf("%s and %s: %s", first, name, d)
		}
	}
}

// Every manifest that is handed out, or comes out of configctl in its tests, is one that a
// strict API server takes.
func TestManifestsAreDecodedStrictly(t *testing.T) {
	var paths []string
	for _, pattern := range []string{deployed + "/kubernetes/*.yaml", deployed + "/kustomize/sidecar/*.yaml", deployed + "/kustomize/example/workloads.yaml", "../../clients/cli/internal/inject/testdata/*.golden"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, nothing is there", pattern, err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		switch name := filepath.Base(path); {
		case strings.HasPrefix(name, "sidecar"): // parts of a pod's spec
			podSpec(t, read(t, path))
		case name == "kustomization.yaml":
		case name == "documents.golden": // has an object of another API on purpose
			text, _, _ := strings.Cut(string(read(t, path)), "---\n---\n")
			objects(t, []byte(strings.ReplaceAll(text, "\n...\n", "\n")))
		default:
			if len(objects(t, read(t, path))) == 0 {
				t.Errorf("%s has no object", path)
			}
		}
	}
}

// The decoding is strict: a mistake is found.
func TestStrictIsStrict(t *testing.T) {
	for _, text := range []string{strings.Replace(bare, "containers:", "container:", 1), bare + "          restartPolicie: Always\n", bare + "          name: twice\n"} {
		if _, _, err := decoder().Decode([]byte(text), nil, nil); err == nil {
			t.Errorf("it was taken:\n%s", text)
		}
	}
}
