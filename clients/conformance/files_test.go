package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// writeFile makes a file, a directory, or a symbolic link to a file.
func writeFile(s *step) error {
	content := []byte(strings.Repeat(s.Text, max(1, s.Repeat)))
	if s.JSON != nil {
		var err error
		if content, err = json.Marshal(s.JSON); err != nil {
			return err
		}
	}
	mode := uint64(0o600)
	if s.Mode != "" {
		var err error
		if mode, err = strconv.ParseUint(s.Mode, 8, 12); err != nil {
			return err
		}
	}
	path := s.Write
	switch s.Kind {
	case "directory":
		return os.Mkdir(path, 0o700)
	case "link":
		path += ".target"
		if err := os.Symlink(path, s.Write); err != nil {
			return err
		}
	case "":
	default:
		return fmt.Errorf("there is no kind of file %q", s.Kind)
	}
	if err := os.WriteFile(path, content, os.FileMode(mode)); err != nil {
		return err
	}
	return os.Chmod(path, os.FileMode(mode)) // whatever the umask
}

// readFile returns a file of JSON, and its mode.
func readFile(path string) (any, string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, "", err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	v, err := parse(content)
	return v, fmt.Sprintf("%04o", info.Mode().Perm()), err
}

// file waits until a file is as it is expected.
func (r *run) file(s *step) error {
	want, _, err := given(s.Eventually)
	if err != nil {
		return err
	}
	fields, ok := want.(map[string]any)
	if !ok {
		return errors.New("a file is eventually an object")
	}
	return until(r.bound(s), func() error {
		got, mode, err := readFile(s.File)
		if err != nil {
			return err
		}
		object, _ := got.(map[string]any)
		if d := r.fields(fields, object); d != "" {
			return errors.New(d)
		}
		if s.Mode != "" && s.Mode != mode {
			return fmt.Errorf("its mode is %s", mode)
		}
		return nil
	})
}
