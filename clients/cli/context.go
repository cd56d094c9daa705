package main

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/connect"
	"github.com/config-service/config-service/clients/cli/internal/contextfile"
	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
)

func (t *tool) contextCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "context",
		Short: "Keep the servers that you talk to under names",
		Long: `Keep the servers that you talk to under names, in a file of yours: $CONFIGCTL_CONFIG, or
configctl/config.yaml below $XDG_CONFIG_HOME or ~/.config. A context says where a server is, who you
are there, and which service and environment are meant.

  current: production
  contexts:
    production:
      address: config.example.com:9080
      token_file: production.token     # from where this file is; ~/ works
      ca_file: ca.pem                  # or tls: true; cert_file with key_file
      namespace: payment-service
      environment: production
      timeout: 30s

A flag comes before an environment variable, that before the context. There are no secrets in the
file, only the names of files; what is meant for the server of a context, as a token, goes to no
other.`,
	}, t.listContextsCommand(), t.useContextCommand(), t.showContextCommand(), t.setContextCommand(), t.deleteContextCommand())
}

// aboutContexts is a command about the file of contexts.
func (t *tool) aboutContexts(run func(cmd *cobra.Command, file *contextfile.File, args []string) error) func(*cobra.Command, []string) error {
	return doing(func(cmd *cobra.Command, args []string) error {
		if err := t.checkFormat(); err != nil {
			return err
		}
		file, err := t.contexts()
		if err != nil {
			return err
		}
		return run(cmd, file, args)
	})
}

// completeContexts completes the name of a context.
func (t *tool) completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	file, err := t.contexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return file.Names(), cobra.ShellCompDirectiveNoFileComp
}

// noContext is that there is no such context.
func noContext(name string, err error) error {
	return withNext(problem.Newf(problem.NotFound, "%q %v", name, err), "'configctl context set' makes one")
}

func (t *tool) listContextsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Show the contexts",
		Example: `  configctl context list`,
		Args:    cobra.NoArgs,
		RunE: t.aboutContexts(func(cmd *cobra.Command, file *contextfile.File, _ []string) error {
			if t.format != show.Table {
				return t.showContexts(cmd, file)
			}
			if len(file.Names()) == 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "no contexts in %s; 'configctl context set' makes one\n", file.Path)
			}
			rows := [][]string{{"CURRENT", "NAME", "NAMESPACE", "ENVIRONMENT", "ADDRESS"}}
			for _, name := range file.Names() {
				c, err := file.Context(name)
				if err != nil {
					return err
				}
				mark := map[bool]string{true: "*"}[name == file.Current]
				rows = append(rows, []string{mark, name, orDash(c[contextfile.Namespace]), orDash(c[contextfile.Environment]), orDash(c[contextfile.Address])})
			}
			return show.Fitted(cmd.OutOrStdout(), t.outPaper, rows)
		}),
	}
}

// showContexts prints all contexts for programs, as the file has them.
func (t *tool) showContexts(cmd *cobra.Command, file *contextfile.File) error {
	all := map[string]any{}
	for _, name := range file.Names() {
		c, err := file.Context(name)
		if err != nil {
			return err
		}
		all[name] = plainContext(c)
	}
	answer, err := structpb.NewStruct(map[string]any{"current": file.Current, "contexts": all})
	if err != nil {
		return err
	}
	return show.Message(cmd.OutOrStdout(), t.format, answer)
}

func plainContext(c contextfile.Context) map[string]any {
	out := map[string]any{}
	for setting, value := range c {
		out[setting] = value
		if on, err := strconv.ParseBool(value); setting == contextfile.TLS && err == nil {
			out[setting] = on
		}
	}
	return out
}

func (t *tool) useContextCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the current one",
		Example:           `  configctl context use production`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: t.completeContexts,
		RunE: t.aboutContexts(func(cmd *cobra.Command, file *contextfile.File, args []string) error {
			if err := file.Use(args[0]); err != nil {
				return noContext(args[0], err)
			}
			return saved(cmd, file, "the current context is %s", args[0])
		}),
	}
}

