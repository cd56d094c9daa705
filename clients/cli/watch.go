package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	"github.com/config-service/config-service/clients/cli/internal/variables"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func (t *tool) watchCommand() *cobra.Command {
	var of where
	var prefix string
	cmd := &cobra.Command{
		Use:   "watch [PREFIX] [-- COMMAND [ARGUMENT...]]",
		Short: "Follow the effective keys, and run a command whenever they change",
		Long: `Print the effective keys and then every change, until it is interrupted. A server that goes away
is called again. With -o json every line is one message of the contract's Watch.

With a COMMAND it runs that instead, at once and after every change, with the values in its
environment; 'configctl run --help' tells the names. A change while it runs starts it once more
when it has ended.` + ownScope,
		Example: `  configctl watch database -n payment-service -e production
  configctl watch -o json | jq .delta
  configctl watch -- sh -c 'render-config && nginx -s reload'`,
	}
	of.addFlags(cmd)
	cmd.Flags().StringVar(&prefix, "env-prefix", "", "With a COMMAND, what the names of its variables begin with.")
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		before, command, err := splitCommand(cmd, args)
		if err != nil {
			return err
		}
		if t.format == show.YAML {
			return usage("--output is %q; accepted: table, json", t.format)
		}
		of.resolve(cmd, t.lookup)
		w := &watching{session: s, command: command, envPrefix: prefix, content: tree.Content{}, masked: map[string]bool{}}
		w.req = &configv1.WatchRequest{Namespace: of.namespace, Environment: of.environment}
		if len(before) > 0 {
			w.req.Prefix = before[0]
		}
		return w.run()
	})
	return cmd
}

// splitCommand parts what stands before -- from the command behind it.
func splitCommand(cmd *cobra.Command, args []string) (before, command []string, err error) {
	before = args
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		before, command = args[:at], args[at:]
		if len(command) == 0 {
			return nil, nil, usage("there is no COMMAND after --; accepted: a command")
		}
	}
	if len(before) > 1 {
		return nil, nil, usage("accepts one PREFIX, received %d; a COMMAND stands behind --", len(before))
	}
	return before, command, nil
}

// watching is a watch while it runs. One goroutine owns it.
type watching struct {
	*session
	req       *configv1.WatchRequest
	command   []string
	envPrefix string
	content   tree.Content
	stale     bool
	masked    map[string]bool
	ran       []string // the variables that the command ran with last; nil: it did not
}

// run watches until it is interrupted.
func (w *watching) run() error {
	const first, most = 200 * time.Millisecond, 10 * time.Second
	wait := first
	for {
		began := w.req.Resume
		err := w.stream()
		switch {
		case w.cmd.Context().Err() != nil:
			return nil // it was asked to end
		case !passes(err) || w.req.Resume == nil:
			return err
		}
		if w.req.Resume != began {
			wait = first
		}
		w.say("note: the server is gone; calling it again in %s", wait)
		select {
		case <-w.cmd.Context().Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, most)
	}
}

// lost is a stream that ended and can be had again.
type lost struct{ error }

func passes(err error) bool {
	var l lost
	return errors.As(err, &l)
}

// stream is one stream from its begin to its end.
func (w *watching) stream() error {
	ctx, cancel := context.WithCancel(w.cmd.Context())
	defer cancel()
	stream, err := w.config.Watch(ctx, w.req)
	if err != nil {
		return w.ended(err)
	}
	for {
		resp, err := stream.Recv()
		if err != nil {
			return w.ended(err)
		}
		if err := w.take(resp); err != nil {
			return err
		}
		state := resp.GetState()
		w.req.Resume = &configv1.ResumePoint{Epoch: state.GetEpoch(), Revision: state.GetRevision()}
	}
}

func (w *watching) ended(err error) error {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented, codes.FailedPrecondition:
		return w.refusedIn(where{w.req.Namespace, w.req.Environment}, err)
	}
	if w.req.Resume == nil { // there was no answer yet
		return w.refused(err)
	}
	return lost{w.refused(err)}
}

// take is one message.
func (w *watching) take(resp *configv1.WatchResponse) error {
	if stale := resp.GetState().GetFreshness() == configv1.State_STALE; stale != w.stale {
		w.stale = stale
		if stale {
			w.noteStale(resp.GetState())
		} else {
			w.say("note: the server has its store again")
		}
	}
	if snapshot := resp.GetSnapshot(); snapshot != nil {
		w.content = tree.Content{}
		clear(w.masked)
	}
	entries := append(slices.Clone(resp.GetSnapshot().GetEntries()), resp.GetDelta().GetEntries()...)
	for _, e := range entries {
		if w.masked[e.GetKey()] = e.GetMasked(); e.GetMasked() {
			delete(w.content, e.GetKey())
			continue
		}
		w.content[e.GetKey()] = e.GetValue()
	}
	for _, key := range resp.GetDelta().GetDeletedKeys() {
		delete(w.content, key)
		delete(w.masked, key)
	}
	switch {
	case w.command != nil && resp.GetCheckpoint() == nil:
		return w.runCommand()
	case w.command != nil:
		return nil
	case w.format == show.JSON:
		return show.Line(w.out(), resp)
	}
	return w.print(entries, resp.GetDelta().GetDeletedKeys())
}

func (w *watching) print(entries []*configv1.Entry, deleted []string) error {
	now := time.Now().Format(time.TimeOnly)
	for _, e := range entries {
		line := now + " " + e.GetKey() + ": " + valueOf(e)
		if _, err := fmt.Fprintln(w.out(), show.Cut(line, w.outPaper.Width)); err != nil {
			return err
		}
	}
	for _, key := range deleted {
		if _, err := fmt.Fprintln(w.out(), now+" "+key+" is gone"); err != nil {
			return err
		}
	}
	return nil
}

// runCommand runs the command, unless it ran with the same values last.
func (w *watching) runCommand() error {
	if err := variables.CheckPrefix(w.envPrefix); err != nil {
		return usage("--env-prefix %v", err)
	}
	vars, err := variables.Of(w.envPrefix, w.content)
	if err != nil {
		return err
	}
	all, kept := variables.Over(w.tool.environment, vars)
	if w.ran != nil && slices.Equal(w.ran, all) {
		return nil
	}
	w.noteKept(kept)
	if w.ran == nil {
		var left []string
		for _, key := range slices.Sorted(maps.Keys(w.masked)) {
			if w.masked[key] {
				left = append(left, key)
			}
		}
		w.noteMasked(left)
	}
	w.ran = all
	c := exec.CommandContext(w.cmd.Context(), w.command[0], w.command[1:]...)
	c.Env, c.Stdout, c.Stderr = all, w.out(), w.cmd.ErrOrStderr()
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second // then it is killed
	var exit *exec.ExitError
	switch err := c.Run(); {
	case errors.As(err, &exit):
		w.say("note: the command ended with %v", exit)
	case err != nil && w.cmd.Context().Err() == nil:
		return fmt.Errorf("run the command: %w", err)
	}
	return nil
}

func (s *session) noteKept(kept []string) {
	for _, name := range kept {
		s.say("note: %s is set already and stays as it is", name)
	}
}
