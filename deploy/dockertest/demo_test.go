package dockertest

import (
	"runtime"
	"testing"
)

const demoKey = "/config-service/v1/entries/development/payment-service/database.pool_size"

// TestDemo is the one command of the demo, and what somebody does who tries it out.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := newProject(t, repository(t), []string{
		"ETCD_IMAGE=" + etcdImage(t), "BUILD_IMAGE=" + goImage(t), "BASE_IMAGE=" + emptyImage(t, runtime.GOARCH), "PYTHON_IMAGE=" + pythonImage(t), "DEMO_PORT=0",
	}, "deploy/compose/demo.yml")
	p.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "300")

	first := p.shows("app", "VALID", 20)
	if first.Namespace != "payment-service" || first.Environment != "development" || first.Values["support.contact"] != "platform@example.com" {
		t.Errorf("the page begins with %+v", first)
	}
	p.put("30")
	p.shows("app", "VALID", 30)

	t.Log("etcd is stopped: it keeps serving")
	p.compose("stop", "--timeout", "5", "etcd")
	p.compose("restart", "--timeout", "1", "app")
	p.shows("app", "STALE", 30)
	p.compose("start", "etcd")
	p.put("31")
	p.shows("app", "VALID", 31)

	t.Log("the sidecar crashes: the app keeps its values, and the sidecar comes back")
	crash(t, p.container("config-service"))
	p.comesBack("config-service", 1)
	p.put("32")
	p.shows("app", "VALID", 32)

	t.Log("again `up`: what was changed stays")
	p.compose("up", "--detach", "--wait", "--wait-timeout", "300")
	p.shows("app", "VALID", 32)
}

// put sets the pool's size, as somebody does who tries the demo out; again while etcd is
// starting, of which etcdctl waits for 5 s only.
func (p *project) put(size string) {
	p.t.Helper()
	eventually(p.t, "etcd takes "+size, func() error {
		_, err := p.try("exec", "etcd", "etcdctl", "put", demoKey, size)
		return err
	})
}
