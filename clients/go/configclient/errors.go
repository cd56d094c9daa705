package configclient

import (
	"errors"
	"fmt"
)

// What a call of this package fails with, for errors.Is. The error itself is an *Error.
var (
	// ErrKeyMissing: the configuration is loaded and has no such key for this program: there
	// is none, or its value is sensitive and not for who asks (Error.Masked).
	ErrKeyMissing = errors.New("no such key")
	// ErrUnavailable: there is no value to answer, which is not the same as no such key.
	// Nothing was loaded yet, or the stored value is unusable and there never was a good one.
	ErrUnavailable = errors.New("configuration unavailable")
	// ErrDenied: the sidecar refuses to answer, and will until something is set right.
	ErrDenied = errors.New("configuration denied")
	// ErrInvalidKey: no configuration can have a key of this form.
	ErrInvalidKey = errors.New("invalid key")
	// ErrInvalidPattern: OnChange takes no pattern of this form.
	ErrInvalidPattern = errors.New("invalid pattern")
	// ErrWrongType: there is a value, of another type than the caller asked for.
	ErrWrongType = errors.New("wrong type")
)

// Error is why a read failed. Its text never holds a value or a token.
type Error struct {
	Kind   error  // one of the Err variables; errors.Is finds it
	Key    string // that was asked for; "" when all of them were
	Scope  string // NAMESPACE/ENVIRONMENT, as far as it is known
	Reason string // with ErrDenied: that of the sidecar, as PERMISSION_DENIED
	Masked bool   // with ErrKeyMissing: there is a value, which this program may not see
	text   string
	among  *content // with ErrKeyMissing: where the nearest key is looked for
}

// Error says what was asked for, where, and what is the matter.
func (e *Error) Error() string {
	if near := e.Nearest(); near != "" {
		return fmt.Sprintf("%s; did you mean %s?", e.text, quote(near))
	}
	return e.text
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Nearest is, with ErrKeyMissing, the existing key of nearly the same spelling, or "". It
// is looked for when it is asked for: a missing key costs a program that expects it nothing.
func (e *Error) Nearest() string {
	if e.among == nil {
		return ""
	}
	return nearest(e.Key, e.among)
}

// SettingError is a setting that can never work.
type SettingError struct {
	Name     string // of the option or the environment variable
	Given    string // what it said, safe to show
	Problem  string
	Accepted string
}

// Error is one line that names the setting, what was given, and what is accepted.
func (e *SettingError) Error() string {
	return fmt.Sprintf("%s: %s %s; accepted: %s", e.Name, e.Given, e.Problem, e.Accepted)
}

func invalidKey(key string) *Error {
	return &Error{Kind: ErrInvalidKey, Key: key, text: fmt.Sprintf("key %s is malformed; accepted: %s", quote(key), keyGrammar)}
}

const isMasked = "is masked: it is sensitive, and this caller lacks the right to see it (read-sensitive)"

// absence is why there is no value for a key.
func (c *Client) absence(p *present, key string) *Error {
	if !isKey(key) {
		return invalidKey(key)
	}
	return c.absenceOf(p, key)
}

// absenceOf is absence for a key that may exist; "" stands for all keys.
func (c *Client) absenceOf(p *present, key string) *Error {
	e := &Error{Kind: ErrUnavailable, Key: key, Scope: p.scope(c.set)}
	switch {
	case p.view != nil && p.view.content.invalid[key]:
		e.text = fmt.Sprintf("the stored value of %s in %s is unusable, and there never was a good one", quote(key), e.Scope)
	case p.denial != nil && !(p.closed && p.view == nil):
		e.Kind, e.Reason, e.text = ErrDenied, p.denial.reason, p.denial.text
	case p.view != nil && p.view.content.masked[key]:
		e.Kind, e.Masked = ErrKeyMissing, true
		e.text = fmt.Sprintf("key %s of %s %s", quote(key), e.Scope, isMasked)
		c.reportMasked(e)
	case p.view != nil:
		e.Kind, e.among = ErrKeyMissing, p.view.content
		e.text = fmt.Sprintf("key %s does not exist in %s", quote(key), e.Scope)
	case p.closed:
		e.text = "the client was closed before it had loaded a configuration"
	default:
		e.text = fmt.Sprintf("no configuration from the sidecar at %s yet", c.set.address)
	}
	return e
}
