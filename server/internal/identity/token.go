package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// An opaque token is cs_<id>_<secret>. The id is no secret: logs, audit records and lists
// have it. The whole token is known by its digest alone.
const (
	tokenPrefix  = "cs_"
	digestPrefix = "sha256:"

	minTokenID, maxTokenID = 4, 32
	minSecret, maxSecret   = 26, 128

	idBytes, secretBytes = 5, 20 // of those that are made here: 8 and 32 characters
)

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewToken makes a token with a secret of 160 random bits, and returns it with its id and
// with its digest as the file of tokens has it. random is crypto/rand's Reader.
func NewToken(random io.Reader) (token, id, digest string, err error) {
	var b [idBytes + secretBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", "", "", fmt.Errorf("make a token: %w", err)
	}
	id = lowerBase32.EncodeToString(b[:idBytes])
	token = tokenPrefix + id + "_" + lowerBase32.EncodeToString(b[idBytes:])
	return token, id, DigestOf(token), nil
}

// CutToken parts a token into its id and its secret; false: it has not that form.
func CutToken(token string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && id != "" && secret != ""
}

// DigestOf returns the digest of a token, as the file of tokens has it.
func DigestOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return digestPrefix + hex.EncodeToString(sum[:])
}

// Tokens are the opaque tokens that are taken. They never change.
type Tokens struct {
	byID map[string]*knownToken
	// nobody is compared with when an id is not known, so that this takes the same time.
	nobody  knownToken
	compare func(a, b []byte) int
}

type knownToken struct {
	digest [sha256.Size]byte
	who    *Identity // nil: nobody
}

func newTokens() *Tokens {
	return &Tokens{byID: map[string]*knownToken{}, compare: subtle.ConstantTimeCompare}
}

// identify returns whose token it is.
func (t *Tokens) identify(token string, now time.Time) (*Identity, error) {
	id, ok := tokenID(token)
	if !ok {
		return nil, refused("a token that is not of the form cs_<id>_<secret>")
	}
	entry, known := t.byID[id]
	if !known {
		entry = &t.nobody
	}
	digest := sha256.Sum256([]byte(token))
	same := t.compare(digest[:], entry.digest[:]) == 1
	switch {
	case !known:
		return nil, refused("token %s, whose id is not known", id)
	case !same:
		return nil, refused("token %s with another secret", id)
	case !entry.who.Expires.IsZero() && !now.Before(entry.who.Expires):
		return nil, refused("token %s, which expired", id)
	}
	return entry.who, nil
}

// tokenID returns the id of what has the form of a token.
func tokenID(token string) (id string, ok bool) {
	id, secret, ok := CutToken(token)
	return id, ok && isTokenID(id) && len(secret) >= minSecret && len(secret) <= maxSecret && isAlphanumeric(secret)
}

func isTokenID(s string) bool {
	if len(s) < minTokenID || len(s) > maxTokenID {
		return false
	}
	return isAlphanumeric(s) && s == strings.ToLower(s)
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
