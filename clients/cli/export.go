package main

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/secretfile"
	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
)

func (t *tool) exportCommand() *cobra.Command {
	var of where
	var to string
	var number int64
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write scopes as YAML files",
		Long: `Write a scope as YAML to standard output; with --dir, every scope that you may read to its file
namespaces/NAMESPACE/ENVIRONMENT.yaml below a folder, and the schema of every service to
namespaces/NAMESPACE/schema.json, where -n and -e narrow it; with -e schemas are left alone. The
same content is always the same text, keys sorted; 'configctl apply' reads it.

Files of a folder can be read by their owner only, for there may be sensitive values in them.`,
		Example: `  configctl export -n payment-service -e production
  configctl export --dir . && git diff
  configctl export -n payment-service -e production --version 12`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd)
	cmd.Flags().StringVar(&to, "dir", "", "Folder to write all scopes below.")
	cmd.Flags().Int64Var(&number, "version", 0, "What the scope held at this version. Default: what it holds now.")
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		if to != "" {
			if cmd.Flags().Changed("version") {
				return usage("--version stands beside --dir; accepted: one of them")
			}
			return s.exportTo(to, of)
		}
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		content, err := s.exported(of, number)
		if err != nil {
			return err
		}
		_, err = s.out().Write(tree.Encode(content))
		return err
	})
	return cmd
}

// exported is what a scope holds, or held.
func (s *session) exported(of where, number int64) (tree.Content, error) {
	if s.cmd.Flags().Changed("version") {
		if number < 1 {
			return nil, usage("--version is %d; accepted: 1, 2, 3, ..., as 'configctl history' shows them", number)
		}
		return s.held(of, number)
	}
	now, err := s.scope(of)
	if err != nil {
		return nil, err
	}
	return now.content()
}

// exportTo writes every scope that holds something, or has a file, below a folder, and with
// no environment given the schemas as well.
func (s *session) exportTo(dir string, of where) error {
	heads, err := s.heads(of)
	if err != nil {
		return err
	}
	written, services := 0, map[string]string{}
	for _, h := range heads {
		at := where{h.GetNamespace(), h.GetEnvironment()}
		if err := checkNames(at); err != nil {
			return problem.Newf(problem.Failed, "the server has a scope that cannot be a file: %v", err)
		}
		content, err := s.exported(at, 0)
		if err != nil {
			return err
		}
		services[at.namespace] = at.environment
		path := filepath.Join(dir, folder, at.namespace, at.environment+".yaml")
		if _, err := os.Lstat(path); len(content) == 0 && errors.Is(err, fs.ErrNotExist) {
			continue // but one that is there says what the scope held before
		}
		if err := writeBelow(dir, path, tree.Encode(content)); err != nil {
			return err
		}
		written++
	}
	if of.environment == "" {
		for _, namespace := range slices.Sorted(maps.Keys(services)) {
			n, err := s.exportSchema(dir, where{namespace, services[namespace]})
			if err != nil {
				return err
			}
			written += n
		}
	}
	s.say("wrote %s below %s", count(int64(written), "file"), filepath.Join(dir, folder))
	return nil
}

// exportSchema writes the schema of a service. One that the service has no more would come
// back with its file, which is removed.
func (s *session) exportSchema(dir string, of where) (written int, err error) {
	if of.namespace == "_shared" {
		return 0, nil
	}
	resp, err := s.schema(of)
	if err != nil {
		return 0, err
	}
	path := filepath.Join(dir, folder, of.namespace, schemaFile)
	if resp.GetSchema() != nil {
		var text bytes.Buffer
		if err := show.Document(&text, tree.JSON(resp.GetSchema().GetSchema())); err != nil {
			return 0, err
		}
		return 1, writeBelow(dir, path, text.Bytes())
	}
	if err := noLinks(dir, path); err != nil {
		return 0, err
	}
	switch err := os.Remove(path); {
	case err == nil:
		s.say("note: %s is removed: %s has no schema", path, of.namespace)
	case !errors.Is(err, fs.ErrNotExist):
		return 0, usage("--dir is %q, in which %s cannot be removed (%v)", dir, path, reasonOf(err))
	}
	return 0, nil
}

// writeBelow writes a file that only its owner can read, for there may be sensitive values
// in it, in place of one that is there. It follows no links within the folder.
func writeBelow(dir, path string, text []byte) error {
	above := filepath.Dir(path)
	if err := os.MkdirAll(above, 0o755); err != nil {
		return usage("--dir is %q, in which %s cannot be made (%v)", dir, above, reasonOf(err))
	}
	if err := noLinks(dir, path); err != nil {
		return err
	}
	file, err := secretfile.Replace(path)
	if err == nil {
		err = file.Write(text)
	}
	if err != nil {
		return usage("--dir is %q, in which %s %v", dir, path, err)
	}
	return nil
}

// noLinks refuses a file of which a folder below dir is a link.
func noLinks(dir, path string) error {
	above := filepath.Dir(path)
	for _, at := range []string{above, filepath.Dir(above)} {
		if info, err := os.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return usage("--dir is %q, in which %s is a link to a folder; accepted: a folder", dir, at)
		}
	}
	return nil
}
