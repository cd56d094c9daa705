package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/config-service/config-service/server/internal/identity"
)

var kubernetes = identity.MapRule{JWT: "system:serviceaccount:{environment}:{service}"}

func TestJSONWebTokens(t *testing.T) {
	ec, rsa, stranger := newSigner(t, "ec", jose.ES256), newSigner(t, "rsa", jose.RS256), newSigner(t, "ec", jose.ES256)
	tr := newTrial(t, "", keySet(t, ec, rsa), kubernetes)
	const good = "service:payment-service/production"
	seconds := func(n int) int64 { return today.Add(time.Duration(n) * time.Second).Unix() }
	for name, test := range map[string]struct {
		token, want, reason string
	}{
		"ES256":                       {ec.sign(t, with(t, nil)), good, ""},
		"RS256":                       {rsa.sign(t, with(t, nil)), good, ""},
		"PS256 with an RSA key":       {signer{"rsa", jose.PS256, rsa.key}.sign(t, with(t, nil)), good, ""},
		"one audience of several":     {ec.sign(t, with(t, map[string]any{"aud": []string{"other", audience}})), good, ""},
		"further claims":              {ec.sign(t, with(t, map[string]any{"kubernetes.io": map[string]any{"namespace": "x"}})), good, ""},
		"no nbf and no iat":           {ec.sign(t, with(t, map[string]any{"nbf": nil, "iat": nil})), good, ""},
		"expired within the skew":     {ec.sign(t, with(t, map[string]any{"exp": seconds(-29)})), good, ""},
		"valid soon, within the skew": {ec.sign(t, with(t, map[string]any{"nbf": seconds(30), "iat": seconds(30)})), good, ""},

		"expired":                {ec.sign(t, with(t, map[string]any{"exp": seconds(-30)})), "", "expired at 2026-11-27T11:59:30Z"},
		"no exp":                 {ec.sign(t, with(t, map[string]any{"exp": nil})), "", "does not expire"},
		"an exp of text":         {ec.sign(t, with(t, map[string]any{"exp": "2099"})), "", "claims are wrong"},
		"an exp of 1e300":        {ec.sign(t, strings.Replace(with(t, map[string]any{"exp": 4242}), "4242", "1e300", 1)), "", "claims are wrong"},
		"an exp of 1e18":         {ec.sign(t, strings.Replace(with(t, map[string]any{"exp": 4242}), "4242", "1e18", 1)), "", "does not expire"},
		"an exp below zero":      {ec.sign(t, with(t, map[string]any{"exp": -1})), "", "expired"},
		"nbf beyond the skew":    {ec.sign(t, with(t, map[string]any{"nbf": seconds(31)})), "", "does not hold yet"},
		"iat beyond the skew":    {ec.sign(t, with(t, map[string]any{"iat": seconds(31)})), "", "in the future"},
		"another issuer":         {ec.sign(t, with(t, map[string]any{"iss": issuer + "/"})), "", `issuer "https://issuer.example/"`},
		"no issuer":              {ec.sign(t, with(t, map[string]any{"iss": nil})), "", "issuer"},
		"issuers":                {ec.sign(t, with(t, map[string]any{"iss": []string{issuer}})), "", "claims are wrong"},
		"another audience":       {ec.sign(t, with(t, map[string]any{"aud": "config-service2"})), "", "audience"},
		"no audience":            {ec.sign(t, with(t, map[string]any{"aud": nil})), "", "audience"},
		"audiences: none":        {ec.sign(t, with(t, map[string]any{"aud": []string{}})), "", "audience"},
		"audiences: empty":       {ec.sign(t, with(t, map[string]any{"aud": []string{""}})), "", "audience"},
		"audiences: numbers":     {ec.sign(t, with(t, map[string]any{"aud": []any{1}})), "", "claims are wrong"},
		"audience: an object":    {ec.sign(t, with(t, map[string]any{"aud": map[string]any{audience: audience}})), "", "claims are wrong"},
		"no subject":             {ec.sign(t, with(t, map[string]any{"sub": nil})), "", "subject of 0 bytes"},
		"a long subject":         {ec.sign(t, with(t, map[string]any{"sub": strings.Repeat("a", 256)})), "", "subject of 256 bytes"},
		"another subject":        {ec.sign(t, with(t, map[string]any{"sub": "alice\n"})), "", `"alice\n", whom no rule`},
		"a subject with more":    {ec.sign(t, with(t, map[string]any{"sub": "system:serviceaccount:production:payment-service:x"})), "", "whom no rule"},
		"a subject of two lines": {ec.sign(t, with(t, map[string]any{"sub": "x\nsystem:serviceaccount:production:payment-service"})), "", "whom no rule"},
		"a claim twice": {ec.sign(t, strings.Replace(with(t, nil), `"sub":`, `"sub":"alice","sub":`, 1)), "",
			"claims are wrong"},
		"a claim in another case": {ec.sign(t, strings.Replace(with(t, nil), `"exp":`, `"EXP":`, 1)), "", "does not expire"},
		"no JSON":                 {ec.sign(t, "sub"), "", "claims are wrong"},
		"an array":                {ec.sign(t, "[]"), "", "claims are wrong"},
		"null":                    {ec.sign(t, "null"), "", "issuer"},
		"two objects":             {ec.sign(t, with(t, nil)+with(t, nil)), "", "claims are wrong"},
		"nested JSON":             {ec.sign(t, `{"a":`+strings.Repeat(`{"a":`, 1000)+"1"+strings.Repeat("}", 1001)), "", "issuer"},

		"another's signature":    {stranger.sign(t, with(t, nil)), "", "signature or claims are wrong"},
		"a kid of another key":   {signer{"rsa", jose.ES256, ec.key}.sign(t, with(t, nil)), "", `the key "rsa", which is not known for "ES256"`},
		"a kid that is unknown":  {signer{"x\n", jose.ES256, ec.key}.sign(t, with(t, nil)), "", `the key "x\n"`},
		"no kid":                 {signer{"", jose.ES256, ec.key}.sign(t, with(t, nil)), "", `the key ""`},
		"another payload":        {spliced(ec.sign(t, with(t, nil)), 1, with(t, map[string]any{"sub": "system:serviceaccount:production:other"})), "", "signature or claims are wrong"},
		"no signature":           {strings.TrimRight(ec.sign(t, with(t, nil)), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), "", "signature or claims are wrong"},
		"alg none":               {spliced(ec.sign(t, with(t, nil)), 0, `{"alg":"none","kid":"ec"}`), "", "cannot be read"},
		"alg None":               {spliced(ec.sign(t, with(t, nil)), 0, `{"alg":"None","kid":"ec"}`), "", "cannot be read"},
		"no alg":                 {spliced(ec.sign(t, with(t, nil)), 0, `{"kid":"ec"}`), "", "cannot be read"},
		"alg twice":              {spliced(ec.sign(t, with(t, nil)), 0, `{"alg":"ES256","alg":"none","kid":"ec"}`), "", "cannot be read"},
		"HS256, the public key":  {hs256(t, ec, rsa), "", "cannot be read"},
		"a header that is no JS": {"e30x." + base64.RawURLEncoding.EncodeToString([]byte("{}")) + ".", "", "cannot be read"},
		"a key that it brings":   {bringing(t, stranger), "", `the key ""`},
		"four parts":             {ec.sign(t, with(t, nil)) + ".a", "", "neither of the form"},
		"encrypted":              {"e30.e30.e30.e30.e30", "", "neither of the form"},
		"b64 false":              {unencoded(t, ec), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // found out, and remembered
				got, err := tr.bearer(t, test.token)
				if test.want == "" {
					wantRefused(t, got, err, test.reason)
				} else if err != nil || got != test.want {
					t.Errorf("%s, %v; want %s", got, err, test.want)
				}
			}
		})
	}
}

