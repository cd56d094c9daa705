package etcdstore

import (
	"encoding/base32"
	"fmt"
	"io"
)

// tokenEncoding is lower-case base32: neither case nor look-alikes get lost on the way.
var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// tokenIDBytes and secretBytes are how random a token is. The id tells tokens apart, the
// secret has 128 bits.
const tokenIDBytes, secretBytes = 5, 16

// newToken makes a token: the id says which, the secret proves it.
func newToken(random io.Reader) (id, secret string, err error) {
	var bits [tokenIDBytes + secretBytes]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "", "", fmt.Errorf("make a token: %w", err)
	}
	return tokenEncoding.EncodeToString(bits[:tokenIDBytes]), tokenEncoding.EncodeToString(bits[tokenIDBytes:]), nil
}

// written is the form in which a token is handed to a service.
func written(id, secret string) string { return "cs_" + id + "_" + secret }
