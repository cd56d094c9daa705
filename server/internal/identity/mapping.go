package identity

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// MapRule says who a caller is that shows certain evidence: an entry of the section
// identities of the policy file. Exactly one of JWT, DNS, SPIFFE and UID is set, and
// either User, or Service and Environment.
//
// A pattern is a literal text with {service}, {environment} and *, each of which stands
// for one label: {service} and {environment} for a name, * for one or more characters
// that are none of '.', ':' and '/'. Between two of them stands at least one of these
// three, so that there is one way to read a text at most. What a pattern captures is not
// set beside it.
//
//   - {jwt: "system:serviceaccount:{environment}:{service}"}
//   - {dns: "{service}.internal", environment: production}
//   - {spiffe: "spiffe://example.org/ns/{environment}/sa/{service}"}
//   - {uid: 1000, user: alice}
type MapRule struct {
	// JWT is a pattern of the claim sub of a JSON Web Token.
	JWT string `yaml:"jwt"`
	// DNS is a pattern of a DNS name of a client certificate, in any case. The common name
	// is not looked at, and neither are names with a wildcard.
	DNS string `yaml:"dns"`
	// SPIFFE is a pattern of the spiffe:// URI of a client certificate.
	SPIFFE string `yaml:"spiffe"`
	// UID is the user at the other end of a Unix socket.
	UID *uint32 `yaml:"uid"`

	User        string `yaml:"user"`
	Service     string `yaml:"service"`
	Environment string `yaml:"environment"`
}

// Mapping says who callers are. The first rule that matches does. It never changes; the
// nil Mapping knows nobody.
type Mapping struct{ rules []mapRule }

type mapRule struct {
	evidence string // jwt, dns, spiffe or uid
	pattern  *regexp.Regexp
	uid      uint32

	user, service, environment     string
	serviceGroup, environmentGroup int // of pattern; 0: not captured
}

// NewMapping returns what the rules say. Its error names the rule by its index, and what
// is accepted.
func NewMapping(rules []MapRule) (*Mapping, error) {
	m := &Mapping{rules: make([]mapRule, len(rules))}
	for i, r := range rules {
		var err error
		if m.rules[i], err = r.compile(); err != nil {
			return nil, fmt.Errorf("identities[%d] %w", i, err)
		}
	}
	return m, nil
}

func (r MapRule) compile() (mapRule, error) {
	out := mapRule{user: r.User, service: r.Service, environment: r.Environment}
	set := 0
	for _, e := range []struct{ evidence, pattern string }{{"jwt", r.JWT}, {"dns", strings.ToLower(r.DNS)}, {"spiffe", r.SPIFFE}} {
		if e.pattern == "" {
			continue
		}
		set++
		out.evidence = e.evidence
		if err := out.compilePattern(e.pattern); err != nil {
			return out, fmt.Errorf("%s is %s, which %w", e.evidence, snapshot.Quote(e.pattern), err)
		}
	}
	if r.UID != nil {
		set++
		out.evidence, out.uid = "uid", *r.UID
		if out.uid == overflowUID || out.uid == math.MaxUint32 {
			return out, fmt.Errorf("uid is %d, which stands for every user that this system cannot name; accepted: the number of one user", out.uid)
		}
	}
	if set != 1 {
		return out, fmt.Errorf("has %d of jwt, dns, spiffe and uid; accepted: exactly one of them", set)
	}
	if r.SPIFFE != "" && !strings.HasPrefix(r.SPIFFE, "spiffe://") {
		return out, fmt.Errorf("spiffe is %s; accepted: spiffe://TRUST-DOMAIN/PATH", snapshot.Quote(r.SPIFFE))
	}
	return out, out.checkNames()
}

// overflowUID is what the kernel shows for a user of another user namespace.
const overflowUID = 65534

// checkNames makes sure that a match names one user or one service, whole.
func (r *mapRule) checkNames() error {
	const accepted = "accepted: user, or service and environment, each set or captured by the pattern"
	if r.user != "" {
		if r.service != "" || r.environment != "" || r.serviceGroup != 0 || r.environmentGroup != 0 {
			return errors.New("has user beside a service or an environment; " + accepted)
		}
		if err := CheckUser(r.user); err != nil {
			return fmt.Errorf("user %w", err)
		}
		return nil
	}
	for _, n := range []struct {
		field, literal string
		group          int
		check          func(string) error
	}{
		{"service", r.service, r.serviceGroup, snapshot.CheckNamespace},
		{"environment", r.environment, r.environmentGroup, snapshot.CheckEnvironment},
	} {
		switch {
		case n.group != 0 && n.literal != "":
			return fmt.Errorf("has %s twice: captured by the pattern, and set; accepted: one of them", n.field)
		case n.group == 0 && n.literal == "":
			return fmt.Errorf("says no %s; %s", n.field, accepted)
		case n.group == 0 && n.check(n.literal) != nil:
			return fmt.Errorf("%s %w", n.field, n.check(n.literal))
		}
	}
	return nil
}

