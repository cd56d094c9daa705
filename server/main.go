// Command config-service is the configuration sidecar.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/server/internal/daemon"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:           "config-service",
		Short:         "A service's configuration on localhost: from etcd, kept current, always there",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetUsageFunc(usageWrapped(root.UsageFunc()))
	root.AddCommand(serveCommand(), bootstrapCommand(), healthcheckCommand(), pauseCommand(), versionCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "config-service:", err)
		stop()
		os.Exit(1)
	}
}

// usageWrapped is cobra's text with lines that fit a terminal. A template would say the same in a line, and would
// keep every exported method of the program: the linker has to think that the template calls any of them.
func usageWrapped(usual func(*cobra.Command) error) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		var text strings.Builder
		out := cmd.OutOrStderr()
		cmd.SetOut(&text)
		err := usual(cmd)
		cmd.SetOut(out)
		flags := cmd.LocalFlags()
		fmt.Fprint(out, strings.Replace(text.String(), strings.TrimSpace(flags.FlagUsages()), strings.TrimSpace(flags.FlagUsagesWrapped(110)), 1))
		return err
	}
}

func serveCommand() *cobra.Command {
	var s settings.Settings
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the sidecar until it gets SIGTERM",
		Long:  "Run the sidecar until it gets SIGTERM. Every flag can be given as the environment variable in brackets;\nthe flag wins, and an empty variable counts as not set.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.Load(cmd.Flags(), os.LookupEnv); err != nil {
				return err
			}
			log := telemetry.NewLogger(os.Stderr, s.LogLevel, s.LogFormat)
			telemetry.RouteLibraryLogs(log)
			d, err := daemon.New(cmd.Context(), &s, log, version)
			if err != nil {
				return err
			}
			return d.Run(cmd.Context())
		},
	}
	s.AddFlags(cmd.Flags())
	cmd.Flags().SortFlags = false
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return s.FlagError(err) })
	return cmd
}
