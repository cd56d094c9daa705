package fault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
)

// promise is what the contract says about a reason.
type promise struct {
	code string
	http int
}

var (
	reasonLine = regexp.MustCompile(`^  ([A-Z_]+) = (\d+);$`)
	promised   = regexp.MustCompile(`\b([A-Z_]+), HTTP (\d{3})\b`)
)

// contract reads the promises from the comments of the contract.
func contract(t *testing.T) map[string]promise {
	t.Helper()
	text, err := os.ReadFile("../../../proto/configservice/v1/error_reason.proto")
	if err != nil {
		t.Fatal(err)
	}
	promises := map[string]promise{}
	comment := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if words, ok := strings.CutPrefix(strings.TrimSpace(line), "//"); ok {
			comment += words
			continue
		}
		if m := reasonLine.FindStringSubmatch(line); m != nil {
			if p := promised.FindStringSubmatch(comment); p != nil {
				http, _ := strconv.Atoi(p[2])
				promises[m[1]] = promise{p[1], http}
			}
		}
		comment = ""
	}
	return promises
}

// TestEveryReasonKeepsItsPromise walks the enum.
func TestEveryReasonKeepsItsPromise(t *testing.T) {
	promises := contract(t)
	for number, name := range configv1.ErrorReason_name {
		reason := configv1.ErrorReason(number)
		if reason == configv1.ErrorReason_ERROR_REASON_UNSPECIFIED {
			continue
		}
		want, ok := promises[name]
		if !ok {
			t.Errorf("the contract does not say the code and HTTP status of %s", name)
			continue
		}
		e := fault.New(reason, "words about %s", name)
		st := e.GRPCStatus()
		var code codes.Code
		if err := code.UnmarshalJSON([]byte(strconv.Quote(want.code))); err != nil {
			t.Fatal(err)
		}
		if st.Code() != code || fault.HTTPStatus(st.Code()) != want.http {
			t.Errorf("%s is %s and HTTP %d, the contract says %s and %d", name, st.Code(), fault.HTTPStatus(st.Code()), want.code, want.http)
		}
		if st.Message() != "words about "+name || e.Error() != name+": words about "+name {
			t.Errorf("%s says %q and %q", name, st.Message(), e.Error())
		}
		if fault.ReasonName(reason) != name || fault.ReasonOf(st) != name {
			t.Errorf("%s is called %q and %q", name, fault.ReasonName(reason), fault.ReasonOf(st))
		}
		info, retry, _ := details(t, st)
		if info.GetReason() != name || info.GetDomain() != "configservice" {
			t.Errorf("%s carries %v", name, info)
		}
		passes := slices.Contains([]configv1.ErrorReason{
			configv1.ErrorReason_NOT_READY, configv1.ErrorReason_STORE_UNAVAILABLE, configv1.ErrorReason_TOO_MANY_STREAMS,
		}, reason)
		if (retry != nil) != passes || (fault.RetryDelay(st) > 0) != passes {
			t.Errorf("%s carries RetryInfo %v, a delay of %s", name, retry, fault.RetryDelay(st))
		}
	}
	if len(promises) != len(configv1.ErrorReason_name)-1 {
		t.Errorf("the contract has promises about %d reasons, the enum has %d", len(promises), len(configv1.ErrorReason_name)-1)
	}
}

// details returns the details of a status; nil for one that it does not carry.
func details(t *testing.T, st *status.Status) (info *errdetails.ErrorInfo, retry *errdetails.RetryInfo, bad *errdetails.BadRequest) {
	t.Helper()
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.RetryInfo:
			retry = d
		case *errdetails.BadRequest:
			bad = d
		default:
			t.Errorf("the unknown detail %T", d)
		}
	}
	return info, retry, bad
}

func TestDetails(t *testing.T) {
	e := fault.New(configv1.ErrorReason_KEY_NOT_FOUND, "no such key")
	e.Metadata = map[string]string{"similar_keys": "a,b"}
	if info, _, _ := details(t, e.GRPCStatus()); !cmp.Equal(info.GetMetadata(), e.Metadata) {
		t.Errorf("the metadata is %v", info.GetMetadata())
	}

	_, retry, _ := details(t, fault.New(configv1.ErrorReason_NOT_READY, "not yet").GRPCStatus())
	if d := retry.GetRetryDelay().AsDuration(); d <= 0 {
		t.Errorf("come back after %s", d)
	}

	st := fault.Field("keys[3]", errors.New("is empty; accepted: a key")).GRPCStatus()
	info, _, bad := details(t, st)
	if st.Code() != codes.InvalidArgument || info.GetReason() != "INVALID_ARGUMENT" || st.Message() != "keys[3] is empty; accepted: a key" {
		t.Errorf("Field makes %v", st)
	}
	if v := bad.GetFieldViolations(); len(v) != 1 || v[0].GetField() != "keys[3]" || v[0].GetDescription() != "is empty; accepted: a key" {
		t.Errorf("the violations are %v", v)
	}
}

