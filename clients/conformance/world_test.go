package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// hang is how long anything may take before it counts as hanging.
const hang = 60 * time.Second

// tick is how often a condition is looked at.
const tick = 20 * time.Millisecond

// world is what a client of one run lives in: a store, a sidecar that is a process, the
// way there, and a folder for files. It belongs to the goroutine of the run.
type world struct {
	t           *testing.T
	etcd        *servertest.Etcd
	binary      string // of the sidecar
	folder      string // its path is short: it holds sockets
	namespace   string
	environment string
	rest, grpc  *proxy
	sidecar     *exec.Cmd // nil while there is none
	log         *os.File
	ask         *http.Client // the runner's own way to the sidecar
	revision    int64        // of the last write
	changed     time.Time    // of the network
}

// newWorld makes a world that ends with the test. Its client reaches the sidecar at the
// addresses rest and grpc.
func newWorld(t *testing.T, etcd *servertest.Etcd, binary, name, rest, grpc string) *world {
	folder, err := os.MkdirTemp("", "conf")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, etcd: etcd, binary: binary, folder: folder, namespace: "n-" + name, environment: "e-" + name}
	w.rest, w.grpc = newProxy(rest, w.path("rest")), newProxy(grpc, w.path("grpc"))
	if w.log, err = os.Create(w.path("log")); err != nil {
		t.Fatal(err)
	}
	w.ask = &http.Client{
		Timeout: hang,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", w.path("rest"))
		}},
	}
	t.Cleanup(w.end)
	return w
}

func (w *world) end() {
	w.ask.CloseIdleConnections()
	if w.sidecar != nil {
		_ = w.sidecar.Process.Kill() // its folder goes
		_ = w.sidecar.Wait()
	}
	w.rest.close()
	w.grpc.close()
	_ = w.log.Close() // only read on failure
	if err := os.RemoveAll(w.folder); err != nil {
		w.t.Error(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.folder, name) }

// variables are what a scenario can name.
func (w *world) variables() map[string]string {
	return map[string]string{
		"namespace": w.namespace, "environment": w.environment, "dir": w.folder,
		"url": "http://" + w.rest.addr, "addr": w.grpc.addr,
		"big": strings.Repeat("0123456789", 10_000), "long_key": strings.Repeat("k", 253),
	}
}

// commit does the writes in one transaction.
func (w *world) commit(writes []write) error {
	var all []servertest.Write
	for _, one := range writes {
		layer := configv1.Layer_SERVICE_ENVIRONMENT
		if one.Layer != "" {
			n, known := configv1.Layer_value[one.Layer]
			if !known {
				return fmt.Errorf("there is no layer %q", one.Layer)
			}
			layer = configv1.Layer(n)
		}
		add := func(key, value string, remove bool) {
			all = append(all, servertest.Write{Namespace: w.namespace, Environment: w.environment, Layer: layer, Key: key, JSON: value, Delete: remove})
		}
		for key, value := range one.Set {
			text, err := json.Marshal(value)
			if err != nil {
				return err
			}
			add(key, string(text), false)
		}
		for key, text := range one.Raw {
			add(key, text, false)
		}
		for _, key := range one.Delete {
			add(key, "", true)
		}
	}
	w.revision = w.etcd.Commit(w.t, all...)
	return nil
}

// putSchema gives the service a schema, as JSON.
func (w *world) putSchema(text string) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{w.etcd.Endpoint}, DialTimeout: hang, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	_, err = client.Put(ctx, "/config-service/v1/schemas/"+w.namespace, `{"schema":`+text+`}`)
	return err
}

