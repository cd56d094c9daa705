package policy_test

import (
	"os"
	"testing"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/policy"
)

// FuzzPolicyFile: whatever a file holds, it is a policy or one line; the same each time;
// and who is named by no rule may nothing but read what is its own.
func FuzzPolicyFile(f *testing.F) {
	text, err := os.ReadFile("../../../deploy/policy.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(rules))
	f.Add([]byte("rules: &a [*a]"))
	f.Add([]byte("0%!"))
	f.Add([]byte("rules:\n- {who: [\"user:*\"], may: [write], namespaces: [\"*\"], environments: [_all]}"))
	f.Add([]byte("identities:\n- {uid: 1, user: x}\n---\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := policy.Parse(content)
		again, errAgain := policy.Parse(content)
		if err != nil {
			isOneLine(t, err, string(content))
			if p != nil || errAgain == nil || err.Error() != errAgain.Error() {
				t.Errorf("a refused file is %v, and then %v", err, errAgain)
			}
			return
		}
		if errAgain != nil {
			t.Fatalf("a file is good, and then %v", errAgain)
		}
		// Names that no rule can have: it takes a star to be meant.
		nobody := []*identity.Identity{{User: "no body"}, {Namespace: "no body", Environment: "no where"}, {}, nil}
		somebody := []*identity.Identity{{User: "alice"}, {Namespace: "a", Environment: "b"}}
		scopes := [][2]string{{"a", "b"}, {"payment-service", "production"}, {"_shared", "_all"}, {"no body", "no where"}, {"", "b"}, {"a", ""}}
		for _, id := range append(nobody, somebody...) {
			for a := policy.Action(-1); a <= policy.Public+1; a++ {
				for _, s := range scopes {
					because, ok := p.Allows(id, a, s[0], s[1])
					if b, o := again.Allows(id, a, s[0], s[1]); b != because || o != ok {
						t.Errorf("%s %s %q: %t and then %t", id.Name(), a, s, ok, o)
					}
					if ok && (s[0] == "" || s[1] == "" || a < policy.Read || a > policy.ReadSensitive || id == nil || *id == (identity.Identity{})) {
						t.Errorf("%s may %s %q", id.Name(), a, s)
					}
				}
			}
		}
		if p.Rules() > 0 {
			return
		}
		for _, id := range append(nobody, somebody...) {
			for a := policy.Read; a <= policy.ReadSensitive; a++ {
				for _, s := range scopes {
					own := id != nil && a == policy.Read && id.User == "" && s == [2]string{id.Namespace, id.Environment}
					if _, ok := p.Allows(id, a, s[0], s[1]); ok != own {
						t.Errorf("without rules %s may %s %q: %t", id.Name(), a, s, ok)
					}
				}
			}
		}
	})
}
