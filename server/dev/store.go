package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// demoScope is what the demo data is for.
var demoScope = snapshot.ScopeID{Namespace: "payment-service", Environment: "development"}

// demo is the demo data, by layer.
var demo = map[snapshot.Layer]map[string]string{
	snapshot.ServiceEnvironment: {
		"database.host":        `"localhost"`,
		"database.pool_size":   `20`,
		"feature.new_checkout": `true`,
	},
	snapshot.Service: {
		"database.name":      `"payments"`,
		"database.pool_size": `10`,
		"payment.currencies": `["EUR", "USD", "JPY"]`,
		"payment.limits":     `{"daily": 10000, "single": 2500.5}`,
	},
	snapshot.SharedEnvironment: {
		"log.level":           `"debug"`,
		"tracing.sample_rate": `1`,
	},
	snapshot.Shared: {
		"http.timeout_seconds": `2.5`,
		"log.format":           `"json"`,
		"log.level":            `"info"`,
		"support.contact":      `"platform@example.com"`,
	},
}

// seed writes the demo data into an empty store; one with entries is left alone.
func seed(ctx context.Context, endpoint string) error {
	store, err := etcdstore.OpenRaw(endpoint)
	if err != nil {
		return err
	}
	defer store.Close()
	empty, err := store.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	var writes []etcdstore.RawWrite
	for layer, values := range demo {
		for key, json := range values {
			writes = append(writes, etcdstore.RawWrite{Scope: snapshot.LayersOf(demoScope)[layer-1], Key: key, Value: json})
		}
	}
	_, _, err = store.Commit(ctx, writes...)
	return err
}

// target is where `set` and `delete` write.
type target struct {
	layer, etcd, namespace, environment string
}

func (t *target) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.layer, "layer", "service-environment", "Layer to write: service-environment, service, shared-environment or shared.")
	cmd.Flags().StringVar(&t.etcd, "etcd", env("DEV_ETCD_ADDR", defaultEtcdAddr), "Client address of the dev server's etcd. [DEV_ETCD_ADDR]")
	cmd.Flags().StringVar(&t.namespace, "service-name", env("SERVICE_NAME", demoScope.Namespace), "Namespace to write. [SERVICE_NAME]")
	cmd.Flags().StringVar(&t.environment, "environment", env("ENVIRONMENT", demoScope.Environment), "Environment to write. [ENVIRONMENT]")
}

// scope returns the scope of the layer, or what is wrong with the names.
func (t *target) scope() (snapshot.ScopeID, error) {
	if err := snapshot.CheckNamespace(t.namespace); err != nil {
		return snapshot.ScopeID{}, fmt.Errorf("--service-name %w", err)
	}
	if err := snapshot.CheckEnvironment(t.environment); err != nil {
		return snapshot.ScopeID{}, fmt.Errorf("--environment %w", err)
	}
	for i, id := range snapshot.LayersOf(snapshot.ScopeID{Namespace: t.namespace, Environment: t.environment}) {
		if strings.EqualFold(strings.ReplaceAll(t.layer, "-", "_"), snapshot.Layer(i+1).String()) {
			return id, nil
		}
	}
	return snapshot.ScopeID{}, fmt.Errorf("--layer is %q; accepted: service-environment, service, shared-environment, shared", t.layer)
}

// commit does one write on the dev server's etcd.
func (t *target) commit(ctx context.Context, w etcdstore.RawWrite) (revision, deleted int64, err error) {
	if err := snapshot.CheckKey(w.Key); err != nil {
		return 0, 0, fmt.Errorf("KEY %w", err)
	}
	if w.Scope, err = t.scope(); err != nil {
		return 0, 0, err
	}
	store, err := etcdstore.OpenRaw(t.etcd)
	if err != nil {
		return 0, 0, err
	}
	defer store.Close()
	revision, deleted, err = store.Commit(ctx, w)
	if err != nil {
		return 0, 0, fmt.Errorf("etcd on %s does not answer (is the dev server running?): %w", t.etcd, err)
	}
	return revision, deleted, nil
}

func setCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:     "set KEY JSON",
		Short:   "Set a key of the running dev server",
		Example: "  config-service-dev set database.pool_size 25\n  config-service-dev set log.level '\"warn\"' --layer shared",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := snapshot.ParseValue([]byte(args[1])); err != nil {
				return fmt.Errorf("the value %w", err)
			}
			revision, _, err := t.commit(cmd.Context(), etcdstore.RawWrite{Key: args[0], Value: args[1]})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "set %s = %s at revision %d\n", args[0], args[1], revision)
			return nil
		},
	}
	t.addFlags(cmd)
	return cmd
}

func deleteCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "delete KEY",
		Short: "Delete a key of the running dev server from one layer",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			revision, deleted, err := t.commit(cmd.Context(), etcdstore.RawWrite{Key: args[0], Delete: true})
			if err != nil {
				return err
			}
			if deleted == 0 {
				return fmt.Errorf("%s is not set in layer %s", args[0], t.layer)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "deleted %s at revision %d\n", args[0], revision)
			return nil
		},
	}
	t.addFlags(cmd)
	return cmd
}