// start starts a sidecar and returns when it is ready, or when it listens.
func (w *world) start(s *step) error {
	if w.sidecar != nil {
		return fmt.Errorf("the sidecar runs already")
	}
	namespace := w.namespace
	if s.Namespace != "" {
		namespace = s.Namespace
	}
	c := exec.Command(w.binary, "serve")
	c.Env = []string{
		"SERVICE_NAME=" + namespace, "ENVIRONMENT=" + w.environment, "ETCD_ENDPOINTS=" + w.etcd.Endpoint, "LOG_LEVEL=warn",
		"CONFIG_HTTP_ADDR=unix:" + w.path("rest"), "CONFIG_GRPC_ADDR=unix:" + w.path("grpc"), "CONFIG_OPS_ADDR=unix:" + w.path("ops"),
	}
	if s.CacheDir {
		c.Env = append(c.Env, "CONFIG_CACHE_DIR="+w.path("last"))
	}
	if s.Policy != "" { // a sidecar lets nobody do more, or less
		c.Env = append(c.Env, "CONFIG_ROLE=shared", "CONFIG_POLICY_FILE="+s.Policy)
	}
	if s.Tokens != "" {
		c.Env = append(c.Env, "CONFIG_TOKENS_FILE="+s.Tokens)
	}
	c.Stdout, c.Stderr = w.log, w.log
	c.SysProcAttr = dieWithParent()
	if err := c.Start(); err != nil {
		return err
	}
	w.sidecar = c
	if err := until(hang, func() error { return w.answers("/readyz", s.Unready) }); err != nil {
		return fmt.Errorf("the sidecar does not start: %w", err)
	}
	if err := w.rest.serve(true); err != nil {
		return err
	}
	return w.grpc.serve(true)
}

// answers says why the sidecar does not answer 200, or not at all.
func (w *world) answers(path string, anything bool) error {
	resp, err := w.ask.Get("http://localhost" + path)
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // only the status matters
	if resp.StatusCode != http.StatusOK && !anything {
		return fmt.Errorf("%s answers %s", path, resp.Status)
	}
	return nil
}

// arrived returns when the sidecar serves all that was written.
func (w *world) arrived() error {
	return until(hang, func() error {
		return w.answers("/v1/config?prefix=none&min_revision="+strconv.FormatInt(w.revision, 10), false)
	})
}

// signal is SIGTERM, SIGKILL, SIGSTOP or SIGCONT to the sidecar. When it returns the
// sidecar has ended, or stands still, or goes on.
func (w *world) signal(s syscall.Signal) error {
	if w.sidecar == nil {
		return fmt.Errorf("there is no sidecar")
	}
	if err := w.sidecar.Process.Signal(s); err != nil {
		return err
	}
	switch s {
	case syscall.SIGCONT:
		return nil
	case syscall.SIGSTOP:
		_, err := syscall.Wait4(w.sidecar.Process.Pid, nil, syscall.WUNTRACED, nil)
		for errors.Is(err, syscall.EINTR) {
			_, err = syscall.Wait4(w.sidecar.Process.Pid, nil, syscall.WUNTRACED, nil)
		}
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = w.sidecar.Wait() // how it ends is the server's test
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(hang):
		_ = w.sidecar.Process.Kill()
		<-ended
		return fmt.Errorf("the sidecar did not stop within %s", hang)
	}
	w.sidecar = nil
	w.ask.CloseIdleConnections()
	if err := w.rest.serve(false); err != nil {
		return err
	}
	return w.grpc.serve(false)
}

// network changes the client's way to the sidecar.
func (w *world) network(mode string, limit int) error {
	w.changed = time.Now()
	switch mode {
	case "cut":
		w.rest.cut()
		w.grpc.cut()
		return nil
	case through, refuse, resets, hole, garbage, truncate:
	default:
		return fmt.Errorf("there is no network %q", mode)
	}
	if err := w.rest.set(mode, limit); err != nil {
		return err
	}
	return w.grpc.set(mode, limit)
}

// dials returns when the client has connected so often since the last change of the
// network. It may not have done so sooner than that long after it; later is no fault.
func (w *world) dials(n int, notBefore time.Duration) error {
	err := until(hang, func() error {
		if seen := w.rest.dialed() + w.grpc.dialed(); seen < n {
			return fmt.Errorf("%d connections instead of %d", seen, n)
		}
		return nil
	})
	if took := time.Since(w.changed); err == nil && took < notBefore {
		err = fmt.Errorf("%d connections within %s", n, took)
	}
	return err
}

// sidecarLog is what the sidecar said, for a failure.
func (w *world) sidecarLog() string {
	text, err := os.ReadFile(w.path("log"))
	if err != nil {
		return err.Error()
	}
	return tail(string(text))
}

// tail returns the last lines of a text.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// until returns when the condition holds, or why it does not.
func until(bound time.Duration, condition func() error) error {
	end := time.Now().Add(bound)
	for {
		err := condition()
		if err == nil {
			return nil
		}
		if errors.As(err, &never{}) || time.Now().After(end) {
			return err
		}
		time.Sleep(tick)
	}
}

// never is a condition that cannot hold any more.
type never struct{ error }
