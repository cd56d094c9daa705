package identity_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/internal/identity"
)

// entry is a token and its entry in the file.
func entry(t testing.TB, rest string) (token, line string) {
	t.Helper()
	token, id, digest, err := identity.NewToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return token, "- {id: " + id + `, digest: "` + digest + `", ` + rest + "}\n"
}

func TestNewToken(t *testing.T) {
	random := bytes.NewReader(make([]byte, 25))
	token, id, digest, err := identity.NewToken(random)
	if err != nil || token != "cs_aaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" || id != "aaaaaaaa" || digest != identity.DigestOf(token) {
		t.Errorf("%q %q %q %v", token, id, digest, err)
	}
	if _, _, _, err := identity.NewToken(random); err == nil {
		t.Error("a token was made of no random bytes")
	}
	// printf %s TOKEN | sha256sum
	if got := identity.DigestOf("abc"); got != "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("the digest of abc is %s", got)
	}
}

func TestOpaqueTokens(t *testing.T) {
	mine, mineLine := entry(t, "service: payment-service, environment: production")
	second, secondLine := entry(t, "service: payment-service, environment: production, expires: 2026-11-27T12:00:01Z")
	over, overLine := entry(t, "service: payment-service, environment: production, expires: 2026-11-27T12:00:00Z")
	alice, aliceLine := entry(t, "user: alice")
	tr := newTrial(t, mineLine+secondLine+overLine+aliceLine, nil)
	for token, want := range map[string]string{mine: "service:payment-service/production", second: "service:payment-service/production", alice: "user:alice"} {
		if name, err := tr.bearer(t, token); err != nil || name != want {
			t.Errorf("%s, %v; want %s", name, err, want)
		}
	}
	id := func(token string) string { return strings.Split(token, "_")[1] }
	for name, test := range map[string]struct{ token, reason string }{
		"expired":                    {over, "expired"},
		"another secret":             {"cs_" + id(mine) + "_" + canary, "token " + id(mine) + " with another secret"},
		"another's secret":           {"cs_" + id(mine) + "_" + strings.Split(alice, "_")[2], "another secret"},
		"an id that is not known":    {"cs_zzzzzzzz_" + canary, "token zzzzzzzz, whose id is not known"},
		"a secret cut short":         {mine[:len(mine)-1], "another secret"},
		"a secret with more":         {mine + "a", "another secret"},
		"another case":               {strings.ToUpper(mine[:11]) + mine[11:], ""},
		"no secret":                  {"cs_" + id(mine) + "_", "not of the form"},
		"no id":                      {"cs__" + canary, "not of the form"},
		"nothing":                    {"cs_", "not of the form"},
		"a short secret":             {"cs_abcd_" + canary[:25], "not of the form"},
		"a long secret":              {"cs_abcd_" + strings.Repeat("a", 129), "not of the form"},
		"more parts":                 {mine + "_a", "not of the form"},
		"another alphabet":           {"cs_abcd_" + canary + "~", "not of the form"},
		"the digest":                 {strings.TrimPrefix(identity.DigestOf(mine), "sha256:"), "neither of the form"},
		"the digest in place of all": {"cs_" + id(mine) + "_" + strings.TrimPrefix(identity.DigestOf(mine), "sha256:"), "another secret"},
	} {
		t.Run(name, func(t *testing.T) {
			name, err := tr.bearer(t, test.token)
			wantRefused(t, name, err, test.reason)
		})
	}
	later := today.Add(time.Second)
	tr.now.Store(&later)
	if name, err := tr.bearer(t, second); err == nil {
		t.Errorf("a token that expired meanwhile is %s", name)
	}
	if tr.ok[identity.Token].Load() != 3 || tr.bad[identity.Token].Load() != 15 {
		t.Errorf("counted %d good and %d bad tokens", tr.ok[identity.Token].Load(), tr.bad[identity.Token].Load())
	}
}

// What an Authorization header says besides one token is refused, and what it says is not
// looked at twice.
func TestAuthorization(t *testing.T) {
	good, line := entry(t, "service: payment-service, environment: production")
	tr := newTrial(t, line, nil, identity.MapRule{UID: new(uint32), User: "root"})
	for _, header := range []string{"Bearer " + good, "bearer " + good, "BEARER  " + good + " "} {
		if name, err := tr.who(t, identity.Evidence{Authorization: []string{header}}); err != nil {
			t.Errorf("%.7s...: %s, %v", header, name, err)
		}
	}
	for name, values := range map[string][]string{
		"two":                {"Bearer " + good, "Bearer " + good},
		"two, one empty":     {"", "Bearer " + good},
		"two in one":         {"Bearer " + good + ", Bearer " + good},
		"two tokens":         {"Bearer " + good + " " + good},
		"empty":              {""},
		"no token":           {"Bearer"},
		"nothing but spaces": {"Bearer    "},
		"no scheme":          {good},
		"another scheme":     {"Basic " + good},
		"no space":           {"Bearer" + good},
		"a tab":              {"Bearer\t" + good},
		"a line break":       {"Bearer " + good + "\n"},
		"a zero byte":        {"Bearer " + good + "\x00"},
		"padding alone":      {"Bearer ==="},
		"no UTF-8":           {"Bearer \xff\xfe"},
		"fullwidth":          {"Bearer ｃｓ"},
		"1 MiB of dots":      {"Bearer " + strings.Repeat(".", 1<<20)},
		"1 MiB of spaces":    {"Bearer " + strings.Repeat(" ", 1<<20) + good},
		"16 KiB of dots":     {"Bearer " + strings.Repeat(".", 16<<10-7)},
	} {
		// The Unix user would do: a header that is not good is not made good by it.
		who, err := tr.who(t, identity.Evidence{Authorization: values, Peer: &identity.UnixPeer{UID: 0}})
		if err == nil {
			t.Errorf("%s: identified as %s", name, who)
		}
	}
	if name, err := tr.who(t, identity.Evidence{Peer: &identity.UnixPeer{UID: 0}}); name != "user:root" {
		t.Errorf("the Unix user is %q, %v; this test proves nothing", name, err)
	}
	for _, header := range []string{"Bearer " + good + ", Bearer " + good, "Bearer " + good + " x", "Bearer " + good + "\n", "Bearer \xff"} {
		name, err := tr.who(t, identity.Evidence{Authorization: []string{header}})
		wantRefused(t, name, err, "something else than one token") // before anything else looks at it
	}
	name, err := tr.who(t, identity.Evidence{})
	wantRefused(t, name, err, "without a credential")
	if tr.bad[0].Load() != 1 {
		t.Error("a call without a credential is not counted")
	}
}

// What is refused costs little, whatever its size.
func TestAnOversizedTokenCostsNothing(t *testing.T) {
	tr := newTrial(t, "", keySet(t, newSigner(t, "a", "ES256")))
	for name, value := range map[string]string{
		"1 MiB of dots":     "Bearer " + strings.Repeat(".", 1<<20),
		"16 KiB of dots":    "Bearer " + strings.Repeat(".", 16<<10-7),
		"1 MiB of a token":  "Bearer cs_aaaa_" + strings.Repeat("a", 1<<20),
		"16 KiB of a token": "Bearer cs_aaaa_" + strings.Repeat("a", 16<<10-20),
	} {
		ctx := identity.WithEvidence(t.Context(), &identity.Evidence{Authorization: []string{value}})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := tr.Identify(ctx)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, identity.ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent >= 64<<10 {
			t.Errorf("%s costs %d bytes", name, spent)
		}
	}
}
