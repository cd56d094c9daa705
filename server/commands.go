package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/server/internal/settings"
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

// pauseCommand is for the container that owns a network namespace which an app and its
// sidecar share: it outlives both, since it has nothing to fail at.
func pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pause",
		Short: "Do nothing until SIGTERM: for a container that owns the network of others",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), "waiting for SIGTERM")
			<-cmd.Context().Done()
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
	certFile, keyFile := os.Getenv("CONFIG_TLS_CERT_FILE"), os.Getenv("CONFIG_TLS_KEY_FILE")
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running sidecar how it is; exit 0 when it serves, else 1",
		Long:  "Ask a running sidecar how it is, by gRPC health checking; exit 0 when it serves, else 1.\nFor containers without a shell. With CONFIG_TLS_CERT_FILE and CONFIG_TLS_KEY_FILE, as the sidecar has them, it speaks TLS.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if env := os.Getenv("CONFIG_GRPC_ADDR"); env != "" && !cmd.Flags().Changed("grpc-addr") {
				addr = env
			}
			speak, err := probeCredentials(addr, certFile, keyFile)
			if err != nil {
				return err
			}
			return healthcheck(cmd.Context(), addr, speak, service, wait)
		},
	}
	cmd.Flags().StringVar(&addr, "grpc-addr", "127.0.0.1:9080", "Address of the sidecar's gRPC: HOST:PORT or unix:/path. [CONFIG_GRPC_ADDR]")
	cmd.Flags().StringVar(&service, "service", "readiness", "What to ask for: readiness, liveness, freshness, or configservice.v1.ConfigService.")
	cmd.Flags().DurationVar(&wait, "wait", 0, "Keep asking for so long until it serves.")
	return cmd
}

// probeCredentials speaks TLS where the sidecar does, by its certificate, which it shows
// itself in case one is asked for. That of the answer is not checked: it only says how it
// is, and is asked on this machine.
func probeCredentials(addr, certFile, keyFile string) (credentials.TransportCredentials, error) {
	if certFile == "" || settings.IsSocket(addr) {
		return insecure.NewCredentials(), nil
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("CONFIG_TLS_CERT_FILE: %w", err)
	}
	return credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}), nil
}

func healthcheck(ctx context.Context, addr string, speak credentials.TransportCredentials, service string, wait time.Duration) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(speak), grpc.WithNoProxy())
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
