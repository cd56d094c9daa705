package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/config-service/config-service/server/leaktest"
	"github.com/config-service/config-service/server/servertest"
)

func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"configctl": main})
}

type leakless struct{ m *testing.M }

func (l leakless) Run() int { return leaktest.Run(l.m) }

// patience bounds every wait of these tests. None of them needs nearly as long.
const patience = 2 * time.Minute

// scripts runs what is in a directory of testdata, each script as an administrator of the
// server, if there is one.
func scripts(t *testing.T, dir string, server *servertest.Server) {
	t.Helper()
	environment := map[string]string{}
	if server != nil {
		environment = map[string]string{"CONFIG_SERVICE_ADDR": server.GRPC, "CONFIG_SERVICE_TOKEN_FILE": ""}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", dir),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for name, value := range environment {
				env.Setenv(name, value)
			}
			token := filepath.Join(env.WorkDir, "admin-of-the-test.token")
			if _, ok := environment["CONFIG_SERVICE_TOKEN_FILE"]; ok {
				env.Setenv("CONFIG_SERVICE_TOKEN_FILE", token)
			}
			settles(env, t, server)
			return os.WriteFile(token, []byte(servertest.AdminToken+"\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "mode": mode, "belongs": belongs, "until": until,
		},
	})
}

// settle is what a script has that returns when its server has all that was written before:
// what a commit changed comes to readers some milliseconds after its answer.
type settle struct{}

func settles(env *testscript.Env, t *testing.T, server *servertest.Server) {
	if server != nil {
		env.Values[settle{}] = func() { server.Settle(t) }
	}
}

// exits N command...: the command ends with that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if settled, ok := ts.Value(settle{}).(func()); ok {
		settled()
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// until file pattern: waits until the file holds it.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		if pattern.Match(text) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s never held %s:\n%s", args[0], args[1], text)
		}
	}
}

// mode OCTAL file: that is the mode of the file.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode()&fs.ModePerm); got != args[0] {
		ts.Fatalf("%s has the mode %s, want %s", args[1], got, args[0])
	}
}

// belongs token tokens-file: the entry of the token is in the file.
func belongs(ts *testscript.TestScript, _ bool, args []string) {
	token := strings.TrimSuffix(ts.ReadFile(args[0]), "\n")
	id := strings.Split(token, "_")[1]
	entry := fmt.Sprintf("{id: %s, digest: \"sha256:%x\", ", id, sha256.Sum256([]byte(token)))
	if !strings.Contains(ts.ReadFile(args[1]), entry) {
		ts.Fatalf("%s has no entry %s", args[1], entry)
	}
}

// What needs no server.
func TestOffline(t *testing.T) {
	t.Parallel()
	scripts(t, "offline", nil)
}

// control is a server that has everything.
func control(t *testing.T) *servertest.Server {
	t.Helper()
	etcd := servertest.StartEtcd(t)
	etcd.Protect(t)
	return servertest.StartControl(t, servertest.Options{Etcd: etcd})
}

// Callers ask about themselves.
func TestAccess(t *testing.T) {
	t.Parallel()
	scripts(t, "access", control(t))
}

// Services come and go.
func TestService(t *testing.T) {
	t.Parallel()
	scripts(t, "service", control(t))
}

// Configuration is read and changed.
func TestConfig(t *testing.T) {
	t.Parallel()
	scripts(t, "config", control(t))
}

// Servers are kept under names.
func TestContext(t *testing.T) {
	t.Parallel()
	scripts(t, "context", control(t))
}

// configctl runs it in this process, on a terminal or not.
func configctl(t *testing.T, terminal bool, input string, environment map[string]string, args ...string) (exit int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	c := &tool{
		lookup:   func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
		in:       strings.NewReader(input),
		terminal: terminal,
	}
	exit = c.run(ctx, args, &stdout, &stderr)
	return exit, stdout.String(), stderr.String()
}

// On a terminal what ends something asks; anything but a yes is a no. (Nobody answers at
// the address: whoever gets as far as the call exits with 5.)
func TestConfirm(t *testing.T) {
	t.Parallel()
	nobody := map[string]string{"CONFIG_SERVICE_ADDR": "127.0.0.1:1"}
	for _, command := range []string{"revoke", "delete"} {
		for input, want := range map[string]int{"y\n": 5, "Yes\n": 5, "\n": 1, "n\n": 1, "": 1, "yy\n": 1, "payment-service\n": 1} {
			exit, out, errs := configctl(t, true, input, nobody, "service", command, "--service", "payment-service", "--environment", "production")
			if exit != want || out != "" || !strings.Contains(errs, "payment-service in production") || !strings.Contains(errs, "[y/N]") {
				t.Errorf("%s, answered %q: exit %d, want %d, %q %q", command, input, exit, want, out, errs)
			}
			if want == 1 && !strings.Contains(errs, "nothing was done") {
				t.Errorf("%s, answered %q: %q", command, input, errs)
			}
		}
		if exit, _, errs := configctl(t, false, "y\n", nobody, "service", command, "--service", "a", "--environment", "b"); exit != 2 || !strings.Contains(errs, "--yes") {
			t.Errorf("%s without a terminal: exit %d %q", command, exit, errs)
		}
		if exit, _, errs := configctl(t, true, "", nobody, "service", command, "--service", "a", "--environment", "b", "--yes"); exit != 5 || strings.Contains(errs, "[y/N]") {
			t.Errorf("%s with --yes: exit %d %q", command, exit, errs)
		}
	}
}
