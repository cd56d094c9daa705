package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// where is the scope that a command is about.
type where struct{ namespace, environment string }

func (w where) String() string { return w.namespace + " in " + w.environment }

func (w *where) addNamespace(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&w.namespace, "namespace", "n", "", "Service: its namespace. [SERVICE_NAME]")
}

func (w *where) addFlags(cmd *cobra.Command) {
	w.addNamespace(cmd)
	cmd.Flags().StringVarP(&w.environment, "environment", "e", "", "Environment. [ENVIRONMENT]")
}

// resolve completes the scope from the environment variables, as the clients do.
func (w *where) resolve(cmd *cobra.Command, lookup func(string) (string, bool)) {
	if value, ok := lookup("SERVICE_NAME"); ok && !cmd.Flags().Changed("namespace") {
		w.namespace = value
	}
	if value, ok := lookup("ENVIRONMENT"); ok && !cmd.Flags().Changed("environment") {
		w.environment = value
	}
}

// resolveRest takes from the environment variables what is not known yet.
func (w *where) resolveRest(lookup func(string) (string, bool)) {
	if w.namespace == "" {
		w.namespace, _ = lookup("SERVICE_NAME")
	}
	if w.environment == "" {
		w.environment, _ = lookup("ENVIRONMENT")
	}
}

// check says what is missing.
func (w where) check() error {
	if err := w.checkNamespace(); err != nil {
		return err
	}
	if w.environment == "" {
		return usage("--environment (ENVIRONMENT) is not set; accepted: the name of an environment, or _all")
	}
	return nil
}

func (w where) checkNamespace() error {
	if w.namespace == "" {
		return usage("--namespace (SERVICE_NAME) is not set; accepted: the name of a service, or _shared")
	}
	return nil
}

// Formats that only some commands print in.
const (
	envFormat = "env" // NAME='value', for a shell
	rawFormat = "raw" // the bare value
)

// session is one run of a command that talks to a server. One goroutine owns it.
type session struct {
	*tool
	cmd    *cobra.Command
	config configv1.ConfigServiceClient
	access configv1.AccessServiceClient
	admin  adminv1.ConfigAdminServiceClient
	conn   *grpc.ClientConn
}

// talking is a command that has a session. It prints in the usual formats, and in more.
func (t *tool) talking(more []string, run func(s *session, args []string) error) func(*cobra.Command, []string) error {
	return doing(func(cmd *cobra.Command, args []string) error {
		if err := t.checkFormat(more...); err != nil {
			return err
		}
		if err := t.settle(cmd); err != nil {
			return err
		}
		conn, err := t.server.Open("configctl/" + version)
		if err != nil {
			return usage("%v", err)
		}
		defer conn.Close()
		return run(&session{
			tool: t, cmd: cmd, conn: conn, config: configv1.NewConfigServiceClient(conn),
			access: configv1.NewAccessServiceClient(conn), admin: adminv1.NewConfigAdminServiceClient(conn),
		}, args)
	})
}

// within is the context of one call.
func (s *session) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.cmd.Context(), s.server.Timeout)
}

func (s *session) out() io.Writer { return s.cmd.OutOrStdout() }

// say prints words about what is done.
func (s *session) say(format string, args ...any) {
	const indent = len("note: ")
	fmt.Fprintln(s.cmd.ErrOrStderr(), show.Wrapped(fmt.Sprintf(format, args...), s.errPaper.Width, indent))
}

// machine says whether a program wants the answer, as the contract has it.
func (s *session) machine() bool { return s.format == show.JSON || s.format == show.YAML }

// asked says whether the format was asked for.
func (s *session) asked() bool { return s.cmd.Flags().Changed("output") }

// refusedIn is a call about a scope that failed. Where it lacks a name, it says which flags
// give one.
func (t *tool) refusedIn(of where, err error) error {
	refused := t.refused(err)
	var e *problem.Error
	if field := problem.Field(err); !errors.As(refused, &e) || !(field == "namespace" && of.namespace == "" || field == "environment" && of.environment == "") {
		return refused
	}
	var flags []string
	if of.namespace == "" {
		flags = append(flags, "-n NAMESPACE (SERVICE_NAME)")
	}
	if of.environment == "" {
		flags = append(flags, "-e ENVIRONMENT (ENVIRONMENT)")
	}
	return withNext(e, strings.Join(flags, " and ")+map[bool]string{true: " names it", false: " name them"}[len(flags) == 1])
}

// noteStale warns of an answer that may be old.
func (s *session) noteStale(state *configv1.State) {
	if state.GetFreshness() == configv1.State_STALE {
		s.say("note: this may be old: the server has no contact with its store (last: %s)", show.Time(state.GetVerifiedTime(), "never"))
	}
}

// withNext gives an error advice of its own.
func withNext(err *problem.Error, next string) *problem.Error {
	err.Next = next
	return err
}

// trouble makes every failure of a command that compares the exit code 2, as diff(1) does.
func trouble(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if failed, ok := err.(*problem.Error); ok && failed.Message != "" {
			failed.Exit = problem.Usage
		}
		return err
	}
}

// differ is the answer of a command that compares, which has been printed.
func differ() error { return &problem.Error{Exit: problem.Failed} }
