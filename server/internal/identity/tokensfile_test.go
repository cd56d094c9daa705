package identity_test

import (
	"strings"
	"testing"

	"github.com/config-service/config-service/server/internal/identity"
)

const digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestTokensFilesThatAreRefused(t *testing.T) {
	good := `- {id: good, digest: "` + digest + `", user: alice}` + "\n"
	pasted := "cs_abcd_" + canary
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"comments alone":         {"# nothing\n", []string{"holds no entry", "[] for none"}},
		"a mapping":              {"id: abcd\n", []string{"holds no list"}},
		"a text":                 {pasted, []string{"holds no list"}},
		"null":                   {"null\n", []string{"holds no list"}},
		"two documents":          {good + "---\n" + good, []string{"more than one document"}},
		"no YAML":                {good + "- {id: [}\n", []string{"line ", "no YAML"}},
		"a tab":                  {good + "\t- " + pasted, []string{"no YAML"}},
		"an unknown anchor":      {good + "- *" + canary + "\n", []string{"no YAML"}},
		"an anchor":              {"- &a {id: good, digest: \"" + digest + "\", user: alice}\n- *a\n", []string{"line 2, entry 2", "is no entry"}},
		"a merge":                {good + "- {<<: {user: a}, id: abcd}\n", []string{"line 2, entry 2", `the field "<<"`}},
		"an entry that is text":  {good + "- " + pasted + "\n", []string{"line 2, entry 2", "is no entry", "accepted: id"}},
		"an unknown field":       {good + "- {id: abcd, token: x}\n", []string{"line 2, entry 2", `the field "token"`, "accepted: id, digest"}},
		"a token as a field":     {good + "- {" + pasted + ": x}\n", []string{"line 2, entry 2", "a field that there is not"}},
		"a field twice":          {good + "- {id: abcd, id: abcd}\n", []string{"line 2, entry 2", "id twice"}},
		"a field of a list":      {good + "- {id: [" + canary + "]}\n", []string{"line 2, entry 2", "id with something else"}},
		"an id twice":            {good + "# and\n" + good, []string{"line 3, entry 2", "id good", "line 1"}},
		"no id":                  {`- {digest: "` + digest + `", user: alice}`, []string{"line 1, entry 1", "id is missing", "accepted: 4 to 32"}},
		"a short id":             {`- {id: abc, digest: "` + digest + `", user: alice}`, []string{"id is missing or malformed"}},
		"a long id":              {`- {id: ` + strings.Repeat("a", 33) + `, digest: "` + digest + `", user: alice}`, []string{"id is missing or malformed"}},
		"an id of capitals":      {`- {id: ABCD, digest: "` + digest + `", user: alice}`, []string{"id is missing or malformed"}},
		"no digest":              {"- {id: abcd, user: alice}", []string{"(id abcd): digest is missing", "accepted: sha256:"}},
		"a digest cut short":     {`- {id: abcd, digest: "` + digest[:70] + `", user: alice}`, []string{"(id abcd): digest is missing or malformed"}},
		"a digest with more":     {`- {id: abcd, digest: "` + digest + `0", user: alice}`, []string{"digest is missing or malformed"}},
		"a digest without hex":   {`- {id: abcd, digest: "sha256:` + strings.Repeat("x", 64) + `", user: alice}`, []string{"digest is missing or malformed"}},
		"a digest of no kind":    {`- {id: abcd, digest: "` + digest[7:] + `", user: alice}`, []string{"digest is missing or malformed"}},
		"a token as digest":      {good + "- {id: abcd, digest: " + pasted + ", user: alice}\n", []string{"line 2, entry 2", "has a token as its digest", "revoke it", "sha256sum"}},
		"sha256: and a token":    {`- {id: abcd, digest: "sha256:` + pasted + `", user: alice}`, []string{"has a token as its digest"}},
		"a token as id":          {"- {id: " + pasted + "}", []string{"has a token as its id"}},
		"nobody's":               {`- {id: abcd, digest: "` + digest + `"}`, []string{"(id abcd)", "says nobody", "accepted: service with environment, or user"}},
		"a user's and service's": {`- {id: abcd, digest: "` + digest + `", user: a, service: b, environment: c}`, []string{"user beside service", "accepted"}},
		"no environment":         {`- {id: abcd, digest: "` + digest + `", service: a}`, []string{"environment is missing", "accepted"}},
		"environment alone":      {`- {id: abcd, digest: "` + digest + `", environment: a}`, []string{"says nobody"}},
		"all environments":       {`- {id: abcd, digest: "` + digest + `", service: a, environment: _all}`, []string{"environment is missing or malformed"}},
		"the shared namespace":   {`- {id: abcd, digest: "` + digest + `", service: _shared, environment: a}`, []string{"service is malformed"}},
		"a service with slash":   {`- {id: abcd, digest: "` + digest + `", service: a/` + canary + `, environment: a}`, []string{"service is malformed"}},
		"a user with space":      {`- {id: abcd, digest: "` + digest + `", user: "a b"}`, []string{"user is malformed"}},
		"a time of no form":      {`- {id: abcd, digest: "` + digest + `", user: a, expires: ` + canary + `}`, []string{"(id abcd): expires is no time", "accepted: as in 2027"}},
		"a date":                 {`- {id: abcd, digest: "` + digest + `", user: a, expires: 2027-01-01}`, []string{"expires is no time"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := identity.ParseTokens([]byte(test.text))
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v; without %q", err, word)
				}
			}
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: it quotes a secret, or is not one line", err)
			}
		})
	}
}

