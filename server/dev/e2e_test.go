package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 3 * time.Minute

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "config-service-dev-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "config-service-dev")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build: %v\n%s", err, out))
	}
	return m.Run()
}

// devServer is a running dev server on free ports.
type devServer struct {
	banner           string
	rest, grpc, etcd string // as the banner prints them
}

func start(t *testing.T) *devServer {
	t.Helper()
	cmd := exec.Command(binary, "--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0", "--etcd-addr", "127.0.0.1:0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the dev server ended with %v\n%s", err, stderr.String())
		}
	})
	d := &devServer{}
	lines := bufio.NewScanner(stdout)
	for !strings.Contains(d.banner, "Ctrl-C") {
		if !lines.Scan() {
			t.Fatalf("the dev server ended before its banner\n%s%s", d.banner, stderr.String())
		}
		d.banner += lines.Text() + "\n"
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(d.banner)
		if m == nil {
			t.Fatalf("the banner has no %s:\n%s", pattern, d.banner)
		}
		return m[1]
	}
	d.rest, d.grpc, d.etcd = find(`curl -s (\S+)/v1/config/`), find(`grpcurl -plaintext (\S+)`), find(`--etcd (\S+)`)
	return d
}

// command returns the banner's command with a label.
func (d *devServer) command(t *testing.T, label string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(label) + ` {2,}(.+)$`).FindStringSubmatch(d.banner)
	if m == nil {
		t.Fatalf("the banner has no line %q:\n%s", label, d.banner)
	}
	return m[1]
}

// shell runs a command as a person would, from the root of the repository.
func shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-c", command)
	cmd.Dir = filepath.Join("..", "..")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = patience
	return cmd
}

func output(t *testing.T, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stderr bytes.Buffer
	cmd := shell(ctx, command)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", command, err, out, stderr.String())
	}
	return string(out)
}

// stream is a command that goes on until the test ends.
type stream struct {
	command string
	mu      sync.Mutex
	text    string
	more    chan struct{} // closed when there is more text
}

func follow(t *testing.T, command string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{command: command, more: make(chan struct{})}
	cmd := shell(ctx, command)
	cmd.Stdout = s
	cmd.Stderr = s
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // it ends by the kill
	return s
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text += string(p)
	close(s.more)
	s.more = make(chan struct{})
	return len(p), nil
}

// wait returns when the output matches.
func (s *stream) wait(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		s.mu.Lock()
		text, more := s.text, s.more
		s.mu.Unlock()
		if re.MatchString(text) {
			return
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("%s: no %s in\n%s", s.command, pattern, text)
		}
	}
}

func TestEveryLineOfTheBannerWorks(t *testing.T) {
	d := start(t)
	var one struct {
		Entry struct {
			Value any
			Layer string
		}
		State struct{ Freshness, Source, Namespace, Environment string }
	}
	if err := json.Unmarshal([]byte(output(t, d.command(t, "read a value"))), &one); err != nil {
		t.Fatal(err)
	}
	if one.Entry.Value != 20.0 || one.Entry.Layer != "SERVICE_ENVIRONMENT" || one.State.Freshness != "FRESH" || one.State.Source != "LIVE" {
		t.Errorf("read a value: %+v", one)
	}
	if out := output(t, d.command(t, "read them all")); !strings.Contains(out, "database.pool_size=20\n") || !strings.Contains(out, "log.format=json\n") {
		t.Errorf("read them all: %s", out)
	}
	if out := output(t, d.command(t, "see why")); !strings.Contains(out, "HIDDEN") {
		t.Errorf("see why: %s", out)
	}
	sse, grpc := follow(t, d.command(t, "watch (SSE)")), follow(t, d.command(t, "watch (gRPC)"))
	ndjson := follow(t, "curl -N -s "+d.rest+"/v1/watch")
	sse.wait(t, `(?s)event: snapshot.*"database.pool_size", ?"value": ?20`)
	ndjson.wait(t, `"result":.*"snapshot":.*"database.pool_size", ?"value": ?20`)
	grpc.wait(t, `(?s)"snapshot": \{.*"key": "database.pool_size",\s*"value": 20`)

	if out := output(t, d.command(t, "change a value")); !strings.Contains(out, "set database.pool_size = 25") {
		t.Errorf("change a value: %s", out)
	}
	sse.wait(t, `(?s)event: delta.*"database.pool_size", ?"value": ?25`)
	ndjson.wait(t, `"delta":.*"database.pool_size", ?"value": ?25`)
	grpc.wait(t, `(?s)"delta": \{.*"key": "database.pool_size",\s*"value": 25`)
}

