package telemetry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"
)

// lookEvery is how often it is looked at whether a file still has its name.
const lookEvery = 2 * time.Second

// AppendFile is a file that is only appended to. When somebody gives it another name or
// removes it, a new one is begun. It is safe for concurrent use.
type AppendFile struct {
	path string
	now  func() time.Time

	mu     sync.Mutex // guards the rest
	file   *os.File
	looked time.Time
}

// OpenAppend opens a file; one that it makes is for this user alone.
func OpenAppend(path string, now func() time.Time) (*AppendFile, error) {
	file, err := openAppend(path)
	if err != nil {
		return nil, err
	}
	return &AppendFile{path: path, now: now, file: file, looked: now()}, nil
}

func openAppend(path string) (*os.File, error) {
	quoted := strconv.Quote(path)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|noWait, 0o600)
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err // the path is said
		}
		return nil, fmt.Errorf("is %s, which cannot be appended to: %w; accepted: the path of a file in a directory that this process may write", quoted, err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("is %s, which is no regular file; accepted: the path of a file", quoted)
	case info.Mode().Perm()&0o002 != 0:
		err = fmt.Errorf("is %s, which any user may write (mode %04o); accepted: a file that only its owner may write: chmod 600 %s", quoted, info.Mode().Perm(), path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Write appends p.
func (f *AppendFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, os.ErrClosed
	}
	if now := f.now(); now.Sub(f.looked) >= lookEvery {
		f.looked = now
		if err := f.follow(); err != nil {
			return 0, err
		}
	}
	return f.file.Write(p)
}

// follow begins a new file when the one that is open is not the one by that name.
func (f *AppendFile) follow() error {
	mine, err := f.file.Stat()
	if err != nil {
		return err
	}
	if named, err := os.Stat(f.path); err == nil && os.SameFile(mine, named) {
		return nil
	}
	next, err := openAppend(f.path)
	if err != nil {
		return fmt.Errorf("begin a new file: the path %w", err)
	}
	last := f.file
	f.file = next
	return last.Close()
}

// Close closes the file.
func (f *AppendFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}
