package settings

import (
	"net/url"
	"slices"

	"github.com/config-service/config-service/server/internal/snapshot"
)

// The roles.
const (
	RoleSidecar = "sidecar"
	RoleShared  = "shared"
	RoleControl = "control"
)

func (s *Settings) checkRole() error {
	switch {
	case !slices.Contains([]string{RoleSidecar, RoleShared, RoleControl}, s.Role):
		return wrong("role", "CONFIG_ROLE", "is %s; accepted: sidecar, shared, control", snapshot.Quote(s.Role))
	case s.Role == RoleSidecar:
		return nil
	case s.AllowUnauthenticated:
		return wrong("allow-unauthenticated", "CONFIG_ALLOW_UNAUTHENTICATED", "is true with --role (CONFIG_ROLE) %s, which has to know who calls; accepted: true with the role sidecar", s.Role)
	case s.CacheDir != "":
		return wrong("cache-dir", "CONFIG_CACHE_DIR", "is %s with --role (CONFIG_ROLE) %s; accepted: a directory with the role sidecar", snapshot.Quote(s.CacheDir), s.Role)
	}
	return nil
}

// TakesTokens says whether callers can show who they are by a bearer token.
func (s *Settings) TakesTokens() bool { return s.TokensFile != "" || s.JWKS != "" }

// Authenticates says whether callers of an address have to show who they are.
func (s *Settings) Authenticates(addr string) bool {
	if s.TakesTokens() {
		return true
	}
	if IsSocket(addr) { // the kernel tells the user, and the policy file who that is
		return s.PolicyFile != ""
	}
	return s.TLSClientCAFile != ""
}

// checkDoor says why an address that configuration is served at cannot be opened to
// whoever can reach it.
func (s *Settings) checkDoor(flag, env, addr string) error {
	const ways = "--tokens-file (CONFIG_TOKENS_FILE), --jwks (CONFIG_JWKS) or --tls-client-ca-file (CONFIG_TLS_CLIENT_CA_FILE)"
	authenticates := s.Authenticates(addr)
	switch {
	case s.Role != RoleSidecar && !authenticates && IsSocket(addr):
		return wrong(flag, env, "is %s with --role (CONFIG_ROLE) %s, and nothing says who its callers are; accepted: with --policy-file (CONFIG_POLICY_FILE), which names Unix users, or %s", snapshot.Quote(addr), s.Role, ways)
	case s.Role != RoleSidecar && !authenticates:
		return wrong(flag, env, "is %s with --role (CONFIG_ROLE) %s, and callers cannot show who they are; accepted: with %s", snapshot.Quote(addr), s.Role, ways)
	case s.PolicyFile != "" && !authenticates: // it would refuse everybody
		return wrong(flag, env, "is %s with --policy-file (CONFIG_POLICY_FILE), and callers cannot show who they are; accepted: unix:/path, with %s, or without a policy file", snapshot.Quote(addr), ways)
	case IsLocal(addr):
		return nil
	case !authenticates && !s.AllowUnauthenticated:
		return wrong(flag, env,
			"is %s, where other machines could read the configuration; accepted: a loopback address, unix:/path, callers that show who they are (%s), or --allow-unauthenticated (CONFIG_ALLOW_UNAUTHENTICATED=true)",
			snapshot.Quote(addr), ways)
	case s.TakesTokens() && s.TLSCertFile == "" && !s.AllowPlaintext:
		return wrong(flag, env,
			"is %s, where tokens would come in over plaintext; accepted: with --tls-cert-file (CONFIG_TLS_CERT_FILE), a loopback address, unix:/path, or --allow-plaintext (CONFIG_ALLOW_PLAINTEXT=true)",
			snapshot.Quote(addr))
	}
	return nil
}

func (s *Settings) checkJWT() error {
	const accepted = "accepted: the path of a file, or https://HOST/PATH"
	if s.JWKS == "" {
		for _, o := range []struct{ flag, env, value string }{
			{"jwt-issuer", "CONFIG_JWT_ISSUER", s.JWTIssuer},
			{"jwks-ca-file", "CONFIG_JWKS_CA_FILE", s.JWKSCAFile},
			{"jwks-token-file", "CONFIG_JWKS_TOKEN_FILE", s.JWKSTokenFile},
		} {
			if o.value != "" {
				return wrong(o.flag, o.env, "is %s, but no JSON Web Token is taken; accepted: with --jwks (CONFIG_JWKS)", snapshot.Quote(o.value))
			}
		}
		return nil
	}
	if s.JWTIssuer == "" {
		return wrong("jwt-issuer", "CONFIG_JWT_ISSUER", "is empty with --jwks (CONFIG_JWKS); accepted: the claim iss of the tokens")
	}
	if s.JWTAudience == "" { // by the flag: an empty variable counts as not set
		return wrong("jwt-audience", "CONFIG_JWT_AUDIENCE", "is empty with --jwks (CONFIG_JWKS); accepted: one entry of the claim aud of the tokens")
	}
	if !s.JWKSIsURL() {
		if s.JWKSCAFile != "" || s.JWKSTokenFile != "" {
			return wrong("jwks", "CONFIG_JWKS", "is %s, a file, although --jwks-ca-file or --jwks-token-file is set; accepted: https://HOST/PATH, or a file without these", snapshot.Quote(s.JWKS))
		}
		return nil
	}
	u, err := url.Parse(s.JWKS)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return wrong("jwks", "CONFIG_JWKS", "is no usable URL; %s", accepted)
	case u.Scheme != "https" && !IsLocal(hostPort(u)):
		return wrong("jwks", "CONFIG_JWKS", "is %s, where the keys would come in over plaintext; %s", snapshot.Quote(s.JWKS), accepted)
	}
	return nil
}

// JWKSIsURL says whether the keys of tokens come from a URL; else from a file.
func (s *Settings) JWKSIsURL() bool {
	u, err := url.Parse(s.JWKS)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http")
}

func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return u.Host + ":80"
	}
	return u.Host
}
