package endpoint

import (
	"cmp"
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/snapshot"
	"github.com/config-service/config-service/server/internal/telemetry"
)

// audited writes the record of a call that changes something, or would have, and of one
// that was denied. Of a read that was answered there is none.
func (c *Chain) audited(ctx context.Context, k *call, err error) {
	decision := decisionOf(err)
	if decision != telemetry.Denied && k.action != policy.Write && k.action != policy.Administer {
		return
	}
	e := telemetry.Event{
		Action:      k.action.String(),
		Method:      k.method,
		Namespace:   quoted(k.namespace, snapshot.CheckNamespace, snapshot.SharedNamespace),
		Environment: k.environments(),
		Decision:    decision,
		Reason:      reasonOf(err, k.why),
		RequestID:   k.requestID(),
		Peer:        peerOf(ctx),
		DryRun:      k.dryRun,
	}
	if k.who != nil {
		if k.action == policy.Read { // what a caller leaves out means its own
			e.Namespace, e.Environment = cmp.Or(e.Namespace, k.who.Namespace), cmp.Or(e.Environment, k.who.Environment)
		}
		e.Who, e.Credential = k.who.Name(), k.who.Credential
		e.Evidence = configv1.Identity_Evidence(k.who.Kind).String()
	}
	c.Audit.Write(ctx, e)
}

func decisionOf(err error) telemetry.Decision {
	switch status.Code(err) {
	case codes.OK:
		return telemetry.Allowed
	case codes.Unauthenticated, codes.PermissionDenied:
		return telemetry.Denied
	}
	return telemetry.Failed
}

// reasonOf is the reason that the caller is told: of a fixed set, without words that
// could repeat what it sent; and why, which it is not told.
func reasonOf(err error, why string) string {
	if err == nil {
		return ""
	}
	reason := fault.ReasonOf(status.Convert(err))
	if why != "" {
		reason += ": " + why
	}
	return reason
}

// environments are the environment of a call, or those that its parts name, with commas
// between.
func (k *call) environments() string {
	if k.environment != "" || len(k.several) == 0 {
		return quoted(k.environment, snapshot.CheckEnvironment, snapshot.AllEnvironments)
	}
	names := make([]string, len(k.several))
	for i, name := range k.several {
		names[i] = quoted(name, snapshot.CheckEnvironment, snapshot.AllEnvironments)
	}
	return strings.Join(names, ",")
}

// quoted is a name as a record has it: itself if it is one, else made harmless.
func quoted(name string, check func(string) error, reserved string) string {
	if name == "" || name == reserved || check(name) == nil {
		return name
	}
	return snapshot.Quote(name)
}
