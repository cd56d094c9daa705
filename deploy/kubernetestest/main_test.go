// Package kubernetestest shows on a real cluster what deploy/kubernetes promises. `make
// test-kubernetes` builds its images, hands them to the cluster of KUBECONFIG and runs it.
package kubernetestest_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// service is the application of the tests: the one of payment-service.yaml.
const service = "payment-service"

// TestKubernetes sets everything up in namespaces of its own, as deploy/kubernetes/README.md
// says, and takes it down again. Its parts run in the order in which they stand: the last
// one loses etcd and what is in it.
func TestKubernetes(t *testing.T) {
	if os.Getenv("KUBERNETES_TEST") == "" {
		t.Skip("runs on a real cluster: make test-kubernetes")
	}
	k := setUp(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *kube)
	}{
		{"the API server takes what is shipped", isTaken},
		{"callers of the control server are known by their service accounts", callersAreKnown},
		{"the application starts when there is configuration", startsWithConfiguration},
		{"the plain form starts in order too", plainStarts},
		{"a Job with the sidecar completes", jobCompletes},
		{"the application ends first and the sidecar last", endsInOrder},
		{"a sidecar that runs out of memory is restarted alone", restartsAlone},
		{"a change arrives", changeArrives},
		{"an outage of etcd stops nothing", outageStopsNothing},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(t, k) }) {
			k.dump(t)
		}
	}
}

// setUp makes the namespaces, what ./try makes, and a service that is onboarded.
func setUp(t *testing.T) *kube {
	t.Helper()
	images := os.Getenv("KUBERNETES_IMAGES")
	id := strings.ToLower(rand.Text()[:6])
	k := &kube{images: images, platform: "config-service-test-" + id, apps: "shop-test-" + id, other: "other-test-" + id}
	k.manifests = copyManifests(t, "../kubernetes", images, k.platform)
	if os.Getenv("KEEP") == "" {
		// Not with the context of the test, which has ended by then.
		t.Cleanup(func() {
			out, err := exec.Command("kubectl", "delete", "namespace", "--ignore-not-found", "--timeout=5m", k.platform, k.apps, k.other).CombinedOutput()
			if err != nil {
				t.Errorf("the namespaces of the test stay: %v: %s", err, out)
			}
		})
	}
	for _, namespace := range []string{k.platform, k.apps, k.other} {
		k.apply(t, "default", object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{
			"name":   namespace,
			"labels": object{"pod-security.kubernetes.io/enforce": "restricted"},
		}})
	}
	k.asPrinted(t)
	k.apply(t, k.platform, k.caller("deployer", "config-service-ca"))
	k.must(t, k.platform, "wait", "--for=condition=Ready", "pod/deployer", "--timeout=5m")
	ca := get[struct{ Data object }](t, k, k.platform, "configmap", "config-service-ca").Data
	k.apply(t, k.other, object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "config-service"}, "data": ca})
	return k
}

// try runs the script of that name.
func (k *kube) try(t *testing.T) {
	t.Helper()
	if _, err := run(t.Context(), "", filepath.Join(k.manifests, "try"), k.platform); err != nil {
		t.Fatal(err)
	}
}

// asPrinted runs what README.md prints under "Try it", in the namespaces of the test.
func (k *kube) asPrinted(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../kubernetes/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n## Try it\n.*?```bash\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatal(`README has no lines for bash under "Try it"`)
	}
	program := filepath.Join(t.TempDir(), "configctl")
	if _, err := run(t.Context(), "", "go", "build", "-o", program, "../../clients/cli"); err != nil {
		t.Fatal(err)
	}
	lines := strings.NewReplacer(
		"deploy/kubernetes/try\n", k.manifests+"/try "+k.platform+"\n",
		"deploy/kubernetes/", k.manifests+"/",
		"production", k.apps,
		"kubectl create", "kubectl --namespace "+k.apps+" create",
		"etcd.config-service.svc", "etcd."+k.platform+".svc",
		"-n config-service", "-n "+k.platform,
	).Replace(string(found[1]))
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "NAMESPACE="+k.platform, "CONFIGCTL="+program)
	if out, err := cmd.CombinedOutput(); err != nil {
		k.dump(t)
		t.Fatalf("%v\n%s\n%s", err, lines, out)
	}
}

