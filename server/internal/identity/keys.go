package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are those that tokens may be signed with: asymmetric ones.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

const (
	maxKeys                = 100
	minRSABits, maxRSABits = 2048, 8192 // shorter is weak, longer costs too much
)

// KeySet are the public keys that tokens are signed with. It never changes.
type KeySet struct{ byID map[string][]jose.JSONWebKey }

// ParseKeySet makes it of a JWKS document. Keys that cannot have signed a token that is
// taken are left out; a document that holds a secret is refused.
func ParseKeySet(text []byte) (*KeySet, error) {
	const accepted = "accepted: a JWKS document with the public keys of the issuer"
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, errors.New("holds no JSON object with keys; " + accepted)
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("holds %d keys; accepted: at most %d", len(document.Keys), maxKeys)
	}
	set := &KeySet{byID: map[string][]jose.JSONWebKey{}}
	for i, raw := range document.Keys {
		var secrets struct{ D, K json.RawMessage }
		if err := json.Unmarshal(raw, &secrets); err == nil && (secrets.D != nil || secrets.K != nil) {
			return nil, fmt.Errorf("holds a secret as key %d; %s", i+1, accepted)
		}
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && isUsable(&key) {
			set.byID[key.KeyID] = append(set.byID[key.KeyID], key)
		}
	}
	if len(set.byID) == 0 {
		return nil, fmt.Errorf("holds no usable key among %d; %s, each with kid and of the type RSA (2048 bits or more), EC or Ed25519", len(document.Keys), accepted)
	}
	return set, nil
}

func isUsable(key *jose.JSONWebKey) bool {
	return key.KeyID != "" && (key.Use == "" || key.Use == "sig") && slices.ContainsFunc(algorithms, func(alg jose.SignatureAlgorithm) bool { return fits(key, alg) })
}

// key returns the key of an id that fits an algorithm.
func (s *KeySet) key(id string, alg jose.SignatureAlgorithm) any {
	if s == nil {
		return nil
	}
	for i := range s.byID[id] {
		if key := &s.byID[id][i]; fits(key, alg) {
			return key.Key
		}
	}
	return nil
}

// fits says whether a key is of an algorithm's type, and meant for it.
func fits(key *jose.JSONWebKey, alg jose.SignatureAlgorithm) bool {
	if key.Algorithm != "" && key.Algorithm != string(alg) {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		return slices.Contains(algorithms[:6], alg) && bits >= minRSABits && bits <= maxRSABits
	case *ecdsa.PublicKey:
		return alg == jose.ES256 && k.Curve == elliptic.P256() || alg == jose.ES384 && k.Curve == elliptic.P384() || alg == jose.ES512 && k.Curve == elliptic.P521()
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}
