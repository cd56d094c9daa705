package identity_test

import (
	"crypto/x509"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/identity"
)

func uid(n uint32) *uint32 { return &n }

func TestMappingsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		rule  identity.MapRule
		words []string
	}{
		"nothing":                  {identity.MapRule{}, []string{"has 0 of jwt, dns, spiffe and uid", "exactly one"}},
		"two kinds":                {identity.MapRule{JWT: "a", UID: uid(1), User: "a"}, []string{"has 2 of jwt"}},
		"nobody":                   {identity.MapRule{JWT: "a"}, []string{"says no service", "accepted: user, or service and environment"}},
		"no environment":           {identity.MapRule{JWT: "{service}"}, []string{"says no environment"}},
		"no service":               {identity.MapRule{JWT: "{environment}"}, []string{"says no service"}},
		"a user and a service":     {identity.MapRule{JWT: "a", User: "a", Service: "b", Environment: "c"}, []string{"user beside a service"}},
		"a user and a capture":     {identity.MapRule{JWT: "{service}", User: "a"}, []string{"user beside a service"}},
		"captured and set":         {identity.MapRule{JWT: "{service}", Service: "a", Environment: "b"}, []string{"has service twice"}},
		"captured twice":           {identity.MapRule{JWT: "{service}.{service}", Environment: "b"}, []string{"has a name twice"}},
		"ambiguous":                {identity.MapRule{JWT: "{service}-{environment}"}, []string{"several ways", "'.', ':' and '/'"}},
		"ambiguous star":           {identity.MapRule{JWT: "*{service}", Environment: "b"}, []string{"several ways"}},
		"two stars":                {identity.MapRule{JWT: "a**", User: "b"}, []string{"several ways"}},
		"another mark":             {identity.MapRule{JWT: "{namespace}", User: "b"}, []string{"a brace", "{service}"}},
		"a brace":                  {identity.MapRule{JWT: "a}", User: "b"}, []string{"a brace"}},
		"a mark in another case":   {identity.MapRule{JWT: "{Service}", User: "b"}, []string{"a brace"}},
		"a malformed user":         {identity.MapRule{JWT: "a", User: "a b"}, []string{`user "a b" is malformed`, "accepted"}},
		"a malformed service":      {identity.MapRule{JWT: "a", Service: "A", Environment: "b"}, []string{`service "A" is malformed`}},
		"the shared namespace":     {identity.MapRule{JWT: "a", Service: "_shared", Environment: "b"}, []string{`service "_shared"`}},
		"every environment":        {identity.MapRule{JWT: "a", Service: "a", Environment: "_all"}, []string{`environment "_all"`}},
		"a SPIFFE id of no scheme": {identity.MapRule{SPIFFE: "example.org/{service}", Environment: "b"}, []string{"accepted: spiffe://"}},
		"nobody's uid":             {identity.MapRule{UID: uid(65534), User: "a"}, []string{"uid is 65534", "accepted"}},
		"no uid":                   {identity.MapRule{UID: uid(math.MaxUint32), User: "a"}, []string{"uid is 4294967295"}},
		"too long":                 {identity.MapRule{JWT: strings.Repeat("a", 513), User: "a"}, []string{"longer than 512"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := identity.NewMapping([]identity.MapRule{{UID: uid(0), User: "root"}, test.rule})
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, word := range append(test.words, "identities[1] ") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v; without %q", err, word)
				}
			}
		})
	}
}

func leaf(t testing.TB, dns []string, uris ...string) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{Raw: []byte(strings.Join(append(dns, uris...), "|")), DNSNames: dns, NotAfter: today.AddDate(0, 0, 1)}
	c.Subject.CommonName = "payment-service.production.internal"
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c.URIs = append(c.URIs, u)
	}
	return c
}

