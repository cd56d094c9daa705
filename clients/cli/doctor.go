package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

func (t *tool) doctorCommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the way to a server, and say what is wrong",
		Long: `Check the way to a server: that it answers at its address, says that it is healthy, knows who you
are, has configuration that is fresh and usable, and a clock that agrees with yours; and, of a
server of the role control, that its store answers. Everything that is found is one line. Exit 0:
all is well; 5: no server answers; 1: something else is wrong.` + ownScope,
		Example: `  configctl doctor
  configctl doctor -n payment-service -e production`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd)
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		if s.machine() {
			return usage("--output is %q; accepted: table", s.format)
		}
		of.resolve(cmd, t.lookup)
		d := &diagnosis{session: s, of: of}
		return d.run()
	})
	return cmd
}

// diagnosis is a doctor at work. One goroutine owns it.
type diagnosis struct {
	*session
	of  where
	bad int
}

func (d *diagnosis) run() error {
	fmt.Fprintf(d.out(), "ok   configctl %s\n", version)
	if err := d.health(); err != nil {
		return err
	}
	role, named := d.identity()
	if named {
		d.configuration()
	}
	if role == "control" {
		d.store()
	}
	if d.bad > 0 {
		return problem.Newf(problem.Failed, "%s found", count(int64(d.bad), "problem"))
	}
	return nil
}

func (d *diagnosis) well(format string, args ...any) {
	fmt.Fprintf(d.out(), "ok   "+format+"\n", args...)
}

func (d *diagnosis) wrong(format string, args ...any) {
	d.bad++
	fmt.Fprintf(d.out(), "BAD  "+format+"\n", args...)
}

// failed is a check that got no answer.
func (d *diagnosis) failed(what string, err error) {
	var e *problem.Error
	if !errors.As(d.refused(err), &e) {
		d.wrong("%s: %v", what, err)
		return
	}
	d.wrong("%s: %s", what, e.Message)
	if e.Next != "" {
		fmt.Fprintf(d.out(), "     %s\n", e.Next)
	}
}

// health returns an error when there is nobody to ask any more.
func (d *diagnosis) health() error {
	ctx, cancel := d.within()
	defer cancel()
	resp, err := healthv1.NewHealthClient(d.conn).Check(ctx, &healthv1.HealthCheckRequest{})
	switch {
	case status.Code(err) == codes.Unavailable || status.Code(err) == codes.DeadlineExceeded:
		return d.refused(err)
	case err != nil:
		d.failed("health of "+d.server.Addr, err)
	case resp.GetStatus() != healthv1.HealthCheckResponse_SERVING:
		d.wrong("health of %s: it answers, but says %s; its log tells why", d.server.Addr, resp.GetStatus())
	default:
		d.well("health of %s: serving", d.server.Addr)
	}
	return nil
}

// identity says also whether there is a scope to look at.
func (d *diagnosis) identity() (role string, named bool) {
	ctx, cancel := d.within()
	defer cancel()
	resp, err := d.access.WhoAmI(ctx, &configv1.WhoAmIRequest{})
	if err != nil {
		d.failed("identity", err)
		return "", false
	}
	d.well("identity: %s by %s, at a server of the role %s", resp.GetIdentity().GetName(), words(resp.GetIdentity().GetEvidence().String()), orDash(resp.GetRole()))
	if end := resp.GetIdentity().GetExpireTime(); end != nil && time.Until(end.AsTime()) < 24*time.Hour {
		d.wrong("identity: it ends at %s; get another token or certificate before", show.Time(end, "-"))
	}
	if d.of.namespace == "" && d.of.environment == "" && resp.GetIdentity().GetNamespace() == "" && resp.GetRole() != "sidecar" {
		fmt.Fprintln(d.out(), "-    configuration: not looked at, for no scope is named; --namespace and --environment name one")
		return resp.GetRole(), false
	}
	return resp.GetRole(), true
}

// The clocks agree when a fresh proof looks no older than it can be, and a little.
const (
	mostAge = 20 * time.Second
	ahead   = 2 * time.Second
)

func (d *diagnosis) configuration() {
	ctx, cancel := d.within()
	defer cancel()
	resp, err := d.config.List(ctx, &configv1.ListRequest{Namespace: d.of.namespace, Environment: d.of.environment})
	if err != nil {
		d.failed("configuration", err)
		return
	}
	state := resp.GetState()
	at := where{state.GetNamespace(), state.GetEnvironment()}
	d.well("configuration: %s of %s, revision %d", count(int64(len(resp.GetEntries())), "key"), at, state.GetRevision())
	for _, key := range resp.GetInvalidKeys() {
		d.wrong("configuration: %s has a stored value that cannot be used; 'configctl explain %s' tells why", key, key)
	}
	if state.GetFreshness() != configv1.State_FRESH {
		d.wrong("freshness: stale; the server has had no answer of its store since %s, and serves what it has (from %s)", show.Time(state.GetVerifiedTime(), "its start"), words(state.GetSource().String()))
		return
	}
	d.well("freshness: fresh")
	switch age := time.Since(state.GetVerifiedTime().AsTime()); {
	case age > mostAge:
		d.wrong("clock: the server's is behind this machine's by about %s", age.Round(time.Second))
	case age < -ahead:
		d.wrong("clock: the server's is ahead of this machine's by about %s", (-age).Round(time.Second))
	default:
		d.well("clock: it agrees with the server's, by %s", mostAge)
	}
}

func (d *diagnosis) store() {
	ctx, cancel := d.within()
	defer cancel()
	if _, err := d.admin.ListNamespaces(ctx, &adminv1.ListNamespacesRequest{PageSize: 1}); err != nil {
		d.failed("store", err)
		return
	}
	d.well("store: it answers")
}