const (
	separators      = ".:/"
	maxPattern      = 512
	labelExpr       = `([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)`
	starExpr        = `[^.:/]+`
	serviceMark     = "{service}"
	environmentMark = "{environment}"
	acceptedPattern = "accepted: a text with {service}, {environment} and *, the first two once, with one of '.', ':' and '/' between two of them"
)

var patternMark = regexp.MustCompile(`\{service\}|\{environment\}|\*`)

// compilePattern makes a regular expression of a pattern, which matches a text in one
// way at most.
func (r *mapRule) compilePattern(pattern string) error {
	if len(pattern) > maxPattern {
		return fmt.Errorf("is longer than %d bytes; accepted: less", maxPattern)
	}
	var expr strings.Builder
	expr.WriteString(`\A`)
	from, groups := 0, 0
	marks := patternMark.FindAllStringIndex(pattern, -1)
	for i, at := range append(marks, []int{len(pattern), len(pattern)}) {
		literal := pattern[from:at[0]]
		switch {
		case strings.ContainsAny(literal, "{}"):
			return errors.New("has a brace that belongs to neither {service} nor {environment}; " + acceptedPattern)
		case i > 0 && i < len(marks) && !strings.ContainsAny(literal, separators):
			return errors.New("can be read in several ways; " + acceptedPattern)
		}
		expr.WriteString(regexp.QuoteMeta(literal))
		from = at[1]
		group := &r.serviceGroup
		switch pattern[at[0]:at[1]] {
		case "":
			continue
		case "*":
			expr.WriteString(starExpr)
			continue
		case environmentMark:
			group = &r.environmentGroup
		}
		if *group != 0 {
			return errors.New("has a name twice; " + acceptedPattern)
		}
		groups++
		*group = groups
		expr.WriteString(labelExpr)
	}
	expr.WriteString(`\z`)
	var err error
	r.pattern, err = regexp.Compile(expr.String())
	return err
}

// match returns who a rule of a pattern takes a name for; nil: it does not match.
func (r *mapRule) match(name string) *Identity {
	found := r.pattern.FindStringSubmatch(name)
	if found == nil {
		return nil
	}
	id := &Identity{Namespace: r.service, Environment: r.environment, User: r.user, Credential: name}
	if r.serviceGroup != 0 {
		id.Namespace = found[r.serviceGroup]
	}
	if r.environmentGroup != 0 {
		id.Environment = found[r.environmentGroup]
	}
	return id
}

// jwt returns whose subject it is; nil: no rule says.
func (m *Mapping) jwt(subject string) *Identity {
	for i := range m.all() {
		if r := &m.rules[i]; r.evidence == "jwt" {
			if id := r.match(subject); id != nil {
				id.Kind = JWT
				return id
			}
		}
	}
	return nil
}

// unixUser returns who the user of a Unix socket is; nil: no rule says.
func (m *Mapping) unixUser(uid uint32) *Identity {
	for _, r := range m.all() {
		if r.evidence == "uid" && r.uid == uid {
			return &Identity{
				Kind: UnixUser, Namespace: r.service, Environment: r.environment, User: r.user,
				Credential: strconv.FormatUint(uint64(uid), 10),
			}
		}
	}
	return nil
}

// certificate returns whose certificate it is. One that names several is nobody's: it
// would be up to the order of its names who the caller is.
func (m *Mapping) certificate(leaf *x509.Certificate) (*Identity, error) {
	spiffe, err := spiffeOf(leaf)
	if err != nil {
		return nil, err
	}
	for i := range m.all() {
		r := &m.rules[i]
		var names []string
		switch {
		case r.evidence == "dns":
			names = leaf.DNSNames
		case r.evidence == "spiffe" && spiffe != "":
			names = []string{spiffe}
		}
		var id *Identity
		for _, name := range names {
			if r.evidence == "dns" {
				name = strings.ToLower(name)
			}
			if strings.Contains(name, "*") {
				continue
			}
			other := r.match(name)
			switch {
			case id == nil:
				id = other
			case other != nil && other.Name() != id.Name():
				return nil, refused("a certificate that is of %s and of %s", snapshot.Quote(id.Credential), snapshot.Quote(other.Credential))
			}
		}
		if id != nil {
			id.Kind, id.Expires = Certificate, leaf.NotAfter
			return id, nil
		}
	}
	if spiffe == "" {
		spiffe = strings.Join(leaf.DNSNames, ",")
	}
	return nil, refused("a certificate of %s, which no rule of the policy file names", snapshot.Quote(spiffe))
}

func (m *Mapping) all() []mapRule {
	if m == nil {
		return nil
	}
	return m.rules
}

// spiffeOf returns the SPIFFE id of a certificate; empty: it has none.
func spiffeOf(leaf *x509.Certificate) (string, error) {
	var found []*url.URL
	for _, u := range leaf.URIs {
		if u.Scheme == "spiffe" {
			found = append(found, u)
		}
	}
	switch {
	case len(found) == 0:
		return "", nil
	case len(found) > 1:
		return "", refused("a certificate with %d SPIFFE ids", len(found))
	}
	u := found[0]
	id := u.String()
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" || u.Port() != "" || strings.Contains(id, "%") {
		return "", refused("a certificate with the malformed SPIFFE id %s", snapshot.Quote(id))
	}
	return id, nil
}
