package kubernetestest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// state is what the application works with, as it says itself.
type state struct {
	Status string
	Values map[string]any
	Rest   struct {
		Code int
		Text string
	}
}

// state asks the application of a pod.
func (k *kube) state(t *testing.T, pod string) (s state, err error) {
	out, err := k.ask(t, k.apps, "exec", pod, "--container", "app", "--", "/app", "get", "http://localhost:3000/state")
	if err == nil {
		err = json.Unmarshal([]byte(out), &s)
	}
	return s, err
}

// untilState waits until the application of a pod works with what it should.
func (k *kube) untilState(t *testing.T, pod, what string, good func(*state) bool) {
	t.Helper()
	until(t, pod+" "+what, func() string {
		s, err := k.state(t, pod)
		if err == nil && good(&s) {
			return ""
		}
		return fmt.Sprintf("it has %s %v %.500s, %v", s.Status, s.Rest.Code, fmt.Sprint(s.Values), err)
	})
}

// start is what the application told of its start.
func (k *kube) start(t *testing.T, pod string) (line map[string]any) {
	t.Helper()
	until(t, pod+" tells of its start", func() string {
		log, err := k.ask(t, k.apps, "logs", pod, "--container", "app")
		if line = find(parse(log), 0, "event", "start"); line == nil {
			return fmt.Sprintf("%s %v", log, err)
		}
		return ""
	})
	return line
}

// startsWithConfiguration starts a pod while its sidecar cannot reach etcd: the application
// is not started before there is configuration, and finds it with its first read.
func startsWithConfiguration(t *testing.T, k *kube) {
	endpoints := func(name string) {
		k.must(t, k.platform, "patch", "service", "etcd", "--patch", `{"spec":{"selector":{"app.kubernetes.io/name":"`+name+`"}}}`)
	}
	defer endpoints("etcd") // also when the test fails
	endpoints("nobody")
	until(t, "the Service of etcd has nobody behind it", func() string {
		slices := get[struct{ Items []struct{ Endpoints []any } }](t, k, k.platform, "endpointslices", "--selector", "kubernetes.io/service-name=etcd")
		for _, s := range slices.Items {
			if len(s.Endpoints) > 0 {
				return fmt.Sprint(s)
			}
		}
		return ""
	})
	spec := k.template(t)
	sidecar := sidecarOf(spec)
	setEnv(sidecar, "CONFIG_START_WAIT", "1h") // it is configuration that starts it, not time
	at(sidecar, "startupProbe")["failureThreshold"] = 3600
	k.apply(t, k.apps, onePod("waits", spec))
	until(t, "the sidecar runs without configuration", func() string {
		_, lives := k.ask(t, k.apps, "exec", "waits", "--container", "config-service", "--", "/config-service", "healthcheck", "--service", "liveness")
		out, serves := k.ask(t, k.apps, "exec", "waits", "--container", "config-service", "--", "/config-service", "healthcheck")
		if lives != nil || serves == nil {
			return fmt.Sprintf("liveness %v, readiness %q, %v", lives, out, serves)
		}
		return ""
	})
	if app := k.pod(t, "waits").container("app"); app.State.Waiting == nil || app.State.Waiting.Reason != "PodInitializing" {
		t.Fatalf("the application has not waited: %+v", app)
	}
	k.etcdctl(t, "true", "put", "/config-service/v1/entries/"+k.apps+"/"+service+"/gate.open")
	endpoints("etcd")
	p := k.untilReady(t, "waits")
	first := k.start(t, "waits")
	if text, _ := first["text"].(string); first["code"] != 200.0 || !strings.Contains(text, "gate.open=true") {
		t.Errorf("the first read of the application is answered with %v", first)
	}
	began, app := p.container("config-service").State.Running, p.container("app").State.Running
	if began == nil || app == nil || app.StartedAt.Before(began.StartedAt) || p.container("app").RestartCount != 0 {
		t.Errorf("the containers did not start one after the other, once: %+v", p.Status)
	}
	k.must(t, k.apps, "delete", "pod", "waits")
	k.figureStart(t)
}

