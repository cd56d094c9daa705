package policy

import (
	"strings"

	"github.com/config-service/config-service/server/internal/identity"
)

// Policy is what a policy file says. It never changes. The nil Policy lets every service
// read its own scope, and nobody do more.
//
// The file is YAML of three lists, all optional; deploy/policy.yaml is an example of all
// there is:
//
//	identities:    # whom certificates, JWTs and Unix users stand for; the first that matches counts
//	  - jwt: "system:serviceaccount:{environment}:{service}"
//	rules:         # what callers may do beyond reading their own configuration
//	  - who: ["user:alice", "service:deployer/*"]
//	    may: [read, write, administer, read-sensitive]
//	    namespaces: ["payment-*", "_shared"]
//	    environments: ["*"]
//	protected:     # where commits are typed by hand, and their risks accepted; see Protection
//	  - namespaces: ["*"]
//	    environments: ["production"]
//	    message: 20
//
// A rule needs all four fields. It lets each of who do each of may in each of namespaces
// and each of environments; what no rule lets is denied. Who is user:NAME or
// service:NAMESPACE/ENVIRONMENT, with * for one part. Namespaces and environments are
// names, beginnings such as payment-*, or *, which alone also means the reserved _shared
// and _all.
type Policy struct {
	mapping   *identity.Mapping
	rules     []rule
	protected []protected
}

// rule is one rule of the file.
type rule struct {
	who                      []callers
	may                      []Action
	namespaces, environments []pattern
	because                  string
}

// Mapping is whom evidence stands for; nil for the nil Policy.
func (p *Policy) Mapping() *identity.Mapping {
	if p == nil {
		return nil
	}
	return p.mapping
}

// Rules is how many rules there are.
func (p *Policy) Rules() int {
	if p == nil {
		return 0
	}
	return len(p.rules)
}

// Allows says whether a caller may do something in a scope, and why in words.
func (p *Policy) Allows(id *identity.Identity, a Action, namespace, environment string) (because string, ok bool) {
	switch {
	case id == nil || namespace == "" || environment == "":
		return "only a caller that is known may do anything, and only in a namespace and an environment", false
	case a == Read && isOwn(id, namespace, environment):
		return "every service reads its own configuration", true
	case p == nil:
		return "there is no policy file: every service reads its own configuration, and nobody does more", false
	}
	for i := range p.rules {
		if p.rules[i].allows(id, a, namespace, environment) {
			return p.rules[i].because, true
		}
	}
	return "no rule of the policy file allows it", false
}

// isOwn says whether a scope is the caller's own. The reserved names are nobody's.
func isOwn(id *identity.Identity, namespace, environment string) bool {
	return id.User == "" && namespace == id.Namespace && environment == id.Environment && !reserved(namespace) && !reserved(environment)
}

// somewhere says whether a caller may do something in any scope of those that a request
// leaves open; empty leaves open.
func (p *Policy) somewhere(id *identity.Identity, a Action, namespace, environment string) bool {
	if p == nil || id == nil {
		return false
	}
	for i := range p.rules {
		if p.rules[i].allows(id, a, namespace, environment) {
			return true
		}
	}
	return false
}

// allows takes an empty name as one that is open.
func (r *rule) allows(id *identity.Identity, a Action, namespace, environment string) bool {
	return anyOf(r.may, func(m Action) bool { return m == a }) &&
		anyOf(r.namespaces, func(p pattern) bool { return namespace == "" || p.matches(namespace) }) &&
		anyOf(r.environments, func(p pattern) bool { return environment == "" || p.matches(environment) }) &&
		anyOf(r.who, func(c callers) bool { return c.include(id) })
}

func anyOf[T any](list []T, is func(T) bool) bool {
	for _, one := range list {
		if is(one) {
			return true
		}
	}
	return false
}

// pattern is a name, a beginning that ends with "-*", or "*".
type pattern string

const everything pattern = "*"

func (p pattern) matches(name string) bool {
	if p == everything {
		return true
	}
	if beginning, ok := strings.CutSuffix(string(p), "*"); ok {
		return strings.HasPrefix(name, beginning) && !reserved(name)
	}
	return string(p) == name
}

// reserved says whether a name is one of ours: no label begins like them.
func reserved(name string) bool { return strings.HasPrefix(name, "_") }

// callers are who a rule is about: a user, or services.
type callers struct {
	user                   pattern // empty: services
	namespace, environment pattern
}

// include compares parts, never the joined name: what stands in one part cannot reach
// into another.
func (c callers) include(id *identity.Identity) bool {
	switch {
	case c.user != "":
		return id.User != "" && (c.user == everything || string(c.user) == id.User)
	case id.User != "" || id.Namespace == "" || id.Environment == "":
		return false
	}
	return c.namespace.matches(id.Namespace) && c.environment.matches(id.Environment)
}
