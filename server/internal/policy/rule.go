package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// ruled are the actions that a rule can be about.
var ruled = []Action{Read, Write, Administer, ReadSensitive}

func parseRule(n *yaml.Node, what string) (r rule, err error) {
	needed := []string{"who", "may", "namespaces", "environments"}
	fields, err := fieldsOf(n, what, needed...)
	if err != nil {
		return r, err
	}
	for _, name := range needed {
		if fields[name] == nil {
			return r, wrong(n, "%s has no %s; accepted: a rule with who, may, namespaces, environments", what, name)
		}
	}
	if r.who, err = listOf(fields["who"], "who of "+what, parseCallers); err != nil {
		return r, err
	}
	if r.may, err = listOf(fields["may"], "may of "+what, parseAction); err != nil {
		return r, err
	}
	if r.namespaces, err = listOf(fields["namespaces"], "namespaces of "+what, parseNamespace); err != nil {
		return r, err
	}
	r.environments, err = listOf(fields["environments"], "environments of "+what, parseEnvironment)
	return r, err
}

// listOf reads a list of texts that is not empty.
func listOf[T comparable](n *yaml.Node, what string, parse func(string) (T, error)) ([]T, error) {
	nodes, err := items(n, what, maxNames)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, wrong(n, "%s is empty; accepted: at least one entry", what)
	}
	var list []T
	for _, n := range nodes {
		s, err := text(n, "an entry of "+what)
		if err != nil {
			return nil, err
		}
		one, err := parse(s)
		switch {
		case err != nil:
			return nil, wrong(n, "%s has %s, which %v", what, snapshot.Quote(s), err)
		case slices.Contains(list, one):
			return nil, wrong(n, "%s has %s twice; accepted: once", what, snapshot.Quote(s))
		}
		list = append(list, one)
	}
	return list, nil
}

func parseAction(s string) (Action, error) {
	var names []string
	for _, a := range ruled {
		if a.String() == s {
			return a, nil
		}
		names = append(names, a.String())
	}
	return 0, fmt.Errorf("is no action; accepted: %s", strings.Join(names, ", "))
}

func parseNamespace(s string) (pattern, error) {
	if s == snapshot.SharedNamespace {
		return pattern(s), nil
	}
	return parsePattern(s, snapshot.CheckNamespace, "a namespace, a beginning as in payment-*, * for all, "+snapshot.SharedNamespace)
}

func parseEnvironment(s string) (pattern, error) {
	if s == snapshot.AllEnvironments {
		return pattern(s), nil
	}
	return parsePattern(s, snapshot.CheckEnvironment, "an environment, a beginning as in test-*, * for all, "+snapshot.AllEnvironments)
}

func parsePattern(s string, check func(string) error, accepted string) (pattern, error) {
	name := s
	if beginning, ok := strings.CutSuffix(s, "-*"); ok {
		name = beginning
	}
	if s != string(everything) && check(name) != nil {
		return "", errors.New("is no name; accepted: " + accepted)
	}
	return pattern(s), nil
}

func parseCallers(s string) (callers, error) {
	wrong := errors.New("names nobody; accepted: user:NAME, user:*, service:NAMESPACE/ENVIRONMENT with * for either part")
	if user, ok := strings.CutPrefix(s, "user:"); ok {
		if user != string(everything) && identity.CheckUser(user) != nil {
			return callers{}, wrong
		}
		return callers{user: pattern(user)}, nil
	}
	of, ok := strings.CutPrefix(s, "service:")
	namespace, environment, both := strings.Cut(of, "/")
	if !ok || !both || !isLabelOrAll(namespace) || !isLabelOrAll(environment) {
		return callers{}, wrong
	}
	return callers{namespace: pattern(namespace), environment: pattern(environment)}, nil
}

func isLabelOrAll(s string) bool { return s == string(everything) || snapshot.CheckNamespace(s) == nil }
