package etcdstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// manyKeys is how many keys of one environment may change before it is a risk.
const manyKeys = 50

// risk is what has to be accepted, without its words.
type risk struct {
	kind                        FindingKind
	namespace, environment, key string
}

// foundGroup is what is counted apart when not all findings are named: so none of a kind is
// lost that has to be accepted, or refuses, behind many that do not.
type foundGroup struct {
	kind           FindingKind
	needs, refuses bool
}

// protects says whether what changes in an environment is protected; empty: anywhere.
func (p *plan) protects(environment string) bool {
	return slices.ContainsFunc(p.scopes, func(s *scopePlan) bool {
		return s.protection.On() && (environment == "" || environment == s.read.id.Environment)
	})
}

// add notes a finding: the first maxFindings of a kind one by one. Where the plan is
// protected, what no acceptance has to mend needs one.
func (p *plan) add(f Finding) {
	environment := f.Environment
	if f.Kind == FoundSchema { // it is about a service that is reached, wherever that is
		environment = ""
	}
	if f.NeedsAcceptance = f.Refusal == nil && p.protects(environment); f.NeedsAcceptance {
		p.risks = append(p.risks, risk{f.Kind, f.Namespace, f.Environment, f.Key})
	}
	group := foundGroup{f.Kind, f.NeedsAcceptance, f.Refusal != nil}
	if p.found[group]++; p.found[group] <= maxFindings {
		p.findings = append(p.findings, f)
	}
}

// tellMore says how many findings are not named.
func (p *plan) tellMore() {
	for i := len(p.findings) - 1; i >= 0; i-- {
		f := p.findings[i]
		group := foundGroup{f.Kind, f.NeedsAcceptance, f.Refusal != nil}
		if more := p.found[group] - maxFindings; more > 0 {
			p.found[group] = 0
			p.findings = slices.Insert(p.findings, i+1, Finding{
				Kind: f.Kind, Message: fmt.Sprintf("and %d more", more), Refusal: f.Refusal, NeedsAcceptance: f.NeedsAcceptance,
			})
		}
	}
}

// lookBack finds what was changed past this service since somebody last made a version:
// what is not in the history yet, and what is, because a commit wrote it down and was
// refused then. So a plan is the same before and after.
func (s *historyStore) lookBack(ctx context.Context, p *plan, sp *scopePlan, external []keyChange, revision int64) error {
	id, newest := sp.read.id, sp.read.head.Version
	first := newest
	if sp.read.head.Kind == External {
		first = max(newest-keyframeEvery, 1)
	}
	var records []*versionRecord
	if newest > 0 && (first < newest || sp.protection.On()) { // else there is nothing to be found
		ch, err := s.chapterOf(ctx, id, first, newest, revision)
		if err != nil {
			return err
		}
		records = ch.records
	}
	keys := map[string]bool{}
	for _, c := range external {
		keys[c.key] = true
	}
	for _, r := range slices.Backward(records) {
		if r.Kind != External {
			sp.typedLast = r.Message
			break
		}
		for i := range r.Changes {
			keys[r.Changes[i].Key] = true
		}
		if len(r.Changes) == 0 { // as beginAnew leaves it
			keys[""] = true
		}
	}
	for _, key := range sortedKeys(keys) {
		words := fmt.Sprintf("key %s was changed past this service", key)
		if key == "" {
			words = "records of the history were missing: any key may have been changed past this service"
		}
		p.find(FoundExternal, id, key, words, nil)
	}
	return nil
}

// weigh finds what a plan does to who reads the configuration.
func (j *judge) weigh(ctx context.Context, w *wish, p *plan) (err error) {
	for _, sp := range p.scopes {
		if len(sp.changes) == 0 || !w.DryRun && !sp.protection.On() {
			continue
		}
		if err := j.compare(ctx, p, sp); err != nil {
			return err
		}
		if n := len(sp.changes); n > manyKeys {
			p.find(FoundManyKeys, sp.read.id, "", fmt.Sprintf("%d keys would change at once", n), nil)
		}
	}
	if p.affected, err = j.reached(ctx, w, p); err != nil {
		return err
	}
	slices.SortFunc(p.affected, func(a, b Affected) int {
		return cmp.Or(strings.Compare(a.Scope.Namespace, b.Scope.Namespace), strings.Compare(a.Scope.Environment, b.Scope.Environment))
	})
	if n := len(p.affected); n > 1 {
		p.find(FoundManyServices, snapshot.ScopeID{}, "", fmt.Sprintf("%d services would get another effective configuration", n), nil)
	}
	return nil
}

// compare finds keys that go, and values that become others of another type, for who has
// nothing but the scope and the layers below it.
func (j *judge) compare(ctx context.Context, p *plan, sp *scopePlan) error {
	within, id := segmentsOf(sp.changes), sp.read.id
	layers := append([]snapshot.ScopeID{id}, weaker(id)...)
	if err := j.load(ctx, layers...); err != nil {
		return err
	}
	var now, then [snapshot.LayerCount]content
	for i, layer := range layers {
		var err error
		if now[i], then[i], err = j.contents(ctx, layer, within); err != nil {
			return err
		}
	}
	before, after := merged{layers: now}, merged{layers: then}
	for i := range sp.changes {
		c := &sp.changes[i]
		was, is := before.find(c.key), after.find(c.key)
		switch {
		case was == nil: // nobody read it
		case is == nil && c.new == nil:
			p.find(FoundRemoved, id, c.key, fmt.Sprintf("key %s goes, and no weaker layer has it", c.key), nil)
		case is == nil:
		case sp.hidden[c.key]:
			p.find(FoundTypeChanged, id, c.key, fmt.Sprintf("key %s may become a value of another type: what it holds is masked for you", c.key), nil)
		case was.Invalid() || is.Invalid():
		case typeOf(was.Value) != typeOf(is.Value):
			p.find(FoundTypeChanged, id, c.key, fmt.Sprintf("key %s is %s and becomes %s", c.key, typeOf(was.Value), typeOf(is.Value)), nil)
		}
	}
	return nil
}

// typeOf is the JSON type of a value, in words.
func typeOf(v snapshot.Value) string {
	switch v.JSON()[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
