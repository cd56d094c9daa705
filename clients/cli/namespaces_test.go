package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// A watch of the scopes goes on when the server comes back: it says what changed meanwhile,
// and nothing twice.
func TestNamespacesSurviveAServerThatGoes(t *testing.T) {
	t.Parallel()
	etcd := servertest.StartEtcd(t)
	etcd.Protect(t)
	addr := servertest.FreeAddress(t)
	start := func() *servertest.Server {
		return servertest.StartControl(t, servertest.Options{Etcd: etcd, Settings: map[string]string{"CONFIG_GRPC_ADDR": addr}})
	}
	s := start()
	token := filepath.Join(t.TempDir(), "admin.token")
	servertest.WriteFile(t, token, servertest.AdminToken)
	environment := map[string]string{"CONFIG_SERVICE_ADDR": addr, "CONFIG_SERVICE_TOKEN_FILE": token}
	do := func(environment map[string]string, args ...string) {
		t.Helper()
		if exit, _, errs := configctl(t, false, "", environment, args...); exit != 0 {
			t.Fatalf("%v: exit %d %s", args, exit, errs)
		}
	}
	for _, namespace := range []string{"goes", "moves", "stays"} {
		do(environment, "set", "a=1", "-n", namespace, "-e", "production", "-m", "x", "-y")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs output
	ended := make(chan int, 1)
	go func() {
		c := &tool{lookup: func(name string) (string, bool) { value, ok := environment[name]; return value, ok }}
		ended <- c.run(ctx, []string{"namespaces", "--watch"}, &out, &errs)
	}()
	out.await(t, "stays in production: version 1")
	s.Stop(t)
	errs.await(t, "note: the server or its store is gone; calling it again in 200ms")
	other := servertest.StartControl(t, servertest.Options{Etcd: etcd})
	elsewhere := map[string]string{"CONFIG_SERVICE_ADDR": other.GRPC, "CONFIG_SERVICE_TOKEN_FILE": token}
	do(elsewhere, "set", "a=2", "-n", "moves", "-e", "production", "-m", "x", "-y")
	do(elsewhere, "service", "register", "--service", "goes", "--environment", "production", "--token-out", filepath.Join(t.TempDir(), "token"))
	do(elsewhere, "service", "delete", "--service", "goes", "--environment", "production", "--yes")
	start()
	out.await(t, "moves in production: version 2")
	out.await(t, "goes in production is gone")
	cancel()
	if exit := <-ended; exit != 0 {
		t.Errorf("exit %d: %s", exit, &errs)
	}
	if n := strings.Count(out.String(), "stays in production"); n != 1 {
		t.Errorf("what did not change was said %d times:\n%s", n, &out)
	}
}