// onboard makes the service known to an etcd that does not know it, and puts its new token
// where the one before was. The control server may be without etcd for a while still; of a
// call that was not answered it is not known whether anything was done.
func (k *kube) onboard(t *testing.T) {
	t.Helper()
	var token string
	until(t, "the service is onboarded again", func() string {
		for _, call := range []string{"register", "rotate"} {
			out, err := k.ask(t, k.platform, "exec", "deployer", "--", "/configctl", "service", call, "--service", service, "--environment", k.apps)
			if err == nil {
				token = out
				return ""
			}
			if call == "rotate" || !strings.Contains(err.Error(), "exit status 4") { // it exists already
				return err.Error()
			}
		}
		return ""
	})
	k.apply(t, k.apps, object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "config-service-token"},
		"data": object{"token": base64.StdEncoding.EncodeToString([]byte(token))}})
}

// configctl runs configctl in the pod of the deployer.
func (k *kube) configctl(t *testing.T, args ...string) string {
	t.Helper()
	return k.must(t, k.platform, append([]string{"exec", "deployer", "--", "/configctl"}, args...)...)
}

// set sets keys of the service, KEY=JSON each.
func (k *kube) set(t *testing.T, pairs ...string) {
	t.Helper()
	until(t, "keys are set", func() string {
		args := []string{"exec", "deployer", "--", "/configctl", "set", "--namespace", service, "--environment", k.apps, "--message", "a test", "--yes"}
		if _, err := k.ask(t, k.platform, append(args, pairs...)...); err != nil {
			if !strings.Contains(err.Error(), "exit status 5") { // no server or store answers
				t.Fatal(err)
			}
			return err.Error()
		}
		return ""
	})
}

// etcdctl runs etcdctl in etcd's pod as its root.
func (k *kube) etcdctl(t *testing.T, stdin string, args ...string) {
	t.Helper()
	secret := get[struct{ Data map[string][]byte }](t, k, k.platform, "secret", "config-service-passwords")
	args = append([]string{"--namespace", k.platform, "exec", "--stdin", "etcd-0", "--", "etcdctl", "--user", "root:" + string(secret.Data["root"])}, args...)
	if _, err := run(t.Context(), stdin, "kubectl", args...); err != nil {
		t.Fatal(strings.ReplaceAll(err.Error(), string(secret.Data["root"]), "..."))
	}
}

// object is an object of Kubernetes, or a part of one.
type object = map[string]any

// at returns a part of an object that is an object too.
func at(o object, path ...string) object {
	for _, name := range path {
		o, _ = o[name].(object)
	}
	return o
}

// named finds an element of a list by its name.
func named(list any, name string) object {
	elements, _ := list.([]any)
	for _, element := range elements {
		if o, ok := element.(object); ok && o["name"] == name {
			return o
		}
	}
	return nil
}

// restricted is what a namespace with the standard `restricted` asks of a container.
func restricted() object {
	return object{
		"runAsNonRoot": true, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
		"capabilities": object{"drop": []any{"ALL"}}, "seccompProfile": object{"type": "RuntimeDefault"},
	}
}

// deployment is the Deployment of a file of the manifests, for the test's application.
func (k *kube) deployment(t *testing.T, file string) object {
	t.Helper()
	out := k.must(t, k.apps, "create", "--dry-run=client", "-o", "json", "-f", filepath.Join(k.manifests, file))
	var found object
	for dec := json.NewDecoder(strings.NewReader(out)); found == nil; {
		var o object
		if err := dec.Decode(&o); err != nil {
			t.Fatalf("%s has no Deployment: %v", file, err)
		}
		for _, item := range append([]any{o}, listed(o)...) {
			if o, _ := item.(object); o["kind"] == "Deployment" {
				found = o
			}
		}
	}
	delete(at(found, "metadata"), "namespace")
	return found
}

