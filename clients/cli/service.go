package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// scope is a service in an environment, by flags.
type scope struct{ service, environment string }

func (s *scope) addFlags(cmd *cobra.Command, service, environment string) {
	cmd.Flags().StringVar(&s.service, "service", "", service)
	cmd.Flags().StringVar(&s.environment, "environment", "", environment)
}

func (s *scope) String() string {
	if s.environment == "" {
		return s.service + " in every environment"
	}
	return s.service + " in " + s.environment
}

// addRequired adds both flags, of which the environment may be left out where it says so.
func (s *scope) addRequired(cmd *cobra.Command) {
	s.addFlags(cmd, "Name of the service: its namespace. Required.", "Environment of the service. Required.")
	for _, flag := range []string{"service", "environment"} {
		_ = cmd.MarkFlagRequired(flag) // fails only for no such flag
	}
}

func (t *tool) serviceCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "service",
		Short: "Onboard services, and look after their tokens",
		Long: `Onboard services, and look after their tokens. A registered service has a token with which its
sidecar reads the store: the content of the sidecar's AUTH_TOKEN_FILE. The server needs the role
control, and its policy file has to let you administer the service.`,
	}, t.registerCommand(), t.rotateCommand(), t.revokeCommand(), t.listServicesCommand(), t.deleteCommand())
}

