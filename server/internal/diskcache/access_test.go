//go:build linux || darwin

package diskcache_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/config-service/config-service/server/internal/diskcache"
)

// nobody is a user who runs no test.
const nobody = 65534

// asRoot skips a test that needs root, but not in continuous integration.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("needs root")
	}
	t.Skip("needs root")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatAreNotSafeToRead(t *testing.T) {
	for _, test := range []struct {
		name  string
		want  string
		root  bool
		spoil func(t *testing.T, g *twoGenerations)
	}{
		{"a link to a good file", "is a symbolic link; accepted: a file", false, func(t *testing.T, g *twoGenerations) {
			must(t, os.Rename(g.newer, g.newer+".good"))
			must(t, os.Symlink(filepath.Base(g.newer)+".good", g.newer))
		}},
		{"a link out of the directory", "is a symbolic link", false, func(t *testing.T, g *twoGenerations) {
			outside := filepath.Join(t.TempDir(), "good")
			must(t, os.Rename(g.newer, outside))
			must(t, os.Symlink(outside, g.newer))
		}},
		{"a dangling link", "is a symbolic link", false, func(t *testing.T, g *twoGenerations) {
			must(t, os.Remove(g.newer))
			must(t, os.Symlink("nowhere", g.newer))
		}},
		{"a pipe", "is a named pipe; accepted: a file", false, func(t *testing.T, g *twoGenerations) {
			must(t, os.Remove(g.newer))
			must(t, syscall.Mkfifo(g.newer, 0o600))
		}},
		{"a directory", "is a directory; accepted: a file", false, func(t *testing.T, g *twoGenerations) {
			must(t, os.Remove(g.newer))
			must(t, os.Mkdir(g.newer, 0o700))
		}},
		{"a device", "is a device; accepted: a file", true, func(t *testing.T, g *twoGenerations) {
			must(t, os.Remove(g.newer))
			must(t, syscall.Mknod(g.newer, syscall.S_IFCHR|0o600, 1<<8|5)) // /dev/zero
		}},
		{"everybody writes", "has mode 0666; accepted: no access for group and others", false, func(t *testing.T, g *twoGenerations) { must(t, os.Chmod(g.newer, 0o666)) }},
		{"everybody reads", "has mode 0644", false, func(t *testing.T, g *twoGenerations) { must(t, os.Chmod(g.newer, 0o644)) }},
		{"the group writes", "has mode 0620", false, func(t *testing.T, g *twoGenerations) { must(t, os.Chmod(g.newer, 0o620)) }},
		{"another user's", "belongs to user 65534; accepted: the user who runs this, 0", true, func(t *testing.T, g *twoGenerations) { must(t, os.Chown(g.newer, nobody, -1)) }},
		{"2 GiB", "has 2147483648 bytes; accepted: at most 67108864", false, func(t *testing.T, g *twoGenerations) { must(t, os.Truncate(g.newer, 2<<30)) }},
		{"a byte too large", "has 67108865 bytes", false, func(t *testing.T, g *twoGenerations) { must(t, os.Truncate(g.newer, 64<<20+1)) }},
		{"as large as can be", "does not end with its checksum", false, func(t *testing.T, g *twoGenerations) { must(t, os.Truncate(g.newer, 64<<20)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root {
				asRoot(t)
			}
			g := newTwoGenerations(t, small(1), small(2))
			test.spoil(t, g)
			says(t, g.refusesNewer(t, test.name), test.want)
			// It is in nobody's way: the next save replaces it.
			if err := g.cache.Save(small(3), start); test.name == "a directory" {
				says(t, err, "last-known-good.1")
				must(t, os.Remove(g.newer))
				must(t, g.cache.Save(small(3), start))
			} else {
				must(t, err)
			}
			got, err := g.cache.Load()
			if err := errors.Join(err, got.Refused); err != nil || got.Content.Revision != 3 {
				t.Errorf("after the next save: revision %d, %v", got.Content.Revision, err)
			}
		})
	}
}

func TestDirectoriesThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		name  string
		want  string
		root  bool
		spoil func(t *testing.T, dir string)
	}{
		{"a link to a good one", "is a symbolic link; accepted: a directory", false, func(t *testing.T, dir string) {
			must(t, os.Rename(dir, dir+".good"))
			must(t, os.Symlink(filepath.Base(dir)+".good", dir))
		}},
		{"a link elsewhere", "is a symbolic link; accepted: a directory", false, func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t, os.Symlink(t.TempDir(), dir))
		}},
		{"a file", "is a file; accepted: a directory", false, func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			write(t, dir, nil)
		}},
		{"a pipe", "is a named pipe; accepted: a directory", false, func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t, syscall.Mkfifo(dir, 0o700))
		}},
		{"open to all", "has mode 0777; accepted: no access for group and others", false, func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o777)) }},
		{"open to the group", "has mode 0710", false, func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o710)) }},
		{"another user's", "belongs to user 65534", true, func(t *testing.T, dir string) { must(t, os.Chown(dir, nobody, -1)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root {
				asRoot(t)
			}
			parent := t.TempDir()
			must(t, os.Chmod(parent, 0o777)) // as an emptyDir is
			c := open(t, parent, payment)
			save(t, c, small(1))
			must(t, c.Close())
			dir := path(parent, payment, "")
			test.spoil(t, dir)
			_, err := diskcache.Open(parent, payment)
			says(t, err, test.want, dir)
		})
	}
}