func TestTokensFilesThatAreTaken(t *testing.T) {
	for name, text := range map[string]string{
		"none":             "[]",
		"block style":      "# whose\n- id: abcd\n  digest: " + digest + "\n  user: docs_team@example.org\n  expires:\n",
		"a number as id":   `- {id: 123456, digest: "` + digest + `", service: "1", environment: e}`,
		"anchors":          "- &a {id: abcd, digest: \"" + digest + "\", user: alice}\n",
		"Windows lines":    "- id: abcd\r\n  digest: " + digest + "\r\n  user: alice\r\n",
		"a byte order":     "\ufeff- {id: abcd, digest: \"" + digest + "\", user: alice}\n",
		"the year 9999":    `- {id: abcd, digest: "` + digest + `", user: a, expires: 9999-12-31T23:59:59+01:00}`,
		"a digest in caps": `- {id: abcd, digest: "sha256:` + strings.ToUpper(digest[7:]) + `", user: a}`,
	} {
		if _, err := identity.ParseTokens([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Aliases that stand for aliases would be more text than there is memory.
func TestABombOfAliasesIsRefused(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("- &a0 [lol]\n")
	for i := 1; i < 30; i++ {
		prev, next := string(rune('a'+i-1)), string(rune('a'+i))
		bomb.WriteString("- &" + next + "0 [" + strings.Repeat("*"+prev+"0, ", 20) + "*" + prev + "0]\n")
	}
	text := strings.ReplaceAll(bomb.String(), "{0", "b0")
	if allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := identity.ParseTokens([]byte(text)); err == nil {
				b.Fatal("it was taken")
			}
		}
	}).AllocedBytesPerOp(); allocated > 4<<20 {
		t.Errorf("a bomb of %d bytes takes %d", len(text), allocated)
	}
	deep := strings.Repeat("[", 1<<19)
	if _, err := identity.ParseTokens([]byte(deep)); err == nil {
		t.Error("a deep list was taken")
	}
}

func FuzzTokensFile(f *testing.F) {
	f.Add([]byte(`- {id: abcd, digest: "` + digest + `", user: alice, expires: 2027-01-01T00:00:00Z}`))
	f.Add([]byte("- id: abcd\n  digest: " + digest + "\n  service: a\n  environment: b\n"))
	f.Add([]byte("- &a {id: [*a]}\n--- \n- !!binary x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := identity.ParseTokens(append(text, "\n# cs_abcd_"+canary...))
		if err != nil && (strings.ContainsAny(err.Error(), "\n\r") || strings.Contains(err.Error(), canary) || len(err.Error()) > 1000) {
			t.Errorf("the error is %q", err)
		}
	})
}
