package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"chancery"
)

// KEK is the key-encryption key of a process. It makes, opens and changes wrapped
// keysets, as store.Keysets asks, and may be used by any number of goroutines.
type KEK struct {
	from   string // what an error names: the file or the variable
	file   string // "" for a key that is in no file
	create bool   // the file may be made

	mu   sync.Mutex        // guards keys
	keys []chancery.Secret // what a keyset is tried with, the newest first
}

// KeyFile gives the key in a file. It is read when it is first needed, and again
// when a keyset does not open with what was read before: the keyset may have been
// rewrapped, and the file replaced. With create, New makes the file.
func KeyFile(path string, create bool) *KEK { return &KEK{from: path, file: path, create: create} }

// Key gives a key that was read from somewhere else, which from names.
func Key(key chancery.Secret, from string) *KEK {
	return &KEK{from: from, keys: []chancery.Secret{key}}
}

// New makes a keyset with one fresh key, wrapped. The key-encryption key in a file is
// made together with what it opens: were it lost, another one in its place would only
// hide that.
func (k *KEK) New() ([]byte, error) {
	if k.create {
		if err := CreateKeyFile(k.file); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	if err := k.read(); err != nil {
		return nil, err
	}
	return NewWrappedKeyset(k.all()[0])
}

// Open unwraps a keyset. It is ErrWrongKey if the key does not fit.
func (k *KEK) Open(wrapped []byte) (chancery.Keyring, error) {
	opened, _, err := k.unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// unwrap tells which key fitted as well.
func (k *KEK) unwrap(wrapped []byte) (*Keyring, chancery.Secret, error) {
	for _, key := range k.all() {
		if opened, err := Open(key, wrapped); !errors.Is(err, ErrWrongKey) {
			return opened, key, err
		}
	}
	if err := k.read(); err != nil {
		return nil, chancery.Secret{}, err
	}
	key := k.all()[0]
	opened, err := Open(key, wrapped)
	if err != nil {
		return nil, chancery.Secret{}, fmt.Errorf("%s: %w", k.from, err)
	}
	return opened, key, nil
}

// Rotate gives the keyset with a fresh primary key, and without some of the others.
func (k *KEK) Rotate(wrapped []byte, without []chancery.SealingKey) ([]byte, error) {
	opened, kek, err := k.unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(opened.handle)
	fresh, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = manager.SetPrimary(fresh)
	}
	for _, key := range without {
		if err == nil {
			err = manager.Delete(uint32(key))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("changing the keyset: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("changing the keyset: %w", err)
	}
	return wrap(handle, kek)
}

// Rewrap gives the same keyset wrapped with another key-encryption key, which is tried
// from now on as well.
func (k *KEK) Rewrap(wrapped []byte, kek chancery.Secret) ([]byte, error) {
	opened, _, err := k.unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	rewrapped, err := wrap(opened.handle, kek)
	if err == nil {
		k.try(kek)
	}
	return rewrapped, err
}

func (k *KEK) read() error {
	if k.file == "" {
		return nil
	}
	key, err := ReadKeyFile(k.file)
	if err == nil {
		k.try(key)
	}
	return err
}

// try puts a key before the others.
func (k *KEK) try(key chancery.Secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	keys := []chancery.Secret{key}
	for _, other := range k.keys {
		if string(other.Reveal()) != string(key.Reveal()) {
			keys = append(keys, other)
		}
	}
	k.keys = keys
}

func (k *KEK) all() []chancery.Secret {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}
