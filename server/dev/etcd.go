package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/server/internal/embeddedetcd"
)

// etcdCommand runs an etcd alone: to try out what `config-service` does with one that is
// empty.
func etcdCommand() *cobra.Command {
	var addr, dir string
	cmd := &cobra.Command{
		Use:   "etcd",
		Short: "Run an empty etcd and nothing else, to try things out",
		Long: "Run an empty etcd of one member and nothing else, to try out config-service on it. Its passwords\n" +
			"are hashed at the least cost, as with etcd's own --bcrypt-cost 4. It does not fsync: not for production.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEtcd(cmd.Context(), cmd.OutOrStdout(), addr, dir)
		},
	}
	cmd.Flags().StringVar(&addr, "etcd-addr", env("DEV_ETCD_ADDR", defaultEtcdAddr), "Client address of the etcd. [DEV_ETCD_ADDR]")
	cmd.Flags().StringVar(&dir, "data-dir", env("DEV_DATA_DIR", ""), "Where it keeps its data. Default: a temporary directory, removed at the end. [DEV_DATA_DIR]")
	return cmd
}

func runEtcd(ctx context.Context, out io.Writer, addr, dir string) error {
	dir, remove, err := dataDir(dir)
	if err != nil {
		return err
	}
	defer remove()
	etcd, err := embeddedetcd.StartWith(ctx, addr, dir, embeddedetcd.Options{BcryptCost: 4})
	if err != nil && ctx.Err() != nil {
		return nil // stopped before it began
	}
	if err != nil {
		return fmt.Errorf("%w (is another one running? stop it, or choose --etcd-addr)", err)
	}
	defer etcd.Close()
	fmt.Fprintf(out, "etcd on %s (Ctrl-C stops it)\n", etcd.Endpoint)
	<-ctx.Done()
	return nil
}

// dataDir returns the directory, or a temporary one, and what removes that.
func dataDir(dir string) (string, func(), error) {
	if dir != "" {
		return dir, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "config-service-dev-")
	if err != nil {
		return "", nil, fmt.Errorf("make a directory for etcd: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil // what stays is in the system's temporary directory
}
