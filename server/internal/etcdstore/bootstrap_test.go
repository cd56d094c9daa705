package etcdstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/servertest"
)

// files are the password files of a bootstrap.
type files map[string]string

func (f files) password(name string) etcdstore.Password {
	return etcdstore.Password{
		Name: name,
		Read: func() (string, error) {
			if p, ok := f[name]; ok {
				return p, nil
			}
			return "", fs.ErrNotExist
		},
		Make: func() (string, error) { f[name] = rand.Text(); return f[name], nil },
	}
}

func (f files) config(etcd *servertest.Etcd, said *[]string) etcdstore.BootstrapConfig {
	shared := f.password("shared.file")
	return etcdstore.BootstrapConfig{
		Endpoints: []string{etcd.Endpoint}, Root: f.password("root.file"), Control: f.password("control.file"), Shared: &shared,
		Say: func(line string) { *said = append(*said, line) }, Now: time.Now,
	}
}

func TestABootstrapThatWasInterruptedIsCompleted(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	points := 0
	for n := 1; ; n++ {
		etcd, kept := servertest.StartEtcd(t), files{}
		var said []string
		crashed, left := false, n
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := etcdstore.BootstrapStepping(ctx, kept.config(etcd, &said), func(string) {
				if left--; left == 0 {
					crashed = true
					runtime.Goexit()
				}
			})
			if err != nil {
				t.Error(err)
			}
		}()
		<-done
		if !crashed {
			break
		}
		points++
		for range 2 {
			said = nil
			if _, err := etcdstore.Bootstrap(ctx, kept.config(etcd, &said)); err != nil {
				t.Fatalf("after a crash at %d: %v", n, err)
			}
		}
		for _, line := range said {
			if strings.HasSuffix(line, ": done") || strings.Contains(line, "made") || strings.Contains(line, "anew") {
				t.Errorf("after a crash at %d, the third run: %s", n, line)
			}
		}
		isProtected(t, ctx, etcd, kept)
		etcd.Stop()
	}
	if points < 8 {
		t.Errorf("it was interrupted at %d points only", points)
	}
	t.Logf("interrupted at %d points", points)
}

// isProtected tries what the users may do, and what not.
func isProtected(t *testing.T, ctx context.Context, etcd *servertest.Etcd, kept files) {
	t.Helper()
	root := open(t, etcd, "root", kept["root.file"])
	control := open(t, etcd, etcdstore.ControlUser, kept["control.file"])
	shared := open(t, etcd, etcdstore.SharedUser, kept["shared.file"])
	defer root.Close()
	defer control.Close()
	defer shared.Close()
	if _, err := control.UserList(ctx); err != nil {
		t.Errorf("the control server cannot manage users: %v", err)
	}
	if _, err := control.Put(ctx, mine+"a", "1"); err != nil {
		t.Errorf("the control server cannot write: %v", err)
	}
	if got, err := shared.Get(ctx, mine+"a"); err != nil || len(got.Kvs) != 1 {
		t.Errorf("the shared server reads %v, %v", got, err)
	}
	_, put := shared.Put(ctx, mine+"a", "1")
	_, record := shared.Get(ctx, keyRoot+"services/production/pay")
	_, users := shared.UserList(ctx)
	for what, err := range map[string]error{"write": put, "read a record": record, "list the users": users} {
		if err == nil {
			t.Errorf("the shared server can %s", what)
		}
	}
	got, err := root.RoleGet(ctx, etcdstore.SharedUser)
	if err != nil || len(got.Perm) != 2 { // entries and schemas
		t.Errorf("the role of the shared server is %v, %v", got, err)
	}
}

const keyRoot = "/config-service/v1/"

