package configclient_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

func TestOpenWithoutASidecar(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 1})
	s.Stop(t)
	log := &lines{}
	c := open(t, configclient.WithAddress(s.Addr), configclient.WithTimeout(100*time.Millisecond), log.option())
	if c.Status() != configclient.Initializing || c.Namespace() != "default" || c.Environment() != "development" {
		t.Errorf("%s for %s/%s", c.Status(), c.Namespace(), c.Environment())
	}
	if got := configclient.Get(c, "a", 7); got != 7 {
		t.Errorf("a is %d", got)
	}
	_, err := c.Get("a")
	_, err2 := c.Snapshot("")
	if !errors.Is(err, configclient.ErrUnavailable) || !errors.Is(err2, configclient.ErrUnavailable) {
		t.Errorf("Get = %v, Snapshot = %v", err, err2)
	}
	late, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.WaitReady(late); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitReady = %v", err)
	}
	until(t, "a warning", func() bool { return log.count("level=WARN") > 0 })
	s.Restart(t)
	if err := c.WaitReady(t.Context()); err != nil {
		t.Error(err)
	}
	if got := configclient.Get(c, "a", 7); got != 1 || c.Namespace() != s.Namespace || c.Status() != configclient.Valid {
		t.Errorf("a is %d, %s for %s", got, c.Status(), c.Namespace())
	}
	until(t, "the end of the outage in the log", func() bool { return log.count("level=INFO") > 0 })
	if log.count("level=WARN") != 1 || log.count("level=INFO") != 1 {
		t.Errorf("an outage is one WARN and one INFO:\n%s", log)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	address := pretend(t, saying())
	if _, err := configclient.Open(ctx, configclient.WithAddress(address), configclient.WithTimeout(patience)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open = %v", err)
	}
	c := open(t, configclient.WithAddress(pretend(t, saying(snapshot(1)))))
	reaches(t, c, configclient.Valid)
}

func TestARefusalIsNoEmptiness(t *testing.T) {
	t.Parallel()
	s := configtest.Start(t, configtest.Values{"a": 1})
	log := &lines{}
	c := open(t, configclient.WithAddress(s.Addr), configclient.WithNamespace("other-service"), log.option(),
		configclient.WithPatience(patience, patience, 10*time.Millisecond))
	if c.Status() != configclient.Denied {
		t.Errorf("status %s", c.Status())
	}
	_, err := c.Get("a")
	var e *configclient.Error
	if !errors.Is(err, configclient.ErrDenied) || !errors.As(err, &e) || e.Reason != "PERMISSION_DENIED" || e.Scope != "other-service/development" {
		t.Errorf("Get = %#v", err)
	}
	if err := c.WaitReady(t.Context()); !errors.Is(err, configclient.ErrDenied) {
		t.Errorf("WaitReady = %v", err)
	}
	if got := configclient.Get(c, "a", 7); got != 7 {
		t.Errorf("a is %d", got)
	}
	if _, err := c.Get("a..b"); !errors.Is(err, configclient.ErrInvalidKey) {
		t.Errorf("Get = %v", err)
	}
	until(t, "an error in the log", func() bool { return log.count("level=ERROR") == 1 })
	if !strings.Contains(log.String(), "PERMISSION_DENIED") || log.count("level=WARN") > 0 {
		t.Errorf("a refusal is one ERROR with the reason:\n%s", log)
	}
}

func TestASocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.sock")
	s := servertest.Start(t, servertest.Options{Settings: map[string]string{"CONFIG_GRPC_ADDR": "unix:" + path}})
	s.Set(t, configv1.Layer_SHARED, "a", "1")
	c := open(t, configclient.WithAddress("unix:"+path))
	until(t, "the value", func() bool { return configclient.Get(c, "a", 0) == 1 })
	if d := configclient.GetDetail(c, "a", 0); d.Layer != configclient.Shared || d.Source != configclient.Live || d.Revision == 0 {
		t.Errorf("%+v", d)
	}
	// A token may go there: what is sent stays on this machine.
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = open(t, configclient.WithAddress("unix:"+path), configclient.WithTokenFile(token))
	until(t, "the value", func() bool { return configclient.Get(c, "a", 0) == 1 })
}

// A process reads which proxy there is once, so this is one of its own. A proxy is never
// used for loopback: the address is another, and the way to it a dial option.
func TestAProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	if os.Getenv(asChild) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAProxyOfTheEnvironmentIsNotUsed$")
		cmd.Env = append(os.Environ(), asChild+"=1", "NO_PROXY=", "no_proxy=")
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
			cmd.Env = append(cmd.Env, name+"=http://127.0.0.1:1")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		return
	}
	server := pretend(t, saying(snapshot(1)))
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server)
	}
	reaches(t, open(t, configclient.WithAddress("config.example:9080"), configclient.WithDialOptions(grpc.WithContextDialer(dial))), configclient.Valid)
}

func TestOnlyGivenNamesAreSent(t *testing.T) {
	t.Parallel()
	asked := make(chan *configv1.WatchRequest, 10)
	address := pretend(t, func(r *configv1.WatchRequest, stream grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		asked <- r
		return saying(snapshot(1))(r, stream)
	})
	open(t, configclient.WithAddress(address))
	if r := next(t, asked); r.GetNamespace() != "" || r.GetEnvironment() != "" {
		t.Errorf("asked for %s/%s", r.GetNamespace(), r.GetEnvironment())
	}
	open(t, configclient.WithAddress(address), configclient.WithEnvironment("production"))
	if r := next(t, asked); r.GetNamespace() != "" || r.GetEnvironment() != "production" {
		t.Errorf("asked for %s/%s", r.GetNamespace(), r.GetEnvironment())
	}
}
