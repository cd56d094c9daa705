package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/tree"
)

// source is a file, a folder or standard input with what scopes should hold.
type source struct {
	path  string
	prune bool
}

func (f *source) addFlags(cmd *cobra.Command) {
	f.addFile(cmd)
	cmd.Flags().BoolVar(&f.prune, "prune", false, "What the files do not have is deleted: keys, and with a folder whole scopes.")
}

func (f *source) addFile(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.path, "file", "f", "", "YAML file of a scope, - for standard input, or folder with namespaces/NAMESPACE/ENVIRONMENT.yaml.")
}

// folder is where scopes lie below a folder.
const folder = "namespaces"

// isFolder says whether the source is one.
func (f *source) isFolder() bool {
	info, err := os.Stat(f.path)
	return f.path != "-" && err == nil && info.IsDir()
}

// wanted is what a source says.
type wanted struct {
	scopes  map[where]tree.Content
	schemas map[string]*structpb.Value // by service
	paths   map[where]string           // of the files of the scopes; of a folder only
}

// read reads all that the source says. A flag or a variable names the scope of a file; else
// its path does.
func (f *source) read(t *tool, of *where) (*wanted, error) {
	if f.path == "" {
		return nil, usage("--file is not set; accepted: a file, a folder, or - for standard input")
	}
	if f.isFolder() {
		return f.readFolder(*of)
	}
	if at, ok := whereOf(f.path); ok && of.namespace == "" && of.environment == "" {
		*of = at
	}
	of.resolveRest(t.lookup)
	if err := of.check(); err != nil {
		return nil, withNext(err.(*problem.Error), "a file at "+folder+"/NAMESPACE/ENVIRONMENT.yaml says it by its path")
	}
	content, err := t.readFile(f.path, of.namespace)
	return &wanted{scopes: map[where]tree.Content{*of: content}}, err
}

// whereOf is the scope that a path names.
func whereOf(path string) (where, bool) {
	full, err := filepath.Abs(path)
	name, isYAML := strings.CutSuffix(filepath.Base(full), ".yaml")
	above := filepath.Dir(full)
	if path == "-" || err != nil || !isYAML || filepath.Base(filepath.Dir(above)) != folder {
		return where{}, false
	}
	return where{filepath.Base(above), name}, true
}

// readFile reads one file, which has to fit a scope.
func (t *tool) readFile(path, namespace string) (tree.Content, error) {
	name, in := path, t.in
	if path == "-" {
		name = "standard input"
	} else {
		file, err := os.Open(path)
		if err != nil {
			return nil, usage("--file: %s cannot be read (%v); accepted: a YAML file", path, reasonOf(err))
		}
		defer file.Close()
		in = file
	}
	content, err := tree.Read(name, in)
	if err == nil {
		if err = tree.CheckSize(namespace, content); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	if err != nil {
		return nil, usage("%v", err)
	}
	return content, nil
}
