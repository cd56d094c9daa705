package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// patience bounds every wait of these tests. None of them needs nearly as long.
const patience = time.Minute

// canary stands in every secret: nothing may repeat it.
const canary = "CANARYcanaryCANARYcanaryCA"

// today is the time of tests that need one.
var today = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// source is something that can be replaced, as the Authenticator takes it.
type source[T any] struct {
	state atomic.Pointer[sourceState[T]]
}

type sourceState[T any] struct {
	value      T
	superseded chan struct{}
}

func newSource[T any](v T) *source[T] {
	s := &source[T]{}
	s.set(v)
	return s
}

func (s *source[T]) set(v T) {
	if before := s.state.Swap(&sourceState[T]{v, make(chan struct{})}); before != nil {
		close(before.superseded)
	}
}

func (s *source[T]) value() (T, <-chan struct{}) {
	st := s.state.Load()
	return st.value, st.superseded
}

// trial is an Authenticator and all it goes by.
type trial struct {
	*identity.Authenticator
	tokens  *source[*identity.Tokens]
	keys    *source[*identity.KeySet]
	mapping *source[*identity.Mapping]
	roots   *source[*x509.CertPool]
	jwt     *identity.JWTConfig
	now     atomic.Pointer[time.Time]
	ok, bad [6]atomic.Int64 // by evidence
}

const issuer, audience = "https://issuer.example", "config-service"

func newTrial(t testing.TB, tokens string, keys *identity.KeySet, rules ...identity.MapRule) *trial {
	t.Helper()
	tr := &trial{tokens: newSource(parseTokens(t, tokens)), keys: newSource(keys), mapping: newSource(newMapping(t, rules...)), roots: newSource[*x509.CertPool](nil)}
	tr.now.Store(&today)
	tr.jwt = &identity.JWTConfig{Issuer: issuer, Audience: audience, Keys: tr.keys.value}
	tr.Authenticator = identity.NewAuthenticator(identity.Config{
		Tokens: tr.tokens.value, JWT: tr.jwt, Authorities: tr.roots.value, Mapping: tr.mapping.value,
		Count: func(k identity.Kind, ok bool) {
			if ok {
				tr.ok[k].Add(1)
			} else {
				tr.bad[k].Add(1)
			}
		},
		Now: func() time.Time { return *tr.now.Load() },
	})
	return tr
}

func parseTokens(t testing.TB, text string) *identity.Tokens {
	t.Helper()
	if text == "" {
		text = "[]"
	}
	tokens, err := identity.ParseTokens([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func newMapping(t testing.TB, rules ...identity.MapRule) *identity.Mapping {
	t.Helper()
	m, err := identity.NewMapping(rules)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// who identifies a REST request with some evidence.
func (tr *trial) who(t testing.TB, ev identity.Evidence) (string, error) {
	t.Helper()
	id, err := tr.Identify(identity.WithEvidence(t.Context(), &ev))
	if err != nil && (id != nil || !errors.Is(err, identity.ErrUnauthenticated)) {
		t.Fatalf("identified %v with %v", id, err)
	}
	if err != nil && strings.Contains(err.Error(), canary) {
		t.Errorf("%v: that repeats a secret", err)
	}
	return id.Name(), err
}

// bearer identifies by a token.
func (tr *trial) bearer(t testing.TB, token string) (string, error) {
	t.Helper()
	return tr.who(t, identity.Evidence{Authorization: []string{"Bearer " + token}})
}

// wantRefused checks for a refusal whose reason says the words.
func wantRefused(t testing.TB, name string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("identified as %s", name)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v; without %q", err, w)
		}
	}
}

// signer signs tokens with one key.
type signer struct {
	kid string
	alg jose.SignatureAlgorithm
	key crypto.Signer
}

func newSigner(t testing.TB, kid string, alg jose.SignatureAlgorithm) signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case jose.RS256, jose.PS256:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{kid, alg, key}
}

func (s signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.key.Public(), KeyID: s.kid, Use: "sig"}
}

// jwks is the document of the signers' public keys.
func jwks(t testing.TB, signers ...signer) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, s := range signers {
		set.Keys = append(set.Keys, s.public())
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keySet(t testing.TB, signers ...signer) *identity.KeySet {
	t.Helper()
	set, err := identity.ParseKeySet(jwks(t, signers...))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// sign signs claims, given as the JSON they are.
func (s signer) sign(t testing.TB, payload string) string {
	t.Helper()
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: jose.JSONWebKey{Key: s.key, KeyID: s.kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := made.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// with are good claims with some replaced; nil: left out.
func with(t testing.TB, changes map[string]any) string {
	t.Helper()
	says := map[string]any{
		"iss": issuer, "aud": audience, "sub": "system:serviceaccount:production:payment-service",
		"exp": today.Add(time.Hour).Unix(), "nbf": today.Unix(), "iat": today.Unix(),
	}
	for name, v := range changes {
		says[name] = v
		if v == nil {
			delete(says, name)
		}
	}
	text, err := json.Marshal(says)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// run runs the trial's Authenticator until the test ends.
func (tr *trial) run(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { tr.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}
