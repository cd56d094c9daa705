package daemon_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/config-service/config-service/server/servertest"
)

const clusterIssuer = "https://kubernetes.default.svc.cluster.local"

// clusterKey signs tokens as a Kubernetes cluster does.
type clusterKey struct {
	id  string
	key *ecdsa.PrivateKey
}

func newClusterKey(t *testing.T, id string) clusterKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return clusterKey{id, key}
}

// jwks is the document of the public keys.
func jwks(t *testing.T, keys ...clusterKey) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.key.Public(), KeyID: k.id, Algorithm: string(jose.ES256), Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// project is the token of a service account as Kubernetes projects it into a pod, for the
// audience of a config-service. Claims replace those that it has.
func (k clusterKey) project(t *testing.T, namespace, name string, claims map[string]any) string {
	t.Helper()
	now := time.Now()
	says := map[string]any{
		"aud": []string{"config-service"}, "iss": clusterIssuer, "sub": "system:serviceaccount:" + namespace + ":" + name,
		"exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nbf": now.Unix(), "jti": "5f3a2b1c-0d9e-4a77-9c55-1d2e3f4a5b6c",
		"kubernetes.io": map[string]any{
			"namespace":      namespace,
			"node":           map[string]any{"name": "node-1", "uid": "c0ffee00-0000-4000-8000-000000000001"},
			"pod":            map[string]any{"name": name + "-7d4b9c-x2x7k", "uid": "c0ffee00-0000-4000-8000-000000000002"},
			"serviceaccount": map[string]any{"name": name, "uid": "c0ffee00-0000-4000-8000-000000000003"},
			"warnafter":      now.Add(50 * time.Minute).Unix(),
		},
	}
	for name, value := range claims {
		says[name] = value
	}
	payload, err := json.Marshal(says)
	if err != nil {
		t.Fatal(err)
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k.key, KeyID: k.id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := made.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// site serves an issuer's keys to who shows its bearer token, as a cluster does.
type site struct {
	*httptest.Server
	document, token atomic.Pointer[string]
	refused         atomic.Int64
}

func newSite(t *testing.T, authority *servertest.Authority, document, token string) *site {
	t.Helper()
	s := &site{}
	s.document.Store(&document)
	s.token.Store(&token)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+*s.token.Load() {
			s.refused.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(*s.document.Load()))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Server(t).TLS}}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
