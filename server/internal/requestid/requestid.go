// Package requestid names calls, so that an answer and a log line can be put together.
package requestid

import (
	"crypto/rand"
	"encoding/hex"
)

// Key is the metadata key, and REST header, of the request id. A caller may bring one;
// a call that failed, or whose caller brought one, is answered with it.
const Key = "x-request-id"

const maxBytes = 128

// Of returns the id of a call: the one that its caller brought, or a new one. One that
// could break a log line is replaced.
func Of(brought []string) (id string, kept bool) {
	if len(brought) == 1 && isID(brought[0]) {
		return brought[0], true
	}
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:]), false
}

func isID(s string) bool {
	if s == "" || len(s) > maxBytes {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
