package identity

import "errors"

// MapRule makes an identity of what evidence says. Exactly one of JWT, DNS, SPIFFE and
// UID says which evidence it is about.
type MapRule struct {
	JWT    string  `yaml:"jwt"`
	DNS    string  `yaml:"dns"`
	SPIFFE string  `yaml:"spiffe"`
	UID    *uint32 `yaml:"uid"`

	User        string `yaml:"user"`
	Service     string `yaml:"service"`
	Environment string `yaml:"environment"`
}

// Mapping is the rules, in their order; the first that matches counts. It never changes.
type Mapping struct{ rules []MapRule }

// NewMapping checks the rules.
func NewMapping(rules []MapRule) (*Mapping, error) {
	for _, r := range rules {
		said := 0
		for _, is := range []bool{r.JWT != "", r.DNS != "", r.SPIFFE != "", r.UID != nil} {
			if is {
				said++
			}
		}
		if said != 1 {
			return nil, errors.New("names no evidence, or several; accepted: exactly one of jwt, dns, spiffe, uid")
		}
		if r.User != "" && r.Service != "" {
			return nil, errors.New("names a user and a service; accepted: one of them")
		}
	}
	return &Mapping{rules: rules}, nil
}
