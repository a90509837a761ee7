package login

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // what RFC 6238 and every authenticator use
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"

	"chancery"
)

// A code has six digits and changes every 30 seconds: what all authenticators take.
const (
	step   = 30 * time.Second
	digits = 6
	secret = 20 // bytes, RFC 4226 section 4
)

// NewTOTP draws a secret.
func NewTOTP() chancery.Secret {
	random := make([]byte, secret)
	_, _ = rand.Read(random) // never fails
	return chancery.NewSecret(random)
}

// TOTPURL is what an authenticator reads, usually as a picture. It holds the secret.
func TOTPURL(key chancery.Secret, account chancery.AccountID, user string) string {
	query := url.Values{"secret": {base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key.Reveal())}, "issuer": {"Chancery"}}
	return fmt.Sprintf("otpauth://totp/%s?%s", url.PathEscape(fmt.Sprintf("Chancery:%s@%d", user, account)), query.Encode())
}

// Code is the code of a time step (RFC 4226 section 5.3).
func Code(key chancery.Secret, timeStep int64) string {
	mac := hmac.New(sha1.New, key.Reveal())
	_ = binary.Write(mac, binary.BigEndian, timeStep) // a hash takes all
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", digits, number%1_000_000)
}

// Step is the time step of a moment.
func Step(at time.Time) int64 { return at.Unix() / int64(step/time.Second) }

// CheckCode gives the time step of a code that is good now, or was or will be within
// one step, since clocks differ. Whoever takes it must see to it that it is not used again.
func CheckCode(key chancery.Secret, code string, now time.Time) (timeStep int64, ok bool) {
	for _, s := range []int64{Step(now), Step(now) - 1, Step(now) + 1} {
		if subtle.ConstantTimeCompare([]byte(Code(key, s)), []byte(code)) == 1 {
			timeStep, ok = s, true
		}
	}
	return timeStep, ok
}