func TestWhatABootstrapRefuses(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	etcd, kept := servertest.StartEtcd(t), files{}
	var said []string
	findings, err := etcdstore.Bootstrap(ctx, kept.config(etcd, &said))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"plaintext", "one member", "default quota of 2 GiB"} {
		if !slices.ContainsFunc(findings, func(f string) bool { return strings.Contains(f, word) }) {
			t.Errorf("the findings have no %q: %q", word, findings)
		}
	}
	for name, test := range map[string]struct {
		change func(files, *etcdstore.BootstrapConfig)
		words  []string
	}{
		"no root file":    {func(f files, _ *etcdstore.BootstrapConfig) { delete(f, "root.file") }, []string{"authentication is on", "root.file", "accepted"}},
		"another root":    {func(f files, _ *etcdstore.BootstrapConfig) { f["root.file"] = "canary" }, []string{"root.file", "user root", "accepted"}},
		"no control file": {func(f files, _ *etcdstore.BootstrapConfig) { delete(f, "control.file") }, []string{"control.file", "--reset-control"}},
		"another control": {func(f files, _ *etcdstore.BootstrapConfig) { f["control.file"] = "canary" }, []string{"control.file", "config-service-control", "--reset-control"}},
		"another shared":  {func(f files, _ *etcdstore.BootstrapConfig) { f["shared.file"] = "canary" }, []string{"shared.file", "config-service-shared", "accepted"}},
		"no etcd":         {func(_ files, c *etcdstore.BootstrapConfig) { c.Endpoints = []string{"http://127.0.0.1:1"} }, []string{"cannot be reached", "127.0.0.1:1", "refused"}},
		"a file that cannot be read": {func(_ files, c *etcdstore.BootstrapConfig) {
			c.Root.Read = func() (string, error) { return "", errors.New("root.file is odd") }
		}, []string{"root.file is odd"}},
	} {
		f := files{}
		for k, v := range kept {
			f[k] = v
		}
		cfg := f.config(etcd, &said)
		test.change(f, &cfg)
		_, err := etcdstore.Bootstrap(ctx, cfg)
		if err == nil {
			t.Errorf("%s: it went on", name)
			continue
		}
		for _, word := range test.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v; without %q", name, err, word)
			}
		}
		if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v: it tells a password, or is more than a line", name, err)
		}
	}
	isProtected(t, ctx, etcd, kept)

	kept["control.file"] = "another password"
	cfg := kept.config(etcd, &said)
	cfg.ResetControl = true
	if _, err := etcdstore.Bootstrap(ctx, cfg); err != nil {
		t.Errorf("with --reset-control: %v", err)
	}
	isProtected(t, ctx, etcd, kept)
}

// Whoever could reach etcd before it was protected may have made a user that may do
// everything, who stays.
func TestABootstrapTellsWhoMayDoEverything(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	etcd, kept := servertest.StartEtcd(t), files{}
	anyone := open(t, etcd, "", "")
	_, err := anyone.UserAdd(ctx, "mallory", "x")
	_, err2 := anyone.RoleAdd(ctx, "root")
	_, err3 := anyone.UserGrantRole(ctx, "mallory", "root")
	_, err4 := anyone.UserAdd(ctx, "harmless", "x")
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	var said []string
	findings, err := etcdstore.Bootstrap(ctx, kept.config(etcd, &said))
	if err != nil {
		t.Fatal(err)
	}
	var about []string
	for _, f := range findings {
		if strings.Contains(f, "role root") {
			about = append(about, f)
		}
	}
	if len(about) != 1 || !strings.Contains(about[0], `"mallory"`) {
		t.Errorf("the findings about the role root are %q of\n%s", about, strings.Join(findings, "\n"))
	}
}

// Not parallel: it changes which releases are known to be good.
func TestAnOldEtcdIsUnsuitable(t *testing.T) {
	defer etcdstore.Newest()()
	ctx := within(t)
	etcd, kept := servertest.StartEtcd(t), files{}
	var said []string
	cfg := kept.config(etcd, &said)
	if _, err := etcdstore.Bootstrap(ctx, cfg); !errors.Is(err, etcdstore.ErrUnsuitable) || !strings.Contains(err.Error(), "99.0.0") || !strings.Contains(err.Error(), "--allow-old-etcd") {
		t.Errorf("an old etcd: %v", err)
	}
	anyone := open(t, etcd, "", "")
	if status, err := anyone.AuthStatus(ctx); err != nil || status.Enabled {
		t.Errorf("it was changed all the same: %v, %v", status, err)
	}
	cfg.AllowOld = true
	findings, err := etcdstore.Bootstrap(ctx, cfg)
	if err != nil || !slices.ContainsFunc(findings, func(f string) bool { return strings.Contains(f, "99.0.0") }) {
		t.Errorf("with --allow-old-etcd: %q, %v", findings, err)
	}
	reg := etcdstore.NewRegistry(etcdstore.RegistryConfig{
		Endpoints: []string{etcd.Endpoint},
		Access: func() (etcdstore.Access, <-chan struct{}) {
			return etcdstore.Access{User: etcdstore.ControlUser, Password: kept["control.file"]}, nil
		},
		Now: time.Now, Rand: rand.Reader,
	})
	defer reg.Close()
	if _, _, err := reg.Register(ctx, admin(t, "pay", "production")); !errors.Is(err, etcdstore.ErrUnsuitable) || !strings.Contains(err.Error(), "99.0.0") {
		t.Errorf("registered in an old etcd: %v", err)
	}
}
