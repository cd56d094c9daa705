//go:build !unix

package watched

import (
	"io/fs"
	"os"
)

func open(path string) (*os.File, error) { return os.Open(path) }

func owner(fs.FileInfo) string { return "its owner is unknown" }

func identity(fs.FileInfo) string { return "" }
