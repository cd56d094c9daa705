package identity

import (
	"crypto/subtle"
	"strings"
	"testing"
	"time"
)

// An id that is not known and a secret that is wrong take the same way: one digest is
// compared with another of the same length.
func TestUnknownIDsCostWhatWrongSecretsCost(t *testing.T) {
	good := "cs_good_" + strings.Repeat("a", 32)
	tokens, err := ParseTokens([]byte(`- {id: good, digest: "` + DigestOf(good) + `", user: alice}`))
	if err != nil {
		t.Fatal(err)
	}
	var compared [][2]int
	tokens.compare = func(a, b []byte) int {
		compared = append(compared, [2]int{len(a), len(b)})
		return subtle.ConstantTimeCompare(a, b)
	}
	for _, token := range []string{good, "cs_good_" + strings.Repeat("b", 32), "cs_none_" + strings.Repeat("a", 32)} {
		compared = nil
		id, err := tokens.identify(token, time.Now())
		if (err == nil) != (token == good) || (id == nil) != (err != nil) {
			t.Errorf("%s: %v, %v", token, id, err)
		}
		if len(compared) != 1 || compared[0] != [2]int{32, 32} {
			t.Errorf("%s: compared %v", token, compared)
		}
	}
	// Were the digest of nobody ever met, that would be nobody.
	tokens.compare = func([]byte, []byte) int { return 1 }
	if id, err := tokens.identify("cs_none_"+strings.Repeat("a", 32), time.Now()); err == nil {
		t.Errorf("nobody is %v", id)
	}
}

// However many are seen, few are remembered.
func TestTheMemoryIsBounded(t *testing.T) {
	uids := make([]MapRule, 0, 3*maxMemory)
	for i := range uint32(3 * maxMemory) {
		uids = append(uids, MapRule{UID: &[]uint32{i}[0], User: "alice"})
	}
	mapping, err := NewMapping(uids)
	if err != nil {
		t.Fatal(err)
	}
	a := NewAuthenticator(Config{
		Mapping: func() (*Mapping, <-chan struct{}) { return mapping, nil },
		Count:   func(Kind, bool) {}, Now: time.Now,
	})
	for i := range uint32(3 * maxMemory) {
		if _, err := a.Identify(WithEvidence(t.Context(), &Evidence{Peer: &UnixPeer{UID: i}})); err != nil {
			t.Fatal(err)
		}
		if n := len(a.memory.Load().known); n > maxMemory {
			t.Fatalf("%d are remembered", n)
		}
	}
}