func TestCertificatesBecomeWhoTheyAreOf(t *testing.T) {
	rules := []identity.MapRule{
		{DNS: "{service}.{environment}.Internal"},
		{DNS: "gateway-*.internal", User: "gateway"},
		{DNS: "{service}-sidecar.local", Environment: "production"},
		{SPIFFE: "spiffe://example.org/ns/{environment}/sa/{service}"},
		{SPIFFE: "spiffe://example.org/*/admin", User: "admin"},
	}
	for name, test := range map[string]struct {
		leaf *x509.Certificate
		want string // empty: refused
	}{
		"DNS":                        {leaf(t, []string{"payment-service.production.internal"}), "service:payment-service/production"},
		"DNS in capitals":            {leaf(t, []string{"Payment-Service.PRODUCTION.internal"}), "service:payment-service/production"},
		"one DNS name of several":    {leaf(t, []string{"localhost", "payment-service.production.internal"}), "service:payment-service/production"},
		"a star":                     {leaf(t, []string{"gateway-7.internal"}), "user:gateway"},
		"a set environment":          {leaf(t, []string{"pay-sidecar.local"}), "service:pay/production"},
		"SPIFFE":                     {leaf(t, nil, "spiffe://example.org/ns/production/sa/payment-service"), "service:payment-service/production"},
		"SPIFFE and another URI":     {leaf(t, nil, "https://example.org/", "spiffe://example.org/x/admin"), "user:admin"},
		"the first rule":             {leaf(t, []string{"a.b.internal"}, "spiffe://example.org/ns/production/sa/payment-service"), "service:a/b"},
		"the common name":            {leaf(t, nil), ""},
		"two services":               {leaf(t, []string{"a.b.internal", "b.b.internal"}), ""},
		"a wildcard":                 {leaf(t, []string{"*.production.internal", "gateway-*.internal"}), ""},
		"one label more":             {leaf(t, []string{"x.payment-service.production.internal"}), ""},
		"more behind":                {leaf(t, []string{"payment-service.production.internal.evil.com"}), ""},
		"a final dot":                {leaf(t, []string{"payment-service.production.internal."}), ""},
		"no label":                   {leaf(t, []string{".production.internal"}), ""},
		"a reserved word":            {leaf(t, []string{"_shared.production.internal", "a._all.internal"}), ""},
		"a label that ends with '-'": {leaf(t, []string{"a-.b.internal"}), ""},
		"a label of 64":              {leaf(t, []string{strings.Repeat("a", 64) + ".b.internal"}), ""},
		"a star of nothing":          {leaf(t, []string{"gateway-.internal"}), ""},
		"a star of two labels":       {leaf(t, []string{"gateway-a.b.c.internal"}), ""},
		"a dot that is no dot":       {leaf(t, []string{"payXproductionXinternal"}), ""},
		"two SPIFFE ids":             {leaf(t, nil, "spiffe://example.org/ns/production/sa/a", "spiffe://example.org/ns/production/sa/a"), ""},
		"two SPIFFE ids beside DNS":  {leaf(t, []string{"a.b.internal"}, "spiffe://example.org/x/admin", "spiffe://other/x"), ""},
		"another trust domain":       {leaf(t, nil, "spiffe://example.com/ns/production/sa/a"), ""},
		"a trust domain in capitals": {leaf(t, nil, "spiffe://EXAMPLE.org/ns/production/sa/a"), ""},
		"a service in capitals":      {leaf(t, nil, "spiffe://example.org/ns/production/sa/Payment"), ""},
		"a port":                     {leaf(t, nil, "spiffe://example.org:1/ns/production/sa/a"), ""},
		"a query":                    {leaf(t, nil, "spiffe://example.org/ns/production/sa/a?b"), ""},
		"an empty query":             {leaf(t, nil, "spiffe://example.org/ns/production/sa/a?"), ""},
		"a fragment":                 {leaf(t, nil, "spiffe://example.org/ns/production/sa/a#b"), ""},
		"a user":                     {leaf(t, nil, "spiffe://x@example.org/ns/production/sa/a"), ""},
		"an escape":                  {leaf(t, nil, "spiffe://example.org/ns/production/sa/%61"), ""},
		"an escaped slash":           {leaf(t, nil, "spiffe://example.org/ns%2Fproduction/sa/a"), ""},
		"a path up":                  {leaf(t, nil, "spiffe://example.org/ns/production/sa/../a"), ""},
		"an escape for a star":       {leaf(t, nil, "spiffe://example.org/%2f/admin"), ""},
		"another scheme":             {leaf(t, nil, "https://example.org/ns/production/sa/a"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, "", nil, rules...)
			for range 2 { // found out, and remembered
				name, err := tr.who(t, identity.Evidence{Certificates: []*x509.Certificate{test.leaf}, Peer: &identity.UnixPeer{}})
				if name != test.want {
					t.Errorf("identified as %q (%v), want %q", name, err, test.want)
				}
			}
			later := test.leaf.NotAfter
			tr.now.Store(&later)
			if name, err := tr.who(t, identity.Evidence{Certificates: []*x509.Certificate{test.leaf}}); err == nil {
				t.Errorf("a certificate that expired on an open connection is %s", name)
			}
		})
	}
}

func TestUnixUsers(t *testing.T) {
	tr := newTrial(t, "", nil, identity.MapRule{UID: uid(1000), User: "alice"}, identity.MapRule{UID: uid(1001), Service: "a", Environment: "b"}, identity.MapRule{UID: uid(1000), User: "bob"})
	for _, test := range []struct {
		uid  uint32
		want string
	}{{1000, "user:alice"}, {1001, "service:a/b"}, {0, ""}, {1002, ""}, {65534, ""}} {
		if name, err := tr.who(t, identity.Evidence{Peer: &identity.UnixPeer{UID: test.uid}}); name != test.want {
			t.Errorf("%d is %q (%v), want %q", test.uid, name, err, test.want)
		}
	}
}

// Whoever was somebody by a rule is nobody once the rule is gone.
func TestAChangedMappingChangesWhoCallsAndIsTold(t *testing.T) {
	tr := newTrial(t, "", nil, identity.MapRule{UID: uid(1), User: "alice"})
	tr.run(t)
	ev := identity.Evidence{Peer: &identity.UnixPeer{UID: 1}}
	for _, step := range []struct {
		rules []identity.MapRule
		want  string
	}{
		{[]identity.MapRule{{UID: uid(1), User: "bob"}}, "user:bob"},
		{nil, ""},
		{[]identity.MapRule{{UID: uid(1), User: "carol"}}, "user:carol"},
	} {
		if _, err := tr.who(t, ev); step.want == "user:bob" && err != nil {
			t.Fatal(err)
		}
		changed := tr.Changed()
		tr.mapping.set(newMapping(t, step.rules...))
		await(t, "the change is told", changed)
		if name, _ := tr.who(t, ev); name != step.want {
			t.Errorf("identified as %q, want %q", name, step.want)
		}
		if closed(tr.Changed()) {
			t.Error("one change is told twice")
		}
	}
}