// TestMessagesAreNotFormats: a caller's input in an argument is not read as a format.
func TestMessagesAreNotFormats(t *testing.T) {
	const hostile = "100%s%d%!x"
	for _, st := range []*status.Status{
		fault.New(configv1.ErrorReason_INTERNAL, "%s", hostile).GRPCStatus(),
		fault.Complete(status.New(codes.Unavailable, hostile)),
	} {
		if st.Message() != hostile {
			t.Errorf("%q became %q", hostile, st.Message())
		}
	}
}

// TestStatus: what a handler returns, and what its caller gets.
func TestStatus(t *testing.T) {
	notFound := fault.New(configv1.ErrorReason_KEY_NOT_FOUND, "no such key")
	const secret = "dial tcp 10.1.2.3:2379: password hunter2"
	foreign := errors.New(secret)
	for _, test := range []struct {
		name    string
		err     error
		code    codes.Code
		reason  string
		message string // empty: any
	}{
		{"ours", notFound, codes.NotFound, "KEY_NOT_FOUND", "no such key"},
		{"ours, wrapped", fmt.Errorf("get %s: %w", secret, notFound), codes.NotFound, "KEY_NOT_FOUND", "no such key"},
		{"ours, joined", errors.Join(foreign, notFound), codes.NotFound, "KEY_NOT_FOUND", "no such key"},
		{"foreign", foreign, codes.Internal, "INTERNAL", ""},
		{"foreign, wrapped", fmt.Errorf("read: %w", foreign), codes.Internal, "INTERNAL", ""},
		{"canceled", context.Canceled, codes.Canceled, "NOT_READY", "the caller went away"},
		{"canceled, wrapped", fmt.Errorf("%s: %w", secret, context.Canceled), codes.Canceled, "NOT_READY", "the caller went away"},
		{"deadline", fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), codes.DeadlineExceeded, "NOT_READY", "the deadline passed"},
		{"of the transport", status.Error(codes.ResourceExhausted, "received message larger than max"), codes.ResourceExhausted, "TOO_LARGE", "received message larger than max"},
		{"of the transport, wrapped", fmt.Errorf("%s: %w", secret, status.Error(codes.Unavailable, "the stream broke")), codes.Unavailable, "NOT_READY", "the stream broke"},
		{"a status that is none", noStatus{secret}, codes.Internal, "INTERNAL", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := fault.Status(test.err)
			if st.Code() != test.code || fault.ReasonOf(st) != test.reason {
				t.Errorf("%s and %s, want %s and %s", st.Code(), fault.ReasonOf(st), test.code, test.reason)
			}
			if test.message != "" && st.Message() != test.message {
				t.Errorf("says %q, want %q", st.Message(), test.message)
			}
			for _, word := range []string{"10.1.2.3", "hunter2", "dial", "read:"} {
				if strings.Contains(st.Proto().String(), word) {
					t.Errorf("the caller gets to read %q: %v", word, st)
				}
			}
			if info, _, _ := details(t, st); info.GetDomain() != fault.Domain || info.GetReason() != test.reason {
				t.Errorf("carries %v", info)
			}
		})
	}
	if st := fault.Status(nil); st != nil {
		t.Errorf("no error is %v", st)
	}
}

// noStatus is an error with the method of a status, but without one.
type noStatus struct{ text string }

func (e noStatus) Error() string              { return e.text }
func (e noStatus) GRPCStatus() *status.Status { return nil }

func TestErrorIsAStatusForGRPC(t *testing.T) {
	st, ok := status.FromError(fault.New(configv1.ErrorReason_PERMISSION_DENIED, "not yours"))
	if !ok || st.Code() != codes.PermissionDenied || st.Message() != "not yours" {
		t.Errorf("FromError = %v, %t", st, ok)
	}
}

// TestEveryCodeHasAReason: what the transport or a library refuses carries a reason as
// everything else does, and keeps its code.
func TestEveryCodeHasAReason(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		st := fault.Complete(status.New(code, "words"))
		info, _, _ := details(t, st)
		if st.Code() != code || st.Message() != "words" {
			t.Errorf("%s became %v", code, st)
		}
		if n, ok := configv1.ErrorReason_value[info.GetReason()]; !ok || n == 0 || info.GetDomain() != fault.Domain {
			t.Errorf("%s carries %v", code, info)
		}
		if reason := fault.ReasonOf(status.New(code, "words")); reason != info.GetReason() {
			t.Errorf("%s is %s without and %s with details", code, reason, info.GetReason())
		}
		if http := fault.HTTPStatus(code); http < 400 || http > 599 {
			t.Errorf("%s is HTTP %d", code, http)
		}
	}
}

func TestCompleteKeepsWhatIsComplete(t *testing.T) {
	st := fault.New(configv1.ErrorReason_VALUE_INVALID, "unusable").GRPCStatus()
	if got := fault.Complete(st); got != st {
		t.Errorf("Complete = %v", got)
	}
	foreign, err := status.New(codes.NotFound, "words").WithDetails(&errdetails.ErrorInfo{Reason: "THEIRS", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fault.ReasonOf(foreign); got != "NO_SUCH_METHOD" {
		t.Errorf("the reason of another domain counts: %s", got)
	}
}
