// Package problem is how configctl fails: words that say what to do next, and an exit
// code that a script can act on.
package problem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The exit codes.
const (
	Failed      = 1 // anything that has no code of its own; of can-i also: no
	Usage       = 2 // the command line, a setting, or an argument that the server refused
	NotFound    = 3 // there is no such key, version or service
	Conflict    = 4 // it exists already, or somebody else was faster
	Unavailable = 5 // no server answers, or its store does not
)

// Error is a failed command. One with an empty message has been told already.
type Error struct {
	Exit    int
	Message string
	Next    string // what to do about it; may be empty
}

func (e *Error) Error() string {
	if e.Next == "" {
		return e.Message
	}
	return e.Message + "\n" + e.Next
}

// Newf makes an Error without advice.
func Newf(exit int, format string, args ...any) *Error {
	return &Error{Exit: exit, Message: fmt.Sprintf(format, args...)}
}

// domain is that of the ErrorInfo in every error of the service.
const domain = "configservice"

// Call is a failed call of a server.
type Call struct {
	Addr  string // of the server
	TLS   bool   // whether it was spoken
	Write bool   // whether it may have changed something
	Look  string // the command that shows whether it did; default 'configctl service list'
	Err   error
}

func (c Call) look() string {
	if c.Look == "" {
		return "configctl service list"
	}
	return c.Look
}

// Of says what a failed call means to who asked for it.
func Of(c Call) *Error {
	st := status.Convert(c.Err)
	reason := ""
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			reason = info.GetReason()
		}
	}
	if reason == "" {
		return unanswered(c, st)
	}
	e := &Error{Exit: exitOf(st.Code()), Message: reason + ": " + st.Message() + violated(st), Next: next(c, reason)}
	if st.Code() == codes.InvalidArgument {
		e.Message = st.Message()
	}
	return e
}

// mostViolated is how many violations of schemas are told.
const mostViolated = 20

// violated are the violations of schemas for which a call was refused, one per line.
func violated(st *status.Status) string {
	var out strings.Builder
	for _, d := range st.Details() {
		refused, ok := d.(*errdetails.PreconditionFailure)
		if !ok {
			continue
		}
		for n, v := range refused.GetViolations() {
			if n == mostViolated {
				fmt.Fprintf(&out, "\n  and %d more", len(refused.GetViolations())-n)
				break
			}
			out.WriteString("\n  " + v.GetDescription())
		}
	}
	return out.String()
}

func exitOf(code codes.Code) int {
	switch code {
	case codes.InvalidArgument:
		return Usage
	case codes.NotFound:
		return NotFound
	case codes.AlreadyExists, codes.Aborted:
		return Conflict
	case codes.Unavailable, codes.DeadlineExceeded:
		return Unavailable
	}
	return Failed
}

// next is what to do about an error of the service, by its reason.
func next(c Call, reason string) string {
	switch reason {
	case "UNAUTHENTICATED":
		return "--token-file (CONFIG_SERVICE_TOKEN_FILE) names the file with your token; --cert-file and --key-file, a client certificate"
	case "PERMISSION_DENIED":
		return "'configctl whoami' tells who you are there, 'configctl can-i' what you may do; the server's policy file (CONFIG_POLICY_FILE) decides it"
	case "SERVICE_EXISTS":
		return "'configctl service rotate' makes another token for it"
	case "SERVICE_NOT_FOUND":
		return "'configctl service list' shows the services there are"
	case "STORE_UNSUITABLE":
		return "'config-service bootstrap' sets a store up"
	case "STORE_UNAVAILABLE":
		if c.Write {
			return "'" + c.look() + "' shows whether anything was done"
		}
		return "the same again, when the store is back"
	case "KEY_NOT_FOUND":
		return "'configctl list' shows the keys there are, 'configctl explain' what a key could come from"
	case "VALUE_INVALID":
		return "'configctl explain' shows what is wrong with it"
	case "VERSION_NOT_FOUND":
		return "'configctl history' shows the versions there are"
	case "VERSION_CONFLICT":
		return "'configctl history' shows what came since; the same command again plans anew"
	case "RISK_NOT_ACCEPTED":
		return "the same command again shows the risks, and asks; where nobody can be asked, --accept " + kinds(c.Err) + " accepts them"
	case "SCHEMA_VIOLATION":
		return "'configctl schema get' shows what the configuration has to be"
	case "NOT_READY":
		return "the server has no configuration yet; 'configctl doctor' tells more"
	case "NO_SUCH_METHOD":
		return "a server with CONFIG_ROLE=control takes this; --addr (CONFIG_SERVICE_ADDR) names it"
	}
	return ""
}

// kinds are the risks that were not accepted, as flags name them.
func kinds(err error) string {
	var names []string
	for _, d := range status.Convert(err).Details() {
		refused, ok := d.(*errdetails.PreconditionFailure)
		if !ok {
			continue
		}
		for _, v := range refused.GetViolations() {
			name := strings.ToLower(strings.ReplaceAll(v.GetType(), "_", "-"))
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ",")
}

// Field is the field of the request that a call was refused for; empty: for none.
func Field(err error) string {
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok && len(bad.GetFieldViolations()) > 0 {
			return bad.GetFieldViolations()[0].GetField()
		}
	}
	return ""
}

// unanswered is a call that the service did not answer: what came in between did.
func unanswered(c Call, st *status.Status) *Error {
	where := "--addr (CONFIG_SERVICE_ADDR) names the server"
	e := &Error{Exit: exitOf(st.Code())}
	text := st.Message()
	switch {
	case st.Code() == codes.Canceled || errors.Is(c.Err, context.Canceled):
		e.Exit, e.Message = Failed, "interrupted"
	case st.Code() == codes.DeadlineExceeded:
		e.Message, e.Next = fmt.Sprintf("%s did not answer in time", c.Addr), where+", --timeout how long to wait"
	case strings.Contains(text, "first record does not look like a TLS handshake"):
		e.Message, e.Next = fmt.Sprintf("%s does not speak TLS", c.Addr), "leave out --tls, --ca-file and --cert-file, if it is meant to be so; "+where
	case strings.Contains(text, "x509:") || strings.Contains(text, "tls:"):
		e.Message = fmt.Sprintf("no trusted way to %s (%s)", c.Addr, cause(text))
		e.Next = "--ca-file (CONFIG_SERVICE_CA_FILE) names the CA of its certificate, --cert-file and --key-file the certificate it may ask for"
	case st.Code() == codes.Unavailable:
		e.Message, e.Next = fmt.Sprintf("no config-service answers at %s (%s)", c.Addr, cause(text)), where+"; one that speaks TLS wants --ca-file or --tls"
		if c.TLS {
			e.Next = where + "; one that asks for a certificate wants --cert-file and --key-file"
		}
	default:
		e.Message, e.Next = fmt.Sprintf("%s answers %s (%s)", c.Addr, st.Code(), cause(text)), where+"; is it a config-service?"
	}
	if c.Write && (st.Code() == codes.DeadlineExceeded || st.Code() == codes.Canceled) {
		e.Next = strings.TrimPrefix(e.Next+"; it is not known whether anything was done: '"+c.look()+"' shows it", "; ")
	}
	return e
}

// cause is the part of a transport's words that tells something: the last.
func cause(text string) string {
	for _, before := range []string{"error while dialing: ", "Error while dialing: ", "authentication handshake failed: ", "connection error: "} {
		if at := strings.LastIndex(text, before); at >= 0 {
			text = text[at+len(before):]
		}
	}
	return strings.Trim(strings.TrimPrefix(text, "desc = "), `"`)
}
