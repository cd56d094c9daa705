package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
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

// read reads every scope of the source. A flag or a variable names the scope of a file;
// else its path does.
func (f *source) read(t *tool, of *where) (map[where]tree.Content, error) {
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
	return map[where]tree.Content{*of: content}, err
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

// readFolder reads all files of a folder; of narrows it.
func (f *source) readFolder(of where) (map[where]tree.Content, error) {
	root := f.path
	if filepath.Base(root) != folder {
		root = filepath.Join(root, folder)
	}
	scopes := map[where]tree.Content{}
	var problems []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at, ok := whereOf(path)
		switch {
		case entry.IsDir():
			return nil
		case entry.Type()&fs.ModeSymlink != 0 && leadsToFolder(path): // left out, all in it would be pruned
			problems = append(problems, fmt.Sprintf("%s: is a link to a folder; accepted: a folder", path))
			return nil
		case !ok && filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".yml":
			return nil
		case !ok:
			problems = append(problems, fmt.Sprintf("%s: is not at %s/NAMESPACE/ENVIRONMENT.yaml; accepted: only there", path, folder))
			return nil
		case of.namespace != "" && at.namespace != of.namespace, of.environment != "" && at.environment != of.environment:
			return nil
		}
		content, err := (&tool{}).readFile(path, at.namespace)
		if err != nil {
			problems = append(problems, err.Error())
		}
		scopes[at] = content
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("--file is %q, which has no folder %s; accepted: a folder with %s/NAMESPACE/ENVIRONMENT.yaml", f.path, folder, folder)
	case err != nil:
		return nil, usage("--file is %q, which cannot be read (%v)", f.path, err)
	case len(problems) > 0:
		return nil, usage("%s", strings.Join(problems, "\n"))
	case len(scopes) == 0:
		return nil, usage("--file is %q, which has no file for this; accepted: a folder with %s/NAMESPACE/ENVIRONMENT.yaml", f.path, folder)
	}
	return scopes, nil
}

func leadsToFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// stepsOf makes commits of what scopes should hold.
func (s *session) stepsOf(of *where, from *source) ([]*step, error) {
	wanted, err := from.read(s.tool, of)
	if err != nil {
		return nil, err
	}
	if from.prune && from.isFolder() {
		heads, err := s.heads(*of)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			if at := (where{h.GetNamespace(), h.GetEnvironment()}); wanted[at] == nil {
				wanted[at] = tree.Content{}
			}
		}
	}
	return s.stepsTo(wanted, from.prune)
}

// stepsTo makes the commits that bring scopes to what is wanted.
func (s *session) stepsTo(wanted map[where]tree.Content, prune bool) ([]*step, error) {
	changes := map[string][]*adminv1.Change{}
	expected := map[string]map[string]int64{}
	order := slices.SortedFunc(maps.Keys(wanted), func(a, b where) int {
		return strings.Compare(a.namespace+"/"+a.environment, b.namespace+"/"+b.environment)
	})
	for _, at := range order {
		now, err := s.scope(at)
		if err != nil {
			return nil, err
		}
		if expected[at.namespace] == nil {
			expected[at.namespace] = map[string]int64{}
		}
		expected[at.namespace][at.environment] = now.head.GetVersion()
		changes[at.namespace] = append(changes[at.namespace], now.changesTo(wanted[at], prune)...)
	}
	var steps []*step
	for _, namespace := range slices.Sorted(maps.Keys(changes)) {
		if len(changes[namespace]) == 0 {
			continue
		}
		more, err := s.stepsFor(namespace, changes[namespace], expected[namespace])
		if err != nil {
			return nil, err
		}
		steps = append(steps, more...)
	}
	return steps, nil
}
