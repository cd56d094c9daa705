package policy_test

import (
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/policy"
)

// TestProtection: a scope is protected when an entry names it, or names something that a
// write to it reaches.
func TestProtection(t *testing.T) {
	p := parse(t, `
protected:
  - {namespaces: ["payment-*", "bank"], environments: [production, "live-*"], message: 20}
  - {namespaces: [bank], environments: [production]}
  - {namespaces: [ledger], environments: [_all], message: 3}
  - {namespaces: [_shared], environments: [stage]}
`)
	for _, test := range []struct {
		namespace, environment string
		message                int
	}{
		{"payment-service", "production", 20},
		{"payment-service", "live-1", 20},
		{"payment-service", "test", 0},
		{"payment-service", "live", 0},
		{"payments", "production", 0},
		{"bank", "production", 20}, // the longest counts
		{"bank", "test", 0},
		{"payment-service", "_all", 20}, // reaches production
		{"other", "_all", 0},
		{"other", "production", 0},
		{"_shared", "production", 20}, // reaches bank
		{"_shared", "live-2", 20},
		{"_shared", "stage", 10},
		{"_shared", "test", 0},
		{"_shared", "_all", 20},
		{"ledger", "_all", 3},
		{"ledger", "production", 0}, // only what it has in common is
		{"other", "stage", 0},
		{"", "production", 0},
		{"bank", "", 0},
	} {
		if got := p.Protection(test.namespace, test.environment); got.Message != test.message || got.On() != (test.message > 0) {
			t.Errorf("%s/%s: %v, want %d", test.namespace, test.environment, got, test.message)
		}
	}
	everything := parse(t, `protected: [{namespaces: ["*"], environments: ["*"]}]`)
	for _, s := range [][2]string{{"a", "b"}, {"_shared", "b"}, {"a", "_all"}, {"_shared", "_all"}} {
		if got := everything.Protection(s[0], s[1]); got.Message != 10 {
			t.Errorf("%v: %v", s, got)
		}
	}
	for _, none := range []*policy.Policy{nil, parse(t, "protected: []"), parse(t, rules)} {
		if none.Protection("_shared", "_all").On() || none.Protected() != 0 {
			t.Error("nothing is protected")
		}
	}
}

func TestBadProtections(t *testing.T) {
	const good = `{namespaces: ["a"], environments: ["b"], message: 1000}`
	parse(t, "protected: ["+good+"]")
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"empty":                    {"protected:\n", []string{"line 1:", "protected is empty", "[] for none"}},
		"a mapping":                {"protected: {a: b}", []string{"made of fields", "accepted: a list"}},
		"no namespaces":            {"protected:\n- {environments: [b]}", []string{"line 2:", "protected 1 has no namespaces"}},
		"no environments":          {"protected:\n- " + good + "\n- {namespaces: [b]}", []string{"line 3:", "protected 2 has no environments"}},
		"who":                      {"protected:\n- {who: [\"user:a\"], namespaces: [a], environments: [b]}", []string{`the field "who"`, "accepted: namespaces, environments, message"}},
		"empty namespaces":         {"protected:\n- {namespaces: [], environments: [b]}", []string{"namespaces of protected 1 is empty"}},
		"a bad namespace":          {"protected:\n- {namespaces: [_all], environments: [b]}", []string{`"_all"`, "accepted: a namespace"}},
		"a bad environment":        {"protected:\n- {namespaces: [a], environments: [_shared]}", []string{`"_shared"`, "accepted: an environment"}},
		"a message of 0":           {"protected:\n- {namespaces: [a], environments: [b], message: 0}", []string{"line 2:", `message of protected 1 is "0"`, "1 to 1000"}},
		"a message below 0":        {"protected:\n- {namespaces: [a], environments: [b], message: -1}", []string{`"-1"`}},
		"a message of 1,001":       {"protected:\n- {namespaces: [a], environments: [b], message: 1001}", []string{`"1001"`}},
		"a message in quotes":      {"protected:\n- {namespaces: [a], environments: [b], message: \"5\"}", []string{`"5"`}},
		"a message of nothing":     {"protected:\n- {namespaces: [a], environments: [b], message: }", []string{"is empty"}},
		"a message in octal":       {"protected:\n- {namespaces: [a], environments: [b], message: 0o17}", []string{`"0o17"`}},
		"a message that is a list": {"protected:\n- {namespaces: [a], environments: [b], message: [5]}", []string{"a list"}},
		"too many":                 {"protected: [" + strings.Repeat(good+",", 1001) + "]", []string{"1001 entries", "at most 1000"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse([]byte(test.text))
			if err == nil {
				t.Fatal("is a policy")
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
