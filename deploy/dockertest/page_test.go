package dockertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// page is what the example application shows.
type page struct {
	Status      string         `json:"status"`
	Namespace   string         `json:"namespace"`
	Environment string         `json:"environment"`
	PoolSize    any            `json:"pool_size"`
	Values      map[string]any `json:"values"`
}

// look reads the first state that the application streams to its page.
func look(address string) (page, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + address + "/events")
	if err != nil {
		return page{}, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var p page
			return p, json.Unmarshal([]byte(data), &p)
		}
	}
	return page{}, fmt.Errorf("no state: %v", lines.Err())
}

// shows waits until the page of a service's port 3000 shows a value with a status.
func (p *project) shows(service, status string, poolSize float64) page {
	p.t.Helper()
	var last page
	eventually(p.t, fmt.Sprintf("the page shows %v, %s", poolSize, status), func() error {
		// Asked anew: a container that came back has another port.
		address, err := p.try("port", service, "3000")
		if err != nil {
			return err
		}
		if last, err = look(strings.TrimSpace(address)); err != nil {
			return err
		}
		if last.PoolSize != poolSize || last.Status != status {
			return fmt.Errorf("it shows %+v", last)
		}
		return nil
	})
	return last
}

// comesBack waits until a container that crashed runs again by itself, and is healthy if it
// says how it is.
func (p *project) comesBack(service string, restarts int) {
	p.t.Helper()
	id := p.container(service)
	eventually(p.t, service+" comes back", func() error {
		c := inspect(p.t, id)
		if c.RestartCount < restarts || !c.State.Running || c.State.Health.Status != "" && c.State.Health.Status != "healthy" {
			return fmt.Errorf("%+v after %d restarts", c.State, c.RestartCount)
		}
		return nil
	})
}

// isConfined fails unless a container is as the files say.
func (p *project) isConfined(service string) {
	p.t.Helper()
	c := inspect(p.t, p.container(service))
	if !c.HostConfig.ReadonlyRootfs || fmt.Sprint(c.HostConfig.CapDrop) != "[ALL]" || fmt.Sprint(c.HostConfig.SecurityOpt) != "[no-new-privileges:true]" ||
		c.HostConfig.Memory == 0 || c.HostConfig.RestartPolicy.Name != "unless-stopped" || c.Config.User != "65532:65532" {
		p.t.Errorf("%s: %+v, user %q", service, c.HostConfig, c.Config.User)
	}
}

// demoImage builds the example application on what stands for its base image.
func demoImage(t testing.TB) string {
	t.Helper()
	tag := imageName(t, "demo")
	docker(t, "build", "--file", repository(t)+"/deploy/demo/Dockerfile", "--label", mark(), "--tag", tag, "--build-arg", "PYTHON_IMAGE="+pythonImage(t), repository(t))
	return tag
}
