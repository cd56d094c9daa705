package etcdstore

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/config-service/config-service/server/internal/policy"
	"github.com/config-service/config-service/server/internal/schema"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// ArgumentError says which field of a request is not taken, and what is accepted. Nothing
// was done.
type ArgumentError struct {
	Field   string
	Problem string
}

func (e *ArgumentError) Error() string { return e.Field + " " + e.Problem }

// RiskError says which findings were not accepted. Nothing was done.
type RiskError struct {
	Namespace string
	Kinds     []FindingKind
	// Findings are those of the plan that need to be accepted and were not; of each kind
	// there is one.
	Findings []Finding
}

func (e *RiskError) Error() string {
	return fmt.Sprintf("%d kinds of risks in %s were not accepted", len(e.Kinds), e.Namespace)
}

// protection is how a scope is protected at this moment.
func (h *History) protection(id snapshot.ScopeID) policy.Protection {
	if h.cfg.Protection == nil {
		return policy.Protection{}
	}
	return h.cfg.Protection(id.Namespace, id.Environment)
}

// hides says what of the scopes is not shown to who wishes; nil: nothing is hidden. What
// all read, in the shared namespace, is not sensitive.
func (w *wish) hides(r *reading) (func(environment, key string) bool, error) {
	if w.Sees == nil || w.namespace == snapshot.SharedNamespace || len(r.schemas) == 0 {
		return nil, nil
	}
	blind := map[string]bool{}
	for _, id := range w.scopes {
		blind[id.Environment] = !w.Sees(id.Environment)
	}
	var by *schema.Schema
	for _, environment := range sortedKeys(blind) {
		if !blind[environment] || by != nil {
			continue
		}
		var err error
		if _, by, err = compiled(r.schemas[0]); err != nil {
			return nil, err
		}
	}
	return func(environment, key string) bool { return blind[environment] && by.Sensitive(key) }, nil
}

// unprotected says why a plan may not be done as it is wished: its risks, or its message.
// What is not protected has neither.
func (p *plan) unprotected(w *wish) error {
	needed := map[FindingKind]bool{}
	for _, r := range p.risks {
		needed[r.kind] = true
	}
	for _, kind := range w.Accepted {
		if !needed[kind] {
			return &ArgumentError{"accepted_risks", "has a kind that the plan does not need; accepted: the kinds of its findings with needs_acceptance"}
		}
	}
	for _, sp := range p.scopes {
		if err := sp.typed(w); err != nil {
			return err
		}
	}
	refused := &RiskError{Namespace: w.namespace}
	for _, kind := range sortedKeys(needed) {
		if !slices.Contains(w.Accepted, kind) {
			refused.Kinds = append(refused.Kinds, kind)
		}
	}
	if len(refused.Kinds) == 0 {
		return nil
	}
	for _, f := range p.findings {
		if f.NeedsAcceptance && slices.Contains(refused.Kinds, f.Kind) {
			refused.Findings = append(refused.Findings, f)
		}
	}
	return refused
}

// typed says what keeps a message from being one that somebody typed for a protected scope.
// Blanks count once, and at its ends not at all.
func (s *scopePlan) typed(w *wish) error {
	least := s.protection.Message
	if least == 0 {
		return nil
	}
	accepted := fmt.Sprintf("accepted: why this is done, typed by hand in at least %d characters, for the policy protects %s", least, s.read.id)
	message := strings.Join(strings.Fields(w.Message), " ")
	switch n := utf8.RuneCountInString(message); {
	case !w.typed:
		return &ArgumentError{"message", "is not given; " + accepted}
	case n < least:
		return &ArgumentError{"message", fmt.Sprintf("has %d characters; %s", n, accepted)}
	case message == strings.Join(strings.Fields(s.typedLast), " "):
		return &ArgumentError{"message", "is that of the version before, so nobody typed it; " + accepted}
	}
	return nil
}
