package diskcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// ErrBusy says that another process saves here.
var ErrBusy = errors.New("another process saves here; accepted: one at a time")

// lock makes this process the one that saves, if no other one is, and removes what a
// crash left behind. The system gives the lock back when the process ends, however it
// ends.
func (c *Cache) lock() error {
	if c.locked {
		return nil
	}
	if err := tryLock(c.dir); errors.Is(err, ErrBusy) {
		return err
	} else if err != nil {
		return fmt.Errorf("cannot be locked: %w; accepted: a file system that locks directories", err)
	}
	c.locked, c.known = true, false
	return c.removeTemporary()
}

func (c *Cache) removeTemporary() error {
	if err := c.root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Save makes content the newest generation, on disk for good when Save returns. When
// it fails, or the process dies meanwhile, the newest generation before it is there
// still. It never puts an older revision of an epoch after a newer one.
func (c *Cache) Save(content snapshot.Content, now time.Time) error {
	if err := c.save(content, now); err != nil {
		return fmt.Errorf("save the configuration in %s: %w", c.root.Name(), err)
	}
	return nil
}

func (c *Cache) save(content snapshot.Content, now time.Time) error {
	if err := c.lock(); err != nil {
		return err
	}
	if !c.known {
		_, _ = c.Load() // what is not usable may be replaced; Load's caller hears of it
	}
	if content.Epoch == c.newest.Epoch && content.Revision < c.newest.Revision {
		return fmt.Errorf("has revision %d; accepted: at least %d, which is saved", content.Revision, c.newest.Revision)
	}
	number, slot := c.number+1, 1-c.slot
	data, err := encode(c.id, content, number, now)
	if err != nil {
		return err
	}
	if err := c.replace(slots()[slot], data); err != nil {
		return err
	}
	c.newest, c.slot, c.number = content, slot, number
	return nil
}

// replace puts data in the place of a file, so that at any moment there is the whole
// old or the whole new one, and then makes sure that it outlives a power cut.
func (c *Cache) replace(name string, data []byte) error {
	err := c.writeTemporary(data)
	if err == nil {
		c.step("rename")
		err = c.root.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, c.removeTemporary()) // a full disk gets its space back
	}
	c.step("sync directory")
	if err := c.dir.Sync(); err != nil {
		return err
	}
	c.step("done")
	return nil
}

func (c *Cache) writeTemporary(data []byte) (err error) {
	if err := c.removeTemporary(); err != nil {
		return err
	}
	c.step("create")
	f, err := c.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|safely, fileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Chmod(fileMode); err != nil { // whatever the umask
		return err
	}
	c.step("write")
	if _, err := f.Write(data); err != nil {
		return err
	}
	c.step("sync")
	return f.Sync()
}
