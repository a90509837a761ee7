package chancery

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
)

// Secret holds key material or an access key's secret. Whatever prints it
// prints "[redacted]"; the bytes are reached only by Reveal.
type Secret struct {
	// A pointer to a string: fmt reads unexported fields of structs that hold a
	// Secret without asking it, but prints such a pointer as an address.
	text *string
}

const redacted = "[redacted]"

// NewSecret holds a copy of b.
func NewSecret(b []byte) Secret {
	text := string(b)
	return Secret{text: &text}
}

// Reveal gives the secret bytes, not to be kept longer than needed.
func (s Secret) Reveal() []byte {
	if s.text == nil {
		return nil
	}
	return []byte(*s.text)
}

// Empty tells whether there is no secret.
func (s Secret) Empty() bool { return s.text == nil || *s.text == "" }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// Format implements fmt.Formatter for every verb, so that none reaches inside.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

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
	// Keys are those that Open knows; Seal uses the first.
	Keys() []SealingKey
}

// SealingKey is the id of one of a keyring's keys. A sealed value begins with it.
type SealingKey uint32

// sealedVersion is the first byte of a sealed value; the id in four bytes, the highest
// first, follows. (Tink's wire format.)
const sealedVersion = 1

// Prefix is how values begin that were sealed with the key.
func (k SealingKey) Prefix() []byte {
	return binary.BigEndian.AppendUint32([]byte{sealedVersion}, uint32(k))
}

// SealedWith tells what key a value says that it was sealed with; 0, which is no key,
// for bytes that do not begin as a sealed value does.
func SealedWith(sealed []byte) SealingKey {
	if len(sealed) < 5 || sealed[0] != sealedVersion {
		return 0
	}
	return SealingKey(binary.BigEndian.Uint32(sealed[1:5]))
}

// String writes an id as eight hex digits.
func (k SealingKey) String() string { return fmt.Sprintf("%08x", uint32(k)) }
