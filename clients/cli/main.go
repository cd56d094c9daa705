// Command configctl looks after config-service from the command line.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
	"google.golang.org/grpc"

	"github.com/config-service/config-service/clients/cli/internal/connect"
	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t := &tool{
		lookup:      os.LookupEnv,
		environment: os.Environ(),
		in:          os.Stdin,
		terminal:    term.IsTerminal(int(os.Stdin.Fd())),
		openTTY:     func() (*os.File, error) { return os.OpenFile("/dev/tty", os.O_RDWR, 0) },
	}
	t.outPaper, t.errPaper = t.paper(os.Stdout), t.paper(os.Stderr)
	exit := t.run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(exit)
}

// tool is one run of configctl.
type tool struct {
	lookup      func(string) (string, bool) // of an environment variable
	environment []string                    // for the commands that it runs
	in          io.Reader
	answers     *bufio.Reader            // of in, to questions; nil before the first
	terminal    bool                     // in is one
	openTTY     func() (*os.File, error) // the terminal itself; may be nil
	outPaper    show.Paper
	errPaper    show.Paper
	server      connect.Settings
	contextName string         // of the flag
	context     *chosenContext // nil: none
	format      string
}

// paper is what a file is, as something to print on.
func (t *tool) paper(f *os.File) show.Paper {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return show.Paper{}
	}
	plain, _ := t.lookup("NO_COLOR")
	kind, _ := t.lookup("TERM")
	return show.Paper{Width: max(width, 40), Colour: plain == "" && kind != "" && kind != "dumb"}
}

const about = `configctl looks after config-service: it shows and changes configuration and its
history, onboards services, makes tokens, and tells what a caller may do.

Where the server is, and who you are, flags say, the environment variables in brackets, or a
context ('configctl context'), in this order. A token never goes over plaintext to another machine.

What was asked for goes to standard output, all words about it to standard error.
Exit codes: 0 done, 1 failed, 2 wrong usage or a refused argument, 3 not found, 4 it exists
already or somebody else was faster, 5 no server or store answers. What compares (diff,
compare): 0 the same, 1 different, 2 trouble.`

func (t *tool) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "configctl",
		Short: "Look after config-service",
		Long:  about,
		Example: `  configctl get database.pool_size -n payment-service -e production
  configctl set database.pool_size=20 -n payment-service -e production -m "more load"
  configctl whoami
  configctl service register --service payment-service --environment production > payment.token
  configctl service list -o json`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetUsageFunc(usageWrapped(root.UsageFunc()))
	t.server.AddFlags(root.PersistentFlags())
	root.PersistentFlags().StringVarP(&t.format, "output", "o", show.Table, "How answers are printed: "+strings.Join(show.Formats(), ", ")+"; some commands also env, raw.")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(show.Formats(), cobra.ShellCompDirectiveNoFileComp)) // fails only for no such flag
	root.AddCommand(t.getCommand(), t.listKeysCommand(), t.watchCommand(), t.explainCommand(), t.runCommand())
	root.AddCommand(t.searchCommand(), t.namespacesCommand())
	root.AddCommand(t.setCommand(), t.unsetCommand(), t.historyCommand(), t.showCommand(), t.rollbackCommand(), t.diffCommand(), t.compareCommand())
	root.AddCommand(t.editCommand(), t.importCommand(), t.promoteCommand(), t.applyCommand(), t.validateCommand(), t.exportCommand())
	root.PersistentFlags().StringVar(&t.contextName, "context", "", "Context to use; '' for none. Default: the current one. [CONFIGCTL_CONTEXT]")
	_ = root.RegisterFlagCompletionFunc("context", t.completeContexts) // fails only for no such flag
	root.AddCommand(t.contextCommand(), t.schemaCommand(), t.serviceCommand(), t.sidecarCommand(), t.tokenCommand(), t.whoAmICommand(), t.canICommand(), t.doctorCommand(), versionCommand())
	return root
}

