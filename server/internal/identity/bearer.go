package identity

import "strings"

// maxAuthorization is above any credential, and about what the listeners take as
// headers. Nothing longer is parsed.
const maxAuthorization = 16 << 10

// bearerOf returns the one token of the Authorization headers.
func bearerOf(values []string) (string, error) {
	if len(values) != 1 {
		return "", refused("%d Authorization headers", len(values))
	}
	value := values[0]
	if len(value) > maxAuthorization {
		return "", refused("an Authorization header of %d bytes", len(value))
	}
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", refused("an Authorization header of another scheme than Bearer")
	}
	token = strings.Trim(token, " ")
	if !isToken68(token) {
		return "", refused("an Authorization header with something else than one token")
	}
	return token, nil
}

// isToken68 says whether a text has the form of bearer tokens (RFC 6750).
func isToken68(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		switch c := body[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '+', c == '/':
		default:
			return false
		}
	}
	return body != ""
}
