package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/config-service/config-service/server/internal/snapshot"
)

const (
	// skew is how far the clocks of an issuer and of this machine may be apart.
	skew = 30 * time.Second
	// maxSubject is the longest claim sub that is taken; OpenID Connect allows no longer.
	maxSubject = 255
	// lastSecond is the end of the year 9999.
	lastSecond = 253402300799
)

// JWTConfig says which JSON Web Tokens are taken.
type JWTConfig struct {
	// Issuer and Audience are what a token's claims iss and aud have to say.
	Issuer   string
	Audience string
	// Keys are those that tokens are signed with, and a channel that is closed when they
	// are others; nil while there are none.
	Keys func() (*KeySet, <-chan struct{})
	// Renew, if it is there, has the keys looked for anew, within bounds: a token names one
	// that is not among them.
	Renew func(context.Context)
}

type claims struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jwt.Audience     `json:"aud"`
	Expiry    *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
}

// verify returns what a token says, if all of it is to be believed.
func (c *JWTConfig) verify(ctx context.Context, text string, now time.Time) (*claims, error) {
	if strings.Count(text, ".") != 2 {
		return nil, refused("a token that is neither of the form cs_<id>_<secret> nor a JSON Web Token")
	}
	parsed, err := jwt.ParseSigned(text, algorithms)
	if err != nil {
		return nil, refused("a JSON Web Token that cannot be read: %s", snapshot.Quote(err.Error()))
	}
	header := parsed.Headers[0]
	alg := jose.SignatureAlgorithm(header.Algorithm)
	keys, _ := c.Keys()
	key := keys.key(header.KeyID, alg)
	if key == nil && c.Renew != nil && header.KeyID != "" {
		c.Renew(ctx)
		keys, _ = c.Keys()
		key = keys.key(header.KeyID, alg)
	}
	if key == nil {
		return nil, refused("a JSON Web Token of the key %s, which is not known for %s", snapshot.Quote(header.KeyID), snapshot.Quote(header.Algorithm))
	}
	var says claims
	if err := parsed.Claims(key, &says); err != nil {
		return nil, refused("a JSON Web Token whose signature or claims are wrong: %s", snapshot.Quote(err.Error()))
	}
	return &says, c.check(&says, now)
}

// check says why claims that are signed are not good, or nil.
func (c *JWTConfig) check(says *claims, now time.Time) error {
	who := snapshot.Quote(says.Subject)
	switch {
	case says.Issuer != c.Issuer:
		return refused("a JSON Web Token of %s by the issuer %s", who, snapshot.Quote(says.Issuer))
	case !slices.Contains(says.Audience, c.Audience):
		return refused("a JSON Web Token of %s for the audience %s", who, snapshot.Quote(strings.Join(says.Audience, ",")))
	case says.Expiry == nil || *says.Expiry > lastSecond:
		return refused("a JSON Web Token of %s that does not expire", who)
	case !now.Before(says.expires()):
		return refused("a JSON Web Token of %s that expired at %s", who, says.Expiry.Time().UTC().Format(time.RFC3339))
	case says.NotBefore.Time().After(now.Add(skew)):
		return refused("a JSON Web Token of %s that does not hold yet", who)
	case says.IssuedAt.Time().After(now.Add(skew)):
		return refused("a JSON Web Token of %s that was issued in the future", who)
	case says.Subject == "" || len(says.Subject) > maxSubject:
		return refused("a JSON Web Token with a subject of %d bytes", len(says.Subject))
	}
	return nil
}

func (c *claims) expires() time.Time { return c.Expiry.Time().Add(skew) }
