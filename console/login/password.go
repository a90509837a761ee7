// Package login holds what people prove with who they are: hashes of passwords
// (argon2id, RFC 9106) and the codes of a second factor (RFC 6238). It keeps nothing.
package login

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"chancery"
)

// The cost of a hash: 19 MiB and two passes, what OWASP's password storage page names
// first. It stands in every hash, so that it can be raised without breaking old ones.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16
	keyLen  = 32
)

// Bounds of a password.
const (
	MinPassword = 10
	MaxPassword = 256
)

// CheckPassword refuses one that is too short, or so long that it is a mistake.
func CheckPassword(password chancery.Secret) error {
	text := password.Reveal()
	if n := utf8.RuneCount(text); n < MinPassword || len(text) > MaxPassword || !utf8.Valid(text) {
		return fmt.Errorf("a password has %d or more characters and at most %d bytes", MinPassword, MaxPassword)
	}
	return nil
}

// Hash makes what is stored of a password: $argon2id$v=19$m=...,t=...,p=...$salt$hash.
func Hash(password chancery.Secret) string {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails
	key := argon2.IDKey(password.Reveal(), salt, passes, memory, lanes, keyLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// nobody is the hash that an unknown user's password is compared with, so that it
// takes as long to refuse as a known one's. No password has it.
var nobody = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
	strings.Repeat("A", base64.RawStdEncoding.EncodedLen(saltLen)), strings.Repeat("A", base64.RawStdEncoding.EncodedLen(keyLen)))

// busy bounds how many passwords are looked at at once: each takes memory.
var busy = make(chan struct{}, 4)

// Matches tells whether the password is the one of the hash. An empty hash matches
// nothing, and takes as long.
func Matches(hash string, password chancery.Secret) bool {
	busy <- struct{}{}
	defer func() { <-busy }()
	known := hash != ""
	if !known {
		hash = nobody
	}
	var version int
	var m, t uint32
	var p uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil || version != argon2.Version || t == 0 || p == 0 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) != keyLen {
		return false
	}
	got := argon2.IDKey(password.Reveal(), salt, t, m, p, keyLen)
	return subtle.ConstantTimeCompare(got, want) == 1 && known
}
