// Command config-service-dev is the sidecar on an etcd of its own, filled with demo
// data: `go run ./server/dev` and everything runs. It is not for production.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/config-service/config-service/server/internal/daemon"
	"github.com/config-service/config-service/server/internal/embeddedetcd"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/telemetry"
)

const defaultEtcdAddr = "127.0.0.1:2379"

// options are the settings of the dev server beside those of the sidecar.
type options struct {
	settings settings.Settings
	etcdAddr string
	dataDir  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "config-service-dev:", err)
		stop()
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:           "config-service-dev",
		Short:         "Run the sidecar on an embedded etcd with demo data",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.settings.Load(cmd.Flags(), os.LookupEnv); err != nil {
				return err
			}
			if o.settings.Explicit("etcd-endpoints") {
				return errors.New("--etcd-endpoints (ETCD_ENDPOINTS) is set, but the dev server brings its own etcd; use `config-service serve`, or unset it")
			}
			return run(cmd.Context(), &o)
		},
	}
	o.settings.AddFlags(cmd.Flags())
	setDefault(cmd, "service-name", demoScope.Namespace)
	setDefault(cmd, "environment", demoScope.Environment)
	setDefault(cmd, "log-format", "text")
	setDefault(cmd, "log-level", "warn")
	cmd.Flags().StringVar(&o.etcdAddr, "etcd-addr", env("DEV_ETCD_ADDR", defaultEtcdAddr), "Client address of the embedded etcd. [DEV_ETCD_ADDR]")
	cmd.Flags().StringVar(&o.dataDir, "data-dir", env("DEV_DATA_DIR", ""), "Where the embedded etcd keeps its data. Default: a temporary directory, removed at the end. [DEV_DATA_DIR]")
	cmd.Flags().SortFlags = false
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return o.settings.FlagError(err) })
	cmd.AddCommand(setCommand(), deleteCommand(), etcdCommand())
	return cmd
}

// setDefault gives a flag another default than the sidecar has.
func setDefault(cmd *cobra.Command, flag, value string) {
	f := cmd.Flags().Lookup(flag)
	f.DefValue = value
	_ = f.Value.Set(value) // a string takes any value
}

func env(name, def string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return def
}

func run(ctx context.Context, o *options) error {
	dir, remove, err := dataDir(o.dataDir)
	if err != nil {
		return err
	}
	defer remove()
	log := telemetry.NewLogger(os.Stderr, o.settings.LogLevel, o.settings.LogFormat)
	telemetry.RouteLibraryLogs(log)
	etcd, err := embeddedetcd.Start(ctx, o.etcdAddr, dir)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // stopped before it began
	case err != nil:
		return fmt.Errorf("%w (is another dev server running? stop it, or choose --etcd-addr)", err)
	}
	defer etcd.Close()
	if err := seed(ctx, etcd.Endpoint); err != nil {
		return err
	}
	o.settings.EtcdEndpoints = []string{etcd.Endpoint}
	d, err := daemon.New(ctx, &o.settings, log, "dev")
	if err != nil {
		return err
	}
	group, failed := errgroup.WithContext(ctx)
	group.Go(func() error { return d.Run(ctx) })
	group.Go(func() error {
		select {
		case <-d.Loaded():
			printBanner(os.Stdout, d, o.settings.Scope(), etcd.Endpoint)
		case <-failed.Done():
		}
		return nil
	})
	return group.Wait()
}
