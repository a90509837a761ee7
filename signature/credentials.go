package signature

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is an access key's secret. A plain []byte may be assigned to it. fmt,
// log/slog and the text encoders see "[redacted]", whatever the verb; but none of
// them asks a value in an unexported field of another type, so do not print that.
type Secret []byte

// String gives "[redacted]".
func (Secret) String() string { return redacted }

// Format gives "[redacted]" for every verb, %#v, %x and %d included.
func (Secret) Format(out fmt.State, _ rune) { _, _ = io.WriteString(out, redacted) }

// LogValue gives "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText gives "[redacted]", to JSON and XML too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Credentials are what a client signs with. Printed, logged or marshalled they
// show the key's id only.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret Secret
	SecurityToken   string // of temporary credentials, else ""
}

// String gives the key's id, and that the rest is redacted.
func (c Credentials) String() string { return c.AccessKeyID + " " + redacted }

// Format gives String for every verb.
func (c Credentials) Format(out fmt.State, _ rune) { _, _ = io.WriteString(out, c.String()) }

// LogValue gives String.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText gives String.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String tells scheme, key and operation. The token and the signed text, which
// may hold a private key, stay out.
func (c Claim) String() string {
	return fmt.Sprintf("%s claim of %q for %q", c.Scheme, c.AccessKeyID, c.Action)
}

// Format gives String for every verb.
func (c Claim) Format(out fmt.State, _ rune) { _, _ = io.WriteString(out, c.String()) }

// LogValue gives String.
func (c Claim) LogValue() slog.Value { return slog.StringValue(c.String()) }
