// Package keyring seals secrets before they are stored.
//
// It is an envelope of three layers, each opened by the one before it:
//
//   - The key-encryption key (KEK): 32 random bytes in a file that only the
//     service's user can read, kept outside the database and its backups.
//   - The keyset: AES-256-GCM keys under which secrets are sealed, itself sealed
//     ("wrapped") with the KEK. The database holds it in this form alone.
//   - The secrets: each is sealed with the keyset's primary key and bound to its
//     row by associated data, so that a value copied to another row does not open.
//
// A copy of the database without the KEK file gives no secret away, and the
// other way round. Whoever loses the KEK file loses every secret: it belongs in
// a backup of its own. Replacing the KEK means wrapping the keyset anew; no
// sealed secret changes. Replacing the keys in the keyset means adding one, sealing
// every secret anew, and dropping a key once nothing is sealed with it: a sealed
// value begins with the id of its key (chancery.SealingKey).
//
// GCM draws a random 96-bit nonce per value, which is safe for 2^32 values under
// one key (NIST SP 800-38D, section 8.3); a certificate service stays far below.
package keyring

import (
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"chancery"
)

// ErrWrongKey tells that the key-encryption key does not open the keyset. The
// causes that its text names cannot be told apart: authenticated encryption
// answers only yes or no.
var ErrWrongKey = errors.New("the key-encryption key does not open the stored keyset: it is the key of another installation, one from before `chancery keyring rewrap`, or the keyset is damaged; " +
	"give this node the key that the others have, with --keyring-key-file or in CHANCERY_KEYRING_KEY")

// keysetPurpose is the associated data of a wrapped keyset, so that nothing else
// ever sealed with the KEK can pass for one.
var keysetPurpose = []byte("chancery keyset 1")

// Keyring is a chancery.Keyring over an unwrapped keyset. It never changes after
// Open, so it may be used by any number of goroutines. Whatever prints it prints
// "[keyring]".
type Keyring struct {
	aead   tink.AEAD
	handle *keyset.Handle
}

var _ chancery.Keyring = (*Keyring)(nil)

// NewWrappedKeyset makes a keyset with one fresh AES-256-GCM key and gives it
// wrapped with kek, about 150 bytes, for the store to keep.
func NewWrappedKeyset(kek chancery.Secret) ([]byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("making a keyset: %w", err)
	}
	return wrap(handle, kek)
}

func wrap(handle *keyset.Handle, kek chancery.Secret) ([]byte, error) {
	wrapping, err := wrappingKey(kek)
	if err != nil {
		return nil, err
	}
	var wrapped keyset.MemReaderWriter //nolint:staticcheck // its successor adds unauthenticated bytes
	if err := handle.WriteWithAssociatedData(&wrapped, wrapping, keysetPurpose); err != nil {
		return nil, fmt.Errorf("wrapping the keyset: %w", err)
	}
	return wrapped.EncryptedKeyset.GetEncryptedKeyset(), nil
}

// Open unwraps what NewWrappedKeyset made. It is ErrWrongKey if kek does not fit.
func Open(kek chancery.Secret, wrapped []byte) (*Keyring, error) {
	wrapping, err := wrappingKey(kek)
	if err != nil {
		return nil, err
	}
	//nolint:staticcheck // as in NewWrappedKeyset
	stored := &keyset.MemReaderWriter{EncryptedKeyset: &tinkpb.EncryptedKeyset{EncryptedKeyset: wrapped}}
	handle, err := keyset.ReadWithAssociatedData(stored, wrapping, keysetPurpose)
	if err != nil {
		return nil, fmt.Errorf("unwrapping the keyset: %w", ErrWrongKey)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("using the keyset: %w", err)
	}
	return &Keyring{aead: primitive, handle: handle}, nil
}

func wrappingKey(kek chancery.Secret) (tink.AEAD, error) {
	if n := len(kek.Reveal()); n != keyBytes {
		return nil, fmt.Errorf("the key-encryption key has %d bytes, not %d", n, keyBytes)
	}
	wrapping, err := subtle.NewAESGCM(kek.Reveal())
	if err != nil {
		return nil, fmt.Errorf("using the key-encryption key: %w", err)
	}
	return wrapping, nil
}

// Seal implements chancery.Keyring. The same secret sealed twice gives different
// bytes; each is 33 bytes longer than the secret.
func (k *Keyring) Seal(plain chancery.Secret, associated string) ([]byte, error) {
	sealed, err := k.aead.Encrypt(plain.Reveal(), []byte(associated))
	if err != nil {
		return nil, fmt.Errorf("sealing the secret of %q: %w", associated, err)
	}
	return sealed, nil
}

// Open implements chancery.Keyring. It fails for a value that was changed, sealed
// under another keyset, or sealed for another place.
func (k *Keyring) Open(sealed []byte, associated string) (chancery.Secret, error) {
	plain, err := k.aead.Decrypt(sealed, []byte(associated))
	if err != nil {
		return chancery.Secret{}, fmt.Errorf("opening the sealed secret of %q: %w", associated, err)
	}
	return chancery.NewSecret(plain), nil
}

// Keys implements chancery.Keyring.
func (k *Keyring) Keys() []chancery.SealingKey {
	info := k.handle.KeysetInfo()
	keys := []chancery.SealingKey{chancery.SealingKey(info.GetPrimaryKeyId())}
	for _, key := range info.GetKeyInfo() {
		if id := chancery.SealingKey(key.GetKeyId()); id != keys[0] {
			keys = append(keys, id)
		}
	}
	return keys
}

// Format implements fmt.Formatter for every verb, so that none reaches the keys.
func (Keyring) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[keyring]") }