// figureStart starts a pod as it is, and tells how long that took and what it needs.
func (k *kube) figureStart(t *testing.T) {
	var pairs, keys []string
	for i := range 1000 {
		keys = append(keys, fmt.Sprintf("bulk.key%04d", i))
		pairs = append(pairs, fmt.Sprintf(`%s="%s"`, keys[i], strings.Repeat("x", 100)))
	}
	for part := range slices.Chunk(pairs, 250) { // they travel in a URL
		k.set(t, part...)
	}
	k.apply(t, k.apps, onePod("measured", k.template(t)))
	k.untilReady(t, "measured")
	log := parse(k.must(t, k.apps, "logs", "measured", "--container", "config-service"))
	if len(log) == 0 {
		t.Fatal("the sidecar logged nothing")
	}
	metrics := k.metrics(t, "measured")
	held := metric(t, metrics, "configservice_keys")
	if held < 1000 {
		t.Errorf("the sidecar has %v keys", held)
	}
	began := time.UnixMilli(int64(metric(t, metrics, "process_start_time_seconds") * 1000))
	t.Logf("FIGURES sidecar with %v keys: resident %.1f MiB; from its start to the first read of the application %s",
		held, metric(t, metrics, "process_resident_memory_bytes")/(1<<20), when(t, k.start(t, "measured")).Sub(began))
	k.must(t, k.apps, "delete", "pod", "measured")
	k.configctl(t, append([]string{"unset", "--namespace", service, "--environment", k.apps, "--message", "measured", "--yes"}, keys...)...)
}

// metrics are those of a sidecar, as somebody in its pod reads them.
func (k *kube) metrics(t *testing.T, pod string) string {
	t.Helper()
	return k.must(t, k.apps, "exec", pod, "--container", "app", "--", "/app", "get", "http://localhost:9081/metrics")
}

