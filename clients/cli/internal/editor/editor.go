// Package editor lets a person edit a text in a file.
package editor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program is an editor, as $EDITOR names it: a command with arguments.
type Program struct {
	Command     string
	Environment []string
	In          io.Reader
	Out, Err    io.Writer
}

// File is a text that is edited, in a directory of its own that others cannot read.
type File struct{ Path string }

// New puts a text in a file of that name.
func New(name string, text []byte) (*File, error) {
	dir, err := os.MkdirTemp("", "configctl-")
	if err != nil {
		return nil, fmt.Errorf("make a place to edit: %w", err)
	}
	f := &File{filepath.Join(dir, name)}
	if err := f.Put(text); err != nil {
		f.Discard()
		return nil, err
	}
	return f, nil
}

// Put makes a text the content of the file.
func (f *File) Put(text []byte) error {
	if err := os.WriteFile(f.Path, text, 0o600); err != nil {
		return fmt.Errorf("write what is edited: %w", err)
	}
	return nil
}

// Text is what the file holds.
func (f *File) Text() ([]byte, error) {
	text, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, fmt.Errorf("read what was edited: %w", err)
	}
	return text, nil
}

// Discard removes the file.
func (f *File) Discard() { _ = os.RemoveAll(filepath.Dir(f.Path)) } // what is left is for the system to clean

// Edit returns when the editor has ended.
func (f *File) Edit(ctx context.Context, p Program) error {
	words := append(strings.Fields(p.Command), f.Path)
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = p.Environment, p.In, p.Out, p.Err
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	err := c.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("the editor %q is not found; VISUAL or EDITOR names another", p.Command)
	}
	return fmt.Errorf("the editor %q failed: %w", p.Command, err)
}
