//go:build !unix

package configclient

import (
	"errors"
	"io/fs"
	"os"
)

func openNow(path string) (*os.File, error) { return os.Open(path) }

// trusted says why a file is not one to read. Who owns it is the system's affair here.
func trusted(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	return nil
}
