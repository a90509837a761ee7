package chancery

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestErrorsAndTheirCodes(t *testing.T) {
	refused := Errorf(NotFoundOrder, "no order %d", 7)
	caused := &Error{Code: InvalidParameter, Message: "not valid", Err: io.ErrUnexpectedEOF}
	for _, c := range []struct {
		name    string
		err     error
		code    Code
		message string // what a caller may read
		log     string
	}{
		{"a refusal", refused, NotFoundOrder, "no order 7", "NotFoundOrder: no order 7"},
		{"a refusal with a cause", caused, InvalidParameter, "not valid", "InvalidParameter: not valid: unexpected EOF"},
		{"a refusal that was wrapped", fmt.Errorf("loading: %w", refused), NotFoundOrder, "no order 7", "loading: NotFoundOrder: no order 7"},
		{"a refusal among others", errors.Join(io.EOF, refused), NotFoundOrder, "no order 7", "EOF\nNotFoundOrder: no order 7"},
		{"anything else", io.EOF, InternalError, "internal error", "EOF"},
		{"a condition of a lower layer", ErrNotFound, InternalError, "internal error", "not found"},
	} {
		if CodeOf(c.err) != c.code || messageOf(c.err) != c.message || c.err.Error() != c.log {
			t.Errorf("%s: %s, %q, %q", c.name, CodeOf(c.err), messageOf(c.err), c.err)
		}
	}
	if CodeOf(nil) != "" {
		t.Errorf("no error has the code %s", CodeOf(nil))
	}
	if !errors.Is(caused, io.ErrUnexpectedEOF) || errors.Is(refused, io.EOF) {
		t.Error("the cause is another")
	}
}

func TestIssuersRefusals(t *testing.T) {
	bare, caused := &RefusedError{Reason: "forbidden name"}, &RefusedError{Reason: "forbidden name", Err: io.EOF}
	if bare.Error() != "forbidden name" || caused.Error() != "forbidden name: EOF" {
		t.Errorf("they read %q and %q", bare, caused)
	}
	var refused *RefusedError
	if !errors.Is(caused, io.EOF) || !errors.As(fmt.Errorf("issuing: %w", caused), &refused) || refused.Reason != "forbidden name" {
		t.Error("they cannot be told from other errors")
	}
}