func (t *tool) registerCommand() *cobra.Command {
	var of scope
	var to string
	cmd := &cobra.Command{
		Use:   "register --service NAME --environment NAME",
		Short: "Make a service known, and print its first token",
		Long: `Make a service known, and print its first token: the content of its sidecar's AUTH_TOKEN_FILE. The
token is shown this once and kept nowhere. Configuration that is there before stays.`,
		Example: `  configctl service register --service payment-service --environment production > payment.token
  configctl service register --service payment-service --environment production --token-out payment.token`,
		Args: cobra.NoArgs,
	}
	of.addRequired(cmd)
	cmd.Flags().StringVar(&to, "token-out", "", "Write the token to this file, which must not exist yet, and not to standard output.")
	cmd.RunE = t.calling(func(ctx context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error {
		place, err := newPlace(to, creating)
		if err != nil {
			return err
		}
		defer place.discard()
		req := &adminv1.RegisterServiceRequest{Namespace: of.service, Environment: of.environment}
		resp, err := adminv1.NewConfigAdminServiceClient(conn).RegisterService(ctx, req)
		if err != nil {
			return t.refusedWrite(err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "registered %s; its sidecar reads this token from AUTH_TOKEN_FILE. It is shown only now.\n", &of)
		return t.handOver(cmd, place, resp, &resp.Token)
	})
	return cmd
}

func (t *tool) rotateCommand() *cobra.Command {
	var of scope
	var to string
	var overlap time.Duration
	cmd := &cobra.Command{
		Use:   "rotate --service NAME --environment NAME",
		Short: "Make another token for a service, and let those before it end",
		Long: `Make another token for a service, and let those before it end after --overlap: long enough for every
sidecar to take the new one up, which it does by itself within seconds of a change of its file.`,
		Example: `  configctl service rotate --service payment-service --environment production --token-out payment.token
  configctl service rotate --service payment-service --environment production --overlap 24h > new.token`,
		Args: cobra.NoArgs,
	}
	of.addRequired(cmd)
	cmd.Flags().DurationVar(&overlap, "overlap", time.Hour, "How long the tokens before it go on, 0s to 720h.")
	cmd.Flags().StringVar(&to, "token-out", "", "Write the token to this file, in place of the one that is there, and not to standard output.")
	cmd.RunE = t.calling(func(ctx context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error {
		place, err := newPlace(to, replacing)
		if err != nil {
			return err
		}
		defer place.discard()
		req := &adminv1.RotateTokenRequest{Namespace: of.service, Environment: of.environment, Overlap: durationpb.New(overlap)}
		resp, err := adminv1.NewConfigAdminServiceClient(conn).RotateToken(ctx, req)
		if err != nil {
			return t.refusedWrite(err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "made another token for %s; those before it end within %s. It is shown only now.\n", &of, overlap)
		return t.handOver(cmd, place, resp, &resp.Token)
	})
	return cmd
}

func (t *tool) revokeCommand() *cobra.Command {
	var of scope
	var yes bool
	cmd := &cobra.Command{
		Use:   "revoke --service NAME --environment NAME",
		Short: "End every token of a service at once",
		Long: `End every token of a service at once. Its sidecars keep what they have, and say STALE; they get
nothing new until they have a token again. The configuration stays.`,
		Example: `  configctl service revoke --service payment-service --environment production
  configctl service revoke --service payment-service --environment production --yes`,
		Args: cobra.NoArgs,
	}
	of.addRequired(cmd)
	addYes(cmd, &yes)
	cmd.RunE = t.calling(func(_ context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error {
		if err := t.confirm(cmd, yes, fmt.Sprintf("End every token of %s?", &of)); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), t.server.Timeout) // not that of the question
		defer cancel()
		req := &adminv1.RevokeServiceRequest{Namespace: of.service, Environment: of.environment}
		resp, err := adminv1.NewConfigAdminServiceClient(conn).RevokeService(ctx, req)
		if err != nil {
			return t.refusedWrite(err)
		}
		if t.format != show.Table {
			return show.Message(cmd.OutOrStdout(), t.format, resp)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "revoked %s of %s\n", count(int64(len(resp.GetRevokedTokenIds())), "token"), &of)
		for _, id := range resp.GetRevokedTokenIds() {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), id); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

func (t *tool) deleteCommand() *cobra.Command {
	var of scope
	var yes, all bool
	cmd := &cobra.Command{
		Use:   "delete --service NAME (--environment NAME | --all-environments)",
		Short: "Remove a service: its tokens and its configuration",
		Long: `Remove a service: its tokens, its configuration and whatever else is kept about it. With
--all-environments in every environment, and with what it has for all of them. It cannot be brought back.`,
		Example: `  configctl service delete --service payment-service --environment staging
  configctl service delete --service payment-service --all-environments --yes`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd, "Name of the service: its namespace. Required.", "Environment.")
	cmd.Flags().BoolVar(&all, "all-environments", false, "Every environment.")
	_ = cmd.MarkFlagRequired("service") // fails only for no such flag
	addYes(cmd, &yes)
	cmd.RunE = t.calling(func(_ context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error {
		if all == (of.environment != "") {
			return usage("accepted: one of --environment NAME and --all-environments")
		}
		if err := t.confirm(cmd, yes, fmt.Sprintf("Remove %s, with its configuration, for good?", &of)); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), t.server.Timeout) // not that of the question
		defer cancel()
		req := &adminv1.DeleteServiceRequest{Namespace: of.service, Environment: of.environment, AllEnvironments: all}
		resp, err := adminv1.NewConfigAdminServiceClient(conn).DeleteService(ctx, req)
		if err != nil {
			return t.refusedWrite(err)
		}
		if t.format != show.Table {
			return show.Message(cmd.OutOrStdout(), t.format, resp)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "removed %s: %s and %s\n", &of, count(resp.GetDeletedKeys(), "key"), count(resp.GetDeletedTokens(), "token"))
		return nil
	})
	return cmd
}

func count(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func addYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "Do it without asking.")
}

// confirm asks on a terminal whether to go on. Where nobody can be asked it goes on with
// --yes only.
func (t *tool) confirm(cmd *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	if !t.terminal {
		return &problem.Error{Exit: problem.Usage, Message: "there is no terminal to ask on: " + question, Next: "--yes does it without asking"}
	}
	if answer := t.ask(cmd, question+" [y/N]"); answer == "y" || answer == "yes" {
		return nil
	}
	return problem.Newf(problem.Failed, "nothing was done")
}

// ask returns what a person answers on the terminal, in small letters; nothing after an
// interrupt, and when there is nobody.
func (t *tool) ask(cmd *cobra.Command, question string) string {
	fmt.Fprint(cmd.ErrOrStderr(), question, " ")
	if t.answers == nil {
		t.answers = bufio.NewReader(t.in) // of all questions: it may read ahead
	}
	// A read from a terminal cannot be broken off: after an interrupt it ends with the
	// process.
	answers := make(chan string, 1)
	go func() {
		answer, _ := t.answers.ReadString('\n') // no answer is no
		answers <- answer
	}()
	select {
	case answer := <-answers:
		return strings.ToLower(strings.TrimSpace(answer))
	case <-cmd.Context().Done():
		fmt.Fprintln(cmd.ErrOrStderr())
	}
	return ""
}
