package configtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	"github.com/config-service/config-service/server/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const patience = time.Minute

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// What a user's test does.
func TestASidecarForATest(t *testing.T) {
	begin := time.Now()
	server := configtest.Start(t, configtest.Values{"database.pool_size": 20, "flags": map[string]bool{"new": true}, "null": nil})
	t.Logf("Start took %s", time.Since(begin).Round(time.Millisecond))
	config := server.Client(t)
	size := configclient.NewValue(config, "database.pool_size", 10)
	if flags := configclient.Get(config, "flags", map[string]bool{}); size.Get() != 20 || !flags["new"] || config.Status() != configclient.Valid {
		t.Errorf("%d, %v, %s", size.Get(), flags, config.Status())
	}
	server.Set(t, "database.pool_size", 25)
	until(t, "the change", func() bool { return size.Get() == 25 })
	server.Delete(t, "database.pool_size")
	until(t, "the default", func() bool { return size.Get() == 10 })
	server.SetRaw(t, "flags", "{")
	server.Set(t, "database.pool_size", 30)
	until(t, "the change", func() bool { return size.Get() == 30 })
	if flags := configclient.Get(config, "flags", map[string]bool{}); !flags["new"] {
		t.Errorf("an unusable value took the good one away: %v", flags)
	}
}

// The sidecar goes away and comes back where it was, with what was written meanwhile.
func TestStopAndRestart(t *testing.T) {
	server := configtest.Start(t, configtest.Values{"a": 1})
	config := server.Client(t)
	value := configclient.NewValue(config, "a", 0)
	for n := 2; n <= 4; n++ {
		server.Stop(t)
		server.Stop(t)
		until(t, "STALE", func() bool { return config.Status() == configclient.Stale })
		server.Set(t, "a", n)
		server.Restart(t)
		until(t, "the value", func() bool { return value.Get() == n && config.Status() == configclient.Valid })
	}
	resp, err := http.Get(server.URL + "/v1/config/a")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}

// The names of the machine are not those of the test.
func TestTheEnvironmentDoesNotMatter(t *testing.T) {
	t.Setenv("SERVICE_NAME", "other-service")
	t.Setenv("ENVIRONMENT", "production")
	t.Setenv("CONFIG_SERVICE_ADDR", "localhost:1")
	server := configtest.Start(t, configtest.Values{"a": 1})
	if got := configclient.Get(server.Client(t), "a", 0); got != 1 {
		t.Errorf("a is %d", got)
	}
}
