package main

import (
	"errors"
	"fmt"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/sequence"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// schemaRefusal is that a schema takes changes in no order.
type schemaRefusal struct{ why *problem.Error }

func (r *schemaRefusal) Error() string { return r.why.Error() }
func (r *schemaRefusal) Unwrap() error { return r.why }

// arranged are the steps to a change of a schema, and to changes of the configuration of
// the same service, in an order in which all are taken: first the configuration if the
// present schema takes it, else first the schema. What becomes sensitive is marked before
// it is there.
func (s *session) arranged(st *step, changes []*adminv1.Change, now map[string]*scopeNow) ([]*step, error) {
	expected := expectedOf(now)
	commits, err := s.stepsFor(st.namespace, changes, now, expected)
	if err == nil {
		err = s.takesNow(commits[0])
	}
	var refused *schemaRefusal
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	anew, err := s.foresee(st.schema, st.namespace, changes, now)
	if err != nil {
		return nil, err
	}
	schemaFirst := refused != nil || marksMore(st.schema.old.GetSchema(), st.schema.new) && len(anew) == 0
	switch {
	case !schemaFirst:
		return append(commits, st), nil
	case len(anew) > 0:
		return nil, violating(append([]string{fmt.Sprintf("the configuration of %s fits neither its present schema nor the new one, which it violates:", st.namespace)}, anew...),
			"nothing was done; 'configctl validate' checks a folder with its schemas")
	}
	if commits, err = s.underSchema(st, changes, now, expected); err != nil {
		return nil, err
	}
	return append([]*step{st}, commits...), nil
}

// takesNow says whether the present schema takes a commit. What else may be wrong with it
// is found when it is planned.
func (s *session) takesNow(st *step) error {
	ctx, cancel := s.within()
	defer cancel()
	resp, err := st.send(ctx, terms{message: "plan", dryRun: true})
	if err != nil {
		return s.refused(err)
	}
	for _, f := range resp.GetFindings() {
		if f.GetRefused() && f.GetKind() == adminv1.Finding_SCHEMA {
			return &schemaRefusal{refusal(resp).(*problem.Error)}
		}
	}
	return nil
}

// foresee tells what the configuration violates in the end, and returns what of it would be
// refused once the schema is there.
func (s *session) foresee(c *schemaChange, namespace string, changes []*adminv1.Change, now map[string]*scopeNow) (anew []string, err error) {
	j, err := s.judgeOf(namespace, now, changes, c.new)
	if err != nil || j == nil {
		return nil, err
	}
	held := heldBy(now)
	after := held.After(changes)
	if anew, err = j.anew(held, after); err != nil {
		return nil, err
	}
	c.told = true
	c.ends, err = j.anew(sequence.Held{}, after)
	return anew, err
}

// underSchema are commits that are judged by the new schema.
func (s *session) underSchema(st *step, changes []*adminv1.Change, now map[string]*scopeNow, expected map[string]int64) ([]*step, error) {
	order := [][]*adminv1.Change{changes}
	if !sequence.Fits(changes) {
		var err error
		if order, err = s.inOrder(st.namespace, changes, now, st.schema.new); err != nil {
			return nil, err
		}
	}
	commits := s.commitSteps(st.namespace, order, expected)
	commits[0].follows = true
	return commits, nil
}
