package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/tree"
)

const fileForm = `

A file is a YAML map. A map in it is levels of a key: database: {host: x} is the key database.host,
which may be written so too. A map that is a value is written !value {...}. Keys that are there
twice, anchors, several documents, values that are missing or that YAML readers take differently
are refused, with their line.`

func (t *tool) applyCommand() *cobra.Command {
	var of where
	var from source
	var i intent
	cmd := &cobra.Command{
		Use:   "apply -f FILE|DIR|-",
		Short: "Make scopes hold what files say",
		Long: `Make scopes hold what files say. Keys that a file does not have stay as they are; with --prune they
are deleted, and with a folder also the scopes that have no file. All changes of a namespace are
one commit, if one can take them.

The scope of a file is that of -n and -e, else that of its path namespaces/NAMESPACE/ENVIRONMENT.yaml,
else that of the environment variables. With a folder -n and -e narrow what is applied.` + fileForm + planFirst,
		Example: `  configctl apply -f namespaces/payment-service/production.yaml -m "from Git"
  configctl apply -f . --prune -m "$(git log -1 --format=%s)" --yes
  configctl export -n payment-service -e staging | configctl apply -f - -n payment-service -e test -m copy --yes`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd)
	from.addFlags(cmd)
	i.addFlags(cmd)
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		steps, err := s.stepsOf(&of, &from)
		if err != nil {
			return err
		}
		return s.carryOut(steps, i)
	})
	return cmd
}

func (t *tool) validateCommand() *cobra.Command {
	var of where
	var from source
	cmd := &cobra.Command{
		Use:   "validate -f FILE|DIR|-",
		Short: "Check files without a server",
		Long:  `Check that files can be applied: their form, the grammar of keys, the limits. No server is asked.` + fileForm,
		Example: `  configctl validate -f .
  configctl validate -f namespaces/payment-service/production.yaml`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd)
	from.addFile(cmd)
	cmd.RunE = doing(func(cmd *cobra.Command, _ []string) error {
		if from.path != "" && !from.isFolder() {
			if _, ok := whereOf(from.path); !ok && of.namespace == "" && of.environment == "" {
				of = where{"a service", "an environment"} // it need not be known
			}
		}
		scopes, err := from.read(t, &of)
		if err != nil {
			return err
		}
		keys := 0
		for _, content := range scopes {
			keys += len(content)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "valid: %s in %s\n", count(int64(keys), "key"), count(int64(len(scopes)), "scope"))
		return nil
	})
	return cmd
}

func (t *tool) exportCommand() *cobra.Command {
	var of where
	var to string
	var number int64
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write scopes as YAML files",
		Long: `Write a scope as YAML to standard output; with --dir, every scope that you may read to its file
namespaces/NAMESPACE/ENVIRONMENT.yaml below a folder, where -n and -e narrow it. The same content is
always the same text, keys sorted; 'configctl apply' reads it.`,
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

// exportTo writes every scope that holds something, or has a file, below a folder.
func (s *session) exportTo(dir string, of where) error {
	heads, err := s.heads(of)
	if err != nil {
		return err
	}
	written := 0
	for _, h := range heads {
		at := where{h.GetNamespace(), h.GetEnvironment()}
		content, err := s.exported(at, 0)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, folder, at.namespace, at.environment+".yaml")
		if _, err := os.Stat(path); len(content) == 0 && errors.Is(err, fs.ErrNotExist) {
			continue // but one that is there says what the scope held before
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return usage("--dir is %q, in which %s cannot be made (%v)", dir, filepath.Dir(path), reasonOf(err))
		}
		if err := os.WriteFile(path, tree.Encode(content), 0o644); err != nil {
			return usage("--dir is %q, in which %s cannot be written (%v)", dir, path, reasonOf(err))
		}
		written++
	}
	s.say("wrote %s below %s", count(int64(written), "file"), filepath.Join(dir, folder))
	return nil
}
