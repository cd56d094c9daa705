package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// Limits of a policy file: a request that no rule allows is held against all of them.
const (
	maxRules = 1000 // and as many identities, and protected
	maxNames = 1000 // of one list of a rule
)

// Parse reads a policy file. Its error is one line: the line in the file, what is wrong
// with it, what is accepted.
func Parse(content []byte) (*Policy, error) {
	root, err := document(content)
	if err != nil {
		return nil, err
	}
	fields, err := fieldsOf(root, "the file", "identities", "rules", "protected")
	if err != nil {
		return nil, err
	}
	p := &Policy{}
	if p.mapping, err = identities(fields["identities"]); err != nil {
		return nil, err
	}
	rules, err := items(fields["rules"], "rules", maxRules)
	if err != nil {
		return nil, err
	}
	for i, n := range rules {
		r, err := parseRule(n, fmt.Sprintf("rule %d", i+1))
		if err != nil {
			return nil, err
		}
		r.because = fmt.Sprintf("rule %d of the policy file allows it", i+1)
		p.rules = append(p.rules, r)
	}
	p.protected, err = protections(fields["protected"])
	if err != nil {
		return nil, err
	}
	return p, nil
}

func wrong(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
}

// document returns the one document of a file as it stands there: nothing is resolved,
// so nothing can be blown up by what refers to it.
func document(content []byte) (*yaml.Node, error) {
	const accepted = "accepted: YAML with identities, rules and protected, as in deploy/policy.yaml"
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("line 1: there is nothing in it; %s", accepted)
	case err != nil:
		return nil, syntax(err)
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntax(err)
	default:
		return nil, wrong(&second, "another document begins; accepted: one")
	}
	return doc.Content[0], nil
}

var syntaxLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// syntax is what the YAML library says, in one line and in our form.
func syntax(err error) error {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, err.Error())
	m := syntaxLine.FindStringSubmatch(text)
	line, words := m[1], m[2]
	if line == "" {
		line = "1"
	}
	hint := ""
	if strings.Contains(words, "alphabetic or numeric") {
		hint = " (a text that begins with * or & stands in quotes)"
	}
	return fmt.Errorf("line %s: is no YAML: %.200s%s; accepted: YAML with identities, rules and protected, as in deploy/policy.yaml", line, words, hint)
}

// fieldsOf returns the fields of a mapping by their names.
func fieldsOf(n *yaml.Node, what string, known ...string) (map[string]*yaml.Node, error) {
	accepted := "accepted: " + strings.Join(known, ", ")
	if err := plain(n); err != nil {
		return nil, err
	}
	if n.Kind != yaml.MappingNode {
		return nil, wrong(n, "%s is %s; accepted: fields, of %s", what, kindOf(n), strings.Join(known, ", "))
	}
	fields := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if err := plain(key); err != nil {
			return nil, err
		}
		isKnown := anyOf(known, func(k string) bool { return key.Kind == yaml.ScalarNode && key.Value == k })
		switch _, twice := fields[key.Value]; {
		case !isKnown:
			return nil, wrong(key, "%s has the field %s; %s", what, snapshot.Quote(key.Value), accepted)
		case twice:
			return nil, wrong(key, "%s has the field %s twice; accepted: once", what, key.Value)
		}
		fields[key.Value] = value
	}
	return fields, nil
}

// items returns the members of a list; none when there is no list.
func items(n *yaml.Node, what string, most int) ([]*yaml.Node, error) {
	if n == nil {
		return nil, nil
	}
	if err := plain(n); err != nil {
		return nil, err
	}
	switch {
	case n.Kind != yaml.SequenceNode:
		return nil, wrong(n, "%s is %s; accepted: a list, and [] for none", what, kindOf(n))
	case len(n.Content) > most:
		return nil, wrong(n, "%s has %d entries; accepted: at most %d", what, len(n.Content), most)
	}
	return n.Content, nil
}

// text returns a text that is not empty.
func text(n *yaml.Node, what string) (string, error) {
	if err := plain(n); err != nil {
		return "", err
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Value != "":
		return n.Value, nil
	case n.Kind == yaml.ScalarNode && n.ShortTag() != "!!str" && n.ShortTag() != "!!null":
		return "", wrong(n, "%s is %s, which is no text to YAML; accepted: text, in quotes where needed", what, snapshot.Quote(n.Value))
	}
	return "", wrong(n, "%s is %s; accepted: text", what, kindOf(n))
}

// plain refuses what makes a file say other than what stands there.
func plain(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		return wrong(n, "there is an anchor or an alias; accepted: text without them (one that begins with * or & stands in quotes)")
	case n.Style&yaml.TaggedStyle != 0:
		return wrong(n, "there is the tag %s; accepted: text without tags", snapshot.Quote(n.Tag))
	}
	return nil
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "made of fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Value == "" || n.ShortTag() == "!!null":
		return "empty"
	}
	return snapshot.Quote(n.Value)
}

func identities(n *yaml.Node) (*identity.Mapping, error) {
	list, err := items(n, "identities", maxRules)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return identity.NewMapping(nil)
	}
	rules := make([]identity.MapRule, 0, len(list))
	for i, n := range list {
		what := fmt.Sprintf("identity %d", i+1)
		r, err := parseMapRule(n, what)
		if err != nil {
			return nil, err
		}
		if _, err := identity.NewMapping([]identity.MapRule{r}); err != nil { // for its line
			return nil, wrong(n, "%s %v", what, err)
		}
		rules = append(rules, r)
	}
	m, err := identity.NewMapping(rules)
	if err != nil {
		return nil, fmt.Errorf("line %d: identities: %w", n.Line, err)
	}
	return m, nil
}

func parseMapRule(n *yaml.Node, what string) (r identity.MapRule, err error) {
	fields, err := fieldsOf(n, what, "jwt", "dns", "spiffe", "uid", "user", "service", "environment")
	if err != nil {
		return r, err
	}
	for name, into := range map[string]*string{
		"jwt": &r.JWT, "dns": &r.DNS, "spiffe": &r.SPIFFE, "user": &r.User, "service": &r.Service, "environment": &r.Environment,
	} {
		if n, ok := fields[name]; ok {
			if *into, err = text(n, name+" of "+what); err != nil {
				return r, err
			}
		}
	}
	n, ok := fields["uid"]
	if !ok {
		return r, nil
	}
	if err := plain(n); err != nil {
		return r, err
	}
	uid, err := strconv.ParseUint(n.Value, 10, 32)
	if err != nil || n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
		return r, wrong(n, "uid of %s is %s; accepted: the number of a Unix user, 0 to 4294967295", what, kindOf(n))
	}
	r.UID = new(uint32)
	*r.UID = uint32(uid)
	return r, nil
}
