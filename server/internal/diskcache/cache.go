// Package diskcache is the last known good configuration on disk. It holds two
// generations, each a file that is whole or refused, so that a crash at any moment
// leaves one to start from.
package diskcache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Names and modes of what lies in the directory.
const (
	temporary = "last-known-good.new"
	fileMode  = 0o600
	dirMode   = 0o700
	tooOpen   = 0o077
)

// ErrEmpty says that nothing was ever saved.
var ErrEmpty = errors.New("no configuration was saved yet")

// slots are the two files. A save goes to the one that does not hold the newest
// generation.
func slots() [2]string { return [2]string{"last-known-good.0", "last-known-good.1"} }

// Generation is what one save left behind.
type Generation struct {
	Content snapshot.Content
	Saved   time.Time
	// Refused says why another file was not used, be it a newer or the older one; nil
	// when there was nothing to refuse.
	Refused error
}

// Cache is the directory of one scope. It is used by one goroutine at a time. Any
// number of processes may open the same directory: all can load, and the first one
// saves, until it ends.
type Cache struct {
	id   snapshot.ScopeID
	root *os.Root
	dir  *os.File // the same directory, to lock and to sync

	locked bool             // this process is the one that saves
	known  bool             // what follows was read under the lock
	newest snapshot.Content // the newest generation, as far as it was read
	slot   int              // that holds it
	number int64            // its sequence; 0: there is none

	step func(string) // told before each step of a save
}

// Open makes sure that dir/<environment>.<namespace> is a directory which only the user
// who runs this can enter, and returns the cache in it; or says why it is refused. It
// makes what is missing. The directory dir itself may be open to others.
func Open(dir string, id snapshot.ScopeID) (*Cache, error) {
	if err := errors.Join(snapshot.CheckNamespace(id.Namespace), snapshot.CheckEnvironment(id.Environment)); err != nil {
		return nil, fmt.Errorf("cache of scope: name %w", err)
	}
	name := id.Environment + "." + id.Namespace
	c := &Cache{id: id, step: func(string) {}}
	var err error
	if c.root, err = openDir(dir, name); err == nil {
		c.dir, err = c.root.Open(".")
	}
	if err == nil {
		if err = c.lock(); errors.Is(err, ErrBusy) {
			err = nil // it can load, and save when the other process has ended
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cache %s: %w", filepath.Join(dir, name), err), c.Close())
	}
	return c, nil
}

// openDir makes the directory when it is missing, and refuses it when it is not ours
// alone. What is below it is then safe from other users: only its owner changes it.
func openDir(dir, name string) (*os.Root, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, err
	}
	parent, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = parent.Close() }()
	err = parent.Mkdir(name, dirMode)
	if err == nil {
		err = parent.Chmod(name, dirMode) // whatever the umask
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	before, err := parent.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.IsDir() {
		return nil, fmt.Errorf("is %s; accepted: a directory", kind(before.Mode()))
	}
	root, err := parent.OpenRoot(name + "/.") // which opens nothing but a directory: a pipe would make it wait
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil {
		err = private(before, info)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// private says why a file or directory that was opened is not the one that was looked
// at, or not this user's alone.
func private(before, opened fs.FileInfo) error {
	if !os.SameFile(before, opened) {
		return errReplaced
	}
	if owner, ours := owned(opened); !ours {
		return fmt.Errorf("belongs to user %d; accepted: the user who runs this, %d", owner, os.Geteuid())
	}
	if mode := opened.Mode().Perm(); mode&tooOpen != 0 {
		return fmt.Errorf("has mode %04o; accepted: no access for group and others, as after chmod go-rwx", mode)
	}
	return nil
}

var errReplaced = errors.New("was replaced while it was opened; accepted: a file that stays in its place")

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// Close gives the directory to the next process. What was saved stays.
func (c *Cache) Close() error {
	var err error
	if c.dir != nil {
		err = c.dir.Close()
	}
	if c.root != nil {
		err = errors.Join(err, c.root.Close())
	}
	return err
}

// Load returns the newest whole generation. It returns ErrEmpty when nothing was ever
// saved, and another error, with the reasons, when there are files and none is usable.
func (c *Cache) Load() (Generation, error) {
	var (
		files   [2]sealed
		usable  [2]bool
		refused []error
	)
	for i, name := range slots() {
		data, err := c.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			files[i], err = unseal(data, c.id)
		}
		if err != nil {
			refused = append(refused, c.refusal(name, err))
		}
		usable[i] = err == nil
	}
	c.known, c.newest, c.slot, c.number = c.locked, snapshot.Content{}, 1, 0
	order := [2]int{0, 1}
	if files[1].header.Sequence > files[0].header.Sequence {
		order = [2]int{1, 0}
	}
	for _, i := range order {
		if !usable[i] {
			continue
		}
		content, err := files[i].content(c.id)
		if err != nil {
			refused = append(refused, c.refusal(slots()[i], err))
			continue
		}
		c.newest, c.slot, c.number = content, i, files[i].header.Sequence
		return Generation{content, files[i].header.Saved, errors.Join(refused...)}, nil
	}
	if len(refused) == 0 {
		return Generation{}, ErrEmpty
	}
	return Generation{}, errors.Join(refused...)
}

func (c *Cache) refusal(name string, err error) error {
	return fmt.Errorf("%s: %w", filepath.Join(c.root.Name(), name), err)
}

// read returns the bytes of a file that is safe to read. A process that does not hold
// the lock may see the other one replace it, and then looks again.
func (c *Cache) read(name string) (data []byte, err error) {
	for range 10 {
		if data, err = c.readOnce(name); !errors.Is(err, errReplaced) {
			break
		}
	}
	return data, err
}

func (c *Cache) readOnce(name string) ([]byte, error) {
	before, err := c.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("is %s; accepted: a file", kind(before.Mode()))
	}
	f, err := c.root.OpenFile(name, os.O_RDONLY|safely, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := private(before, info); err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("has %d bytes; accepted: at most %d", info.Size(), maxFile)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("cannot be read whole: %w", err)
	}
	return data, nil
}
