package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/inspect"
	"github.com/config-service/config-service/clients/cli/internal/problem"
)

func (t *tool) sidecarCheckCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check -f FILE",
		Short: "Tell what is wrong with a sidecar in a manifest or a Compose file",
		Long: `Tell what is wrong with each sidecar in a manifest of Kubernetes or a file of Docker Compose: a line
for each finding, with its place in the file and what to do. It also takes what 'configctl sidecar
kubernetes' prints, a part of a pod's spec. What the file does not tell, such as
variables that come from elsewhere, is taken to be right.

The exit code is 0 when nothing is wrong, and 1 when something is.`,
		Example: `  configctl sidecar check -f deployment.yaml
  docker compose config | configctl sidecar check -f -`,
		Args: cobra.NoArgs,
		RunE: doing(func(cmd *cobra.Command, _ []string) error {
			text, name, err := t.readManifest(path)
			if err != nil {
				return err
			}
			report, err := inspect.File(text)
			if err != nil {
				return usage("--file is %q: %v", path, err)
			}
			for _, f := range report.Findings {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s:%d: %s\n    %s\n", name, f.Line, f.What, f.Do); err != nil {
					return err
				}
			}
			tell(cmd.ErrOrStderr(), name, report.Notes)
			for _, who := range report.Good {
				tell(cmd.ErrOrStderr(), name, []string{who + ": nothing is wrong with its sidecar"})
			}
			if len(report.Findings) > 0 {
				return &problem.Error{Exit: problem.Failed} // told already
			}
			return nil
		}),
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "Manifest, or file of Docker Compose; - for standard input.")
	return cmd
}
