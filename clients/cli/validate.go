package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/schema"
	"github.com/config-service/config-service/clients/cli/internal/tree"
)

func (t *tool) validateCommand() *cobra.Command {
	var of where
	var from source
	cmd := &cobra.Command{
		Use:   "validate -f FILE|DIR|-",
		Short: "Check files without a server",
		Long: `Check that files can be applied: their form, the grammar of keys, the limits. No server is asked.

Of a folder also what the files make of all layers together is judged by the schemas that lie in
it. That a key is missing counts only where the folder has the namespace _shared too, from which
the key may come; else it is a note.` + fileForm,
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
		want, err := from.read(t, &of)
		if err != nil {
			return err
		}
		if err := want.keepsSchemas(cmd); err != nil {
			return err
		}
		keys, and := 0, ""
		for _, content := range want.scopes {
			keys += len(content)
		}
		if n := len(want.schemas); n > 0 {
			and = ", and " + count(int64(n), "schema")
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "valid: %s in %s%s\n", count(int64(keys), "key"), count(int64(len(want.scopes)), "scope"), and)
		return nil
	})
	return cmd
}

// keepsSchemas judges what files make together by the schemas beside them.
func (w *wanted) keepsSchemas(cmd *cobra.Command) error {
	var broken []string
	for _, namespace := range slices.Sorted(maps.Keys(w.schemas)) {
		by, err := schema.Compile(w.schemas[namespace])
		if err != nil {
			return fmt.Errorf("the schema of %s %w", namespace, err)
		}
		for _, at := range slices.SortedFunc(maps.Keys(w.scopes), inOrderOfNames) {
			if at.namespace != namespace || at.environment == "_all" || len(w.scopes[at]) == 0 {
				continue
			}
			errors, notes, err := w.judged(cmd.Context(), at, by)
			if err != nil {
				return fmt.Errorf("%s: %w", w.paths[at], err)
			}
			broken = append(broken, errors...)
			for _, note := range notes {
				fmt.Fprintf(cmd.ErrOrStderr(), "note: %s; a key of _shared may be it, which the folder does not have\n", note)
			}
		}
	}
	if broken != nil {
		return usage("%s", strings.Join(broken, "\n"))
	}
	return nil
}

// judged are the violations of a service in an environment; notes are those that may be none.
func (w *wanted) judged(ctx context.Context, at where, by *schema.Schema) (errors, notes []string, err error) {
	var layers []tree.Content
	hasShared := false
	for _, layer := range layersOf(at) {
		layers = append(layers, w.scopes[layer])
	}
	for other := range w.scopes {
		hasShared = hasShared || other.namespace == "_shared"
	}
	found, err := by.Check(ctx, tree.Effective(layers...))
	for _, v := range found {
		line := fmt.Sprintf("%s: %s", w.paths[at], v)
		if v.ByAbsence() && !hasShared {
			notes = append(notes, line)
		} else {
			errors = append(errors, line)
		}
	}
	return errors, notes, err
}
