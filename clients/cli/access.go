package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func (t *tool) whoAmICommand() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Tell who you are to the server, and by which evidence",
		Example: `  configctl whoami
  configctl whoami --addr config.example.com:9080 --ca-file ca.pem --token-file admin.token`,
		Args: cobra.NoArgs,
		RunE: t.calling(func(ctx context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error {
			resp, err := configv1.NewAccessServiceClient(conn).WhoAmI(ctx, &configv1.WhoAmIRequest{})
			if err != nil {
				return t.refused(err)
			}
			if t.format != show.Table {
				return show.Message(cmd.OutOrStdout(), t.format, resp)
			}
			if t.context != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), t.context)
			}
			id := resp.GetIdentity()
			rows := [][]string{
				{"NAME", "EVIDENCE", "CREDENTIAL", "EXPIRES", "SERVER ROLE"},
				{id.GetName(), words(id.GetEvidence().String()), orDash(id.GetCredential()), show.Time(id.GetExpireTime(), "never"), orDash(resp.GetRole())},
			}
			return show.Rows(cmd.OutOrStdout(), rows)
		}),
	}
}

func (t *tool) canICommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "can-i ACTION",
		Short: "Tell whether you may do something; exit 0 for yes, 1 for no",
		Long: `Tell whether you may do something in a namespace and an environment: yes or no, and on
standard error why. Without --namespace and --environment: in your own. Exit 0 for yes, 1 for no.

ACTION is one of ` + strings.Join(actions(), ", ") + `.`,
		Example: `  configctl can-i read
  configctl can-i administer -n payment-service -e production
  configctl can-i write -n payment-service -e production && deploy`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: actions(),
	}
	of.addFlags(cmd)
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "service" { // as 'configctl service' calls it
			name = "namespace"
		}
		return pflag.NormalizedName(name)
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		action, ok := actionOf(args[0])
		if !ok {
			return usage("ACTION is %q; accepted: %s", args[0], strings.Join(actions(), ", "))
		}
		return t.calling(func(ctx context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error {
			of.resolve(cmd, t.lookup)
			req := &configv1.CanIRequest{Action: action, Namespace: of.namespace, Environment: of.environment}
			resp, err := configv1.NewAccessServiceClient(conn).CanI(ctx, req)
			if err != nil {
				return t.refusedIn(of, err)
			}
			return t.tellWhether(cmd, resp)
		})(cmd, args)
	}
	return cmd
}

func (t *tool) tellWhether(cmd *cobra.Command, resp *configv1.CanIResponse) error {
	answer := "no"
	if resp.GetAllowed() {
		answer = "yes"
	}
	var err error
	if t.format == show.Table {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), answer)
		fmt.Fprintln(cmd.ErrOrStderr(), resp.GetReason())
	} else {
		err = show.Message(cmd.OutOrStdout(), t.format, resp)
	}
	if err == nil && !resp.GetAllowed() {
		return &problem.Error{Exit: problem.Failed} // the answer tells it
	}
	return err
}

// actions are those that can be asked about, as people write them.
func actions() []string {
	var names []string
	for number, name := range configv1.Action_name {
		if number != 0 { // which is never sent
			names = append(names, words(name))
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		x, _ := actionOf(a)
		y, _ := actionOf(b)
		return int(x - y)
	})
	return names
}

func actionOf(name string) (configv1.Action, bool) {
	number, ok := configv1.Action_value[strings.ToUpper(strings.ReplaceAll(name, "-", "_"))]
	return configv1.Action(number), ok && number != 0
}

// words writes a name of the contract as people do.
func words(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "-")) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
