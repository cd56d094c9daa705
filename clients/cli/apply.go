package main

import (
	"github.com/spf13/cobra"
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
are deleted, and with a folder also the scopes that have no file, and the schemas that have none.
All changes of a namespace are one commit, if one can take them; else several, one after the other,
of which none passes a limit on the way, or violates the schema, as far as that can be told before.
If one fails, the same command again does the rest.

A folder may also have namespaces/NAMESPACE/schema.json, the schema of a service. It is put there
after the configuration if that fits the schema of now, else before it. With -e schemas are left
alone.

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
