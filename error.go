package chancery

import (
	"errors"
	"fmt"
	"time"
)

// Code is an error code as API callers see it. The gateway's error table gives
// each its HTTP status; a code that is not in that table never leaves the
// service.
type Code string

// The codes an operation may answer. Those of the order calls are the ones CAS
// prints on its own operation pages; the others are service-wide.
const (
	MissingParameter            Code = "MissingParameter"
	InvalidParameter            Code = "InvalidParameter"
	NotFoundOrder               Code = "NotFoundOrder"
	NotFoundPackage             Code = "NotFoundPackage"
	NotRemainCount              Code = "NotRemainCount"
	OrderStateError             Code = "OrderStateError"
	IdempotentParameterMismatch Code = "IdempotentParameterMismatch"
	NotFound                    Code = "NotFound"
	NameRepeat                  Code = "NameRepeat"
	CertificateFormat           Code = "CertificateFormatException"
	ParseCertificateFailed      Code = "ParseCertificateFailed"
	CertificateChainNotMatch    Code = "CertificateChainNotMatch"
	CertificateExpired          Code = "CertificateExpired"
	DeleteProtection            Code = "InvalidStatus.DeleteProtection"
	UnsupportedOperation        Code = "UnsupportedOperation"
	ServiceUnavailable          Code = "ServiceUnavailable"
	InternalError               Code = "InternalError"

	CreateCsrFailed Code = "CreateCsrFailed"
	KeyExisted      Code = "CertificatePrivateKey.Existed"
	MobileIllegal   Code = "InvalidParameter.MobileIllegal"
)

// Error is the one error type that crosses layers. Code and Message are for the
// caller and hold nothing internal; Err, if any, is for the log alone.
type Error struct {
	Code    Code
	Message string
	Err     error
	// RetryAfter is when the same call may succeed; zero says nothing.
	RetryAfter time.Duration
}

// Errorf makes an Error whose formatted message the caller may read.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error gives the whole text, the inner cause included: for logs, never for callers.
func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the inner cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code a caller gets for err: InternalError for anything that is
// not an Error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return InternalError
}

// Conditions that layers below the operations report to the layers above. They
// are not for callers: an operation turns them into an Error with a code.
var (
	// ErrNotFound: no such row for this account.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row was changed since it was read, or a unique value is taken.
	ErrConflict = errors.New("changed by somebody else")
	// ErrTaken: another row has what this one wants for itself.
	ErrTaken = errors.New("taken by another")
	// ErrLeaseLost: a background step is no longer ours, so nothing it did may be committed.
	ErrLeaseLost = errors.New("the lease on this step is lost")
)

// messageOf is the part of err that a caller may read.
func messageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "internal error"
}
