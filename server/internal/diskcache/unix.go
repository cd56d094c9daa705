//go:build linux || darwin

package diskcache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// safely opens no link, and does not wait for the other end of a pipe.
const safely = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// owned returns who owns a file, and whether that is the user who runs this.
func owned(info fs.FileInfo) (owner uint32, ours bool) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Uid, int(stat.Uid) == os.Geteuid()
	}
	return 0, false
}

// tryLock takes the lock of a directory until the file is closed, or returns ErrBusy.
func tryLock(dir *os.File) error {
	err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return os.NewSyscallError("flock", err)
}
