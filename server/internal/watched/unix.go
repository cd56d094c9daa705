//go:build unix

package watched

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// open does not wait for a writer when the file is a pipe.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func owner(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("it belongs to user %d, group %d", stat.Uid, stat.Gid)
	}
	return "its owner is unknown"
}

func identity(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d/%d/%d", stat.Dev, stat.Ino, stat.Uid)
	}
	return ""
}