// TestGeneratedStub runs a program on the generated stub for Python: it prints what Get and
// Watch give it, a JSON object a line, and ends after the first delta.
func TestGeneratedStub(t *testing.T) {
	if _, err := os.Stat(filepath.Join("..", "..", ".build", "stub-python", ".stamp")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the stub is not built: %v", err)
		}
		t.Skip("the stub is not built; run `make stubs`")
	}
	d := start(t)
	s := follow(t, ".build/stub-python/bin/python clients/python/examples/stub/main.py "+d.grpc+" database.pool_size")
	s.wait(t, `\{"get":\{"key":"database.pool_size","value":20,"layer":"SERVICE_ENVIRONMENT","freshness":"FRESH"\}\}`)
	s.wait(t, `\{"snapshot":\{"database.pool_size":20\}\}`)
	output(t, binary+" set database.pool_size 25 --etcd "+d.etcd)
	s.wait(t, `\{"delta":\{"database.pool_size":25\},"deleted":\[\]\}`)
}

// TestGrpcurl does with grpcurl what the stub does, and looks around by reflection.
func TestGrpcurl(t *testing.T) {
	d := start(t)
	grpcurl := "go tool -modfile=.tools/go.mod grpcurl -plaintext "
	if out := output(t, grpcurl+d.grpc+" list"); !strings.Contains(out, "configservice.v1.ConfigService\n") || !strings.Contains(out, "grpc.health.v1.Health\n") {
		t.Errorf("list: %s", out)
	}
	get := grpcurl + `-d '{"key":"database.pool_size"}' ` + d.grpc + " configservice.v1.ConfigService/Get"
	if out := output(t, get); !regexp.MustCompile(`"value": 20,`).MatchString(out) {
		t.Errorf("Get: %s", out)
	}
	for _, service := range []string{"", "liveness", "readiness", "configservice.v1.ConfigService"} {
		check := grpcurl + `-d '{"service":"` + service + `"}' ` + d.grpc + " grpc.health.v1.Health/Check"
		for end := time.Now().Add(patience); ; { // ready comes a moment after the first answer
			out := output(t, check)
			if strings.Contains(out, `"SERVING"`) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("health of %q: %s", service, out)
			}
		}
	}
}

// TestReadme runs what the README tells to type, in order.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	d := start(t)
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "  #")
			if !regexp.MustCompile(`^(curl|go tool|go run ./server/dev (set|delete)) `).MatchString(command) {
				continue // make targets have tests of their own
			}
			command = strings.ReplaceAll(command, "localhost:8080", d.rest)
			command = strings.ReplaceAll(command, "localhost:9080", d.grpc)
			if strings.HasPrefix(command, "go run") {
				command += " --etcd " + d.etcd
			}
			ran++
			t.Run(command, func(t *testing.T) {
				if strings.Contains(strings.ToLower(command), "watch") {
					follow(t, command).wait(t, `snapshot`)
					return
				}
				if out := output(t, command); strings.TrimSpace(out) == "" || strings.Contains(out, `"code"`) {
					t.Errorf("it prints %q", out)
				}
			})
		}
	}
	if ran < 5 {
		t.Errorf("only %d commands of the README were found", ran)
	}
}

func TestDevCommandsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"set", "a..b", "1"}, "KEY \"a..b\" is malformed"},
		{[]string{"set", "a", "hello"}, "a text is written in double quotes"},
		{[]string{"set", "a", "1", "--layer", "top"}, "accepted: service-environment, service, shared-environment, shared"},
		{[]string{"set", "a", "1", "--etcd", "127.0.0.1:1"}, "is the dev server running?"},
		{[]string{"--etcd-endpoints", "http://127.0.0.1:2379"}, "brings its own etcd"},
		{[]string{"--etcd-addr", "127.0.0.1:0", "--http-addr", "8080"}, "accepted: HOST:PORT"},
	} {
		out, err := exec.Command(binary, c.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.says) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%v: %v, says %q; want one line with %q", c.args, err, out, c.says)
		}
	}
}
