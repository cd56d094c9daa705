package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// patience bounds every wait of these tests.
const patience = 2 * time.Minute

// TestBinary builds the product once and runs it as a person or a container would.
func TestBinary(t *testing.T) {
	p := &product{path: filepath.Join(t.TempDir(), "config-service")}
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3-test", "-o", p.path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	p.etcd = servertest.StartEtcd(t)
	for name, test := range map[string]func(*testing.T, *product){
		"version":                 versionIsPrinted,
		"help":                    helpIsPrinted,
		"help of serve":           everySettingIsInTheHelp,
		"bad command lines":       badCommandLines,
		"pause":                   pauseEndsWhenTold,
		"port in use":             portInUse,
		"socket in use":           socketInUse,
		"healthcheck":             healthcheck,
		"healthcheck of nothing":  healthcheckOfNothing,
		"healthcheck that waits":  healthcheckThatWaits,
		"not an etcd":             notAnEtcd,
		"Unix sockets":            unixSockets,
		"stale Unix sockets":      staleUnixSockets,
		"doors that stay shut":    doorsThatStayShut,
		"doors that open":         doorsThatOpen,
		"SIGTERM with open Watch": signalWithOpenWatch,
		"SIGTERM without a store": signalWithoutStore,
		"SIGTERM, 500 streams":    stopWithManyStreams,
		"SIGTERM, deaf clients":   stopWithDeafClients,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// product is the built binary, and an etcd for those that need one.
type product struct {
	path string
	etcd *servertest.Etcd
}

// command makes a command with exactly this environment. The end of the test kills it.
func (p *product) command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.Dir = t.TempDir()
	return cmd
}

// run runs the binary to its end.
func (p *product) run(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := p.command(t, env, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Start(); e != nil {
		t.Fatal(e)
	}
	stop := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	if e := cmd.Wait(); e != nil && !errors.As(e, new(*exec.ExitError)) {
		t.Fatal(e)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// fails runs the binary, which is to end with exit code 1 and one line that holds
// every word, and returns the line.
func (p *product) fails(t *testing.T, env, args []string, words ...string) string {
	t.Helper()
	stdout, stderr, code := p.run(t, env, args...)
	if code != 1 || stdout != "" {
		t.Errorf("%q %q: exit code %d, printed %q and %q", env, args, code, stdout, stderr)
	}
	line, one := strings.CutSuffix(stderr, "\n")
	if !one || strings.Contains(line, "\n") || !strings.HasPrefix(line, "config-service: ") {
		t.Errorf("%q %q: %q is not one line", env, args, stderr)
	}
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("%q %q: %q does not hold %q", env, args, line, word)
		}
	}
	return line
}

func versionIsPrinted(t *testing.T, p *product) {
	stdout, stderr, code := p.run(t, nil, "version")
	want := "config-service v1.2.3-test " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	if stdout != want || stderr != "" || code != 0 {
		t.Errorf("exit code %d, printed %q and %q, want %q", code, stdout, stderr, want)
	}
}

func pauseEndsWhenTold(t *testing.T, p *product) {
	cmd := p.command(t, nil, "pause")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "waiting for SIGTERM\n" {
		t.Errorf("it says %q, %v", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func helpIsPrinted(t *testing.T, p *product) {
	help, stderr, code := p.run(t, nil, "--help")
	if stderr != "" || code != 0 {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	for _, word := range []string{"\n  serve ", "\n  healthcheck ", "\n  pause ", "\n  version "} {
		if !strings.Contains(help, word) {
			t.Errorf("%q is not in\n%s", word, help)
		}
	}
	if alone, _, code := p.run(t, nil); alone != help || code != 0 {
		t.Errorf("without arguments: exit code %d, printed\n%s", code, alone)
	}
}

func everySettingIsInTheHelp(t *testing.T, p *product) {
	// Whatever is set, the help shows the same.
	help, stderr, code := p.run(t, []string{"SERVICE_NAME=Not A Name"}, "serve", "--help")
	if stderr != "" || code != 0 {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	rest, column := help, 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings.Settings]()) {
		if !f.IsExported() {
			continue
		}
		flag := "\n      --" + f.Tag.Get("flag")
		_, after, ok := strings.Cut(rest, flag)
		if !ok {
			t.Fatalf("--%s is not in the help, or not in the order of the fields:\n%s", f.Tag.Get("flag"), help)
		}
		rest = after
		entry, _, _ := strings.Cut(after, "\n      -")
		if text := strings.Join(strings.Fields(entry), " "); !strings.Contains(text, f.Tag.Get("help")+" ["+f.Tag.Get("env")+"]") {
			t.Errorf("--%s is explained by %q", f.Tag.Get("flag"), text)
		}
		if def := f.Tag.Get("default"); def != "" && !strings.Contains(entry, def) {
			t.Errorf("the default of --%s is not in %q", f.Tag.Get("flag"), entry)
		}
		first, _, _ := strings.Cut(f.Tag.Get("help"), " ")
		at := len(flag) - 1 + strings.Index(entry, " "+first)
		if column == 0 {
			column = at
		}
		if at != column {
			t.Errorf("the text of --%s begins in column %d, others in %d", f.Tag.Get("flag"), at, column)
		}
	}
	for line := range strings.Lines(help) {
		if n := len(strings.TrimSuffix(line, "\n")); n > 110 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}

func badCommandLines(t *testing.T, p *product) {
	for _, test := range []struct {
		env, args, words []string
	}{
		{nil, []string{"frobnicate"}, []string{`"frobnicate"`}},
		{nil, []string{"--nope"}, []string{"--nope"}},
		{nil, []string{"serve", "--nope"}, []string{"--nope"}},
		{nil, []string{"serve", "production"}, []string{`"production"`}},
		{nil, []string{"version", "extra"}, []string{`"extra"`}},
		{nil, []string{"healthcheck", "--wait=soon"}, []string{"--wait", `"soon"`}},
		{nil, []string{"serve", "--log-level"}, []string{"--log-level"}},
		{nil, []string{"serve", "--start-wait=soon"}, []string{"--start-wait (CONFIG_START_WAIT)", `"soon"`, "accepted: ", "30s"}},
		{[]string{"CONFIG_START_WAIT=soon"}, []string{"serve"}, []string{"--start-wait (CONFIG_START_WAIT)", `"soon"`, "accepted: ", "30s"}},
		{nil, []string{"serve", "--grpc-reflection=maybe"}, []string{"--grpc-reflection (CONFIG_GRPC_REFLECTION)", `"maybe"`, "true or false"}},
		{nil, []string{"serve", "--service-name=Payment"}, []string{"--service-name (SERVICE_NAME)", `"Payment"`, "accepted: "}},
		{[]string{"ENVIRONMENT=prod\nlevel=fatal"}, []string{"serve"}, []string{"--environment (ENVIRONMENT)", `\n`, "accepted: "}},
		{[]string{"ETCD_ENDPOINTS=https://etcd"}, []string{"serve"}, []string{"--etcd-endpoints (ETCD_ENDPOINTS)", `"https://etcd"`, "accepted: "}},
		{nil, []string{"serve", "--http-addr=:8080"}, []string{"--http-addr (CONFIG_HTTP_ADDR)", `":8080"`, "accepted: "}},
		{nil, []string{"serve", "--http-addr=127.0.0.1:99999"}, []string{"--http-addr", "99999"}},
		{nil, []string{"serve", "--pprof", "--ops-addr=:9081", "--environment=e"}, []string{"--pprof (CONFIG_PPROF)", `":9081"`, "accepted: ", "loopback"}},
		{[]string{"OTEL_TRACES_EXPORTER=zipkin"}, []string{"serve"}, []string{"OTEL_TRACES_EXPORTER", `"zipkin"`, "accepted: otlp, none"}},
		{[]string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, []string{"serve"}, []string{"OTEL_EXPORTER_OTLP_PROTOCOL", `"http/json"`, "accepted: grpc, http/protobuf"}},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317"}, []string{"serve"}, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "accepted: http://HOST:PORT"}},
		{[]string{"AUTH_TOKEN_FILE=/missing", "ENVIRONMENT=e"}, []string{"serve"}, []string{"--auth-token-file (AUTH_TOKEN_FILE)", `"/missing"`, "accepted: "}},
	} {
		p.fails(t, test.env, test.args, test.words...)
	}
}

// freeAddresses are the three listeners on free ports.
var freeAddresses = []string{"--http-addr=127.0.0.1:0", "--grpc-addr=127.0.0.1:0", "--ops-addr=127.0.0.1:0"}

func portInUse(t *testing.T, p *product) {
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, flag := range []string{"--http-addr", "--grpc-addr", "--ops-addr"} {
		args := append(append([]string{"serve"}, freeAddresses...), flag+"="+taken.Addr().String())
		p.fails(t, nil, args, flag+": ", taken.Addr().String(), "in use")
	}
	// The same address twice is the same trouble.
	both := []string{"serve", "--http-addr=unix:" + filepath.Join(shortDir(t), "s")}
	both = append(both, "--grpc-addr"+strings.TrimPrefix(both[1], "--http-addr"), freeAddresses[2])
	p.fails(t, nil, both, "--grpc-addr: ", "in use")
}

func socketInUse(t *testing.T, p *product) {
	dir := shortDir(t)
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "unix", filepath.Join(dir, "taken"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := append([]string{"serve"}, freeAddresses...)
	p.fails(t, nil, append(serve, "--grpc-addr=unix:"+taken.Addr().String()), "--grpc-addr: ", taken.Addr().String(), "in use")
	p.fails(t, nil, append(serve, "--grpc-addr=unix:"+file), "--grpc-addr: ", file, "no socket")
	p.fails(t, nil, append(serve, "--grpc-addr=unix:"+filepath.Join(dir, "missing", "s")), "--grpc-addr: ", "missing")
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("a file in the way became %q, %v", text, err)
	}
}

// shortDir is a directory whose path leaves room for the name of a Unix socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func healthcheck(t *testing.T, p *product) {
	srv := servertest.Start(t, servertest.Options{Etcd: p.etcd})
	for _, args := range [][]string{
		{"healthcheck", "--grpc-addr", srv.GRPC, "--wait", patience.String()},
		{"healthcheck", "--grpc-addr", srv.GRPC},
		{"healthcheck", "--grpc-addr", srv.GRPC, "--service", "liveness"},
		{"healthcheck", "--grpc-addr", srv.GRPC, "--service", "configservice.v1.ConfigService"},
		{"healthcheck", "--grpc-addr", srv.GRPC, "--service", "freshness", "--wait", patience.String()},
	} {
		if stdout, stderr, code := p.run(t, nil, args...); code != 0 || stdout+stderr != "" {
			t.Errorf("%q: exit code %d, printed %q and %q", args, code, stdout, stderr)
		}
	}
	if _, stderr, code := p.run(t, []string{"CONFIG_GRPC_ADDR=" + srv.GRPC}, "healthcheck"); code != 0 {
		t.Errorf("with the address in the environment: exit code %d, %q", code, stderr)
	}
	p.fails(t, []string{"CONFIG_GRPC_ADDR=" + srv.GRPC}, []string{"healthcheck", "--grpc-addr", servertest.FreeAddress(t)}, "readiness: ")
	p.fails(t, nil, []string{"healthcheck", "--grpc-addr", srv.GRPC, "--service", "nonsense"}, "nonsense: ")
	srv.Stop(t)
	p.fails(t, nil, []string{"healthcheck", "--grpc-addr", srv.GRPC}, "readiness: ")

	starting := servertest.Start(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": servertest.FreeAddress(t)}})
	p.fails(t, nil, []string{"healthcheck", "--grpc-addr", starting.GRPC}, "readiness: NOT_SERVING")
	p.fails(t, nil, []string{"healthcheck", "--grpc-addr", starting.GRPC, "--wait", "300ms"}, "readiness: NOT_SERVING")
	p.fails(t, nil, []string{"healthcheck", "--grpc-addr", starting.GRPC, "--service", "freshness"}, "freshness: NOT_SERVING")
	if _, stderr, code := p.run(t, nil, "healthcheck", "--grpc-addr", starting.GRPC, "--service", "liveness"); code != 0 {
		t.Errorf("liveness without a store: exit code %d, %q", code, stderr)
	}
}

func healthcheckOfNothing(t *testing.T, p *product) {
	addr := servertest.FreeAddress(t)
	p.fails(t, nil, []string{"healthcheck", "--grpc-addr", addr}, "readiness: ", addr)
	p.fails(t, nil, []string{"healthcheck", "--grpc-addr", "unix:" + filepath.Join(shortDir(t), "s")}, "readiness: ")
}
