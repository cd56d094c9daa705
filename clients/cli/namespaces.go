package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) namespacesCommand() *cobra.Command {
	var of where
	var follow bool
	cmd := &cobra.Command{
		Use:   "namespaces",
		Short: "Show the scopes that you may read, and where each stands",
		Long: `Show the scopes that you may read: the version of each, how many keys it has, when it was
changed last, and by whom. A scope of version - has nothing but what was written past the service.
A service that is only registered, or has only a schema, is not among them: 'configctl service list'
and 'configctl schema get' show these.

With --watch also every change, until it is interrupted; a stream that is lost is begun again. With
-o json every line is then one message of the contract's WatchHeads.`,
		Example: `  configctl namespaces
  configctl namespaces -e production -o json
  configctl namespaces --watch`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd)
	cmd.Flags().Lookup("namespace").Usage = "Only this namespace. Default: all."
	cmd.Flags().Lookup("environment").Usage = "Only this environment. Default: all."
	cmd.Flags().BoolVar(&follow, "watch", false, "Go on with every change.")
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		if follow {
			if t.format == show.YAML {
				return usage("--output is %q; accepted with --watch: table, json", t.format)
			}
			return (&overview{session: s, of: of}).run()
		}
		heads, err := s.heads(of)
		if err != nil {
			return err
		}
		if s.machine() {
			return show.Message(s.out(), s.format, &adminv1.ListNamespacesResponse{Scopes: heads})
		}
		rows := [][]string{{"NAMESPACE", "ENVIRONMENT", "VERSION", "KEYS", "TIME", "AUTHOR"}}
		for _, h := range heads {
			rows = append(rows, headRow(h))
		}
		if len(heads) == 0 {
			s.noteNone(of)
		}
		return show.Fitted(s.out(), s.outPaper, rows)
	})
	return cmd
}

// noteNone says what an empty list does not mean.
func (s *session) noteNone(of where) {
	in := ""
	if of.environment != "" {
		in = " in " + of.environment
	}
	switch of.namespace {
	case "", "_shared":
		s.say("there is no configuration%s that you may read; 'configctl service list' shows the services that are registered", in)
	default:
		s.say("%s has no configuration%s that you may read; 'configctl schema get -n %s' shows whether it has a schema, 'configctl service list' whether it is registered", of.namespace, in, of.namespace)
	}
}

func headRow(h *adminv1.ScopeHead) []string {
	version, keys := strconv.FormatInt(h.GetVersion(), 10), strconv.Itoa(int(h.GetKeys()))
	if h.GetVersion() == 0 {
		version, keys = "-", "-"
	}
	return []string{h.GetNamespace(), h.GetEnvironment(), version, keys, show.Time(h.GetTime(), "-"), orDash(show.Printable(h.GetAuthor()))}
}

// overview is a watch of heads while it runs. One goroutine owns it.
type overview struct {
	*session
	of     where
	scopes map[where]*adminv1.ScopeHead // that were told; nil: nothing was, ever
	told   map[where]bool               // by the present stream, until it has listed all
	listed bool
}

// run watches until it is interrupted.
func (o *overview) run() error {
	const first, most = 200 * time.Millisecond, 10 * time.Second
	wait := first
	for {
		err := o.stream()
		switch {
		case o.cmd.Context().Err() != nil:
			return nil // it was asked to end
		case !passes(err):
			return err
		}
		if o.listed {
			wait = first
		}
		o.say("note: the server or its store is gone; calling it again in %s", wait)
		select {
		case <-o.cmd.Context().Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, most)
	}
}

// stream is one stream from its begin to its end.
func (o *overview) stream() error {
	ctx, cancel := context.WithCancel(o.cmd.Context())
	defer cancel()
	o.listed, o.told = false, map[where]bool{}
	stream, err := o.admin.WatchHeads(ctx, &adminv1.WatchHeadsRequest{Namespace: o.of.namespace, Environment: o.of.environment})
	if err != nil {
		return o.ended(err)
	}
	for {
		resp, err := stream.Recv()
		if err != nil {
			return o.ended(err)
		}
		if err := o.take(resp); err != nil {
			return err
		}
	}
}

func (o *overview) ended(err error) error {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented, codes.FailedPrecondition:
		return o.refused(err)
	}
	if o.scopes == nil { // there was no answer yet
		return o.refused(err)
	}
	return lost{o.refused(err)}
}

// take prints one message: of a table what was not said before.
func (o *overview) take(resp *adminv1.WatchHeadsResponse) error {
	if o.scopes == nil {
		o.scopes = map[where]*adminv1.ScopeHead{}
	}
	if o.format == show.JSON {
		o.listed = resp.GetListed()
		return show.Line(o.out(), resp)
	}
	for _, h := range resp.GetScopes() {
		at := where{h.GetNamespace(), h.GetEnvironment()}
		o.told[at] = true
		if proto.Equal(o.scopes[at], h) {
			continue // of a stream before
		}
		o.scopes[at] = h
		if err := o.print(h); err != nil {
			return err
		}
	}
	for _, id := range resp.GetDeleted() {
		if err := o.gone(where{id.GetNamespace(), id.GetEnvironment()}); err != nil {
			return err
		}
	}
	if !resp.GetListed() || o.listed {
		return nil
	}
	o.listed = true
	for at := range o.scopes { // what went while there was no stream
		if !o.told[at] {
			if err := o.gone(at); err != nil {
				return err
			}
		}
	}
	o.told = map[where]bool{}
	return nil
}

func (o *overview) print(h *adminv1.ScopeHead) error {
	row := headRow(h)
	line := fmt.Sprintf("%s: version %s, %s keys, %s, by %s", where{row[0], row[1]}, row[2], row[3], row[4], row[5])
	if h.GetVersion() == 0 {
		line = where{row[0], row[1]}.String() + ": no version yet"
	}
	_, err := fmt.Fprintln(o.out(), show.Cut(line, o.outPaper.Width))
	return err
}

func (o *overview) gone(at where) error {
	delete(o.scopes, at)
	_, err := fmt.Fprintln(o.out(), at.String()+" is gone")
	return err
}