// saved keeps a changed file, and says what changed.
func saved(cmd *cobra.Command, file *contextfile.File, format string, args ...any) error {
	if err := file.Save(); err != nil {
		return withNext(usage("%v", err), "CONFIGCTL_CONFIG names another file")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	return nil
}

func (t *tool) showContextCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show [NAME]",
		Short:             "Show a context, or the one that is used now",
		Long:              `Show the settings of a context, or of the one that commands use now. Exit code 3: there is none.`,
		Example:           `  configctl context show`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: t.completeContexts,
		RunE: t.aboutContexts(func(cmd *cobra.Command, file *contextfile.File, args []string) error {
			chosen, err := t.choose(cmd)
			switch {
			case len(args) == 1:
				settings, err := file.Context(args[0])
				if err != nil {
					return noContext(args[0], err)
				}
				chosen = &chosenContext{args[0], file.Path, settings}
			case err != nil:
				return err
			case chosen == nil:
				return withNext(problem.Newf(problem.NotFound, "there is no current context"), "'configctl context use' makes one that")
			}
			if t.format != show.Table {
				answer, err := structpb.NewStruct(map[string]any{"name": chosen.name, "settings": plainContext(chosen.settings)})
				if err != nil {
					return err
				}
				return show.Message(cmd.OutOrStdout(), t.format, answer)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), chosen)
			rows := [][]string{{"SETTING", "VALUE"}}
			for _, setting := range contextfile.Settings() {
				if value, ok := chosen.settings[setting]; ok {
					rows = append(rows, []string{setting, show.Printable(value)})
				}
			}
			return show.Rows(cmd.OutOrStdout(), rows)
		}),
	}
}

func (t *tool) setContextCommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "set NAME [--addr HOST:PORT] [-n NAMESPACE] [-e ENVIRONMENT] [flags of the connection]",
		Short: "Make a context, or change its settings",
		Long: `Make a context of the flags that are given, or change these settings of it; '' takes one out. Paths
are kept from the root. The first context becomes the current one. No server is asked.`,
		Example: `  configctl context set production --addr config.example.com:9080 --tls --token-file prod.token -n payment-service -e production
  configctl context set production --environment staging`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: t.completeContexts,
	}
	of.addFlags(cmd)
	cmd.RunE = t.aboutContexts(func(cmd *cobra.Command, file *contextfile.File, args []string) error {
		values, err := t.contextOf(cmd)
		if err != nil {
			return err
		}
		if err := file.Set(args[0], values); err != nil {
			return usage("NAME is %q, which %v", args[0], err)
		}
		which := ""
		if file.Current == args[0] {
			which = " (the current one)"
		}
		return saved(cmd, file, "the context %s%s is in %s", args[0], which, file.Path)
	})
	return cmd
}

// contextOf are the settings that the flags of a command give.
func (t *tool) contextOf(cmd *cobra.Command) (map[string]string, error) {
	values := map[string]string{}
	for setting, flag := range map[string]string{
		contextfile.Address: "addr", contextfile.Namespace: "namespace", contextfile.Environment: "environment",
		contextfile.TokenFile: "token-file", contextfile.CAFile: "ca-file", contextfile.CertFile: "cert-file",
		contextfile.KeyFile: "key-file", contextfile.TLS: "tls", contextfile.Timeout: "timeout",
	} {
		if !cmd.Flags().Changed(flag) {
			continue
		}
		value := cmd.Flag(flag).Value.String()
		if contextfile.IsPath(setting) && value != "" {
			full, err := filepath.Abs(value)
			if err != nil {
				return nil, fmt.Errorf("--%s: %w", flag, err)
			}
			value = full
		}
		values[setting] = value
	}
	switch addr := values[contextfile.Address]; {
	case len(values) == 0:
		return nil, usage("there is nothing to set; accepted: --addr, --namespace, --environment and the other flags of a context")
	case addr != "":
		if err := connect.CheckAddress(addr); err != nil {
			return nil, usage("%v", err)
		}
	}
	return values, nil
}

func (t *tool) deleteContextCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME",
		Short:             "Take a context out of the file",
		Example:           `  configctl context delete production`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: t.completeContexts,
		RunE: t.aboutContexts(func(cmd *cobra.Command, file *contextfile.File, args []string) error {
			current := file.Current == args[0]
			if err := file.Delete(args[0]); err != nil {
				return noContext(args[0], err)
			}
			if current {
				return saved(cmd, file, "deleted the context %s, which was the current one", args[0])
			}
			return saved(cmd, file, "deleted the context %s", args[0])
		}),
	}
}
