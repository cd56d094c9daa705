package watched

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxSize is above any file that is watched.
const maxSize = 1 << 20

// look is what tells without reading that a file is another.
type look struct {
	size     int64
	modified time.Time
	mode     fs.FileMode
	identity string
}

func lookOf(info fs.FileInfo) look {
	return look{info.Size(), info.ModTime(), info.Mode(), identity(info)}
}

func lookAll(files []File) ([]look, error) {
	looks := make([]look, len(files))
	for i, file := range files {
		info, err := os.Stat(file.Path)
		if err != nil {
			return nil, err
		}
		looks[i] = lookOf(info)
	}
	return looks, nil
}

// load reads all files. The warnings are about some that can be used all the same.
func (f *Files[T]) load() (contents [][]byte, looks []look, warnings []string, err error) {
	for _, file := range f.cfg.Files {
		content, l, loose, err := read(file)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s %w", file.Setting, err)
		}
		if loose != "" {
			warnings = append(warnings, file.Setting+" "+loose)
		}
		contents, looks = append(contents, content), append(looks, l)
	}
	return contents, looks, warnings, nil
}

// Read reads a file once, as Open would.
func Read(file File) ([]byte, error) {
	content, _, _, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("%s %w", file.Setting, err)
	}
	return content, nil
}

// read reads one file, by a name that may come to mean another file at any time.
func read(f File) (content []byte, l look, loose string, err error) {
	path := f.Path
	file, err := open(path)
	if err != nil {
		return nil, look{}, "", describe(path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, look{}, "", describe(path, err)
	}
	quoted := strconv.Quote(path)
	if !info.Mode().IsRegular() {
		return nil, look{}, "", fmt.Errorf("is %s, which is %s; accepted: a regular file", quoted, kind(info.Mode()))
	}
	if open := info.Mode().Perm(); (f.Secret || f.Guarded) && open&0o002 != 0 {
		return nil, look{}, "", fmt.Errorf("is %s, which any user may write (%s, mode %04o); accepted: a file that only its owner may write: chmod 600 %s", quoted, owner(info), open, path)
	} else if f.Secret && open&0o004 != 0 && !isOfKubernetes(path) {
		loose = fmt.Sprintf("is %s, which any user may read (%s, mode %04o); better: chmod 600 %s", quoted, owner(info), open, path)
	}
	content, err = io.ReadAll(io.LimitReader(file, maxSize+1))
	switch {
	case err != nil:
		return nil, look{}, "", describe(path, err)
	case len(content) > maxSize:
		return nil, look{}, "", fmt.Errorf("is %s, which is longer than %d bytes", quoted, maxSize)
	case len(content) == 0:
		return nil, look{}, "", fmt.Errorf("is %s, which is empty (%s, mode %04o)", quoted, owner(info), info.Mode().Perm())
	}
	return content, lookOf(info), loose, nil
}

// isOfKubernetes says whether a file is one of a volume that the kubelet fills: a link by way
// of ..data. Its mode is the pod's to choose, and open to all users where no group is shared;
// but its readers are the containers that mount it, which the mode does not say.
func isOfKubernetes(path string) bool {
	to, err := os.Readlink(path)
	return err == nil && strings.HasPrefix(to, "..data/")
}

// describe says why a file cannot be read, and whose it is when that is the reason.
func describe(path string, err error) error {
	quoted := strconv.Quote(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("is %s, which does not exist; accepted: the path of a file", quoted)
	case errors.Is(err, fs.ErrPermission):
		if info, e := os.Stat(path); e == nil {
			return fmt.Errorf("is %s, which this process, user %d, may not read (%s, mode %04o); let it: chown %d %s", quoted, os.Geteuid(), owner(info), info.Mode().Perm(), os.Geteuid(), path)
		}
		return fmt.Errorf("is %s, which this process, user %d, may not read or reach", quoted, os.Geteuid())
	}
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err // the path is said
	}
	return fmt.Errorf("is %s, which cannot be read: %w", quoted, err)
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a special file"
}
