package chancery

import (
	"crypto/rand"
	"math/big"
	"strings"
	"time"
)

// AccountID is the 16-digit uid of an account. It is below 2^53, as every id
// that clients see, so that JavaScript keeps all its digits.
type AccountID int64

// Account is a tenant: it has access keys, plans, orders and certificates, and
// sees nothing of any other.
type Account struct {
	ID        AccountID
	Name      string
	CreatedAt time.Time
	// Operator: its principals may make the operator's calls from the console, as far
	// as their policies allow them.
	Operator bool
}

// AccessKey is a signing key of an account or of one of its users. Secret is empty
// where it was not asked for.
type AccessKey struct {
	ID        string
	AccountID AccountID
	UserID    int64 // 0: the account's own
	Secret    Secret
	Disabled  bool
	CreatedAt time.Time
}

// Lengths of what is generated; an access key that is taken over may differ
// within the limits of ParseAccessKeyID and ParseAccessKeySecret.
const (
	accessKeyIDPrefix     = "CHAN"
	accessKeyIDRandom     = 20
	accessKeySecretLength = 30
)

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewAccountID draws a random 16-digit uid.
func NewAccountID() AccountID {
	return AccountID(randomBetween(1_000_000_000_000_000, 9_000_000_000_000_000))
}

// NewAccessKey makes a key pair for an account: an id of 24 letters and digits
// and a secret with more than 170 random bits.
func NewAccessKey(account AccountID, now time.Time) AccessKey {
	return AccessKey{
		ID:        accessKeyIDPrefix + randomText(alphanumeric, accessKeyIDRandom),
		AccountID: account,
		Secret:    NewSecret([]byte(randomText(alphanumeric, accessKeySecretLength))),
		CreatedAt: now,
	}
}

// CheckAccessKey refuses a pair that is taken over from elsewhere when its id is
// not 8 to 128 characters of letters, digits, '.', '_' and '-', or its secret is
// not 16 to 256 printable ASCII characters without blanks.
//
// An id that begins like one of temporary credentials is refused too.
func CheckAccessKey(id string, secret Secret) error {
	if strings.HasPrefix(id, SessionKeyPrefix) {
		return Errorf(InvalidParameter, "an access key id that begins with %s is one of temporary credentials", SessionKeyPrefix)
	}
	if len(id) < 8 || len(id) > 128 || !onlyBytes(id, func(b byte) bool { return alnum(b) || b == '.' || b == '_' || b == '-' }) {
		return Errorf(InvalidParameter, "an access key id has 8 to 128 letters, digits, '.', '_' or '-'")
	}
	text := string(secret.Reveal())
	if len(text) < 16 || len(text) > 256 || !onlyBytes(text, func(b byte) bool { return b > ' ' && b < 0x7f }) {
		return Errorf(InvalidParameter, "an access key secret has 16 to 256 printable characters and no blanks")
	}
	return nil
}

func onlyBytes(text string, allowed func(byte) bool) bool {
	for i := range len(text) {
		if !allowed(text[i]) {
			return false
		}
	}
	return true
}

func alnum(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// randomText draws n characters of the alphabet, each equally likely.
func randomText(alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[randomBetween(0, int64(len(alphabet)))]
	}
	return string(text)
}

// randomBetween draws from low up to, not including, high.
func randomBetween(low, high int64) int64 {
	// crypto/rand.Reader never fails: it ends the program first.
	n, err := rand.Int(rand.Reader, big.NewInt(high-low))
	if err != nil {
		panic("crypto/rand: " + err.Error())
	}
	return low + n.Int64()
}

// NewID draws an id for a row that no caller chooses; it is below 2^53.
func NewID() int64 { return randomBetween(1, 1<<53) }
