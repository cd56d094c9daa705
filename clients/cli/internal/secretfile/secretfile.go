// Package secretfile writes files that hold secrets: to their owner alone, and whole or
// not at all. What a path is good for is checked, and the room taken, before there is a
// secret that could be lost.
package secretfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a place for a secret, not written yet. Write or Discard ends it.
type File struct {
	path    string
	open    *os.File
	instead bool // open is a file beside path that takes its place
}

// Create makes a file that must not be there yet.
func Create(path string) (*File, error) {
	open, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, errors.New("exists; accepted: the path of a file that does not exist yet")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot be made (%w)", reasonOf(err))
	}
	return &File{path: path, open: open}, nil
}

// Replace makes a file that is to take the place of one, if there is one. It must be a
// regular file of this user; its mode, without what others may, and its group stay.
func Replace(path string) (*File, error) {
	const accepted = "accepted: a regular file of yours, or the path of a file that does not exist yet"
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info = nil
	case err != nil:
		return nil, fmt.Errorf("cannot be looked at (%w); %s", reasonOf(err), accepted)
	case !info.Mode().IsRegular():
		return nil, errors.New("is no regular file; " + accepted)
	}
	open, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // has the mode 0600
	if err != nil {
		return nil, fmt.Errorf("cannot be made (%w); %s", reasonOf(err), accepted)
	}
	f := &File{path: path, open: open, instead: true}
	if info != nil {
		if err := likeness(open, info); err != nil {
			f.Discard()
			return nil, fmt.Errorf("%w; %s", err, accepted)
		}
	}
	return f, nil
}

// Write puts the content in, and the file in its place. After an error nothing is left.
func (f *File) Write(content []byte) error {
	_, err := f.open.Write(content)
	if err == nil {
		err = f.open.Sync()
	}
	err = errors.Join(err, f.open.Close())
	if err == nil && f.instead {
		err = os.Rename(f.open.Name(), f.path)
	}
	if err != nil {
		_ = os.Remove(f.open.Name()) // the first error tells more
		return fmt.Errorf("cannot be written (%w)", reasonOf(err))
	}
	if dir, err := os.Open(filepath.Dir(f.path)); err == nil {
		_ = dir.Sync() // not every system can
		_ = dir.Close()
	}
	return nil
}

// Discard takes back what was made. After Write it does nothing.
func (f *File) Discard() {
	if f.open.Close() == nil {
		_ = os.Remove(f.open.Name()) // there is nothing in it
	}
}

func reasonOf(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
