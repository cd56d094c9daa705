package daemon

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/config-service/config-service/server/internal/endpoint"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/watched"
)

const (
	tokensSetting    = "--tokens-file (CONFIG_TOKENS_FILE)"
	jwksSetting      = "--jwks (CONFIG_JWKS)"
	jwksCASetting    = "--jwks-ca-file (CONFIG_JWKS_CA_FILE)"
	jwksTokenSetting = "--jwks-token-file (CONFIG_JWKS_TOKEN_FILE)"
)

// identifier tells who calls. A sidecar that was given nothing to tell its callers apart
// by serves one application; with client authorities alone, to hold a certificate of
// theirs is enough.
func (d *Daemon) identifier() (endpoint.Identifier, error) {
	s := d.settings
	if s.Role == settings.RoleSidecar && !s.TakesTokens() && s.PolicyFile == "" {
		return identity.Pin(s.ServiceName, s.Environment), nil
	}
	cfg := identity.Config{Mapping: d.mapping, Count: d.countAuthentications(), Now: time.Now}
	if s.TokensFile != "" {
		tokens, err := d.openTokens()
		if err != nil {
			return nil, err
		}
		d.background = append(d.background, tokens.Run)
		cfg.Tokens = tokens.Value
	}
	if s.JWKS != "" {
		var err error
		if cfg.JWT, err = d.openJWT(); err != nil {
			return nil, err
		}
	}
	if s.TLSClientCAFile != "" {
		cfg.Authorities = func() (*x509.CertPool, <-chan struct{}) {
			t, superseded := d.tls.Value()
			return t.Authorities(), superseded
		}
	}
	if s.PolicyFile == "" && (s.JWKS != "" || s.TLSClientCAFile != "") {
		d.log.Warn("JSON Web Tokens and client certificates are nobody's, because no --policy-file (CONFIG_POLICY_FILE) says whose they are")
	}
	d.authenticator = identity.NewAuthenticator(cfg)
	d.background = append(d.background, d.authenticator.Run)
	return d.authenticator, nil
}

// mapping says who callers are that show other evidence than an opaque token.
func (d *Daemon) mapping() (*identity.Mapping, <-chan struct{}) {
	if d.policy == nil {
		return nil, nil
	}
	p, changed := d.policy.Value()
	return p.Mapping(), changed
}

// countAuthentications counts without looking up a label for each call.
func (d *Daemon) countAuthentications() func(identity.Kind, bool) {
	type kind struct{ ok, refused prometheus.Counter }
	kinds := map[identity.Kind]kind{}
	for _, k := range []identity.Kind{identity.Token, identity.JWT, identity.Certificate, identity.UnixUser} {
		kinds[k] = kind{
			d.metrics.Authentications.WithLabelValues(k.String(), "ok"), d.metrics.Authentications.WithLabelValues(k.String(), "refused"),
		}
	}
	kinds[0] = kind{refused: d.metrics.Authentications.WithLabelValues("none", "refused")}
	return func(k identity.Kind, ok bool) {
		if ok {
			kinds[k].ok.Inc()
		} else {
			kinds[k].refused.Inc()
		}
	}
}

// openTokens reads the opaque tokens that callers may bring. Digests are no secret; who
// may write them is everybody.
func (d *Daemon) openTokens() (*watched.Files[*identity.Tokens], error) {
	return watched.Open(watched.Config[*identity.Tokens]{
		Files: []watched.File{{Setting: tokensSetting, Path: d.settings.TokensFile, Guarded: true}},
		Parse: func(contents [][]byte) (*identity.Tokens, error) {
			tokens, err := identity.ParseTokens(contents[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", tokensSetting, err)
			}
			return tokens, nil
		},
		Report: d.metrics.FilesAre("tokens"),
		Log:    d.log,
	})
}

// openJWT returns which JSON Web Tokens are taken.
func (d *Daemon) openJWT() (*identity.JWTConfig, error) {
	s := d.settings
	jwt := &identity.JWTConfig{Issuer: s.JWTIssuer, Audience: s.JWTAudience}
	if s.JWKSIsURL() {
		remote, err := d.openRemoteKeys()
		if err != nil {
			return nil, err
		}
		d.background = append(d.background, remote.Run)
		jwt.Keys, jwt.Renew = remote.Value, remote.Renew
		return jwt, nil
	}
	keys, err := watched.Open(watched.Config[*identity.KeySet]{
		Files: []watched.File{{Setting: jwksSetting, Path: s.JWKS, Guarded: true}},
		Parse: func(contents [][]byte) (*identity.KeySet, error) {
			keys, err := identity.ParseKeySet(contents[0])
			if err != nil {
				return nil, fmt.Errorf("%s %w", jwksSetting, err)
			}
			return keys, nil
		},
		Report: d.metrics.FilesAre("jwks"),
		Log:    d.log,
	})
	if err != nil {
		return nil, err
	}
	d.background = append(d.background, keys.Run)
	jwt.Keys = keys.Value
	return jwt, nil
}

// openRemoteKeys returns the keys of a URL. The files are read at each fetch; that they
// can be is a condition of the start, that the URL answers is none.
func (d *Daemon) openRemoteKeys() (*identity.Remote, error) {
	good := d.metrics.FilesAre("jwks")
	cfg := identity.RemoteConfig{
		URL: d.settings.JWKS,
		Report: func(ok bool) {
			good(ok)
			result := "ok"
			if !ok {
				result = "failed"
			}
			d.metrics.KeyFetches.WithLabelValues(result).Inc()
		},
		Log:   d.log,
		Times: identity.DefaultRemoteTimes(),
	}
	for _, f := range []struct {
		watched.File
		read *func() ([]byte, error)
	}{
		{watched.File{Setting: jwksCASetting, Path: d.settings.JWKSCAFile, Guarded: true}, &cfg.Authorities},
		{watched.File{Setting: jwksTokenSetting, Path: d.settings.JWKSTokenFile, Secret: true}, &cfg.Token},
	} {
		if f.Path == "" {
			continue
		}
		*f.read = func() ([]byte, error) { return watched.Read(f.File) }
		if _, err := watched.Read(f.File); err != nil {
			return nil, err
		}
	}
	return identity.NewRemote(cfg), nil
}
