package daemon

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/telemetry"
	"github.com/config-service/config-service/server/internal/watched"
)

const (
	policySetting = "--policy-file (CONFIG_POLICY_FILE)"
	auditSetting  = "--audit-file (CONFIG_AUDIT_FILE)"
)

// openAudit opens where audit records go.
func (d *Daemon) openAudit() error {
	var file io.Writer
	if path := d.settings.AuditFile; path != "" {
		f, err := telemetry.OpenAppend(path, time.Now)
		if err != nil {
			return fmt.Errorf("%s %w", auditSetting, err)
		}
		d.auditFile, file = f, f
	}
	d.audit = telemetry.NewAudit(file, d.log, d.metrics, time.Now)
	return nil
}

// closeAudit is called when nothing is audited any more.
func (d *Daemon) closeAudit() {
	if d.auditFile == nil {
		return
	}
	if err := d.auditFile.Close(); err != nil {
		d.log.Warn("the audit file cannot be closed", "error", err)
	}
}

// openPolicy reads the policy file, if there is one.
func (d *Daemon) openPolicy() error {
	path := d.settings.PolicyFile
	if path == "" {
		return nil
	}
	var err error
	d.policy, err = watched.Open(watched.Config[*policy.Policy]{
		Files: []watched.File{{Setting: policySetting, Path: path, Guarded: true}},
		Parse: func(contents [][]byte) (*policy.Policy, error) {
			p, err := policy.Parse(contents[0])
			if err != nil {
				return nil, fmt.Errorf("%s, %w", policySetting, err)
			}
			return p, nil
		},
		Report:  d.metrics.FilesAre("policy"),
		Changed: d.policyChanged,
		Log:     d.log,
	})
	return err
}

// policyChanged records that what callers may do has changed, or was to.
func (d *Daemon) policyChanged(err error) {
	e := telemetry.Event{Action: "reload-policy", Decision: telemetry.Allowed}
	if err != nil {
		e.Decision, e.Reason = telemetry.Failed, err.Error()
	}
	d.audit.Write(context.Background(), e)
}

// currentPolicy is what the policy file says; nil without one.
func (d *Daemon) currentPolicy() *policy.Policy {
	if d.policy == nil {
		return nil
	}
	p, _ := d.policy.Value()
	return p
}

// policyNow is currentPolicy with what is closed when it is another; nil when that cannot be.
func (d *Daemon) policyNow() (*policy.Policy, <-chan struct{}) {
	if d.policy == nil {
		return nil, nil
	}
	return d.policy.Value()
}

// decider says what callers may do, and why.
func (d *Daemon) decider() policy.Decider {
	if d.settings.Role == settings.RoleSidecar {
		return policy.Only(d.settings.ServiceName, d.settings.Environment, d.currentPolicy)
	}
	return policy.Everywhere(d.currentPolicy)
}

// authorizer grants what callers may do.
func (d *Daemon) authorizer() policy.Authorizer {
	if d.settings.Role == settings.RoleSidecar {
		return policy.In(d.settings.ServiceName, d.settings.Environment, d.currentPolicy)
	}
	return policy.By(d.currentPolicy)
}

// standing are the streams that may have to end: none where every caller is the one that
// the sidecar stands beside.
func (d *Daemon) standing() *endpoint.Standing {
	s := d.settings
	if s.Role == settings.RoleSidecar && !s.Authenticates(s.HTTPAddr) && !s.Authenticates(s.GRPCAddr) {
		return nil
	}
	var changed []func() <-chan struct{}
	if d.authenticator != nil {
		changed = append(changed, d.authenticator.Changed)
	}
	if d.policy != nil {
		changed = append(changed, func() <-chan struct{} { _, ch := d.policy.Value(); return ch })
	}
	return endpoint.NewStanding(time.Now, changed...)
}
