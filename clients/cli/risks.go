package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// riskNames are the kinds of findings that a protected scope wants accepted, as people write
// them.
func riskNames() []string {
	var names []string
	for _, number := range slices.Sorted(maps.Keys(adminv1.Finding_Kind_name)) {
		switch kind := adminv1.Finding_Kind(number); kind {
		case adminv1.Finding_KIND_UNSPECIFIED, adminv1.Finding_CONFLICT, adminv1.Finding_LIMIT, adminv1.Finding_NO_CHANGE: // always refused
		default:
			names = append(names, words(kind.String()))
		}
	}
	return names
}

// risksNamed are the risks that --accept names.
func risksNamed(names []string) ([]adminv1.Finding_Kind, error) {
	var kinds []adminv1.Finding_Kind
	for _, name := range names {
		if !slices.Contains(riskNames(), name) {
			return nil, usage("--accept is %q; accepted: %s, several with commas", name, strings.Join(riskNames(), ", "))
		}
		kind := adminv1.Finding_Kind(adminv1.Finding_Kind_value[strings.ToUpper(strings.ReplaceAll(name, "-", "_"))])
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}

// risksOf are the kinds of findings of steps that have to be accepted, in their order.
func risksOf(steps []*step) []adminv1.Finding_Kind {
	var kinds []adminv1.Finding_Kind
	for _, st := range steps {
		for _, f := range st.plan.GetFindings() {
			if f.GetNeedsAcceptance() && !slices.Contains(kinds, f.GetKind()) {
				kinds = append(kinds, f.GetKind())
			}
		}
	}
	slices.Sort(kinds)
	return kinds
}

// needed are those of the accepted risks that a step has: others are refused.
func needed(st *step, accepted []adminv1.Finding_Kind) []adminv1.Finding_Kind {
	var kinds []adminv1.Finding_Kind
	for _, kind := range risksOf([]*step{st}) {
		if slices.Contains(accepted, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// namesOf writes kinds as --accept takes them.
func namesOf(kinds []adminv1.Finding_Kind) string {
	var names []string
	for _, kind := range kinds {
		names = append(names, words(kind.String()))
	}
	return strings.Join(names, ",")
}

// hintAccept tells after a dry run what it takes to do it.
func (s *session) hintAccept(steps []*step) {
	if kinds := risksOf(steps); len(kinds) > 0 {
		s.say("note: a protected scope changes; --message and --accept %s do it without asking", namesOf(kinds))
	}
}

// checkAccepted refuses what cannot come to a good end, before anybody is asked: risks that
// are accepted and that the plan does not have, and, where nobody can be asked, those that
// it has and that are not accepted; then it says as well that the message is missing.
func (s *session) checkAccepted(steps []*step, i intent, named []adminv1.Finding_Kind) error {
	risks := risksOf(steps)
	for _, kind := range named {
		if slices.Contains(risks, kind) {
			continue
		}
		accepted := "none, for it needs none"
		if len(risks) > 0 {
			accepted = namesOf(risks)
		}
		return withNext(usage("--accept names %s, which this plan does not need; accepted: %s", words(kind.String()), accepted), "nothing was done")
	}
	open := without(risks, named)
	if len(open) == 0 || s.terminal {
		return nil
	}
	message, do := "", "--accept "+namesOf(risks)+" does it"
	if i.message == "" {
		message, do = ", and without a message", "--accept "+namesOf(risks)+" and --message WHY do it"
	}
	return withNext(problem.Newf(problem.Failed, "a protected scope changes, with risks that are not accepted%s: %s", message, namesOf(open)),
		"nothing was done; with what is shown above known, "+do+" (--yes does not accept risks)")
}

func without(kinds, less []adminv1.Finding_Kind) []adminv1.Finding_Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k adminv1.Finding_Kind) bool { return slices.Contains(less, k) })
}

// acceptRisks asks for each risk by itself, but those that were named. It returns all that
// are accepted.
func (s *session) acceptRisks(steps []*step, named []adminv1.Finding_Kind) ([]adminv1.Finding_Kind, error) {
	accepted := slices.Clone(named)
	for _, kind := range without(risksOf(steps), named) {
		name := words(kind.String())
		answer := s.ask(s.cmd, fmt.Sprintf("Accept the risk %s? [y, or %s / N]", name, name))
		if answer != "y" && answer != "yes" && answer != name {
			return nil, withNext(problem.Newf(problem.Failed, "the risk %s is not accepted", name), "nothing was done")
		}
		accepted = append(accepted, kind)
	}
	return accepted, nil
}