func listed(o object) []any {
	items, _ := o["items"].([]any)
	return items
}

// isTaken has the API server judge what is shipped, strictly.
func isTaken(t *testing.T, k *kube) {
	for _, args := range [][]string{
		{"-f", filepath.Join(k.manifests, "payment-service.yaml"), "-f", filepath.Join(k.manifests, "config-service.yaml")},
		{"-k", "../kustomize/example"},
	} {
		k.must(t, k.apps, append([]string{"apply", "--dry-run=server", "--validate=strict"}, args...)...)
	}
}

// template is the pod of payment-service.yaml; who gets it owns it.
func (k *kube) template(t *testing.T) (spec object) {
	t.Helper()
	return at(k.deployment(t, "payment-service.yaml"), "spec", "template", "spec")
}

// onePod is a pod of its own with the sidecar.
func onePod(name string, spec object) object {
	return object{"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": object{
		"name": name, "labels": object{"app.kubernetes.io/name": service, "test": name},
	}}
}

// setEnv sets a variable of a container.
func setEnv(container object, name, value string) {
	list, _ := container["env"].([]any)
	if existing := named(list, name); existing != nil {
		maps.DeleteFunc(existing, func(string, any) bool { return true })
		existing["name"], existing["value"] = name, value
		return
	}
	container["env"] = append(list, object{"name": name, "value": value})
}

// sidecarOf is the sidecar of a pod's spec.
func sidecarOf(spec object) object { return named(spec["initContainers"], "config-service") }

// caller is a pod whose service account has its name, with configctl in it, and tokens for
// the control server and for somebody else. authority is a ConfigMap with ca.crt.
func (k *kube) caller(account, authority string) object {
	token := func(audience string) object {
		return object{"serviceAccountToken": object{"audience": audience, "path": audience, "expirationSeconds": 3600}}
	}
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": account}, "spec": object{
		"serviceAccountName": account, "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 1,
		"containers": []any{object{
			"name": "configctl", "image": k.images + "app:test", "args": []any{"idle"},
			"env": []any{
				object{"name": "CONFIG_SERVICE_ADDR", "value": fmt.Sprintf("config-service-control.%s.svc:9080", k.platform)},
				object{"name": "CONFIG_SERVICE_CA_FILE", "value": "/ca/ca.crt"},
				object{"name": "CONFIG_SERVICE_TOKEN_FILE", "value": "/tokens/config-service"},
			},
			"securityContext": restricted(),
			"volumeMounts":    []any{object{"name": "tokens", "mountPath": "/tokens"}, object{"name": "ca", "mountPath": "/ca"}},
		}},
		"volumes": []any{
			object{"name": "tokens", "projected": object{"sources": []any{token("config-service"), token("somebody-else")}}},
			object{"name": "ca", "configMap": object{"name": authority}},
		},
	}}
}

// dump tells what a test that failed left behind.
func (k *kube) dump(t *testing.T) {
	for _, namespace := range []string{k.platform, k.apps, k.other} {
		for _, args := range [][]string{
			{"get", "pods", "-o", "wide"}, {"get", "events", "--sort-by=.lastTimestamp"},
			{"logs", "--selector", "app.kubernetes.io/name", "--all-containers", "--prefix", "--tail", "30", "--ignore-errors"},
		} {
			out, err := k.ask(t, namespace, args...)
			t.Logf("%s %v: %v\n%s", namespace, args, err, out)
		}
	}
}

// metric is the value of a metric without labels.
func metric(t *testing.T, metrics, name string) float64 {
	t.Helper()
	for line := range strings.Lines(metrics) {
		var value float64
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
