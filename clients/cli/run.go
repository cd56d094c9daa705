package main

import (
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/variables"
)

func (t *tool) runCommand() *cobra.Command {
	var of where
	var prefix string
	cmd := &cobra.Command{
		Use:   "run [PREFIX] -- COMMAND [ARGUMENT...]",
		Short: "Run a command with the values in its environment",
		Long: `Run a command with the effective values as environment variables. The name of a variable is the
key in upper case, every '.' and '-' a '_': database.pool_size is DATABASE_POOL_SIZE. A text is its
own value, all else compact JSON. What is set in the environment already stays as it is. Names
with which other code is loaded, such as LD_PRELOAD, are refused; --env-prefix keeps all names
apart from those that mean something. What is sensitive, and you may not see, is left out, and said.

The exit code is that of the command.` + ownScope,
		Example: `  configctl run -n payment-service -e production -- ./server
  configctl run --env-prefix APP_ -- env`,
	}
	of.addFlags(cmd)
	cmd.Flags().StringVar(&prefix, "env-prefix", "", "What the names of the variables begin with.")
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		before, command, err := splitCommand(cmd, args)
		if err != nil {
			return err
		}
		if command == nil {
			return usage("there is no COMMAND; accepted: a command behind --")
		}
		path, err := exec.LookPath(command[0])
		if err != nil {
			return usage("COMMAND is %q, which is not found; accepted: a program of PATH, or its path", command[0])
		}
		of.resolve(cmd, t.lookup)
		resp, err := s.effective(of, before)
		if err != nil {
			return err
		}
		vars, err := variablesOf(prefix, s.told(resp.GetEntries()))
		if err != nil {
			return err
		}
		all, kept := variables.Over(t.environment, vars)
		s.noteKept(kept)
		_ = s.conn.Close() // the command needs nothing of it
		if err := become(path, command, all); err != nil {
			return fmt.Errorf("run %s: %w", path, err)
		}
		return nil
	})
	return cmd
}
