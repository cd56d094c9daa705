// Command generate writes the files that are made from the sources, into the folder that
// it is told.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/config-service/config-service/deploy"
)

func main() {
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(into string) error {
	files, err := deploy.Generated()
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(into, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
