package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// answering is a person at a terminal.
type answering func() string

func (a answering) Read(p []byte) (int, error) { return copy(p, a()), nil }

// at runs configctl on a terminal where a person answers.
func at(t *testing.T, in io.Reader, environment map[string]string, args ...string) (exit int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	c := &tool{
		lookup: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
		in:     in, terminal: true, environment: os.Environ(),
	}
	exit = c.run(ctx, args, &stdout, &stderr)
	return exit, stdout.String(), stderr.String()
}

// admin is a server, and the environment of its administrator.
func admin(t *testing.T) (*servertest.Server, map[string]string) {
	t.Helper()
	s := servertest.StartControl(t, servertest.Options{})
	token := filepath.Join(t.TempDir(), "admin.token")
	servertest.WriteFile(t, token, servertest.AdminToken)
	return s, map[string]string{
		"CONFIG_SERVICE_ADDR": s.GRPC, "CONFIG_SERVICE_TOKEN_FILE": token, "SERVICE_NAME": "a-service", "ENVIRONMENT": "production",
	}
}

// A server that goes away between the plan and the commit is a failure that says what is
// not known; one answer of a person is enough.
func TestServerGoesAway(t *testing.T) {
	t.Parallel()
	s, environment := admin(t)
	if exit, _, errs := at(t, strings.NewReader("n\n"), environment, "set", "a=1", "-m", "x"); exit != 1 || !strings.Contains(errs, "Set 1 key in a-service in production? [y/N]") || !strings.Contains(errs, "nothing was done") {
		t.Errorf("a no: exit %d %s", exit, errs)
	}
	if exit, _, errs := at(t, strings.NewReader("y\n"), environment, "set", "a=1", "-m", "x"); exit != 0 || !strings.Contains(errs, "is at version 1") {
		t.Errorf("a yes: exit %d %s", exit, errs)
	}
	asked := 0
	person := answering(func() string {
		asked++
		s.Stop(t)
		return "y\n"
	})
	exit, out, errs := at(t, person, environment, "set", "a=2", "-m", "x", "--timeout", "30s")
	for _, want := range []string{"  - a: 1\n  + a: 2\n", "nobody answers; trying again for 30s", "no config-service answers at", "it is not known whether it was done: 'configctl history -n a-service -e production' shows it"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in\n%s", want, errs)
		}
	}
	if exit != 5 || out != "" || asked != 1 {
		t.Errorf("exit %d, asked %d times, %q", exit, asked, out)
	}
}

// Whoever commits between a plan and its commit is faster.
func TestPlanIsOld(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	for _, args := range [][]string{{"set", "a=2", "-m", "x"}, {"rollback", "1"}} {
		for _, value := range []string{"1", "7"} {
			if exit, _, errs := at(t, strings.NewReader(""), environment, "set", "a="+value, "-m", "x", "--yes"); exit != 0 {
				t.Fatal(errs)
			}
		}
		person := answering(func() string {
			if exit, _, errs := at(t, strings.NewReader(""), environment, "set", "a=9", "-m", "faster", "--yes"); exit != 0 {
				t.Error(errs)
			}
			return "y\n"
		})
		exit, _, errs := at(t, person, environment, args...)
		if exit != 4 || !strings.Contains(errs, "VERSION_CONFLICT") || !strings.Contains(errs, "made by user:admin at 20") || !strings.Contains(errs, "the same command again plans anew") {
			t.Errorf("%s: exit %d %s", args[0], exit, errs)
		}
		if _, out, _ := at(t, nil, environment, "export"); out != "a: 9\n" {
			t.Errorf("the scope holds %q", out)
		}
	}
}

// On a terminal a text with a mistake is opened again, with the mistake on top; and an
// editor asks for the message.
func TestEditAgain(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	dir := t.TempDir()
	script := filepath.Join(dir, "editor.sh")
	servertest.WriteFile(t, script, `
case $1 in
*/message.txt) cat "$1" > `+dir+`/asked; { echo "why it is done"; cat "$1"; } > "$1.new"; mv "$1.new" "$1" ;;
*) if test -e `+dir+`/first; then cp "$1" `+dir+`/second; printf '# fine\na: 2\n' > "$1"
   else cp "$1" `+dir+`/first; printf 'a: 1\na: 2\n' > "$1"; fi ;;
esac
`)
	environment["EDITOR"] = "sh " + script
	yes := answering(func() string { return "y\n" }) // an editor reads too
	exit, _, errs := at(t, yes, environment, "edit")
	if exit != 0 || !strings.Contains(errs, "done: a-service in production is at version 1") {
		t.Fatalf("exit %d %s", exit, errs)
	}
	second, err := os.ReadFile(filepath.Join(dir, "second"))
	if err != nil || !strings.HasPrefix(string(second), "#! line:2: the key \"a\" is there twice, first in line 1\n#! (lines are") || !strings.HasSuffix(string(second), "\na: 1\na: 2\n") {
		t.Errorf("opened again: %q %v", second, err)
	}
	if asked, err := os.ReadFile(filepath.Join(dir, "asked")); err != nil || !strings.Contains(string(asked), "# a-service in production, version 1: 1 set, 0 deleted") {
		t.Errorf("asked with %q %v", asked, err)
	}
	if _, out, _ := at(t, nil, environment, "show"); !strings.Contains(out, "    why it is done\n") {
		t.Errorf("the message is not kept:\n%s", out)
	}
	environment["EDITOR"] = "true" // no words
	if exit, _, errs := at(t, yes, environment, "set", "a=3"); exit != 1 || !strings.Contains(errs, "there are no words; nothing was done") {
		t.Errorf("no words: exit %d %s", exit, errs)
	}
	environment["EDITOR"] = "false"
	if exit, _, errs := at(t, yes, environment, "set", "a=3"); exit != 1 || !strings.Contains(errs, `the editor "false" failed: exit status 1; nothing was done`) {
		t.Errorf("an editor that fails: exit %d %s", exit, errs)
	}
}

