package main

import (
	"fmt"
	"slices"
	"strings"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// fewNamed is how many of a kind are told one by one.
const fewNamed = 5

// tellAffected says which services get another configuration. That the one that is changed
// does is no news.
func (s *session) tellAffected(plan *adminv1.CommitResponse) {
	services, n := plan.GetAffectedServices(), int(plan.GetAffectedServiceCount())
	if len(plan.GetVersions()) == 0 || n == 0 {
		return
	}
	other := func(a *adminv1.AffectedService) bool {
		return !slices.ContainsFunc(plan.GetVersions(), func(v *adminv1.Version) bool {
			return v.GetNamespace() == a.GetNamespace() && v.GetEnvironment() == a.GetEnvironment()
		})
	}
	if n == len(services) && !slices.ContainsFunc(services, other) {
		return
	}
	var named []string
	for _, a := range services[:min(len(services), fewNamed)] {
		named = append(named, where{a.GetNamespace(), a.GetEnvironment()}.String())
	}
	more := ""
	if n > len(named) {
		more = fmt.Sprintf(" and %d more", n-len(named))
	}
	verb := "get"
	if n == 1 {
		verb = "gets"
	}
	s.say("%s %s another configuration: %s%s", count(int64(n), "service"), verb, strings.Join(named, ", "), more)
}

// tellFindings says what there is to know of a plan, of each kind the first few, and last
// what has to be accepted.
func (s *session) tellFindings(plan *adminv1.CommitResponse) {
	var notes, risks []*adminv1.Finding
	for _, f := range plan.GetFindings() {
		switch {
		case f.GetNeedsAcceptance():
			risks = append(risks, f)
		case !f.GetRefused():
			notes = append(notes, f)
		}
	}
	s.tellEach("note", notes)
	s.tellEach("risk", risks)
}

func (s *session) tellEach(what string, findings []*adminv1.Finding) {
	slices.SortStableFunc(findings, func(a, b *adminv1.Finding) int { return int(a.GetKind() - b.GetKind()) })
	n := 0
	for i, f := range findings {
		more := 0
		if _, err := fmt.Sscanf(f.GetMessage(), "and %d more", &more); err == nil && f.GetKey() == "" {
			n += more // which the server did not name
		} else if n++; n <= fewNamed {
			s.say("%s: %s", what, finding(f))
		}
		if i+1 == len(findings) || findings[i+1].GetKind() != f.GetKind() {
			if n > fewNamed {
				s.say("%s: %s: and %d more", what, words(f.GetKind().String()), n-fewNamed)
			}
			n = 0
		}
	}
}
