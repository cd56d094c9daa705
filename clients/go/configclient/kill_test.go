package configclient_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// The product is killed under 1,000 reads a second: no error, no wrong value, and the
// client is VALID again after the restart.
func TestTheSidecarIsKilledUnderReads(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "config-service")
	if out, err := exec.Command("go", "build", "-o", binary, "../../../server").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	etcd := servertest.StartEtcd(t)
	var written atomic.Int64
	write := func() {
		n := written.Add(1) // before: a read may be faster than the answer
		etcd.Commit(t, servertest.Write{Namespace: "payment-service", Environment: "production", Layer: configv1.Layer_SERVICE_ENVIRONMENT, Key: "count", JSON: strconv.FormatInt(n, 10)})
	}
	write()
	run := func(address string) *exec.Cmd {
		cmd := exec.Command(binary, "serve")
		cmd.Env = append(os.Environ(), "SERVICE_NAME=payment-service", "ENVIRONMENT=production", "ETCD_ENDPOINTS="+etcd.Endpoint,
			"CONFIG_GRPC_ADDR="+address, "CONFIG_HTTP_ADDR=127.0.0.1:0", "CONFIG_OPS_ADDR=127.0.0.1:0", "LOG_LEVEL=error")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	kill := func(cmd *exec.Cmd) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}
	address := servertest.FreeAddress(t)
	cmd := run(address)
	defer func() { kill(cmd) }()
	log := &lines{}
	c := open(t, configclient.WithAddress(address), log.option())
	reaches(t, c, configclient.Valid)

	var reads, errs, wrong atomic.Int64
	done := make(chan struct{})
	var work sync.WaitGroup
	stop := sync.OnceFunc(func() { close(done); work.Wait() })
	defer stop()
	work.Go(func() { every(done, time.Millisecond, readCount(t, c, &written, &reads, &errs, &wrong)) })
	work.Go(func() { every(done, 20*time.Millisecond, write) })
	for round := range 3 {
		reaches(t, c, configclient.Valid)
		before := reads.Load()
		until(t, "reads", func() bool { return reads.Load() > before+200 })
		kill(cmd)
		reaches(t, c, configclient.Stale)
		before = reads.Load()
		until(t, "reads while it is gone", func() bool { return reads.Load() > before+200 })
		cmd = run(address)
		begin := time.Now()
		reaches(t, c, configclient.Valid)
		t.Logf("round %d: VALID again %s after the restart", round, time.Since(begin).Round(time.Millisecond))
	}
	stop()
	last := int(written.Load())
	until(t, "the last value", func() bool { return configclient.Get(c, "count", 0) == last })
	t.Logf("%d reads, %d errors, %d wrong", reads.Load(), errs.Load(), wrong.Load())
	if errs.Load() > 0 || wrong.Load() > 0 {
		t.Errorf("%d errors and %d wrong values of %d reads", errs.Load(), wrong.Load(), reads.Load())
	}
	if log.count("level=ERROR") > 0 {
		t.Errorf("log:\n%s", log)
	}
}

// readCount returns a read of a count that only rises, and never beyond what was written.
func readCount(t *testing.T, c *configclient.Client, written, reads, errs, wrong *atomic.Int64) func() {
	v := configclient.NewValue(c, "count", 0)
	seen := 0
	return func() {
		n, err := c.Int("count")
		got := configclient.Get(c, "count", 0)
		reads.Add(1)
		if err != nil || v.Err() != nil {
			t.Log(err, v.Err())
			errs.Add(1)
		}
		if n < seen || got < n || v.Get() < n || got > int(written.Load()) {
			t.Logf("read %d, %d, %d after %d, %d were written", n, got, v.Get(), seen, written.Load())
			wrong.Add(1)
		}
		seen = n
	}
}

// every does something again and again.
func every(done <-chan struct{}, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			do()
		case <-done:
			return
		}
	}
}
