package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/config-service/config-service/server/internal/embeddedetcd"
)

const modeEtcd = "serve-etcd"

const startTimeout = time.Minute

// childMode says whether this process is to be etcd, and where its data lie.
func childMode(args []string) (dir string, ok bool) {
	if len(args) == 3 && args[1] == modeEtcd {
		return args[2], true
	}
	return "", false
}

// serveEtcd is etcd until ctx ends. It says its endpoint on standard output.
func serveEtcd(ctx context.Context, dir string) error {
	etcd, err := embeddedetcd.Start(ctx, "127.0.0.1:0", dir)
	if err != nil {
		return err
	}
	defer etcd.Close()
	fmt.Println(etcd.Endpoint)
	<-ctx.Done()
	return nil
}

// etcd is the process under test. Who started it stops it.
type etcd struct {
	endpoint string
	cmd      *exec.Cmd
	http     *http.Client
	said     chan struct{} // closed when its standard output has ended
}

func startEtcd(dir string) (*etcd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	e := &etcd{cmd: exec.Command(self, modeEtcd, dir), http: &http.Client{Transport: &http.Transport{}}, said: make(chan struct{})}
	e.cmd.Stderr = os.Stderr
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	first := make(chan string, 1)
	go func() {
		defer close(e.said)
		lines := bufio.NewReader(out)
		line, _ := lines.ReadString('\n') // an empty one says that it ended
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, lines) // it says nothing more
	}()
	select {
	case e.endpoint = <-first:
	case <-time.After(startTimeout):
	}
	if e.endpoint == "" {
		return nil, errors.Join(errors.New("etcd does not serve"), e.stop())
	}
	return e, nil
}

func (e *etcd) stop() error {
	e.http.CloseIdleConnections()
	_ = e.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	late := time.AfterFunc(startTimeout, func() { _ = e.cmd.Process.Kill() })
	defer late.Stop()
	<-e.said
	if err := e.cmd.Wait(); err != nil {
		return fmt.Errorf("end etcd: %w", err)
	}
	return nil
}

// usage is what a process has taken so far.
type usage struct {
	processor time.Duration
	resident  float64 // bytes
	sockets   int
}

func usageOf(pid int) (u usage, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 22 {
		return u, fmt.Errorf("/proc/%d/stat has %q", pid, stat)
	}
	var figures [3]int64
	for i, at := range []int{11, 12, 21} { // user, system, resident pages
		if figures[i], err = strconv.ParseInt(fields[at], 10, 64); err != nil {
			return u, err
		}
	}
	u.processor = time.Duration(figures[0]+figures[1]) * 10 * time.Millisecond
	u.resident = float64(figures[2]) * float64(os.Getpagesize())
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	for _, f := range files {
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, f.Name())); strings.HasPrefix(to, "socket:") {
			u.sockets++
		}
	}
	return u, err
}

// counters are what etcd says of itself.
type counters struct{ reads, watchers, sent, received float64 }

func (e *etcd) counters(ctx context.Context) (c counters, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.endpoint+"/metrics", nil)
	if err != nil {
		return c, err
	}
	resp, err := e.http.Do(req)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return c, err
	}
	sum := func(name, label, value string) (total float64) {
		for _, m := range families[name].GetMetric() {
			matches := label == ""
			for _, l := range m.GetLabel() {
				matches = matches || (l.GetName() == label && l.GetValue() == value)
			}
			if matches {
				total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		return total
	}
	return counters{
		reads:    sum("grpc_server_handled_total", "grpc_method", "Range"),
		watchers: sum("etcd_debugging_mvcc_watcher_total", "", ""),
		sent:     sum("etcd_network_client_grpc_sent_bytes_total", "", ""),
		received: sum("etcd_network_client_grpc_received_bytes_total", "", ""),
	}, nil
}
