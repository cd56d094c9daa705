package robust

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// BuildSidecar builds the product into dir and returns the path of its binary.
func BuildSidecar(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "config-service")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/config-service/config-service/server")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the product: %w: %s", err, out)
	}
	return path, nil
}

// Launch is how a sidecar is started, any number of times: each time at the same
// addresses. It never changes.
type Launch struct {
	Binary          string
	HTTP, GRPC, Ops string // HOST:PORT
	Settings        map[string]string
}

// NewLaunch chooses addresses. Settings are by environment variable; a sidecar sees no
// others.
func NewLaunch(binary string, settings map[string]string) (*Launch, error) {
	l := &Launch{Binary: binary, Settings: settings}
	for _, into := range []*string{&l.HTTP, &l.GRPC, &l.Ops} {
		var err error
		if *into, err = FreeAddress(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Start starts a sidecar. It does not wait until it serves. The caller ends it, with
// Stop or Kill.
func (l *Launch) Start() (*Sidecar, error) {
	child := exec.Command(l.Binary, "serve")
	child.Env = []string{"CONFIG_HTTP_ADDR=" + l.HTTP, "CONFIG_GRPC_ADDR=" + l.GRPC, "CONFIG_OPS_ADDR=" + l.Ops}
	for name, value := range l.Settings {
		child.Env = append(child.Env, name+"="+value)
	}
	child.SysProcAttr = dieWithParent()
	stderr, err := child.StderrPipe()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s := &Sidecar{
		Launch: l, Began: time.Now(), HTTPClient: &http.Client{Transport: transport},
		child: child, ended: make(chan struct{}),
	}
	if err := child.Start(); err != nil {
		return nil, fmt.Errorf("start a sidecar: %w", err)
	}
	go func() {
		defer close(s.ended)
		s.read(stderr)
		_ = child.Wait() // its exit code is what is asked for
		transport.CloseIdleConnections()
	}()
	return s, nil
}

// Sidecar is the product as a child process. It dies with its parent. It is safe for
// concurrent use.
type Sidecar struct {
	*Launch
	Began      time.Time // when its process was started
	HTTPClient *http.Client

	child *exec.Cmd
	ended chan struct{} // closed when the process has ended and its log is read

	mu  sync.Mutex // guards log
	log []LogLine
}

// LogLine is a line that a sidecar has logged.
type LogLine struct {
	At      time.Time // read
	Level   string    `json:"level"`
	Message string    `json:"msg"`
	Reason  string    `json:"reason"`
	Text    string    // the whole line
}

func (s *Sidecar) read(stderr io.Reader) {
	for lines := bufio.NewReader(stderr); ; {
		text, err := lines.ReadString('\n')
		if text != "" {
			line := LogLine{}
			_ = json.Unmarshal([]byte(text), &line) // a panic is no record, and is kept as text
			line.At, line.Text = time.Now(), strings.TrimSpace(text)
			s.mu.Lock()
			s.log = append(s.log, line)
			s.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// Log returns what was logged so far.
func (s *Sidecar) Log() []LogLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]LogLine(nil), s.log...)
}

// Signal sends a signal, and does not wait for what it does.
func (s *Sidecar) Signal(signal os.Signal) error { return s.child.Process.Signal(signal) }

// Ended is closed when the process has ended.
func (s *Sidecar) Ended() <-chan struct{} { return s.ended }

// ExitCode is that of a process that has ended; -1 when a signal ended it.
func (s *Sidecar) ExitCode() int { return s.child.ProcessState.ExitCode() }

// Stop ends the sidecar with SIGTERM and returns how long that took. Another exit code
// than 0 is an error, as is ctx's end, after which the process is killed.
func (s *Sidecar) Stop(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("stop a sidecar: %w", err)
	}
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.Kill()
		return time.Since(began), fmt.Errorf("the sidecar did not stop: %w; it says: %v", ctx.Err(), s.Log())
	}
	if code := s.ExitCode(); code != 0 {
		return time.Since(began), fmt.Errorf("the sidecar ended with code %d: %v", code, s.Log())
	}
	return time.Since(began), nil
}

// Kill ends the sidecar with SIGKILL, if it has not ended, and returns when it has.
func (s *Sidecar) Kill() {
	_ = s.child.Process.Kill() // it may have ended
	<-s.ended
	s.HTTPClient.CloseIdleConnections()
}

// Read gets a path of a listener over HTTP.
func (s *Sidecar) Read(ctx context.Context, listener, path string) (code int, header http.Header, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener+path, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	resp, err := s.HTTPClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, body, err
}

// Ready asks /readyz.
func (s *Sidecar) Ready(ctx context.Context) error { return s.ok(ctx, s.Ops, "/readyz") }

func (s *Sidecar) ok(ctx context.Context, listener, path string) error {
	code, _, body, err := s.Read(ctx, listener, path)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %s", path, code, body)
	}
	return err
}

// lookEvery is how often Until asks a starting sidecar.
const lookEvery = 2 * time.Millisecond

// Until asks for a path until the answer is 200, and returns how long after the start
// of the process that was.
func (s *Sidecar) Until(ctx context.Context, listener, path string) (time.Duration, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := s.ok(ctx, listener, path)
		if err == nil {
			return time.Since(s.Began), nil
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return 0, fmt.Errorf("the sidecar has ended: %v", s.Log())
		case <-ctx.Done():
			return 0, fmt.Errorf("%w; last: %w", ctx.Err(), err)
		}
	}
}

// WaitReady returns when /readyz says ready, and how long after the start that was.
func (s *Sidecar) WaitReady(ctx context.Context) (time.Duration, error) {
	return s.Until(ctx, s.Ops, "/readyz")
}

// Metrics are the sidecar's, by name with labels.
func (s *Sidecar) Metrics(ctx context.Context) (map[string]float64, error) {
	_, _, body, err := s.Read(ctx, s.Ops, "/metrics")
	if err != nil {
		return nil, err
	}
	return ParseMetrics(string(body)), nil
}

// ParseMetrics reads the text form of metrics.
func ParseMetrics(text string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		name, number, ok := strings.Cut(strings.TrimSpace(line), " ")
		if value, err := strconv.ParseFloat(number, 64); ok && err == nil && !strings.HasPrefix(line, "#") {
			all[name] = value
		}
	}
	return all
}

// Resident is how many bytes of memory the process has now, and had at most.
func (s *Sidecar) Resident() (now, most int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.child.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		switch kib, _ := strconv.ParseInt(fields[1], 10, 64); fields[0] {
		case "VmRSS:":
			now = kib << 10
		case "VmHWM:":
			most = kib << 10
		}
	}
	if now == 0 {
		err = errors.New("the process has no memory: it has ended")
	}
	return now, most, err
}
