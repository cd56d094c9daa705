package endpoint_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/servertest"
)

var dialOptions = []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := endpoint.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return l
}

func wantRefused(t *testing.T, addr string, words ...string) {
	t.Helper()
	l, err := endpoint.Listen(t.Context(), addr)
	if err == nil {
		l.Close()
		t.Fatalf("%s is listened on", addr)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

func TestSocketIsForUserAndGroup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l := listen(t, "unix:"+path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("the socket's mode is %s", info.Mode())
	}
	l.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the close the socket is still there: %v", err)
	}
}

// A process that died leaves its socket; the next one takes its place.
func TestStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	l := listen(t, "unix:"+path)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	// A process that lives keeps its own.
	wantRefused(t, "unix:"+path, path, "in use by another process")
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the refused one took the socket away: %v", err)
	} else {
		conn.Close()
	}
	l.Close()
}

// What is no socket is never removed.
func TestOtherFilesAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, folder, link := filepath.Join(dir, "file"), filepath.Join(dir, "folder"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("kept"), 0o600), os.Mkdir(folder, 0o700), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, folder, link} {
		wantRefused(t, "unix:"+path, path, "is no socket")
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != "kept" {
		t.Errorf("the file holds %q: %v", kept, err)
	}
	wantRefused(t, "unix:"+filepath.Join(dir, "absent", "s"), "absent")
	wantRefused(t, "unix:"+filepath.Join(dir, strings.Repeat("x", 200)))
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l := listen(t, "127.0.0.1:0")
	wantRefused(t, l.Addr().String(), l.Addr().String(), "in use by another process", "choose another address")
	wantRefused(t, "127.0.0.1:99999")
	wantRefused(t, "no-such-host.invalid:0")
}

// The whole server on a Unix socket.
func TestServerOnASocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "grpc")
	s := servertest.Start(t, servertest.Options{Settings: map[string]string{"CONFIG_GRPC_ADDR": "unix:" + path}})
	revision := s.Set(t, own, "a", `"x"`)
	conn, err := grpc.NewClient("unix:"+path, dialOptions...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	resp, err := configv1.NewConfigServiceClient(conn).Get(deadline(t), &configv1.GetRequest{Key: "a", MinRevision: revision})
	if err != nil || resp.GetEntry().GetValue().GetStringValue() != "x" {
		t.Errorf("answered %v %v", resp, err)
	}
	s.Stop(t)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server left its socket: %v", err)
	}
}
