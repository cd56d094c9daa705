package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/config-service/config-service/clients/cli/internal/editor"
	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// intent is what a person wants of a write.
type intent struct {
	message  string
	fallback string // the message when there is none; empty: one is needed
	yes      bool
	dryRun   bool
}

func (i *intent) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&i.message, "message", "m", "", "Why, for the history. Default: an editor asks, on a terminal.")
	cmd.Flags().BoolVar(&i.dryRun, "dry-run", false, "Show what would be done, and do nothing.")
	addYes(cmd, &i.yes)
}

// step is one commit that can be planned and done.
type step struct {
	namespace string
	send      func(context.Context, terms) (*adminv1.CommitResponse, error)
	done      func(*adminv1.CommitResponse) // told the answer; may be nil
	plan      *adminv1.CommitResponse
}

// terms are those of one call of a step.
type terms struct {
	message, requestID, planHash string
	dryRun                       bool
}

// carryOut plans steps, shows what would be done, asks, and does it.
func (s *session) carryOut(steps []*step, i intent) error {
	if strings.TrimSpace(i.message) == "" && s.cmd.Flags().Changed("message") {
		return usage("--message is empty; accepted: why it is done")
	}
	changing, err := s.plan(steps, i)
	if err != nil {
		return err
	}
	if len(changing) == 0 {
		s.say("nothing to change")
		return s.answer(nil)
	}
	for _, st := range changing {
		if err := s.showPlan(s.cmd.ErrOrStderr(), s.errPaper, st.plan); err != nil {
			return err
		}
	}
	if i.dryRun {
		s.say("nothing was done: this is a dry run")
		return s.answer(plansOf(changing))
	}
	if i.message, err = s.messageFor(i, changing); err != nil {
		return err
	}
	if err := s.confirm(s.cmd, i.yes, question(changing)); err != nil {
		return err
	}
	return s.commit(changing, i.message)
}

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

// messageFor is why, as the flag or a person in an editor says.
func (s *session) messageFor(i intent, steps []*step) (string, error) {
	switch {
	case i.message != "":
		return i.message, nil
	case i.fallback != "":
		return i.fallback, nil
	case !s.terminal:
		return "", usage("--message is not set, and there is no terminal to ask on; accepted: why it is done")
	}
	var text strings.Builder
	text.WriteString("\n# Why is this done? The history shows it. Lines that start with # are left out;\n# no words: nothing is done.\n#\n")
	for _, st := range steps {
		for _, v := range st.plan.GetVersions() {
			fmt.Fprintf(&text, "# %s, version %d: %d set, %d deleted\n", where{v.GetNamespace(), v.GetEnvironment()}, v.GetVersion(), v.GetSetKeys(), v.GetDeletedKeys())
		}
	}
	file, err := editor.New("message.txt", []byte(text.String()))
	if err != nil {
		return "", err
	}
	defer file.Discard()
	if err := file.Edit(s.cmd.Context(), s.editor()); err != nil {
		return "", withNext(problem.Newf(problem.Failed, "%v; nothing was done", err), "--message gives the words without an editor")
	}
	edited, err := file.Text()
	if err != nil {
		return "", err
	}
	var lines []string
	for line := range strings.Lines(string(edited)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	message := strings.TrimSpace(strings.Join(lines, ""))
	if message == "" {
		return "", problem.Newf(problem.Failed, "there are no words; nothing was done")
	}
	return message, nil
}

// editor is the editor of who calls.
func (s *session) editor() editor.Program {
	p := editor.Program{Command: "vi", Environment: s.environment, In: s.in, Out: s.out(), Err: s.cmd.ErrOrStderr()}
	for _, name := range []string{"EDITOR", "VISUAL"} {
		if command, ok := s.lookup(name); ok && strings.TrimSpace(command) != "" {
			p.Command = command
		}
	}
	return p
}

// commit does steps that were planned, one after the other.
func (s *session) commit(steps []*step, message string) error {
	var answers []*adminv1.CommitResponse
	planned := map[string]bool{}
	for n, st := range steps {
		with := terms{message: message, requestID: "configctl-" + rand.Text(), planHash: st.plan.GetPlanHash()}
		if planned[st.namespace] {
			with.planHash = "" // the commit before it changed what it starts from; its version is expected
		}
		planned[st.namespace] = true
		resp, err := s.send(st, with)
		if err != nil {
			_ = s.answer(answers) // the failure tells more
			if n > 0 {
				s.say("note: %d of %d commits are done; the same command again does the rest", n, len(steps))
			}
			return err
		}
		if st.done != nil {
			st.done(resp)
		}
		for _, v := range resp.GetVersions() {
			s.say("done: %s is at version %d", where{v.GetNamespace(), v.GetEnvironment()}, v.GetVersion())
		}
		if len(steps) > 1 {
			s.say("commit %d of %d", n+1, len(steps))
		}
		answers = append(answers, resp)
	}
	return s.answer(answers)
}

// send does a step, again with the same request id as long as nobody answers.
func (s *session) send(st *step, with terms) (*adminv1.CommitResponse, error) {
	ctx, cancel := s.within()
	defer cancel()
	var away error
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		resp, err := st.send(ctx, with)
		switch {
		case err == nil:
			return resp, nil
		case status.Code(err) != codes.Unavailable:
			if away == nil || status.Code(err) != codes.DeadlineExceeded {
				away = err
			}
			return nil, s.refusedCommit(st, away)
		case away == nil:
			s.say("note: nobody answers; trying again for %s", s.server.Timeout)
		}
		away = err
		select {
		case <-ctx.Done():
			return nil, s.refusedCommit(st, away)
		case <-time.After(wait):
		}
	}
}

func (s *session) refusedCommit(st *step, err error) error {
	look := fmt.Sprintf("configctl history -n %s -e %s", st.namespace, st.plan.GetVersions()[0].GetEnvironment())
	e := problem.Of(problem.Call{Addr: s.server.Addr, TLS: s.server.SpeaksTLS(), Err: err, Write: true, Look: look})
	if e.Exit == problem.Unavailable && !strings.Contains(e.Next, look) {
		e.Next += "; it is not known whether it was done: '" + look + "' shows it"
	}
	return e
}

// answer prints for programs what was done, or planned: one answer as it is, several as
// lines of JSON.
func (s *session) answer(responses []*adminv1.CommitResponse) error {
	if !s.machine() {
		return nil
	}
	if len(responses) == 0 {
		responses = append(responses, &adminv1.CommitResponse{})
	}
	if len(responses) == 1 {
		return show.Message(s.out(), s.format, responses[0])
	}
	for _, resp := range responses {
		if s.format == show.YAML {
			if _, err := fmt.Fprintln(s.out(), "---"); err != nil {
				return err
			}
			if err := show.Message(s.out(), s.format, resp); err != nil {
				return err
			}
		} else if err := show.Line(s.out(), resp); err != nil {
			return err
		}
	}
	return nil
}
