package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// plan makes the plan of every step, and returns the steps that would change something.
// What a step that follows another is refused for now, it may not be when it is its turn:
// it is planned once more then.
func (s *session) plan(steps []*step, i intent) ([]*step, error) {
	var changing []*step
	for _, st := range steps {
		if st.schema != nil {
			if err := s.planSchema(st); err != nil {
				return nil, err
			}
			changing = append(changing, st)
			continue
		}
		words := i.message
		if words == "" {
			words = "plan" // a plan needs one, and is the same with any
		}
		ctx, cancel := s.within()
		resp, err := st.send(ctx, terms{message: words, dryRun: true})
		cancel()
		if err != nil {
			return nil, s.refused(err)
		}
		if err := refusal(resp); err != nil && !(st.follows && mayPass(resp)) {
			return nil, err
		}
		st.plan = resp
		if len(resp.GetDifferences()) > 0 {
			changing = append(changing, st)
		}
	}
	return changing, nil
}

// mayPass says whether what a plan is refused for may be gone after the steps before it.
func mayPass(plan *adminv1.CommitResponse) bool {
	for _, f := range plan.GetFindings() {
		switch f.GetKind() {
		case adminv1.Finding_LIMIT, adminv1.Finding_SCHEMA, adminv1.Finding_NO_CHANGE:
		default:
			if f.GetRefused() {
				return false
			}
		}
	}
	return true
}

// refusal is why a plan cannot be carried out; that nothing would change is none.
func refusal(plan *adminv1.CommitResponse) error {
	var e *problem.Error
	for _, f := range plan.GetFindings() {
		if !f.GetRefused() || f.GetKind() == adminv1.Finding_NO_CHANGE || f.GetNeedsAcceptance() {
			continue
		}
		if e == nil {
			e = &problem.Error{Exit: problem.Failed, Next: "nothing was done"}
		}
		if f.GetKind() == adminv1.Finding_SCHEMA && e.Exit == problem.Failed {
			e.Next = "nothing was done; 'configctl schema get' shows what the configuration has to be"
		}
		if f.GetKind() == adminv1.Finding_CONFLICT {
			e.Exit, e.Next = problem.Conflict, "nothing was done; 'configctl history' shows what came since"
		}
		e.Message = strings.TrimPrefix(e.Message+"\n"+finding(f), "\n")
	}
	if e == nil {
		return nil
	}
	return e
}

func finding(f *adminv1.Finding) string {
	at := ""
	if f.GetKind() == adminv1.Finding_SCHEMA { // whose message names service, environment, key and rule
		return "schema: " + show.Printable(f.GetMessage())
	}
	if f.GetEnvironment() != "" {
		at = " in " + f.GetEnvironment()
	}
	if f.GetKey() != "" && !strings.Contains(f.GetMessage(), f.GetKey()) {
		at += ", " + f.GetKey()
	}
	return words(f.GetKind().String()) + at + ": " + show.Printable(f.GetMessage())
}

// showPlans prints what steps would do: the commits of a namespace as one.
func (s *session) showPlans(out io.Writer, paper show.Paper, steps []*step) error {
	for len(steps) > 0 {
		if steps[0].schema != nil {
			if err := s.showSchema(out, paper, steps[0]); err != nil {
				return err
			}
			steps = steps[1:]
			continue
		}
		n := 1
		for n < len(steps) && steps[n].schema == nil && steps[n].namespace == steps[0].namespace {
			n++
		}
		if err := s.showPlan(out, paper, steps[:n]); err != nil {
			return err
		}
		steps = steps[n:]
	}
	return nil
}

// showPlan prints what commits of one namespace would do together.
func (s *session) showPlan(out io.Writer, paper show.Paper, steps []*step) error {
	plan := steps[0].plan
	if len(steps) > 1 {
		plan = joined(steps)
	}
	for _, v := range plan.GetVersions() {
		at := where{v.GetNamespace(), v.GetEnvironment()}
		if len(steps) > 1 {
			fmt.Fprintf(out, "%s, from version %d on:\n", at, v.GetVersion())
		} else {
			fmt.Fprintf(out, "%s, version %d:\n", at, v.GetVersion())
		}
		var here []*adminv1.Difference
		for _, d := range plan.GetDifferences() {
			if d.GetEnvironment() == v.GetEnvironment() {
				here = append(here, d)
			}
		}
		if err := show.Diff(out, paper, here); err != nil {
			return err
		}
	}
	s.tellAffected(plan)
	s.tellFindings(plan)
	if len(steps) > 1 {
		s.say("note: one commit cannot take this. It takes %d, one after the other; applications see every step", len(steps))
	}
	return nil
}

// joined is what commits of a namespace, which change different keys, do together.
func joined(steps []*step) *adminv1.CommitResponse {
	out := &adminv1.CommitResponse{}
	for _, st := range steps {
		for _, v := range st.plan.GetVersions() {
			same := func(o *adminv1.Version) bool { return o.GetEnvironment() == v.GetEnvironment() }
			if !slices.ContainsFunc(out.Versions, same) {
				out.Versions = append(out.Versions, v)
			}
		}
		out.Differences = append(out.Differences, st.plan.GetDifferences()...)
		for _, f := range st.plan.GetFindings() {
			same := func(o *adminv1.Finding) bool { return proto.Equal(o, f) }
			if f.GetKey() == "" || !slices.ContainsFunc(out.Findings, same) {
				out.Findings = append(out.Findings, f)
			}
		}
		for _, a := range st.plan.GetAffectedServices() {
			same := func(o *adminv1.AffectedService) bool {
				return o.GetNamespace() == a.GetNamespace() && o.GetEnvironment() == a.GetEnvironment()
			}
			if !slices.ContainsFunc(out.AffectedServices, same) {
				out.AffectedServices = append(out.AffectedServices, a)
			}
		}
		out.AffectedServiceCount = max(out.AffectedServiceCount, st.plan.GetAffectedServiceCount(), int32(len(out.AffectedServices)))
	}
	slices.SortFunc(out.Differences, func(a, b *adminv1.Difference) int { return strings.Compare(a.GetKey(), b.GetKey()) })
	slices.SortFunc(out.Versions, func(a, b *adminv1.Version) int { return strings.Compare(a.GetEnvironment(), b.GetEnvironment()) })
	return out
}

func plansOf(steps []*step) []proto.Message {
	var plans []proto.Message
	for _, st := range steps {
		if st.schema != nil {
			plans = append(plans, st.schema.plan)
			continue
		}
		plans = append(plans, st.plan)
	}
	return plans
}

// question asks for what the steps would do.
func question(steps []*step) string {
	set, gone, schemas := 0, 0, 0
	names := []string{}
	for _, st := range steps {
		if st.schema != nil {
			schemas++
			continue
		}
		for _, d := range st.plan.GetDifferences() {
			if d.GetNew() == nil {
				gone++
			} else {
				set++
			}
			if name := (where{st.namespace, d.GetEnvironment()}).String(); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	var parts []string
	if set > 0 {
		parts = append(parts, "set "+count(int64(set), "key"))
	}
	if gone > 0 {
		parts = append(parts, "delete "+count(int64(gone), "key"))
	}
	text := strings.Join(parts, " and ")
	switch len(names) {
	case 0:
	case 1:
		text += " in " + names[0]
	default:
		text += " in " + count(int64(len(names)), "scope")
	}
	if schemas > 0 {
		text = strings.TrimPrefix(text+", and ", ", and ") + "change " + count(int64(schemas), "schema")
	}
	return strings.ToUpper(text[:1]) + text[1:] + "?"
}
