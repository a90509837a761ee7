package chancery

import "log/slog"

// Secret holds key material or an access key's secret. Whatever prints it
// prints "[redacted]"; the bytes are reached only by Reveal.
type Secret struct{ bytes []byte }

const redacted = "[redacted]"

// NewSecret takes over b.
func NewSecret(b []byte) Secret { return Secret{bytes: b} }

// Reveal gives the secret bytes, not to be changed or kept longer than needed.
func (s Secret) Reveal() []byte { return s.bytes }

// Empty tells whether there is no secret.
func (s Secret) Empty() bool { return len(s.bytes) == 0 }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer, so that %#v does not reach inside.
func (Secret) GoString() string { return redacted }

// MarshalText keeps JSON, XML and text encoders out.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Keyring seals secrets for storage.
//
// Seal and Open take associated data that names the place of the secret (table,
// account, row id); Open fails unless it is the same as at sealing, so that a
// sealed value cannot be moved to another row. An implementation is safe for
// concurrent use and never puts plaintext in an error.
type Keyring interface {
	Seal(plain Secret, associated string) ([]byte, error)
	Open(sealed []byte, associated string) (Secret, error)
}