// spliced is a token with another first or second part.
func spliced(token string, part int, json string) string {
	parts := strings.Split(token, ".")
	parts[part] = base64.RawURLEncoding.EncodeToString([]byte(json))
	return strings.Join(parts, ".")
}

// hs256 is a token signed with what everybody knows: the public key, as a secret.
func hs256(t *testing.T, as, with256 signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(as.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: secret, KeyID: as.kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := made.Sign([]byte(with(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// bringing is a token with the key it is signed with in its header.
func bringing(t *testing.T, s signer) string {
	t.Helper()
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: s.key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := made.Sign([]byte(with(t, nil)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unencoded is a token that says it must be read in another way.
func unencoded(t *testing.T, s signer) string {
	t.Helper()
	return spliced(s.sign(t, with(t, nil)), 0, `{"alg":"ES256","kid":"ec","b64":false,"crit":["b64"]}`)
}

func TestATokenEndsWithItsKeyItsTimeAndItsRule(t *testing.T) {
	ec, other := newSigner(t, "ec", jose.ES256), newSigner(t, "other", jose.ES256)
	tr := newTrial(t, "", keySet(t, ec), kubernetes)
	tr.run(t)
	token := ec.sign(t, with(t, nil))
	id, err := tr.Identify(identity.WithEvidence(t.Context(), &identity.Evidence{Authorization: []string{"Bearer " + token}}))
	if err != nil || id.Kind != identity.JWT || id.Credential != "system:serviceaccount:production:payment-service" || !id.Expires.Equal(today.Add(time.Hour+30*time.Second)) {
		t.Fatalf("identified %+v, %v", id, err)
	}
	for name, ends := range map[string]func() (restore func()){
		"time": func() func() {
			later := today.Add(time.Hour + 30*time.Second)
			tr.now.Store(&later)
			return func() { tr.now.Store(&today) }
		},
		"key": func() func() {
			tr.keys.set(keySet(t, other))
			return func() { tr.keys.set(keySet(t, ec)) }
		},
		"no keys": func() func() {
			tr.keys.set(nil)
			return func() { tr.keys.set(keySet(t, ec)) }
		},
		"rule": func() func() {
			tr.mapping.set(nil)
			return func() { tr.mapping.set(newMapping(t, kubernetes)) }
		},
	} {
		changed := tr.Changed()
		restore := ends()
		if who, err := tr.bearer(t, token); err == nil {
			t.Errorf("%s: still %s", name, who)
		}
		if name != "time" {
			await(t, "the change is told", changed)
		}
		restore()
		if _, err := tr.bearer(t, token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of a token whose key is not known the keys are looked for once, and the token is good
// when they are there then.
func TestKeysAreLookedForWhenOneIsNotKnown(t *testing.T) {
	ec, next := newSigner(t, "ec", jose.ES256), newSigner(t, "next", jose.ES256)
	tr := newTrial(t, "", keySet(t, ec), kubernetes)
	looked := 0
	tr.jwt.Renew = func(context.Context) { looked++; tr.keys.set(keySet(t, ec, next)) }
	for _, s := range []signer{ec, next, next} {
		if _, err := tr.bearer(t, s.sign(t, with(t, nil))); err != nil {
			t.Error(err)
		}
	}
	for _, token := range []string{signer{"", jose.ES256, ec.key}.sign(t, with(t, nil)), "a.b.c", "x"} {
		if who, err := tr.bearer(t, token); err == nil {
			t.Errorf("identified as %s", who)
		}
	}
	if looked != 1 {
		t.Errorf("looked for keys %d times", looked)
	}
}

func TestKeySetsThatAreRefused(t *testing.T) {
	ec, weak := newSigner(t, "ec", jose.ES256), newSigner(t, "", jose.ES256)
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{ec.public(), {Key: ec.key, KeyID: "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"no JSON":         {canary, []string{"no JSON object", "accepted: a JWKS document"}},
		"an array":        {"[]", []string{"no JSON object"}},
		"no keys":         {"{}", []string{"no usable key among 0", "each with kid"}},
		"an OpenID page":  {`{"issuer":"x","jwks_uri":"y"}`, []string{"no usable key"}},
		"a private key":   {string(private), []string{"a secret as key 2", "accepted"}},
		"a shared secret": {`{"keys":[{"kty":"oct","kid":"a","k":"` + canary + `"}]}`, []string{"a secret as key 1"}},
		"no kid":          {string(jwks(t, weak)), []string{"no usable key among 1"}},
		"another use":     {strings.Replace(string(jwks(t, ec)), `"sig"`, `"enc"`, 1), []string{"no usable key among 1"}},
		"a weak RSA key":  {`{"keys":[{"kty":"RSA","kid":"a","e":"AQAB","n":"` + strings.Repeat("w", 170) + `"}]}`, []string{"no usable key among 1"}},
		"another curve":   {`{"keys":[{"kty":"EC","kid":"a","crv":"secp256k1","x":"AA","y":"AA"}]}`, []string{"no usable key"}},
		"too many":        {`{"keys":[` + strings.Repeat("{},", 100) + `{}]}`, []string{"101 keys", "at most 100"}},
	} {
		_, err := identity.ParseKeySet([]byte(test.text))
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		for _, word := range test.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v; without %q", name, err, word)
			}
		}
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q", name, err)
		}
	}
	one := string(jwks(t, ec))
	if _, err := identity.ParseKeySet([]byte(strings.Replace(one, `{"keys":[`, `{"keys":[{"kty":"AKP-new","kid":"x"},`, 1))); err != nil {
		t.Errorf("beside a key of a kind that is not known: %v", err)
	}
	if _, ok := ec.key.Public().(*ecdsa.PublicKey); !ok {
		t.Error("no EC key")
	}
}

func FuzzJWT(f *testing.F) {
	ec := newSigner(f, "ec", jose.ES256)
	good := ec.sign(f, with(f, nil))
	f.Add(good)
	f.Add(spliced(good, 0, `{"alg":"none","kid":"ec"}`))
	f.Add(spliced(good, 1, `{}`))
	f.Add("..")
	tr := newTrial(f, "", keySet(f, ec), kubernetes)
	body, _, _ := strings.Cut(good[strings.Index(good, ".")+1:], ".")
	f.Fuzz(func(t *testing.T, token string) {
		name, err := tr.bearer(t, token)
		// Nothing is signed but one payload.
		if err == nil && (name != "service:payment-service/production" || !strings.Contains(token, body)) {
			t.Errorf("%q is %s", token, name)
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 1000) {
			t.Errorf("%q", err)
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	f.Add("Bearer cs_abcd_"+canary, "")
	f.Add("bearer  a.b.c ", "Basic x")
	f.Add("", "Bearer \x00=")
	tr := newTrial(f, `- {id: abcd, digest: "`+identity.DigestOf("cs_abcd_"+canary)+`", user: alice}`, nil)
	f.Fuzz(func(t *testing.T, one, two string) {
		values := []string{one}
		if two != "" {
			values = append(values, two)
		}
		name, err := tr.who(t, identity.Evidence{Authorization: values, Peer: &identity.UnixPeer{}})
		isGood := two == "" && len(one) > 7 && strings.EqualFold(one[:7], "Bearer ") && strings.Trim(one[7:], " ") == "cs_abcd_"+canary && len(one) <= 16<<10
		if (err == nil) != isGood {
			t.Errorf("%q %q is %s, %v", one, two, name, err)
		}
	})
}
