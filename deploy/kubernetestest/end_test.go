package kubernetestest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// endsInOrder deletes a pod whose application has work left: it goes on with a sidecar that
// still follows etcd, and the sidecar ends after it, within the grace period.
func endsInOrder(t *testing.T, k *kube) {
	const grace = 4 * time.Minute
	spec := k.template(t)
	spec["terminationGracePeriodSeconds"] = int(grace.Seconds())
	k.set(t, "work.left=true")
	p := onePod("ends", spec)
	// The pod stays to be looked at until this is taken off.
	at(p, "metadata")["finalizers"] = []any{"test.config-service.io/looked-at"}
	k.apply(t, k.apps, p)
	t.Cleanup(func() { // also when the test fails, or its namespace would stay
		if _, err := run(context.WithoutCancel(t.Context()), "", "kubectl", "--namespace", k.apps, "patch", "pod", "ends", "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`); err != nil {
			t.Error(err)
		}
	})
	k.untilReady(t, "ends")
	k.untilState(t, "ends", "has work left", func(s *state) bool { return s.Values["work.left"] == true && s.Status == "VALID" })
	app, sidecar := k.follow(t, "ends", "app"), k.follow(t, "ends", "config-service")
	deleted := time.Now()
	k.must(t, k.apps, "delete", "pod", "ends", "--wait=false")
	stopping := 0
	until(t, "the application is told to stop", func() string {
		for i, line := range app.lines() {
			if line["event"] == "stopping" {
				stopping = i
				return ""
			}
		}
		return fmt.Sprint(app.lines())
	})
	k.set(t, "work.left=false") // it is a change of configuration that lets it end
	until(t, "the application has stopped", func() string {
		if find(app.lines(), stopping, "event", "stopped") == nil {
			return fmt.Sprint(app.lines()[stopping:])
		}
		return ""
	})
	until(t, "the sidecar has stopped", func() string {
		if find(sidecar.lines(), 0, "msg", "stopped") == nil {
			return fmt.Sprint(sidecar.lines())
		}
		return ""
	})
	last, told := find(app.lines(), stopping, "event", "stopped"), find(sidecar.lines(), 0, "msg", "stopping")
	if last["failed"] != 0.0 || last["status"] != "VALID" {
		t.Errorf("the application ended with %v", last)
	}
	if !when(t, told).After(when(t, last)) {
		t.Errorf("the sidecar was told to stop at %s, the application ended at %s", when(t, told), when(t, last))
	}
	var after *pod
	until(t, "both containers have ended", func() string {
		after = k.pod(t, "ends")
		for _, name := range []string{"app", "config-service"} {
			if after.container(name).State.Terminated == nil {
				return fmt.Sprintf("%+v", after.Status)
			}
		}
		return ""
	})
	for _, name := range []string{"app", "config-service"} {
		if end := after.container(name).State.Terminated; end.ExitCode != 0 {
			t.Errorf("container %s ended with %+v", name, end)
		}
	}
	if took := time.Since(deleted); took > grace {
		t.Errorf("the pod took %s to end", took)
	}
	t.Logf("FIGURES pod deleted: the sidecar was told to stop %s after the application had ended, and ended in %s",
		when(t, told).Sub(when(t, last)), when(t, find(sidecar.lines(), 0, "msg", "stopped")).Sub(when(t, told)))
}

// restartsAlone has a sidecar with too little memory killed by more configuration than it
// has room for. The application is not started again, and keeps its last values; when there
// is room again the sidecar is back.
func restartsAlone(t *testing.T, k *kube) {
	spec := k.template(t)
	sidecar := sidecarOf(spec)
	sidecar["resources"] = object{"requests": object{"memory": "32Mi"}, "limits": object{"memory": "40Mi"}}
	setEnv(sidecar, "GOMEMLIMIT", "36MiB")
	k.apply(t, k.apps, onePod("small", spec))
	before := k.untilReady(t, "small")
	good := func(s *state) bool { return s.Values["database.pool_size"] == 20.0 }
	k.untilState(t, "small", "has its configuration", good)

	much := "[" + strings.Repeat("1,", 100_000) + "1]" // 200 KiB, and much more in memory
	entry := func(i int) string {
		return fmt.Sprintf("/config-service/v1/entries/%s/%s/much.v%d", k.apps, service, i)
	}
	less := func() {
		for i := range 4 {
			k.etcdctl(t, "", "del", entry(i))
		}
	}
	defer less() // also when the test fails
	for i := range 4 {
		k.etcdctl(t, much, "put", entry(i))
	}
	until(t, "the sidecar is killed", func() string {
		c := k.pod(t, "small").container("config-service")
		if end := first(c.LastState.Terminated, c.State.Terminated); end != nil && end.Reason == "OOMKilled" {
			return ""
		}
		return fmt.Sprintf("%+v", c)
	})
	if s, err := k.state(t, "small"); err != nil || !good(&s) {
		t.Errorf("without its sidecar the application has %v, %v", s.Values, err)
	}
	less()
	k.set(t, "restarted=true")
	k.untilState(t, "small", "follows again", func(s *state) bool { return good(s) && s.Values["restarted"] == true && s.Status == "VALID" })
	after := k.pod(t, "small")
	was, is := before.container("app"), after.container("app")
	if is.RestartCount != 0 || is.State.Running == nil || !is.State.Running.StartedAt.Equal(was.State.Running.StartedAt) {
		t.Errorf("the application was %+v, and is %+v", was, is)
	}
	if after.container("config-service").RestartCount == 0 {
		t.Error("the sidecar was not started again")
	}
	k.must(t, k.apps, "delete", "pod", "small")
}

func first(ends ...*ended) *ended {
	for _, end := range ends {
		if end != nil {
			return end
		}
	}
	return nil
}
