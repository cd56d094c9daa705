package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/problem"
	"github.com/config-service/config-service/clients/cli/internal/schema"
	"github.com/config-service/config-service/clients/cli/internal/sequence"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

// inOrder makes commits of changes that are too many for one, so that each is within the
// limits, and keeps the schema that is in force meanwhile, as far as that can be told
// beforehand. By is nil when there is none.
func (s *session) inOrder(namespace string, changes []*adminv1.Change, now map[string]*scopeNow, by *structpb.Value) ([][]*adminv1.Change, error) {
	held := heldBy(now)
	orders := sequence.Orders(namespace, held, changes)
	if err := checkEnd(namespace, held, changes); err != nil || len(orders) == 0 {
		return nil, err
	}
	j, err := s.judgeOf(namespace, now, changes, by)
	if err != nil || j == nil {
		return orders[0], err
	}
	end, err := j.anew(held, held.After(changes))
	if err != nil {
		return nil, err
	}
	if len(end) > 0 {
		return nil, &schemaRefusal{violating(end, "nothing was done; 'configctl schema get' shows what the configuration has to be")}
	}
	var first []string
	for _, order := range orders {
		found, err := j.onTheWay(held, order)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return order, nil
		}
		if first == nil {
			first = found
		}
	}
	return nil, &schemaRefusal{violating(append([]string{fmt.Sprintf("this takes %d commits, and there is no order of them in which all keep the schema:", len(orders[0]))}, first...),
		"nothing was done; put a schema that allows what is on the way ('configctl schema put'), or change these keys first, in a commit of their own")}
}

// heldBy is what scopes hold; a key that cannot be used, or is masked, is there without a
// value.
func heldBy(now map[string]*scopeNow) sequence.Held {
	held := sequence.Held{}
	for environment, scope := range now {
		held[environment] = tree.Content{}
		for _, e := range scope.entries {
			held[environment][e.GetKey()] = e.GetContent().GetValue()
		}
	}
	return held
}

// checkEnd says that scopes would be beyond their limits at the end.
func checkEnd(namespace string, held sequence.Held, changes []*adminv1.Change) error {
	keys, _ := tree.Limits(namespace)
	for environment, content := range held.After(changes) {
		if len(content) > keys && len(content) <= len(held[environment]) {
			continue // it becomes smaller
		}
		if err := tree.CheckSize(namespace, content); err != nil {
			return withNext(problem.Newf(problem.Failed, "limit in %s: the scope would be one that %v", environment, err), "nothing was done")
		}
	}
	return nil
}

func violating(lines []string, next string) *problem.Error {
	return withNext(problem.Newf(problem.Failed, "%s", strings.Join(lines, "\n")), next)
}

// judge finds what a service's configuration violates, without a server. One goroutine owns
// it.
type judge struct {
	*session
	namespace    string
	by           *schema.Schema
	environments []string               // in which it judges
	around       map[where]tree.Content // what does not change
}

// judgeOf is a judge of what changes do; nil: this caller cannot know enough, or there is no
// schema. The server judges every commit by itself.
func (s *session) judgeOf(namespace string, now map[string]*scopeNow, changes []*adminv1.Change, by *structpb.Value) (*judge, error) {
	switch {
	case namespace == "_shared":
		s.say("note: the schemas of all services judge each commit; one on the way may be refused")
		return nil, nil
	case by == nil:
		return nil, nil
	}
	compiled, err := schema.Compile(by)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s %w", namespace, err)
	}
	j := &judge{session: s, namespace: namespace, by: compiled, around: map[where]tree.Content{}}
	if j.environments, err = s.judged(namespace, changes); err == nil {
		err = j.lookAround(now)
	}
	if err != nil {
		s.say("note: what the schema says cannot be told beforehand (%v); the server judges each commit", strings.ReplaceAll(err.Error(), "\n", "; "))
		return nil, nil
	}
	return j, nil
}

// judged are the environments in which changes to a service are judged.
func (s *session) judged(namespace string, changes []*adminv1.Change) ([]string, error) {
	names := map[string]bool{}
	for _, c := range changes {
		names[c.GetEnvironment()] = true
	}
	if names["_all"] {
		heads, err := s.heads(where{namespace: namespace})
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			names[h.GetEnvironment()] = true
		}
	}
	delete(names, "_all")
	return slices.Sorted(maps.Keys(names)), nil
}

// lookAround reads the layers that do not change.
func (j *judge) lookAround(changing map[string]*scopeNow) error {
	for _, scope := range changing {
		if err := noneMasked(scope); err != nil {
			return err
		}
	}
	for _, environment := range j.environments {
		for _, at := range layersOf(where{j.namespace, environment}) {
			if _, ok := j.around[at]; ok || at.namespace == j.namespace && changing[at.environment] != nil {
				continue
			}
			now, err := j.scope(at)
			if err != nil {
				return err
			}
			if err := noneMasked(now); err != nil {
				return err
			}
			j.around[at] = heldBy(map[string]*scopeNow{"": now})[""]
		}
	}
	return nil
}

func noneMasked(now *scopeNow) error {
	for _, e := range now.entries {
		if e.GetContent().GetMasked() {
			return fmt.Errorf("%s of %s is masked for this caller", e.GetKey(), now.where)
		}
	}
	return nil
}

// layersOf are the scopes that make what a service gets, the strongest first.
func layersOf(of where) []where {
	return []where{of, {of.namespace, "_all"}, {"_shared", of.environment}, {"_shared", "_all"}}
}

// anew is what after violates and before does not, in words.
func (j *judge) anew(before, after sequence.Held) ([]string, error) {
	var out []string
	for _, environment := range j.environments {
		was, err := j.violations(before, environment)
		if err != nil {
			return nil, err
		}
		is, err := j.violations(after, environment)
		if err != nil {
			return nil, err
		}
		for _, v := range schema.Anew(was, is) {
			out = append(out, fmt.Sprintf("schema: in %s/%s, %s", j.namespace, environment, v))
		}
	}
	return out, nil
}

// violations are those in one environment; where the service has nothing of its own there
// are none.
func (j *judge) violations(held sequence.Held, environment string) ([]schema.Violation, error) {
	var layers []tree.Content
	for _, at := range layersOf(where{j.namespace, environment}) {
		content, ok := j.around[at]
		if !ok {
			content = held[at.environment]
		}
		layers = append(layers, content)
	}
	if len(layers[0]) == 0 {
		return nil, nil
	}
	return j.by.Check(j.cmd.Context(), tree.Effective(layers...))
}

// onTheWay is what the first commit that would be refused violates.
func (j *judge) onTheWay(held sequence.Held, order [][]*adminv1.Change) ([]string, error) {
	for n, changes := range order {
		after := held.After(changes)
		found, err := j.anew(held, after)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return append([]string{fmt.Sprintf("after commit %d of %d:", n+1, len(order))}, found[:min(len(found), 20)]...), nil
		}
		held = after
	}
	return nil, nil
}

// schemaInForce is the schema of a service; nil: it has none, or this caller may not know.
func (s *session) schemaInForce(namespace, environment string) (*structpb.Value, error) {
	if namespace == "_shared" {
		return nil, nil
	}
	resp, err := s.schema(where{namespace, environment})
	if err != nil {
		return nil, err
	}
	return resp.GetSchema().GetSchema(), nil
}
