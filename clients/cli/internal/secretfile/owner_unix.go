//go:build unix

package secretfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// likeness gives a file the mode, without what others may, and the group of another one,
// which has to belong to this user.
func likeness(f *os.File, of fs.FileInfo) error {
	stat, ok := of.Sys().(*syscall.Stat_t)
	if ok && int(stat.Uid) != os.Geteuid() {
		return errors.New("belongs to another user")
	}
	if ok {
		if err := f.Chown(-1, int(stat.Gid)); err != nil {
			return errors.New("has a group that this user cannot give to a file")
		}
	}
	if err := f.Chmod(of.Mode().Perm() &^ 0o007); err != nil {
		return errors.New("has a mode that cannot be kept")
	}
	return nil
}