// usageWrapped is cobra's text with lines that fit a terminal. A template would say the same in a line, and would
// keep every exported method of the program: the linker has to think that the template calls any of them.
func usageWrapped(usual func(*cobra.Command) error) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		var text strings.Builder
		out := cmd.OutOrStderr()
		cmd.SetOut(&text)
		err := usual(cmd)
		cmd.SetOut(out)
		wrapped := text.String()
		for _, flags := range []*pflag.FlagSet{cmd.LocalFlags(), cmd.InheritedFlags()} {
			if flags.HasAvailableFlags() {
				wrapped = strings.Replace(wrapped, strings.TrimSpace(flags.FlagUsages()), strings.TrimSpace(flags.FlagUsagesWrapped(100)), 1)
			}
		}
		fmt.Fprint(out, wrapped)
		return err
	}
}

// run returns the exit code.
func (t *tool) run(ctx context.Context, args []string, out, errs io.Writer) int {
	root := t.command()
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	var failed *problem.Error
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &failed): // cobra's own
		failed = &problem.Error{Exit: problem.Usage, Message: err.Error(), Next: "'" + cmd.CommandPath() + " --help' shows how"}
	}
	if failed.Message != "" {
		for line := range strings.Lines(failed.Error() + "\n") {
			fmt.Fprint(errs, "configctl: ", line)
		}
		if t.context != nil && aboutContext(failed) {
			fmt.Fprintf(errs, "configctl: (%s)\n", t.context)
		}
	}
	return failed.Exit
}

// aboutContext says whether another context could be what is missing.
func aboutContext(e *problem.Error) bool {
	switch e.Exit {
	case problem.Usage, problem.NotFound, problem.Unavailable:
		return true
	}
	return strings.HasPrefix(e.Message, "PERMISSION_DENIED") || strings.HasPrefix(e.Message, "UNAUTHENTICATED") || strings.HasPrefix(e.Message, "NO_SUCH_METHOD")
}

// group is a command that only holds others.
func group(cmd *cobra.Command, under ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs // else an unknown name is answered with help, and exit code 0
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(under...)
	return cmd
}

// usage is a mistake on the command line.
func usage(format string, args ...any) *problem.Error {
	return problem.Newf(problem.Usage, format, args...)
}

// doing makes of what goes wrong within a command an error with an exit code.
func doing(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var failed *problem.Error
		if err == nil || errors.As(err, &failed) {
			return err
		}
		return problem.Newf(problem.Failed, "%v", err)
	}
}

// calling is a command that calls the server: it gets a connection, and a context that
// ends with the timeout.
func (t *tool) calling(run func(ctx context.Context, cmd *cobra.Command, conn *grpc.ClientConn) error) func(*cobra.Command, []string) error {
	return doing(func(cmd *cobra.Command, _ []string) error {
		if err := t.checkFormat(); err != nil {
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
		ctx, cancel := context.WithTimeout(cmd.Context(), t.server.Timeout)
		defer cancel()
		return run(ctx, cmd, conn)
	})
}

// checkFormat says whether a command can print as asked: in the usual formats, and in more.
func (t *tool) checkFormat(more ...string) error {
	formats := append(show.Formats(), more...)
	if !slices.Contains(formats, t.format) {
		return usage("--output is %q; accepted: %s", t.format, strings.Join(formats, ", "))
	}
	return nil
}

// refused is a call that failed.
func (t *tool) refused(err error) error {
	return problem.Of(problem.Call{Addr: t.server.Addr, TLS: t.server.SpeaksTLS(), Err: err})
}

// refusedWrite is one that may have changed something.
func (t *tool) refusedWrite(err error) error {
	return problem.Of(problem.Call{Addr: t.server.Addr, TLS: t.server.SpeaksTLS(), Err: err, Write: true})
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: doing(func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "configctl %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}),
	}
}
