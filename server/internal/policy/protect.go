package policy

import (
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// Protection is what a protected scope asks of commits and rollbacks, whoever makes them:
// a message typed by hand, and that the risks of the plan are accepted one by one. The
// zero Protection asks for nothing.
type Protection struct {
	// Message is the least length of a message, in characters; 0: not protected.
	Message int
}

// On says whether there is a protection.
func (p Protection) On() bool { return p.Message > 0 }

// Bounds of the least length of a message.
const (
	defaultMessage = 10
	maxMessage     = 1000
)

// protected is one entry of the list of that name.
type protected struct {
	namespaces, environments []pattern
	message                  int
}

// Protection is how a scope is protected. A reserved name reaches all names: a write to
// `_all` reaches every environment, and one to `_shared` every namespace; so such a scope
// is protected when anything is that it reaches. Of several entries the longest message
// counts. The nil Policy protects nothing.
func (p *Policy) Protection(namespace, environment string) (out Protection) {
	if p == nil {
		return out
	}
	for i := range p.protected {
		if e := &p.protected[i]; reaches(e.namespaces, namespace, snapshot.SharedNamespace) && reaches(e.environments, environment, snapshot.AllEnvironments) {
			out.Message = max(out.Message, e.message)
		}
	}
	return out
}

// reaches says whether a name matches a pattern, or is the one that reaches all others.
func reaches(patterns []pattern, name, all string) bool {
	return name == all || anyOf(patterns, func(p pattern) bool { return p.matches(name) })
}

// Protected is how many entries there are.
func (p *Policy) Protected() int {
	if p == nil {
		return 0
	}
	return len(p.protected)
}

func protections(n *yaml.Node) ([]protected, error) {
	list, err := items(n, "protected", maxRules)
	if err != nil {
		return nil, err
	}
	var out []protected
	for i, n := range list {
		one, err := parseProtected(n, fmt.Sprintf("protected %d", i+1))
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return slices.Clip(out), nil
}

func parseProtected(n *yaml.Node, what string) (p protected, err error) {
	fields, err := fieldsOf(n, what, "namespaces", "environments", "message")
	if err != nil {
		return p, err
	}
	for _, name := range []string{"namespaces", "environments"} {
		if fields[name] == nil {
			return p, wrong(n, "%s has no %s; accepted: an entry with namespaces, environments and, if wished, message", what, name)
		}
	}
	if p.namespaces, err = listOf(fields["namespaces"], "namespaces of "+what, parseNamespace); err != nil {
		return p, err
	}
	if p.environments, err = listOf(fields["environments"], "environments of "+what, parseEnvironment); err != nil {
		return p, err
	}
	p.message = defaultMessage
	at, ok := fields["message"]
	if !ok {
		return p, nil
	}
	if err := plain(at); err != nil {
		return p, err
	}
	length, err := strconv.ParseUint(at.Value, 10, 16)
	if err != nil || at.Kind != yaml.ScalarNode || at.ShortTag() != "!!int" || length < 1 || length > maxMessage {
		return p, wrong(at, "message of %s is %s; accepted: the least length of a message in characters, 1 to %d; without it %d", what, kindOf(at), maxMessage, defaultMessage)
	}
	p.message = int(length)
	return p, nil
}
