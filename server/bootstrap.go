package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/server/internal/daemon"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/settings"
)

// bootstrapFlags are what only bootstrap asks for.
type bootstrapFlags struct {
	rootFile, controlFile, sharedFile string
	resetControl, allowOld            bool
}

func bootstrapCommand() *cobra.Command {
	var s settings.Settings
	var f bootstrapFlags
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Make of a fresh etcd one that keeps services apart",
		Long: `Make of a fresh etcd one that keeps services apart: users and roles for the servers, and authentication on.
It can be run again at any time, also after it was interrupted, and completes what is missing. Each file that
does not exist yet is made, with a new random password; keep the one of root away from every server.
Exit 0 when the store is protected; what is better changed is listed at the end.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.LoadStore(cmd.Flags(), os.LookupEnv); err != nil {
				return err
			}
			return runBootstrap(cmd.Context(), &s, f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	s.AddStoreFlags(cmd.Flags())
	cmd.Flags().StringVar(&f.rootFile, "root-token-file", "", "File with the password of etcd's user root. Required.")
	cmd.Flags().StringVar(&f.controlFile, "control-token-file", "", "File with the password of the control server: its AUTH_TOKEN_FILE. Required.")
	cmd.Flags().StringVar(&f.sharedFile, "shared-token-file", "", "File with the password of the shared server: its AUTH_TOKEN_FILE. Default: there is no such user.")
	cmd.Flags().BoolVar(&f.resetControl, "reset-control", false, "Set the password of the control server anew when etcd does not take the one in its file.")
	cmd.Flags().BoolVar(&f.allowOld, "allow-old-etcd", false, "Go on with a release of etcd whose permissions have known holes.")
	cmd.Flags().SortFlags = false
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return s.FlagError(err) })
	return cmd
}

func runBootstrap(ctx context.Context, s *settings.Settings, f bootstrapFlags, out, warnings io.Writer) error {
	for _, required := range []struct{ flag, path string }{{"--root-token-file", f.rootFile}, {"--control-token-file", f.controlFile}} {
		if required.path == "" {
			return errors.New(required.flag + " is not set; accepted: the path of a file, which is made when it does not exist")
		}
	}
	used := map[string]string{}
	for _, file := range []struct{ flag, path string }{{"--root-token-file", f.rootFile}, {"--control-token-file", f.controlFile}, {"--shared-token-file", f.sharedFile}} {
		path := filepath.Clean(file.path)
		if other, taken := used[path]; taken && file.path != "" {
			return fmt.Errorf("%s is %s, the same file as %s; accepted: a file for each, for each is another user's password", file.flag, strconv.Quote(file.path), other)
		}
		used[path] = file.flag
	}
	log := slog.New(slog.NewTextHandler(warnings, &slog.HandlerOptions{Level: slog.LevelWarn}))
	access, err := daemon.StoreAccess(s, log)
	if err != nil {
		return err
	}
	cfg := etcdstore.BootstrapConfig{
		Endpoints:    s.EtcdEndpoints,
		TLS:          access.TLS,
		Root:         passwordFile("--root-token-file", f.rootFile, log),
		Control:      passwordFile("--control-token-file", f.controlFile, log),
		ResetControl: f.resetControl,
		AllowOld:     f.allowOld,
		Say:          func(line string) { fmt.Fprintln(out, line) },
		Now:          time.Now,
	}
	if f.sharedFile != "" {
		shared := passwordFile("--shared-token-file", f.sharedFile, log)
		cfg.Shared = &shared
	}
	findings, err := etcdstore.Bootstrap(ctx, cfg)
	if err != nil {
		return err
	}
	for _, finding := range findings {
		fmt.Fprintln(out, "finding:", finding)
	}
	fmt.Fprintln(out, "etcd is protected; give", f.controlFile, "to the control server as its AUTH_TOKEN_FILE, and keep", f.rootFile, "away from every server")
	return nil
}

func passwordFile(flag, path string, log *slog.Logger) etcdstore.Password {
	return etcdstore.Password{
		Name: flag + " " + strconv.Quote(path),
		Read: func() (string, error) {
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("%s: %w", flag, err)
			}
			return daemon.ReadPassword(flag, path, log)
		},
		Make: func() (string, error) {
			password, err := makePassword(path)
			if err != nil {
				return "", fmt.Errorf("%s: %w", flag, err)
			}
			return password, nil
		},
	}
}

// makePassword writes a new password into a file that does not exist yet. The file is
// there as a whole or not at all, also when the machine stops in between.
func makePassword(path string) (string, error) {
	password := rand.Text() // 128 bits at least
	dir := filepath.Dir(path)
	draft, err := os.CreateTemp(dir, ".password-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(password + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return "", err
	}
	if err := os.Link(draft.Name(), path); err != nil { // unlike a rename it replaces nothing
		return "", err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return "", err
	}
	return password, errors.Join(folder.Sync(), folder.Close())
}
