package keyring

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"chancery"
)

const (
	keyBytes = 32
	// keyPrefix begins a key file's only line; the digit is the format's version.
	keyPrefix = "chancery-kek-1:"
)

// The strict decoder takes one spelling of each key only.
var keyEncoding = base64.StdEncoding.Strict()

// CreateKeyFile writes a new random key-encryption key to path, readable by the
// owner alone: one line, "chancery-kek-1:" and 32 bytes in base64. When it
// returns nil, the file survives a crash of the machine. It never touches a file
// that exists (the error is then fs.ErrExist) and leaves none behind on failure.
func CreateKeyFile(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".chancery-*") // mode 0600
	if err != nil {
		return fmt.Errorf("creating the key file: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if err := writeKey(file); err != nil {
		return fmt.Errorf("writing the key file: %w", err)
	}
	// Under its own name the file is there whole or not at all, also when the
	// process is killed.
	if err := os.Link(file.Name(), path); err != nil {
		return fmt.Errorf("creating the key file: %w", err)
	}
	// The entry in the directory must be as durable as the file, or a keyset
	// wrapped with this key could outlive it.
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return errors.Join(fmt.Errorf("securing the key file: %w", err), os.Remove(path))
	}
	return nil
}

// NewKey makes a random key-encryption key, as the one line that a key file holds.
func NewKey() chancery.Secret {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
	return chancery.NewSecret([]byte(keyPrefix + keyEncoding.EncodeToString(key) + "\n"))
}

func writeKey(file *os.File) error {
	_, err := file.Write(NewKey().Reveal())
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// ReadKeyFile reads a key that CreateKeyFile wrote. It refuses a file that
// others than its owner can reach, or the group of one that is root's, and one that is not exactly in that form; no
// error holds any of the file's text.
func ReadKeyFile(path string) (chancery.Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return chancery.Secret{}, fmt.Errorf("opening the key file: %w", err)
	}
	defer func() { _ = file.Close() }()
	if err := checkMode(file); err != nil {
		return chancery.Secret{}, err
	}
	const enough = 256 // a whole file is shorter, so that a longer one shows as wrong
	text, err := io.ReadAll(io.LimitReader(file, enough))
	if err != nil {
		return chancery.Secret{}, fmt.Errorf("reading the key file: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return chancery.Secret{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// checkMode looks at the open file, not at its path, which may name another
// file by now.
func checkMode(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("looking at the key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("key file %s is not a regular file", file.Name())
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm()&forbidden(ok && owner.Uid == 0, os.Geteuid()) != 0 {
		return fmt.Errorf("key file %s can be reached by others than its owner (mode %#o): run chmod 600 %[1]s",
			file.Name(), info.Mode().Perm())
	}
	return nil
}

// forbidden are the bits that a key file's mode may not have. Whoever hands secrets
// of root's to a service that is not root's lets its group read them: systemd's
// credentials, Kubernetes with fsGroup.
func forbidden(rootOwns bool, reader int) fs.FileMode {
	if rootOwns && reader != 0 {
		return 0o037
	}
	return 0o077
}

// ParseKey reads the line of a key file, with or without its end. No error holds any
// of the text.
func ParseKey(text string) (chancery.Secret, error) {
	encoded, found := strings.CutPrefix(strings.TrimSuffix(text, "\n"), keyPrefix)
	if !found {
		return chancery.Secret{}, fmt.Errorf("does not begin with %q", keyPrefix)
	}
	// The decoder passes over line breaks, which the format does not have.
	key, err := keyEncoding.DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return chancery.Secret{}, errors.New("is not one line of base64")
	}
	if len(key) != keyBytes {
		return chancery.Secret{}, fmt.Errorf("holds %d bytes, not %d", len(key), keyBytes)
	}
	return chancery.NewSecret(key), nil
}
