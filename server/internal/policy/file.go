package policy

import "github.com/config-service/config-service/server/internal/identity"

// Policy is what a policy file says. It never changes. The nil Policy lets every service
// read its own scope, and nobody do more.
type Policy struct{}

// Allows says whether a caller may do something in a scope, and why in words.
func (p *Policy) Allows(id *identity.Identity, a Action, namespace, environment string) (because string, ok bool) {
	if a == Read && id.Namespace != "" && namespace == id.Namespace && environment == id.Environment {
		return "every service reads its own configuration", true
	}
	return "no rule allows it", false
}

// By returns what authorizes by the policy that is current.
func By(current func() *Policy) Authorizer {
	var authorize Authorizer
	authorize = func(id *identity.Identity, a Action, namespace, environment string) (Grant, error) {
		if a == Self {
			return Grant{holder: id, action: Self}, nil
		}
		if a == Read {
			if namespace == "" {
				namespace = id.Namespace
			}
			if environment == "" {
				environment = id.Environment
			}
			switch {
			case namespace == "":
				return Grant{}, ErrNoNamespace
			case environment == "":
				return Grant{}, ErrNoEnvironment
			}
		}
		g := Grant{holder: id, action: a, namespace: namespace, environment: environment}
		if namespace == "" || environment == "" {
			g.authorize = &authorize
			return g, nil
		}
		if _, ok := current().Allows(id, a, namespace, environment); !ok {
			return Grant{}, ErrDenied
		}
		return g, nil
	}
	return authorize
}