// plainStarts runs a pod with the plain form, whose application starts after the sidecar on
// the kubelets that there are.
func plainStarts(t *testing.T, k *kube) {
	fragment, err := os.ReadFile(filepath.Join(k.manifests, "sidecar-plain.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: plain}\nspec:\n"
	for line := range strings.Lines(string(fragment)) {
		text += "  " + line
	}
	out, err := run(t.Context(), text, "kubectl", "--namespace", k.apps, "create", "--dry-run=client", "-o", "json", "-f", "-")
	if err != nil {
		t.Fatal(err)
	}
	var p object
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	spec := at(p, "spec")
	sidecar, _ := spec["containers"].([]any)
	spec["containers"] = append(sidecar, named(k.template(t)["containers"], "app"))
	k.apply(t, k.apps, onePod("plain", spec))
	k.untilReady(t, "plain")
	k.untilState(t, "plain", "has its configuration", func(s *state) bool { return s.Values["database.pool_size"] == 20.0 && s.Status == "VALID" })
	if first := k.start(t, "plain"); first["code"] != 200.0 {
		t.Errorf("the first read of the application is answered with %v", first)
	}
	k.must(t, k.apps, "delete", "pod", "plain")
}

// jobCompletes runs a Job with the sidecar, which does not keep it from ending.
func jobCompletes(t *testing.T, k *kube) {
	spec := k.template(t)
	spec["restartPolicy"] = "Never"
	app := named(spec["containers"], "app")
	app["args"] = []any{"job"}
	delete(app, "readinessProbe")
	k.apply(t, k.apps, object{"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"name": "job"}, "spec": object{
		"backoffLimit": 0, "template": object{"metadata": object{"labels": object{"app.kubernetes.io/name": service, "test": "job"}}, "spec": spec},
	}})
	until(t, "the Job completes", func() string {
		job := get[struct {
			Status struct {
				Succeeded, Failed int
				Conditions        []struct{ Type, Status string }
			}
		}](t, k, k.apps, "job", "job")
		if job.Status.Failed > 0 {
			t.Fatalf("it failed: %+v", job.Status)
		}
		for _, c := range job.Status.Conditions {
			if c.Type == "Complete" && c.Status == "True" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", job.Status)
	})
	pods := get[struct{ Items []pod }](t, k, k.apps, "pods", "--selector", "test=job").Items
	if len(pods) != 1 {
		t.Fatalf("the Job took %d pods", len(pods))
	}
	for _, name := range []string{"app", "config-service"} {
		if c := pods[0].container(name); c.State.Terminated == nil || c.State.Terminated.ExitCode != 0 || c.RestartCount != 0 {
			t.Errorf("container %s: %+v", name, c)
		}
	}
	told := find(parse(k.must(t, k.apps, "logs", "job/job", "--container", "app")), 0, "event", "job")
	if text, _ := told["text"].(string); !strings.Contains(text, "database.pool_size=20") {
		t.Errorf("the Job read %v", told)
	}
}

// changeArrives changes a value that all pods of the Deployment work with, as it is shipped.
func changeArrives(t *testing.T, k *kube) {
	k.apply(t, k.apps, k.deployment(t, "payment-service.yaml"))
	k.must(t, k.apps, "rollout", "status", "deployment/"+service, "--timeout=5m")
	pods := k.podsOf(t, deployed)
	if len(pods) < 2 {
		t.Fatalf("the Deployment has %d pods", len(pods))
	}
	for _, p := range pods {
		k.untilState(t, p.Metadata.Name, "has the value before", func(s *state) bool { return s.Values["database.pool_size"] == 20.0 })
	}
	k.set(t, "database.pool_size=40")
	for _, p := range pods {
		k.untilState(t, p.Metadata.Name, "has the new value, live and over REST", func(s *state) bool {
			return s.Values["database.pool_size"] == 40.0 && s.Status == "VALID" && strings.Contains(s.Rest.Text, "database.pool_size=40")
		})
	}
}

// deployed selects the pods of the Deployment: those of the test have a label more.
const deployed = "app.kubernetes.io/name=" + service + ",!test"

// outageStopsNothing takes etcd away. What runs stays ready and serves what it has; what is
// started starts without; and when another etcd is there, and the service is onboarded
// again, all go on where they are.
func outageStopsNothing(t *testing.T, k *kube) {
	before := k.podsOf(t, deployed)
	k.must(t, k.platform, "scale", "statefulset", "etcd", "--replicas=0")
	k.must(t, k.platform, "wait", "--for=delete", "pod/etcd-0", "--timeout=5m")
	for _, p := range before {
		k.untilState(t, p.Metadata.Name, "says that its values are old", func(s *state) bool { return s.Status == "STALE" })
	}
	k.must(t, k.apps, "scale", "deployment", service, fmt.Sprintf("--replicas=%d", len(before)+1))
	k.must(t, k.apps, "rollout", "status", "deployment/"+service, "--timeout=5m")
	known := map[string]pod{}
	for _, p := range before {
		known[p.Metadata.Name] = p
	}
	for _, p := range k.podsOf(t, deployed) {
		if was, old := known[p.Metadata.Name]; old {
			k.wasUntouched(t, &was, &p)
			continue
		}
		began, app := p.container("config-service").State.Running, p.container("app").State.Running
		if began == nil || app == nil {
			t.Fatalf("the new pod: %+v", p.Status)
		}
		took := app.StartedAt.Sub(began.StartedAt)
		t.Logf("FIGURES a pod that starts without etcd: the application starts %s after the sidecar", took)
		if took < 28*time.Second || took > 90*time.Second { // CONFIG_START_WAIT is 30s
			t.Errorf("the application started %s after the sidecar", took)
		}
		if first := k.start(t, p.Metadata.Name); first["code"] != float64(http.StatusServiceUnavailable) {
			t.Errorf("the first read of the application is answered with %v", first)
		}
	}
	k.comesBack(t)
}

// wasUntouched says that an outage did nothing to a pod: it is ready all the time, nothing
// in it was started again, and its application has the last values.
func (k *kube) wasUntouched(t *testing.T, before, after *pod) {
	t.Helper()
	if !after.ready().Equal(before.ready()) || after.ready().IsZero() {
		t.Errorf("%s is ready since %s; before the outage, since %s", after.Metadata.Name, after.ready(), before.ready())
	}
	for _, name := range []string{"app", "config-service"} {
		if c := after.container(name); c.RestartCount != before.container(name).RestartCount || c.State.Running == nil {
			t.Errorf("container %s of %s: %+v", name, after.Metadata.Name, c)
		}
	}
	s, err := k.state(t, after.Metadata.Name)
	if err != nil || s.Values["database.pool_size"] != 40.0 || s.Rest.Code != 200 || !strings.Contains(s.Rest.Text, "database.pool_size=40") {
		t.Errorf("%s serves %+v, %v", after.Metadata.Name, s, err)
	}
}

// comesBack sets etcd up again, empty as it is, and follows the pods into it: they take up
// their new credential where they are.
func (k *kube) comesBack(t *testing.T) {
	k.must(t, k.platform, "scale", "statefulset", "etcd", "--replicas=1")
	k.try(t)
	k.onboard(t)
	k.set(t, "database.pool_size=60")
	for _, p := range k.podsOf(t, deployed) {
		k.untilState(t, p.Metadata.Name, "has what the new etcd says", func(s *state) bool {
			return s.Values["database.pool_size"] == 60.0 && s.Status == "VALID"
		})
		now := k.pod(t, p.Metadata.Name)
		k.sameContainers(t, &p, now)
	}
}

// sameContainers says that nothing in a pod was started again.
func (k *kube) sameContainers(t *testing.T, before, after *pod) {
	t.Helper()
	for _, name := range []string{"app", "config-service"} {
		if was, is := before.container(name), after.container(name); is.RestartCount != was.RestartCount {
			t.Errorf("container %s of %s was started again: %+v", name, after.Metadata.Name, is)
		}
	}
}
