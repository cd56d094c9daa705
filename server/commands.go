package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "config-service %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// probeTimeout bounds one probe; probeEvery is the pause between them with --wait.
const (
	probeTimeout = 2 * time.Second
	probeEvery   = 100 * time.Millisecond
)

func healthcheckCommand() *cobra.Command {
	var addr, service string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running sidecar how it is; exit 0 when it serves, else 1",
		Long:  "Ask a running sidecar how it is, by gRPC health checking; exit 0 when it serves, else 1.\nFor containers without a shell.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if env := os.Getenv("CONFIG_GRPC_ADDR"); env != "" && !cmd.Flags().Changed("grpc-addr") {
				addr = env
			}
			return healthcheck(cmd.Context(), addr, service, wait)
		},
	}
	cmd.Flags().StringVar(&addr, "grpc-addr", "127.0.0.1:9080", "Address of the sidecar's gRPC: HOST:PORT or unix:/path. [CONFIG_GRPC_ADDR]")
	cmd.Flags().StringVar(&service, "service", "readiness", "What to ask for: readiness, liveness, freshness, or configservice.v1.ConfigService.")
	cmd.Flags().DurationVar(&wait, "wait", 0, "Keep asking for so long until it serves.")
	return cmd
}

func healthcheck(ctx context.Context, addr, service string, wait time.Duration) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return fmt.Errorf("%s: %w", addr, err)
	}
	defer conn.Close()
	deadline := time.Now().Add(wait)
	for {
		err := probe(ctx, healthpb.NewHealthClient(conn), service)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(probeEvery):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

func probe(ctx context.Context, client healthpb.HealthClient, service string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	resp, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		return fmt.Errorf("%s: %s", service, status.Convert(err).Message())
	}
	if resp.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s: %s", service, resp.GetStatus())
	}
	return nil
}
