package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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
