package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/show"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// intent is what a person wants of a write.
type intent struct {
	message  string
	fallback string // the message when there is none; empty: one is needed
	ownWords bool   // the server has the fallback by itself, and knows where none is taken
	accept   []string
	yes      bool
	dryRun   bool
}

func (i *intent) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&i.message, "message", "m", "", "Why, for the history. Default: an editor asks, which takes a terminal.")
	cmd.Flags().BoolVar(&i.dryRun, "dry-run", false, "Show what would be done, and do nothing.")
	cmd.Flags().StringSliceVar(&i.accept, "accept", nil, "Risks that the plan is known to have, and may have: "+strings.Join(riskNames(), ", ")+". Default: each is asked for, on a terminal.")
	_ = cmd.RegisterFlagCompletionFunc("accept", cobra.FixedCompletions(riskNames(), cobra.ShellCompDirectiveNoFileComp)) // fails only for no such flag
	addYes(cmd, &i.yes)
}

// carryOut plans steps, shows what would be done, asks, and does it.
func (s *session) carryOut(steps []*step, i intent) error {
	if strings.TrimSpace(i.message) == "" && s.cmd.Flags().Changed("message") {
		return usage("--message is empty; accepted: why it is done")
	}
	named, err := risksNamed(i.accept)
	if err != nil {
		return err
	}
	changing, err := s.plan(steps, i)
	if err != nil {
		return err
	}
	if len(changing) == 0 {
		s.say("nothing to change")
		return s.answer(nil)
	}
	if err := s.showPlans(s.cmd.ErrOrStderr(), s.errPaper, changing); err != nil {
		return err
	}
	if i.dryRun {
		s.hintAccept(changing)
		s.say("nothing was done: this is a dry run")
		return s.answer(plansOf(changing))
	}
	if err := s.checkAccepted(changing, i, named); err != nil {
		return err
	}
	accepted, err := s.acceptRisks(changing, named)
	if err != nil {
		return err
	}
	if i.message, err = s.messageFor(i, changing); err != nil {
		return err
	}
	if err := s.confirm(s.cmd, i.yes, question(changing)); err != nil {
		return err
	}
	return s.commit(changing, i.message, accepted)
}

// mostMessage is how many bytes a message may have.
const mostMessage = 4096

// commit does steps that were planned, one after the other.
func (s *session) commit(steps []*step, message string, accepted []adminv1.Finding_Kind) error {
	var answers []proto.Message
	var reached progress
	for n, st := range steps {
		words := message
		if numbered := fmt.Sprintf("%s (step %d of %d)", message, n+1, len(steps)); st.follows && st.schema == nil && len(numbered) <= mostMessage {
			words = numbered // a protected scope does not take the same words twice
		}
		answer, err := s.do(st, words, accepted, &reached)
		if err != nil {
			_ = s.answer(answers) // the failure tells more
			if n > 0 {
				s.say("note: %d of %d steps are done: %s; the same command again does the rest", n, len(steps), &reached)
			}
			return err
		}
		if len(steps) > 1 {
			s.say("step %d of %d is done", n+1, len(steps))
		}
		answers = append(answers, answer)
	}
	return s.answer(answers)
}

// do does one step, and says what it made.
func (s *session) do(st *step, message string, accepted []adminv1.Finding_Kind, reached *progress) (proto.Message, error) {
	if st.schema != nil {
		answer, words, err := s.changeSchema(st)
		if err == nil {
			s.say("done: %s", words)
			reached.note("the schema of "+st.namespace, words)
		}
		return answer, err
	}
	if st.follows {
		if err := s.planAgain(st, message, accepted); err != nil {
			return nil, err
		}
	}
	with := terms{message: message, requestID: "configctl-" + rand.Text(), planHash: st.plan.GetPlanHash(), accepted: needed(st, accepted)}
	resp, err := s.send(st, with)
	var wanted *messageWanted
	if errors.As(err, &wanted) && message == "" && s.terminal { // a protected scope, of which nothing else told
		if with.message, err = s.typed([]*step{st}); err == nil {
			resp, err = s.send(st, with)
		}
	}
	if err != nil {
		return nil, err
	}
	if st.done != nil {
		st.done(resp)
	}
	for _, v := range resp.GetVersions() {
		at := where{v.GetNamespace(), v.GetEnvironment()}
		words := fmt.Sprintf("%s is at version %d", at, v.GetVersion())
		s.say("done: %s", words)
		reached.note(at.String(), words)
	}
	return resp, nil
}

// planAgain plans a step anew once those before it are done: what is done is what was
// planned, and no risk is taken that was not accepted.
func (s *session) planAgain(st *step, message string, accepted []adminv1.Finding_Kind) error {
	ctx, cancel := s.within()
	defer cancel()
	resp, err := st.send(ctx, terms{message: message, dryRun: true})
	if err != nil {
		return s.refused(err)
	}
	if err := refusal(resp); err != nil {
		e := err.(*problem.Error)
		e.Next = strings.Replace(e.Next, "nothing was done", "this step was not done", 1)
		return e
	}
	st.plan = resp
	for _, kind := range risksOf([]*step{st}) {
		if !slices.Contains(accepted, kind) {
			return withNext(problem.Newf(problem.Failed, "this step has a risk that was not shown: %s", words(kind.String())), "the same command again shows it, and asks")
		}
	}
	return nil
}

// progress is what the steps that are done have made, one line for each place.
type progress struct{ places, words []string }

func (p *progress) note(place, words string) {
	if at := slices.Index(p.places, place); at >= 0 {
		p.words[at] = words
		return
	}
	p.places, p.words = append(p.places, place), append(p.words, words)
}

func (p *progress) String() string { return strings.Join(p.words, ", ") }

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

// messageWanted is a commit that was refused for its message.
type messageWanted struct{ why *problem.Error }

func (m *messageWanted) Error() string { return m.why.Error() }
func (m *messageWanted) Unwrap() error { return m.why }

func (s *session) refusedCommit(st *step, err error) error {
	look := fmt.Sprintf("configctl history -n %s -e %s", st.namespace, st.plan.GetVersions()[0].GetEnvironment())
	e := problem.Of(problem.Call{Addr: s.server.Addr, TLS: s.server.SpeaksTLS(), Err: err, Write: true, Look: look})
	if e.Exit == problem.Unavailable && !strings.Contains(e.Next, look) {
		e.Next += "; it is not known whether it was done: '" + look + "' shows it"
	}
	if problem.Field(err) == "message" {
		e.Next = "nothing was done; --message says why"
		return &messageWanted{e}
	}
	return e
}

// answer prints for programs what was done, or planned: one answer as it is, several as
// lines of JSON.
func (s *session) answer(responses []proto.Message) error {
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
