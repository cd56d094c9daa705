package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// page is how many services are asked for at a time: the most that a server gives.
const page = 1000

func (t *tool) listServicesCommand() *cobra.Command {
	var of scope
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the registered services that you may administer",
		Long: `Show the registered services that you may administer, with the tokens of their sidecars.
'configctl namespaces' shows what has a configuration, registered or not.`,
		Example: `  configctl service list
  configctl service list --environment production -o json`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd, "Only this service. Default: all.", "Only this environment. Default: all.")
	cmd.RunE = t.calling(func(ctx context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error {
		all := &adminv1.ListServicesResponse{}
		req := &adminv1.ListServicesRequest{Namespace: of.service, Environment: of.environment, PageSize: page}
		for {
			resp, err := adminv1.NewConfigAdminServiceClient(conn).ListServices(ctx, req)
			if err != nil {
				return t.refused(err)
			}
			all.Services = append(all.Services, resp.GetServices()...)
			if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		if t.format != show.Table {
			return show.Message(cmd.OutOrStdout(), t.format, all)
		}
		rows := [][]string{{"NAMESPACE", "ENVIRONMENT", "TOKENS", "EXPIRES", "CREATED", "BY"}}
		for _, s := range all.GetServices() {
			rows = append(rows, row(s))
		}
		if len(all.GetServices()) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "no service that you may administer is registered; 'configctl namespaces' shows what has a configuration")
		}
		return show.Rows(cmd.OutOrStdout(), rows)
	})
	return cmd
}

// row is a service; when its tokens end stands in their order.
func row(s *adminv1.Service) []string {
	var ids, ends []string
	for _, token := range s.GetTokens() {
		ids = append(ids, token.GetId())
		ends = append(ends, show.Time(token.GetExpireTime(), "never"))
	}
	if len(ids) == 0 {
		ids, ends = []string{"none"}, []string{"-"}
	}
	return []string{
		s.GetNamespace(), s.GetEnvironment(), strings.Join(ids, ","), strings.Join(ends, ","),
		show.Time(s.GetCreateTime(), "-"), orDash(s.GetCreatedBy()),
	}
}
