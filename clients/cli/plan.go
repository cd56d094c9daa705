package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// plan makes the plan of every step, and returns the steps that would change something.
func (s *session) plan(steps []*step, i intent) ([]*step, error) {
	var changing []*step
	for _, st := range steps {
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
		if err := refusal(resp); err != nil {
			return nil, err
		}
		st.plan = resp
		if len(resp.GetDifferences()) > 0 {
			changing = append(changing, st)
		}
	}
	return changing, nil
}

// refusal is why a plan cannot be carried out; that nothing would change is none.
func refusal(plan *adminv1.CommitResponse) error {
	var e *problem.Error
	for _, f := range plan.GetFindings() {
		if !f.GetRefused() || f.GetKind() == adminv1.Finding_NO_CHANGE {
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
	if f.GetKey() != "" {
		at += ", " + f.GetKey()
	}
	return words(f.GetKind().String()) + at + ": " + show.Printable(f.GetMessage())
}

// showPlan prints what a commit would do.
func (s *session) showPlan(out io.Writer, paper show.Paper, plan *adminv1.CommitResponse) error {
	for _, v := range plan.GetVersions() {
		fmt.Fprintf(out, "%s, version %d:\n", where{v.GetNamespace(), v.GetEnvironment()}, v.GetVersion())
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
	for _, f := range plan.GetFindings() {
		if !f.GetRefused() {
			s.say("note: %s", finding(f))
		}
	}
	return nil
}

func plansOf(steps []*step) []*adminv1.CommitResponse {
	var plans []*adminv1.CommitResponse
	for _, st := range steps {
		plans = append(plans, st.plan)
	}
	return plans
}

// question asks for what the steps would do.
func question(steps []*step) string {
	set, gone := 0, 0
	scopes := map[string]bool{}
	names := []string{}
	for _, st := range steps {
		for _, d := range st.plan.GetDifferences() {
			if d.GetNew() == nil {
				gone++
			} else {
				set++
			}
			name := where{st.namespace, d.GetEnvironment()}.String()
			if !scopes[name] {
				scopes[name], names = true, append(names, name)
			}
		}
	}
	at := names[0]
	if len(names) > 1 {
		at = count(int64(len(names)), "scope")
	}
	switch {
	case gone == 0:
		return fmt.Sprintf("Set %s in %s?", count(int64(set), "key"), at)
	case set == 0:
		return fmt.Sprintf("Delete %s in %s?", count(int64(gone), "key"), at)
	}
	return fmt.Sprintf("Set %s and delete %d in %s?", count(int64(set), "key"), gone, at)
}
