package clients_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// example is examples/follow of a language, built as a project of its own that takes
// the client as a package.
type example struct {
	name  string
	built string   // what `make stubs` leaves
	argv  []string // how it is run
	code  int      // its exit code after SIGTERM
}

func examples() []example {
	const typescript, java = "../.build/typescript/follow/dist/main.js", "../.build/java/follow/target/follow.jar"
	return []example{
		{"TypeScript", typescript, []string{"node", typescript}, 0},
		{"Java", java, []string{"java", "-XX:TieredStopAtLevel=1", "-jar", java}, 128 + 15},
	}
}

// read20 is what the example prints first; a starved sidecar is not FRESH any more.
const read20 = `\{"get":\{"key":"database.pool_size","value":20,"layer":"SERVICE_ENVIRONMENT","freshness":"(FRESH|STALE)"\}\}`

// started runs the example beside a sidecar that runs, and returns it when it has printed
// what it read, and has connected.
func (e example) started(t *testing.T, grpc, read string, args ...string) *program {
	t.Helper()
	env, argv := []string{"CONFIG_SERVICE_ADDR=" + grpc}, slices.Concat(e.argv, args)
	p, first := runUntilAnswered(t, `"reason":"UNAVAILABLE"}`, env, argv...)
	if !regexp.MustCompile("^" + read + "$").MatchString(first) {
		t.Fatalf("the program prints %s, want %s", first, read)
	}
	p.prints(t, `{"connected":"snapshot"}`)
	return p
}

// needs skips a test for which something is not built; in CI that is a failure.
func needs(t *testing.T, built string) {
	t.Helper()
	if _, err := os.Stat(built); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("it is not built: %v", err)
		}
		t.Skip("it is not built; run `make stubs`")
	}
}

// TestFollow runs the example of each language over what can happen to a real sidecar.
func TestFollow(t *testing.T) {
	binary := build(t)
	for _, e := range examples() {
		for name, test := range map[string]func(*testing.T, string, example){
			"over restarts":     followsOverRestarts,
			"frozen sidecar":    noticesFrozenSidecar,
			"without a sidecar": startsWithoutSidecar,
			"refused":           saysWhatIsRefused,
		} {
			t.Run(e.name+" "+name, func(t *testing.T) {
				needs(t, e.built)
				t.Parallel()
				test(t, binary, e)
			})
		}
	}
}

func followsOverRestarts(t *testing.T, binary string, e example) {
	s := newSidecar(t, binary, "")
	s.start(t)
	p := e.started(t, s.grpc, read20)
	s.set(t, poolSize, "25")
	p.prints(t, `{"value":25}`)

	s.stop(syscall.SIGKILL)
	p.prints(t, `{"lost":"UNAVAILABLE"}`)
	s.set(t, poolSize, "30")
	s.start(t)
	// The change may come after a first message from the copy on disk.
	if line := p.line(t); !regexp.MustCompile(`^\{"connected":"\w+"\}$`).MatchString(line) {
		t.Fatalf("the program prints %s, want that it is connected", line)
	}
	p.prints(t, `{"value":30}`)

	s.stop(syscall.SIGTERM)
	p.prints(t, `{"lost":"NOT_READY"}`)
	s.start(t)
	p.prints(t, `{"connected":"checkpoint"}`) // nothing changed since the resume point
	s.delete(t, poolSize)
	p.prints(t, `{"default":10,"reason":"KEY_NOT_FOUND"}`)
	s.set(t, poolSize, "[1, null]")
	p.prints(t, `{"value":[1,null]}`)

	p.terminate(t)
	if code, stdout, stderr := p.ends(t); code != e.code || stdout+stderr != "" {
		t.Errorf("after SIGTERM it ends with %d and says %q and %q", code, stdout, stderr)
	}
}

// noticesFrozenSidecar has a connection that stays open and answers no ping.
func noticesFrozenSidecar(t *testing.T, binary string, e example) {
	s := newSidecar(t, binary, "")
	s.start(t)
	p := e.started(t, s.grpc, read20)
	s.signal(t, syscall.SIGSTOP)
	p.prints(t, `{"lost":"UNAVAILABLE"}`)
	s.set(t, poolSize, "25")
	s.signal(t, syscall.SIGCONT)
	// A connection made meanwhile may begin with a message from before the change.
	if line := p.line(t); !strings.HasPrefix(line, `{"connected":`) {
		t.Fatalf("the program prints %s, want that it is connected", line)
	}
	p.prints(t, `{"value":25}`)
}

func startsWithoutSidecar(t *testing.T, binary string, e example) {
	socket := "unix:" + filepath.Join(t.TempDir(), "sidecar.sock")
	s := newSidecar(t, binary, socket)
	s.delete(t, poolSize)
	p := run(t, []string{"CONFIG_SERVICE_ADDR=" + socket}, e.argv...)
	p.prints(t, `{"default":10,"reason":"UNAVAILABLE"}`)
	s.start(t)
	p.prints(t, `{"connected":"snapshot"}`, `{"default":10,"reason":"KEY_NOT_FOUND"}`)
	e.started(t, socket, `\{"default":"info","reason":"KEY_NOT_FOUND"\}`, "log.level", `"info"`)
	s.set(t, poolSize, "20")
	p.prints(t, `{"value":20}`)
}

func saysWhatIsRefused(t *testing.T, binary string, e example) {
	s := newSidecar(t, binary, "")
	s.start(t)
	p := run(t, []string{"CONFIG_SERVICE_ADDR=" + s.grpc}, append(e.argv, "a..b")...)
	if code, _, stderr := p.ends(t); code != 1 || !regexp.MustCompile(`^INVALID_ARGUMENT: .*"a..b" is malformed`).MatchString(stderr) {
		t.Errorf("with a malformed key it ends with %d and says %q", code, stderr)
	}
	p = run(t, []string{"CONFIG_SERVICE_ADDR=localhost"}, e.argv...)
	says := `CONFIG_SERVICE_ADDR: "localhost" is not usable; accepted: host:port, [IPv6]:port or unix:/path`
	if code, _, stderr := p.ends(t); code != 1 || !strings.Contains(stderr, says) {
		t.Errorf("with a malformed address it ends with %d and says %q", code, stderr)
	}
}
