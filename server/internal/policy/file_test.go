package policy_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
)

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func example(t *testing.T) *policy.Policy {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func user(name string) *identity.Identity { return &identity.Identity{Kind: identity.JWT, User: name} }

func service(namespace, environment string) *identity.Identity {
	return &identity.Identity{Kind: identity.Token, Namespace: namespace, Environment: environment}
}

const rules = `
rules:
  - {who: ["user:alice"], may: [read, write], namespaces: ["payment-*"], environments: ["production", "test-*"]}
  - {who: ["user:root"], may: [read, write, administer, read-sensitive], namespaces: ["*"], environments: ["*"]}
  - {who: ["service:*/production"], may: [read], namespaces: ["_shared"], environments: ["_all"]}
  - {who: ["service:dashboard/*"], may: [read], namespaces: ["orders"], environments: ["*"]}
  - {who: ["user:*"], may: [read], namespaces: ["public"], environments: ["production"]}
  - {who: ["user:carol"], may: [administer], namespaces: ["orders"], environments: ["test"]}
`

func TestAllows(t *testing.T) {
	p := parse(t, rules)
	for _, test := range []struct {
		id                     *identity.Identity
		action                 policy.Action
		namespace, environment string
		because                string // empty: denied
	}{
		{service("orders", "test"), policy.Read, "orders", "test", "every service reads its own configuration"},
		{service("orders", "test"), policy.Write, "orders", "test", ""},
		{service("orders", "test"), policy.Administer, "orders", "test", ""},
		{service("orders", "test"), policy.ReadSensitive, "orders", "test", ""},
		{service("orders", "test"), policy.Read, "orders", "production", ""},
		{service("orders", "test"), policy.Read, "order", "test", ""},
		{service("orders", "test"), policy.Read, "orders2", "test", ""},
		{service("orders", "test"), policy.Read, "_shared", "test", ""},
		{service("orders", "test"), policy.Read, "orders", "_all", ""},
		{service("orders", "test"), policy.Read, "_shared", "_all", ""},
		{service("orders", "production"), policy.Read, "_shared", "_all", "rule 3 of the policy file allows it"},
		{service("orders", "production"), policy.Read, "_shared", "production", ""},
		{service("dashboard", "test"), policy.Read, "orders", "production", "rule 4 of the policy file allows it"},
		{service("dashboard", "test"), policy.Read, "orders", "_all", "rule 4 of the policy file allows it"},
		{service("dashboards", "test"), policy.Read, "orders", "production", ""},

		{user("alice"), policy.Read, "payment-service", "production", "rule 1 of the policy file allows it"},
		{user("alice"), policy.Write, "payment-", "test-1", "rule 1 of the policy file allows it"},
		{user("alice"), policy.Write, "payment-service", "test-", "rule 1 of the policy file allows it"},
		{user("alice"), policy.Write, "payment-service", "test", ""},
		{user("alice"), policy.Write, "payment", "production", ""},
		{user("alice"), policy.Write, "payments", "production", ""},
		{user("alice"), policy.Write, "_shared", "production", ""},
		{user("alice"), policy.Write, "payment-service", "_all", ""},
		{user("alice"), policy.Administer, "payment-service", "production", ""},
		{user("alice"), policy.Read, "public", "production", "rule 5 of the policy file allows it"},
		{user("Alice"), policy.Write, "payment-service", "production", ""},
		{user("alice2"), policy.Write, "payment-service", "production", ""},
		{user("root"), policy.Administer, "_shared", "_all", "rule 2 of the policy file allows it"},
		{user("root"), policy.Write, "anything", "_all", "rule 2 of the policy file allows it"},
		{user("root"), policy.Self, "a", "b", ""},
		{user("root"), policy.Public, "a", "b", ""},
		{user("root"), 0, "a", "b", ""},
		{user("root"), 99, "a", "b", ""},
		{user("root"), policy.Read, "", "b", ""},
		{user("root"), policy.Read, "a", "", ""},

		// Names that would join to somebody else's.
		{user("alice/production"), policy.Write, "payment-service", "production", ""},
		{user("*"), policy.Write, "payment-service", "production", ""},
		{user("service:dashboard/production"), policy.Read, "orders", "production", ""},
		{service("dashboard/production", "x"), policy.Read, "orders", "production", ""},
		{service("user:root", ""), policy.Write, "a", "b", ""},
		{service("", "production"), policy.Read, "_shared", "_all", ""},
		{service("dashboard", ""), policy.Read, "orders", "production", ""},
		{service("*", "*"), policy.Read, "orders", "production", ""},
		{service("_shared", "_all"), policy.Read, "_shared", "_all", ""},
		{service("_shared", "production"), policy.Read, "_shared", "production", ""},
		{service("orders", "_all"), policy.Read, "orders", "_all", ""},
		{&identity.Identity{User: "x", Namespace: "orders", Environment: "test"}, policy.Read, "orders", "test", ""},
		{&identity.Identity{User: "x", Namespace: "dashboard", Environment: "test"}, policy.Read, "orders", "production", ""},
		{&identity.Identity{}, policy.Read, "orders", "test", ""},
		{&identity.Identity{}, policy.Read, "", "", ""},
		{nil, policy.Read, "orders", "test", ""},
	} {
		because, ok := p.Allows(test.id, test.action, test.namespace, test.environment)
		if ok != (test.because != "") || ok && because != test.because || because == "" {
			t.Errorf("%s may %s %q/%q = %t, %q; want %q", test.id.Name(), test.action, test.namespace, test.environment, ok, because, test.because)
		}
		if g, err := policy.By(func() *policy.Policy { return p })(test.id, test.action, test.namespace, test.environment); test.namespace != "" && test.environment != "" && test.action != policy.Self {
			if ok != (err == nil) || ok != (g.Namespace() == test.namespace) || !ok && g != (policy.Grant{}) {
				t.Errorf("%s may %s %q/%q: By = %v, %v", test.id.Name(), test.action, test.namespace, test.environment, g, err)
			}
		}
	}
}

// TestWithoutAFile: the nil Policy lets services read their own, and nobody do more.
func TestWithoutAFile(t *testing.T) {
	var p *policy.Policy
	for _, a := range []policy.Action{policy.Read, policy.Write, policy.Administer, policy.ReadSensitive} {
		if _, ok := p.Allows(service("a", "b"), a, "a", "b"); ok != (a == policy.Read) {
			t.Errorf("%s of its own: %t", a, ok)
		}
		if _, ok := p.Allows(user("root"), a, "a", "b"); ok {
			t.Errorf("%s by a user", a)
		}
	}
	if p.Rules() != 0 || p.Mapping() != nil {
		t.Errorf("no policy has %d rules and %v", p.Rules(), p.Mapping())
	}
}

// TestOpenGrants: a grant that leaves its scope open is given to who may do it somewhere,
// and holds where the policy that is current then lets it.
func TestOpenGrants(t *testing.T) {
	p := parse(t, rules)
	authorize := policy.By(func() *policy.Policy { return p })
	for _, test := range []struct {
		id                     *identity.Identity
		action                 policy.Action
		namespace, environment string
		granted                bool
	}{
		{user("root"), policy.Administer, "", "", true},
		{user("carol"), policy.Administer, "", "", true},
		{user("carol"), policy.Administer, "orders", "", true},
		{user("carol"), policy.Administer, "", "test", true},
		{user("carol"), policy.Administer, "", "production", false},
		{user("carol"), policy.Administer, "payment-service", "", false},
		{user("carol"), policy.Write, "", "", false},
		{user("alice"), policy.Write, "", "", true},
		{user("alice"), policy.Administer, "", "", false},
		{service("orders", "test"), policy.Administer, "", "", false},
		{service("orders", "test"), policy.Write, "", "", false},
		{user("root"), policy.ReadSensitive, "", "", false},
		{nil, policy.Administer, "", "", false},
		{user("carol"), policy.Inspect, "", "", true}, // it shows what In lets through
		{nil, policy.Inspect, "", "", false},
		{service("orders", "test"), policy.Inspect, "orders", "test", true},
		{service("orders", "test"), policy.Inspect, "orders", "production", false},
	} {
		g, err := authorize(test.id, test.action, test.namespace, test.environment)
		if test.granted != (err == nil) || !test.granted && (g != (policy.Grant{}) || !errors.Is(err, policy.ErrDenied)) {
			t.Errorf("%s may %s in %q/%q: %v, %v", test.id.Name(), test.action, test.namespace, test.environment, g, err)
		}
	}
	g, err := authorize(user("carol"), policy.Administer, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if in, err := g.In("orders", "test"); err != nil || in.Namespace() != "orders" || in.Environment() != "test" {
		t.Errorf("where it holds: %v, %v", in, err)
	}
	for _, where := range [][2]string{{"orders", "production"}, {"payment-service", "test"}, {"", ""}, {"orders", ""}, {"_shared", "_all"}} {
		if in, err := g.In(where[0], where[1]); !errors.Is(err, policy.ErrDenied) || in != (policy.Grant{}) {
			t.Errorf("in %q: %v, %v", where, in, err)
		}
	}
	p = parse(t, "rules: []")
	if in, err := g.In("orders", "test"); !errors.Is(err, policy.ErrDenied) {
		t.Errorf("after the rule is gone: %v, %v", in, err)
	}
}

// TestInASidecar: one scope, reading only, for who may read it.
func TestInASidecar(t *testing.T) {
	p := parse(t, `rules: [{who: ["user:root", "service:dashboard/*"], may: [read, write, administer], namespaces: ["*"], environments: ["*"]}]`)
	authorize := policy.In("orders", "test", func() *policy.Policy { return p })
	for _, test := range []struct {
		id                     *identity.Identity
		action                 policy.Action
		namespace, environment string
		granted                bool
	}{
		{service("orders", "test"), policy.Read, "", "", true},
		{service("orders", "test"), policy.Read, "orders", "test", true},
		{service("orders", "test"), policy.Write, "orders", "test", false},
		{service("orders", "test"), policy.Read, "orders", "production", false},
		{service("payments", "test"), policy.Read, "", "", false},
		{service("payments", "test"), policy.Read, "payments", "test", false},
		{service("payments", "test"), policy.Read, "orders", "test", false},
		{service("dashboard", "test"), policy.Read, "orders", "test", true},
		{service("dashboard", "test"), policy.Read, "", "", false}, // its own, which is not here
		{service("dashboard", "test"), policy.Read, "dashboard", "test", false},
		{user("root"), policy.Read, "", "", true},
		{user("root"), policy.Read, "orders", "test", true},
		{user("root"), policy.Read, "orders", "production", false},
		{user("root"), policy.Read, "", "production", false},
		{service("dashboard", "test"), policy.Read, "orders", "production", false},
		{user("root"), policy.Read, "_shared", "_all", false},
		{user("root"), policy.Read, "payments", "test", false},
		{user("root"), policy.Write, "orders", "test", false},
		{user("root"), policy.Administer, "", "", false},
		{user("bob"), policy.Read, "", "", false},
		{nil, policy.Read, "", "", false},
	} {
		g, err := authorize(test.id, test.action, test.namespace, test.environment)
		switch {
		case test.granted && (err != nil || g.Namespace() != "orders" || g.Environment() != "test"):
			t.Errorf("%s may not %s %q/%q: %v, %v", test.id.Name(), test.action, test.namespace, test.environment, g, err)
		case !test.granted && (err == nil || g != (policy.Grant{})):
			t.Errorf("%s may %s %q/%q: %v, %v", test.id.Name(), test.action, test.namespace, test.environment, g, err)
		}
	}
	if g, err := authorize(user("bob"), policy.Self, "", ""); err != nil || g.Holder().User != "bob" {
		t.Errorf("who asks about itself: %v, %v", g, err)
	}
}

// TestTheExample: the file in deploy is one, and says what its comments say.
func TestTheExample(t *testing.T) {
	p := example(t)
	if p.Protected() != 1 || p.Protection("payment-service", "production").Message != 20 || p.Protection("_shared", "_all").Message != 20 || p.Protection("payment-service", "test-1").On() {
		t.Errorf("the example protects %d", p.Protected())
	}
	if p.Mapping() == nil || p.Rules() != 3 {
		t.Errorf("the example has %d rules and the mapping %v", p.Rules(), p.Mapping())
	}
	for _, test := range []struct {
		id                     *identity.Identity
		action                 policy.Action
		namespace, environment string
		allowed                bool
	}{
		{user("alice"), policy.Administer, "_shared", "_all", true},
		{user("bob"), policy.Write, "payment-gateway", "test-7", true},
		{user("bob"), policy.Write, "payment-gateway", "production", false},
		{user("bob"), policy.Write, "_shared", "development", false},
		{service("dashboard", "production"), policy.Read, "payment-service", "production", true},
		{service("dashboard", "production"), policy.Read, "payment-service", "development", false},
		{service("payment-service", "production"), policy.Read, "payment-service", "production", true},
		{service("payment-service", "production"), policy.Write, "payment-service", "production", false},
	} {
		if because, ok := p.Allows(test.id, test.action, test.namespace, test.environment); ok != test.allowed {
			t.Errorf("%s may %s %s/%s: %t, %s", test.id.Name(), test.action, test.namespace, test.environment, ok, because)
		}
	}
}

// TestBadFiles: each mistake is one line that says where it is, what it is, what is
// accepted.
func TestBadFiles(t *testing.T) {
	const good = `{who: ["user:a"], may: [read], namespaces: ["a"], environments: ["b"]}`
	with := func(field, value string) string {
		fields := []string{`who: ["user:a"]`, "may: [read]", `namespaces: ["a"]`, `environments: ["b"]`}
		for i, f := range fields {
			if strings.HasPrefix(f, field+":") {
				fields[i] = field + ": " + value
			}
		}
		return "rules:\n- " + strings.Join(fields, "\n  ") + "\n"
	}
	bomb := "a: &a [x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += string(c) + ": &" + string(c) + " [*" + string(c-1) + ", *" + string(c-1) + "]\n"
	}
	parse(t, "rules: ["+good+"]")
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"nothing":                    {"", []string{"line 1:", "nothing in it"}},
		"comments only":              {"# a\n# b\n", []string{"line 1:", "nothing in it"}},
		"an empty document":          {"---\n", []string{"the file is empty", "accepted: fields"}},
		"a text":                     {"rules", []string{"line 1:", `the file is "rules"`}},
		"a list":                     {"- rules", []string{"line 1:", "the file is a list"}},
		"an unknown field":           {"rules: []\nrule: []", []string{"line 2:", `the field "rule"`, "accepted: identities, rules, protected"}},
		"a field in upper case":      {"Rules: []", []string{"line 1:", `"Rules"`}},
		"a field twice":              {"rules: []\n\nrules: []", []string{"line 3:", "the field rules twice"}},
		"rules without content":      {"rules:\n", []string{"line 1:", "rules is empty", "[] for none"}},
		"rules as a mapping":         {"rules: {a: b}", []string{"line 1:", "made of fields", "accepted: a list"}},
		"rules as a text":            {"rules: x", []string{"line 1:", `"x"`, "accepted: a list"}},
		"two documents":              {"rules: []\n---\nrules: []\n", []string{"line 2:", "another document", "accepted: one"}},
		"an anchor":                  {"rules: &r []", []string{"line 1:", "anchor"}},
		"an alias":                   {"identities: []\nrules: [&r " + good + ", *r]", []string{"line 2:", "anchor"}},
		"an alias of nothing":        {"rules: *r", []string{"line 1:", "accepted:"}},
		"a star without quotes":      {"rules:\n- who: [user:a]\n  may: [read]\n  namespaces: [*]\n  environments: [b]\n", []string{"line 4:", "in quotes"}},
		"anchors that blow up":       {bomb, []string{"line 1:"}},
		"a merge":                    {"<<: {rules: []}", []string{"line 1:", `"<<"`}},
		"a tag":                      {"rules: !!set {}", []string{"line 1:", "tag"}},
		"a tag of a type":            {with("who", `[!!binary "user:a"]`), []string{"line 2:", "tag"}},
		"no YAML":                    {"rules: [", []string{"is no YAML", "accepted:"}},
		"a tab":                      {"rules:\n\t- a", []string{"line 2:", "is no YAML"}},
		"control characters":         {"rules: \x00\x1b[31m", []string{"is no YAML"}},
		"bytes that are not UTF-8":   {"rules: \xff\xfe", []string{"is no YAML"}},
		"no who":                     {"rules:\n- {may: [read], namespaces: [a], environments: [b]}", []string{"line 2:", "rule 1 has no who"}},
		"no may":                     {"rules:\n- {who: [\"user:a\"], namespaces: [a], environments: [b]}", []string{"rule 1 has no may"}},
		"no namespaces":              {"rules:\n- " + good + "\n- {who: [\"user:a\"], may: [read], environments: [b]}", []string{"line 3:", "rule 2 has no namespaces"}},
		"no environments":            {"rules:\n- {who: [\"user:a\"], may: [read], namespaces: [a]}", []string{"rule 1 has no environments"}},
		"a field of a rule too many": {"rules:\n- {when: now, who: [\"user:a\"], may: [read], namespaces: [a], environments: [b]}", []string{"line 2:", `the field "when"`, "accepted: who, may, namespaces, environments"}},
		"a rule that is a text":      {"rules: [x]", []string{`rule 1 is "x"`}},
		"an empty who":               {with("who", "[]"), []string{"line 2:", "who of rule 1 is empty"}},
		"who as a text":              {with("who", "user:a"), []string{"line 2:", "accepted: a list"}},
		"who is a number":            {with("who", "[7]"), []string{"line 2:", `"7"`, "no text"}},
		"who is null":                {with("who", "[null]"), []string{"line 2:", "empty", "accepted: text"}},
		"who is a list":              {with("who", `[["user:a"]]`), []string{"line 2:", "a list", "accepted: text"}},
		"who without kind":           {with("who", "[alice]"), []string{"line 2:", `"alice"`, "accepted: user:NAME"}},
		"who of another kind":        {with("who", `["group:a"]`), []string{`"group:a"`}},
		"who is everybody":           {with("who", `["*"]`), []string{`"*"`}},
		"a user without name":        {with("who", `["user:"]`), []string{`"user:"`}},
		"a part of a user":           {with("who", `["user:a*"]`), []string{`"user:a*"`}},
		"a user with a slash":        {with("who", `["user:a/b"]`), []string{`"user:a/b"`}},
		"a user with a line":         {with("who", `["user:a\nb"]`), []string{`"user:a\nb"`}},
		"a user that is too long":    {with("who", `["user:`+strings.Repeat("x", 65)+`"]`), []string{"line 2:", "names nobody"}},
		"a service without both":     {with("who", `["service:a"]`), []string{`"service:a"`}},
		"a service of three parts":   {with("who", `["service:a/b/c"]`), []string{`"service:a/b/c"`}},
		"a beginning of a service":   {with("who", `["service:a-*/b"]`), []string{`"service:a-*/b"`}},
		"a reserved service":         {with("who", `["service:_shared/b"]`), []string{`"service:_shared/b"`}},
		"who twice":                  {with("who", `["user:a", "user:a"]`), []string{"line 2:", "twice"}},
		"an unknown action":          {with("may", "[read, delete]"), []string{"line 3:", `"delete"`, "accepted: read, write, administer, read-sensitive"}},
		"an action for nobody":       {with("may", "[self]"), []string{`"self"`}},
		"every action":               {with("may", `["*"]`), []string{`"*"`}},
		"an action in upper case":    {with("may", "[READ]"), []string{`"READ"`}},
		"an action twice":            {with("may", "[read, read]"), []string{"twice"}},
		"a namespace of upper case":  {with("namespaces", "[A]"), []string{"line 4:", `"A"`, "accepted: a namespace"}},
		"a reserved environment":     {with("namespaces", "[_all]"), []string{`"_all"`}},
		"another reserved name":      {with("namespaces", "[_other]"), []string{`"_other"`}},
		"reserved beginnings":        {with("namespaces", `["_*"]`), []string{`"_*"`}},
		"shared beginnings":          {with("namespaces", `["_shared-*"]`), []string{`"_shared-*"`}},
		"a beginning without dash":   {with("namespaces", `["pay*"]`), []string{`"pay*"`, "payment-*"}},
		"nothing but a dash":         {with("namespaces", `["-*"]`), []string{`"-*"`}},
		"two stars":                  {with("namespaces", `["a-*-*"]`), []string{`"a-*-*"`}},
		"a star inside":              {with("namespaces", `["a-*-b"]`), []string{`"a-*-b"`}},
		"an end":                     {with("namespaces", `["*-a"]`), []string{`"*-a"`}},
		"a namespace with a slash":   {with("namespaces", `["a/b"]`), []string{`"a/b"`}},
		"a namespace that is empty":  {with("namespaces", `[""]`), []string{"line 4:", "accepted: text"}},
		"a namespace: a truth":       {with("namespaces", "[true]"), []string{`"true"`, "quotes"}},
		"an environment: a number":   {with("environments", "[1]"), []string{"line 5:", `"1"`, "quotes"}},
		"a reserved namespace":       {with("environments", "[_shared]"), []string{`"_shared"`}},
		"identities as a mapping":    {"identities: {}", []string{"identities is made of fields"}},
		"an unknown evidence":        {"identities:\n- {token: a, user: b}", []string{"line 2:", `the field "token"`}},
		"no evidence":                {"identities:\n- {user: b}", []string{"line 2:", "identity 1", "accepted:"}},
		"two kinds of evidence":      {"identities:\n- {jwt: a, uid: 1, user: b}", []string{"line 2:", "identity 1", "accepted:"}},
		"a uid that is a text":       {"identities:\n- {uid: root, user: b}", []string{"line 2:", `"root"`, "0 to 4294967295"}},
		"a uid in quotes":            {"identities:\n- {uid: \"0\", user: b}", []string{"line 2:", "uid"}},
		"a uid below 0":              {"identities:\n- {uid: -1, user: b}", []string{`"-1"`}},
		"a uid that is too large":    {"identities:\n- {uid: 4294967296, user: b}", []string{`"4294967296"`}},
		"a uid in octal":             {"identities:\n- {uid: 0o17, user: b}", []string{`"0o17"`}},
		"too many rules":             {"rules: [" + strings.Repeat(good+",", 1001) + "]", []string{"1001 entries", "at most 1000"}},
		"too many names":             {with("namespaces", "["+strings.Repeat("a,", 1001)+"]"), []string{"1001 entries"}},
		"a deep list":                {strings.Repeat("[", 20000), []string{"accepted:"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := policy.Parse([]byte(test.text))
			if err == nil {
				t.Fatalf("is a policy of %d rules", p.Rules())
			}
			isOneLine(t, err, test.text)
			for _, word := range append(test.words, "line ") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v; without %q", err, word)
				}
			}
		})
	}
}

// isOneLine holds an error about a file against what a person can read. A verb that fmt
// could not fill shows as %!, unless the file has that itself.
func isOneLine(t *testing.T, err error, file string) {
	t.Helper()
	if text := err.Error(); !strings.HasPrefix(text, "line ") || len(text) > 500 ||
		strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) || (strings.Contains(text, "%!") && !strings.Contains(file, "%!")) {
		t.Errorf("%q is not one plain line", text)
	}
}
