//go:build unix

package configclient

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openNow opens a file for reading. It waits for nobody when the path has become a pipe.
func openNow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// trusted says why a file is not one that this user alone writes.
func trusted(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return errors.New("it belongs to another user")
	}
	if info.Mode().Perm()&0o022 != 0 {
		return errors.New("others can write it")
	}
	return nil
}
