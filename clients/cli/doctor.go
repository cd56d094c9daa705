package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-semver/semver"
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
are, is of a version that this one goes with, has a clock that agrees with yours, and configuration
that is fresh, usable, and has every key that the service's schema requires; and, of a server of
the role control, that its store answers. Everything that is found is one line: ok, BAD with what to
do about it, or - where it is not known. Exit 0: nothing is wrong with what was looked at, and a
last line says so if that was not all; 5: no server answers; 1: something else is wrong.` + ownScope + ` For who has none, as an administrator, only the server is looked at.`,
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
	if !named {
		d.say("nothing is wrong with the server, as far as it was looked at; no service was: 'configctl doctor -n NAMESPACE -e ENVIRONMENT' looks at one")
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
	if !errors.As(d.refusedIn(d.of, err), &e) {
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
		fmt.Fprintln(d.out(), "-    configuration, version and clock: not looked at, for no service is named; -n NAMESPACE (SERVICE_NAME) and -e ENVIRONMENT (ENVIRONMENT) name one")
		return resp.GetRole(), false
	}
	return resp.GetRole(), true
}

func (d *diagnosis) configuration() {
	status, ok := d.status()
	if !ok {
		return
	}
	ctx, cancel := d.within()
	defer cancel()
	resp, err := d.config.List(ctx, &configv1.ListRequest{Namespace: d.of.namespace, Environment: d.of.environment})
	if err != nil {
		d.failed("configuration", err)
		return
	}
	state := resp.GetState()
	at := where{state.GetNamespace(), state.GetEnvironment()}
	d.well("configuration: %s of %s, revision %d%s", count(int64(len(resp.GetEntries())), "key"), at, state.GetRevision(), maskedOf(resp.GetEntries()))
	for _, key := range resp.GetInvalidKeys() {
		d.wrong("configuration: %s has a stored value that cannot be used; 'configctl explain %s' tells why", key, key)
	}
	if state.GetFreshness() != configv1.State_FRESH {
		d.wrong("freshness: stale; the server has had no answer of its store since %s, and serves what it has (from %s); look at its log and at the store",
			show.Time(state.GetVerifiedTime(), "its start"), words(state.GetSource().String()))
	} else {
		d.well("freshness: fresh")
	}
	d.required(status, at)
}

func maskedOf(entries []*configv1.Entry) string {
	n := 0
	for _, e := range entries {
		if e.GetMasked() {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of them masked for you, for want of read-sensitive", n)
}

// status looks at the server itself; nil: it is too old to tell. False: there is no more to
// ask.
func (d *diagnosis) status() (*configv1.GetStatusResponse, bool) {
	ctx, cancel := d.within()
	defer cancel()
	began := time.Now()
	resp, err := d.config.GetStatus(ctx, &configv1.GetStatusRequest{Namespace: d.of.namespace, Environment: d.of.environment})
	took := time.Since(began)
	switch {
	case status.Code(err) == codes.Unimplemented:
		d.wrong("version: the server does not tell its own, so it is older than this configctl, %s; update the server", version)
		return nil, true
	case err != nil:
		d.failed("configuration", err)
		return nil, false
	}
	d.versions(resp.GetVersion())
	d.clock(resp.GetTime().AsTime().Sub(began.Add(took/2)), took)
	return resp, true
}

// versions compares the server's with that of configctl.
func (d *diagnosis) versions(server string) {
	switch apart, known := minorsApart(server, version); {
	case !known:
		fmt.Fprintf(d.out(), "-    version: the server's is %s, configctl's %s; they cannot be compared\n", orDash(server), version)
	case apart > 1:
		d.wrong("version: the server's is %s, configctl's %s; they go together when they are one minor version apart at most: update the older one", server, version)
	default:
		d.well("version: the server's is %s", server)
	}
}

// minorsApart is how many minor versions lie between two versions; many between two major
// ones. False: one of them is none, as that of a build for oneself.
func minorsApart(a, b string) (int64, bool) {
	const many = 1000
	of, errA := semver.NewVersion(strings.TrimPrefix(a, "v"))
	and, errB := semver.NewVersion(strings.TrimPrefix(b, "v"))
	switch {
	case errA != nil || errB != nil:
		return 0, false
	case of.Major != and.Major:
		return many, true
	}
	return max(of.Minor-and.Minor, and.Minor-of.Minor), true
}

// mostSkew is how far the clocks may be apart, beyond what cannot be told for the time that the
// call took.
const mostSkew = 2 * time.Second

func (d *diagnosis) clock(ahead, took time.Duration) {
	switch apart := ahead.Abs() - took/2; {
	case apart <= mostSkew:
		d.well("clock: it agrees with the server's, by %s", mostSkew)
	case ahead > 0:
		d.wrong("clock: the server's is ahead of this machine's by about %s; let both follow a time server", ahead.Round(time.Second))
	default:
		d.wrong("clock: the server's is behind this machine's by about %s; let both follow a time server", (-ahead).Round(time.Second))
	}
}

// mostMissing is how many missing keys have a line of their own.
const mostMissing = 20

// required looks at what the service's schema requires.
func (d *diagnosis) required(st *configv1.GetStatusResponse, at where) {
	switch {
	case st == nil:
	case st.GetSchema() == configv1.GetStatusResponse_NONE:
		d.well("required keys: none, for %s has no schema", at.namespace)
	case st.GetSchema() != configv1.GetStatusResponse_KNOWN:
		fmt.Fprintln(d.out(), "-    required keys: not known, for the server has not read the service's schema; a sidecar looks for it every minute, and may read it since its service was registered, its token rotated or a control server run by this version")
	case len(st.GetMissingKeys()) == 0:
		d.well("required keys: all are there")
	}
	for n, key := range st.GetMissingKeys() {
		if n == mostMissing {
			d.wrong("required keys: and %d more", len(st.GetMissingKeys())-n)
			break
		}
		d.wrong("required keys: %s is not set; 'configctl set %s VALUE -n %s -e %s' sets it", key, key, at.namespace, at.environment)
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
