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
	// Lines that fit a terminal.
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 110"))
	root.AddCommand(serveCommand(), bootstrapCommand(), healthcheckCommand(), pauseCommand(), versionCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "config-service:", err)
		stop()
		os.Exit(1)
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
