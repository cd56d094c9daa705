// Package fault is how a request fails: a reason of the contract, words that help,
// and the one table from reason to gRPC code and HTTP status. Codes are born here
// and nowhere else.
package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// Domain is the domain of every ErrorInfo.
const Domain = "configservice"

// Delays that answers ask for: until something is ready, and until somebody else may
// have closed a stream.
const (
	retryNotReady = time.Second
	retryStreams  = 5 * time.Second
)

// Error is a failed request. Its message is read by callers: it holds no value, no
// token and no address of the store.
type Error struct {
	Reason   configv1.ErrorReason
	Message  string
	Fields   []*errdetails.BadRequest_FieldViolation
	Metadata map[string]string
	// Preconditions are rules that would not be kept.
	Preconditions []*errdetails.PreconditionFailure_Violation
	// HTTP overrides the HTTP status of the reason; 0 does not.
	HTTP int
	// Cause is what stands behind the failure, for the log alone: callers never see it.
	Cause error
}

func (e *Error) Error() string { return ReasonName(e.Reason) + ": " + e.Message }

// GRPCStatus makes the error the status a client gets; see status.FromError.
func (e *Error) GRPCStatus() *status.Status {
	st := status.New(codeOf(e.Reason), e.Message)
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: ReasonName(e.Reason), Domain: Domain, Metadata: e.Metadata}}
	if len(e.Fields) > 0 {
		details = append(details, &errdetails.BadRequest{FieldViolations: e.Fields})
	}
	if len(e.Preconditions) > 0 {
		details = append(details, &errdetails.PreconditionFailure{Violations: e.Preconditions})
	}
	switch e.Reason {
	case configv1.ErrorReason_NOT_READY, configv1.ErrorReason_STORE_UNAVAILABLE:
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retryNotReady)})
	case configv1.ErrorReason_TOO_MANY_STREAMS:
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retryStreams)})
	}
	with, err := st.WithDetails(details...)
	if err != nil {
		return st // the details are messages we made: this cannot be reached
	}
	return with
}

// New makes an error of a reason.
func New(reason configv1.ErrorReason, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Field makes an INVALID_ARGUMENT that names the field at fault.
func Field(name string, problem error) *Error {
	return &Error{
		Reason:  configv1.ErrorReason_INVALID_ARGUMENT,
		Message: name + " " + problem.Error(),
		Fields:  []*errdetails.BadRequest_FieldViolation{{Field: name, Description: problem.Error()}},
	}
}

// ReasonName is the reason as the wire has it.
func ReasonName(r configv1.ErrorReason) string { return configv1.ErrorReason_name[int32(r)] }

// ReasonOf returns the reason a status carries, or what its code stands for when
// this service did not make it.
func ReasonOf(st *status.Status) string {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain {
			return info.GetReason()
		}
	}
	return ReasonName(reasonOfCode(st.Code()))
}

// RetryDelay returns the delay a status asks for, or 0.
func RetryDelay(st *status.Status) time.Duration {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// Status turns any error of a handler into the status its caller gets. What is not
// an Error and has no status is a fault of ours: its words stay in the log.
func Status(err error) *status.Status {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e.GRPCStatus()
	case errors.Is(err, context.Canceled):
		return Complete(status.New(codes.Canceled, "the caller went away"))
	case errors.Is(err, context.DeadlineExceeded):
		return Complete(status.New(codes.DeadlineExceeded, "the deadline passed"))
	}
	// Not status.FromError: it adds the words of the errors around the status.
	var made interface{ GRPCStatus() *status.Status }
	if errors.As(err, &made) && made.GRPCStatus().Code() != codes.OK {
		return Complete(made.GRPCStatus())
	}
	return New(configv1.ErrorReason_INTERNAL, "internal error; the server's log has the cause under this request id").GRPCStatus()
}

// Complete gives a status that the transport or a library made the ErrorInfo that
// every error carries.
func Complete(st *status.Status) *status.Status {
	if len(st.Details()) > 0 {
		return st
	}
	made := New(reasonOfCode(st.Code()), "%s", st.Message()).GRPCStatus().Proto()
	made.Code = int32(st.Code())
	return status.FromProto(made)
}

func codeOf(r configv1.ErrorReason) codes.Code {
	switch r {
	case configv1.ErrorReason_KEY_NOT_FOUND, configv1.ErrorReason_SERVICE_NOT_FOUND, configv1.ErrorReason_VERSION_NOT_FOUND:
		return codes.NotFound
	case configv1.ErrorReason_SERVICE_EXISTS:
		return codes.AlreadyExists
	case configv1.ErrorReason_INVALID_ARGUMENT:
		return codes.InvalidArgument
	case configv1.ErrorReason_UNAUTHENTICATED:
		return codes.Unauthenticated
	case configv1.ErrorReason_PERMISSION_DENIED:
		return codes.PermissionDenied
	case configv1.ErrorReason_VERSION_CONFLICT:
		return codes.Aborted
	case configv1.ErrorReason_VALUE_INVALID, configv1.ErrorReason_STORE_UNSUITABLE, configv1.ErrorReason_SCHEMA_VIOLATION,
		configv1.ErrorReason_RISK_NOT_ACCEPTED:
		return codes.FailedPrecondition
	case configv1.ErrorReason_NOT_READY, configv1.ErrorReason_STORE_UNAVAILABLE:
		return codes.Unavailable
	case configv1.ErrorReason_TOO_LARGE, configv1.ErrorReason_TOO_MANY_STREAMS:
		return codes.ResourceExhausted
	case configv1.ErrorReason_NO_SUCH_METHOD:
		return codes.Unimplemented
	}
	return codes.Internal
}

func reasonOfCode(c codes.Code) configv1.ErrorReason {
	switch c {
	case codes.NotFound, codes.Unimplemented:
		return configv1.ErrorReason_NO_SUCH_METHOD
	case codes.InvalidArgument, codes.OutOfRange:
		return configv1.ErrorReason_INVALID_ARGUMENT
	case codes.Unauthenticated:
		return configv1.ErrorReason_UNAUTHENTICATED
	case codes.PermissionDenied:
		return configv1.ErrorReason_PERMISSION_DENIED
	case codes.Aborted:
		return configv1.ErrorReason_VERSION_CONFLICT
	case codes.AlreadyExists:
		return configv1.ErrorReason_SERVICE_EXISTS
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return configv1.ErrorReason_NOT_READY
	case codes.ResourceExhausted:
		return configv1.ErrorReason_TOO_LARGE
	}
	return configv1.ErrorReason_INTERNAL
}

// HTTPStatus is the HTTP status of a gRPC code.
func HTTPStatus(c codes.Code) int {
	switch c {
	case codes.NotFound, codes.Unimplemented:
		return http.StatusNotFound
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Aborted, codes.AlreadyExists:
		return http.StatusConflict
	case codes.Unavailable, codes.Canceled:
		return http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}