// output can be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) await(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(o.String(), want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q in\n%s", want, o)
		}
	}
}

// A watch goes on when its server comes back, and ends well when it is interrupted.
func TestWatchComesBack(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	addr := servertest.FreeAddress(t)
	options := servertest.Options{Etcd: etcd, Settings: map[string]string{"CONFIG_GRPC_ADDR": addr}}
	s := servertest.Start(t, options)
	s.Set(t, configv1.Layer_SERVICE, "a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs output
	ended := make(chan int, 1)
	c := &tool{lookup: func(string) (string, bool) { return "", false }}
	go func() { ended <- c.run(ctx, []string{"watch", "--addr", addr}, &out, &errs) }()
	out.await(t, " a: 1\n")
	s.Stop(t)
	errs.await(t, "note: the server is gone; calling it again in 200ms")
	s = servertest.Start(t, options)
	s.Set(t, configv1.Layer_SERVICE, "a", "2")
	out.await(t, " a: 2\n")
	cancel()
	if exit := <-ended; exit != 0 {
		t.Errorf("exit %d %s", exit, &errs)
	}
}

// The largest scope there is: it is applied in several commits, exported, and one key of
// it changed. The figures are printed.
func TestLargeScope(t *testing.T) {
	_, environment := admin(t)
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "group%d.key%d: \"value %d of a large scope\"\n", i/100, i, i)
	}
	file := filepath.Join(t.TempDir(), "large.yaml")
	servertest.WriteFile(t, file, text.String())
	timed := func(what string, args ...string) string {
		t.Helper()
		began := time.Now()
		exit, out, errs := at(t, nil, environment, append(args, "--timeout", "2m")...)
		t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond))
		if exit != 0 {
			t.Fatalf("%s: exit %d %.2000s", what, exit, errs)
		}
		if what == "apply of 10,000 keys" && !strings.Contains(errs, "step 3 of 3 is done") {
			t.Errorf("no progress is told: %.200s", errs[max(0, len(errs)-200):])
		}
		return out
	}
	timed("apply of 10,000 keys", "apply", "-f", file, "-m", "x", "--yes")
	exported := timed("export of 10,000 keys", "export")
	if n := strings.Count(exported, "\n"); n != 10_100 {
		t.Errorf("%d lines are exported", n)
	}
	servertest.WriteFile(t, file, strings.Replace(exported, "value 77 of", "value 78 of", 1))
	timed("apply of one changed key", "apply", "--prune", "-f", file, "-m", "x", "--yes")
	timed("apply of no change", "apply", "--prune", "-f", file)
}

// A commit whose answer was lost is sent again under its name, and done once.
func TestAnswerIsLost(t *testing.T) {
	t.Parallel()
	_, environment := admin(t)
	c := &tool{lookup: func(name string) (string, bool) { value, ok := environment[name]; return value, ok }, format: show.Table}
	cmd := &cobra.Command{RunE: c.talking(nil, func(s *session, _ []string) error {
		of := where{"a-service", "production"}
		steps, err := s.stepsFor(of.namespace, []*adminv1.Change{setting(of.environment, "a", structpb.NewNumberValue(1))}, nil, nil)
		if err != nil {
			return err
		}
		send, lost := steps[0].send, 0
		steps[0].send = func(ctx context.Context, with terms) (*adminv1.CommitResponse, error) {
			resp, err := send(ctx, with)
			if err == nil && !with.dryRun && lost < 2 {
				lost++
				return nil, status.Error(codes.Unavailable, "the connection broke")
			}
			return resp, err
		}
		if err := s.carryOut(steps, intent{message: "x", yes: true}); err != nil {
			return err
		}
		all, err := s.versions(&adminv1.ListVersionsRequest{Namespace: of.namespace, Environment: of.environment}, 10)
		if n := len(all.GetVersions()); n != 1 || lost != 2 {
			t.Errorf("%d versions after %d lost answers", n, lost)
		}
		return err
	})}
	c.server.AddFlags(cmd.Flags())
	cmd.SetArgs(nil)
	var errs bytes.Buffer
	cmd.SetErr(&errs)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cmd.ExecuteContext(ctx); err != nil || !strings.Contains(errs.String(), "done: a-service in production is at version 1") {
		t.Errorf("%v %s", err, &errs)
	}
}
