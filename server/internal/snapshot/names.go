package snapshot

import (
	"fmt"
	"strings"
)

// Limits of the data model. A scope that keeps them always fits one gRPC message.
const (
	MaxNameBytes = 63        // of a namespace or an environment
	MaxKeyBytes  = 253       // of a key
	MaxValue     = 256 << 10 // bytes of a stored value
	MaxDepth     = 30        // levels of nesting of a value
	MaxInteger   = 1<<53 - 1 // the largest magnitude of an integer
	quotedInput  = 64        // bytes of a caller's input that an error repeats
)

// Reserved names. SharedNamespace is the layer under every service, AllEnvironments
// the layer under every environment. Neither can be requested by name: they are not
// DNS labels.
const (
	SharedNamespace = "_shared"
	AllEnvironments = "_all"
)

// ScopeID names one scope: a service, or the reserved SharedNamespace, in an
// environment, or in the reserved AllEnvironments.
type ScopeID struct {
	Namespace   string
	Environment string
}

func (id ScopeID) String() string { return id.Namespace + "/" + id.Environment }

// CheckNamespace says why s is not the name of a service, or nil.
func CheckNamespace(s string) error { return checkLabel(s) }

// CheckEnvironment says why s is not the name of an environment, or nil.
func CheckEnvironment(s string) error { return checkLabel(s) }

func checkLabel(s string) error {
	const accepted = "accepted: 1 to 63 of a-z, 0-9 and '-', not starting or ending with '-'"
	switch {
	case s == "":
		return fmt.Errorf("is empty; %s", accepted)
	case len(s) > MaxNameBytes:
		return fmt.Errorf("has %d bytes; %s", len(s), accepted)
	case s[0] == '-' || s[len(s)-1] == '-':
		return fmt.Errorf("%s is malformed; %s", Quote(s), accepted)
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return fmt.Errorf("%s is malformed at byte %d; %s", Quote(s), i, accepted)
		}
	}
	return nil
}

// CheckKey says why s is not a key, or nil.
func CheckKey(s string) error {
	const accepted = "accepted: names of A-Z, a-z, 0-9, '_' and '-', joined by single dots, at most 253 bytes"
	switch {
	case s == "":
		return fmt.Errorf("is empty; %s", accepted)
	case len(s) > MaxKeyBytes:
		return fmt.Errorf("has %d bytes; %s", len(s), accepted)
	}
	start := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' && i > start:
			start = i + 1
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return fmt.Errorf("%s is malformed at byte %d; %s", Quote(s), i, accepted)
		}
	}
	if start == len(s) {
		return fmt.Errorf("%s ends with a dot; %s", Quote(s), accepted)
	}
	return nil
}

// Quote makes a caller's input safe to repeat in an error or a log line: quoted,
// escaped, and cut to 64 bytes.
func Quote(s string) string {
	if len(s) > quotedInput {
		return fmt.Sprintf("%+q...", strings.ToValidUTF8(s[:quotedInput], ""))
	}
	return fmt.Sprintf("%+q", s)
}
