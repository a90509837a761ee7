package signature

import "fmt"

// ReadError says why a request carries no claim that could be verified.
//
// Code is an error code of Alibaba Cloud OpenAPI: UnsupportedHTTPMethod,
// MissingAccessKeyId, MissingSignature, MissingSignatureVersion,
// MissingSignatureMethod, MissingSignatureNonce, MissingTimestamp,
// InvalidSignatureVersion, InvalidSignatureMethod, IncompleteSignature or
// InvalidParameter. Message is for the caller; it repeats names out of the
// request but none of its values.
type ReadError struct{ Code, Message string }

// Error gives code and message.
func (e *ReadError) Error() string { return e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) error {
	return &ReadError{Code: code, Message: fmt.Sprintf(format, args...)}
}
