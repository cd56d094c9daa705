package configclient_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func TestCloseBeforeThereWasAnything(t *testing.T) {
	t.Parallel()
	c := open(t, configclient.WithAddress(pretend(t, saying())), configclient.WithTimeout(0))
	waited := make(chan error, 1)
	go func() { waited <- c.WaitReady(context.Background()) }()
	var all sync.WaitGroup
	for range 10 {
		all.Go(c.Close)
	}
	all.Wait()
	if err := next(t, waited); !errors.Is(err, configclient.ErrUnavailable) {
		t.Errorf("WaitReady = %v", err)
	}
	if _, err := c.Get("a"); !errors.Is(err, configclient.ErrUnavailable) || c.Status() != configclient.Closed {
		t.Errorf("Get = %v, %s", err, c.Status())
	}
	if configclient.Get(c, "a", 7) != 7 {
		t.Error("the default is not answered")
	}
}

// A client that is opened and closed leaves nothing behind.
func TestOpenAndCloseLeaveNothing(t *testing.T) {
	s := configtest.Start(t, configtest.Values{"a": 1})
	dir := t.TempDir()
	cycle := func() {
		c := s.Client(t, configclient.WithCacheFile(filepath.Join(dir, "cache")))
		v := configclient.NewValue(c, "a", 0)
		if _, err := c.OnChange("*", func(configclient.Change) {}); err != nil || v.Get() != 1 {
			t.Fatalf("%v, a is %d", err, v.Get())
		}
		c.Close()
	}
	cycle()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 100 {
		cycle()
	}
	// Those of the server end when it has noticed.
	until(t, "the goroutines and files of before", func() bool {
		return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files
	})
	if left, err := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc")
	}
	return len(list)
}

// What a refusal left unloaded stays unloaded, not refused.
func TestCloseWhileDeniedWithoutValues(t *testing.T) {
	t.Parallel()
	c := open(t, configclient.WithAddress(pretend(t, func(*configv1.WatchRequest, grpc.ServerStreamingServer[configv1.WatchResponse]) error {
		return status.Error(codes.PermissionDenied, "no")
	})))
	reaches(t, c, configclient.Denied)
	c.Close()
	if err := c.WaitReady(t.Context()); !errors.Is(err, configclient.ErrUnavailable) {
		t.Errorf("WaitReady = %v", err)
	}
	if _, err := c.Get("a"); !errors.Is(err, configclient.ErrUnavailable) {
		t.Errorf("Get = %v", err)
	}
}