func TestWhatIsMissingIsMadeForThisUserAlone(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		top := t.TempDir()
		if umask == 0o777 && os.Geteuid() != 0 {
			continue // who is not root cannot enter what this makes
		}
		old := syscall.Umask(umask)
		t.Cleanup(func() { syscall.Umask(old) })
		c := open(t, filepath.Join(top, "a", "b"), payment)
		save(t, c, small(1))
		save(t, c, small(2))
		syscall.Umask(old)
		must(t, filepath.WalkDir(filepath.Join(top, "a"), func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("umask %o: %s has mode %s", umask, name, info.Mode())
			}
			return err
		}))
		for name, want := range map[string]fs.FileMode{"": 0o700, olderFile: 0o600, newerFile: 0o600} {
			info, err := os.Stat(path(filepath.Join(top, "a", "b"), payment, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %o: %q has mode %s, %v", umask, name, info.Mode(), err)
			}
		}
	}
}

func TestWhatIsLeftOverIsRemoved(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, name string){
		"a file": func(t *testing.T, name string) { write(t, name, []byte("half a configu")) },
		"a link": func(t *testing.T, name string) { must(t, os.Symlink(filepath.Join(t.TempDir(), "victim"), name)) },
		"a pipe": func(t *testing.T, name string) { must(t, syscall.Mkfifo(name, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, open(t, dir, payment).Close())
			left := path(dir, payment, "last-known-good.new")
			leave(t, left)
			c := open(t, dir, payment)
			if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it is there after Open: %v", err)
			}
			// Nor does one that comes later stand in the way, or lead elsewhere.
			leave(t, left)
			save(t, c, small(1))
			must(t, c.Close())
			loads(t, dir, small(1))
		})
	}
}

// TestSwappedWhileItIsRead has a file become a link to another one, and a pipe, all the
// time: what is read is the file, or nothing, and nothing waits for the pipe.
func TestSwappedWhileItIsRead(t *testing.T) {
	g := newTwoGenerations(t, small(1), small(2))
	dir := filepath.Dir(g.newer)
	planted, err := diskcache.Encode(payment, small(666), 666, start)
	must(t, err)
	write(t, filepath.Join(dir, "planted"), planted)
	must(t, os.Link(g.newer, filepath.Join(dir, "good")))

	stop, stopped := make(chan struct{}), make(chan error)
	go func() { stopped <- swap(g.newer, stop) }()
	var whole, refused int
	for range 5000 {
		got, err := g.cache.Load()
		must(t, err)
		switch {
		case got.Content.Revision == 2:
			whole++
		case got.Content.Revision == 1 && got.Refused != nil:
			refused++
		default:
			t.Fatalf("revision %d is loaded, refused is %v", got.Content.Revision, got.Refused)
		}
	}
	close(stop)
	must(t, <-stopped)
	t.Logf("loaded %d times, refused %d times", whole, refused)
	if whole == 0 || refused == 0 {
		t.Error("nothing was swapped: this test tests nothing")
	}
}

func swap(name string, stop <-chan struct{}) error {
	next := name + ".next"
	for {
		for _, put := range []func() error{
			func() error { return os.Symlink("planted", next) },
			func() error { return os.Link(filepath.Join(filepath.Dir(name), "good"), next) },
			func() error { return syscall.Mkfifo(next, 0o600) },
			func() error { return os.Link(filepath.Join(filepath.Dir(name), "good"), next) },
		} {
			if err := errors.Join(put(), os.Rename(next, name)); err != nil {
				return err
			}
		}
		select {
		case <-stop:
			return nil
		default:
		}
	}
}
