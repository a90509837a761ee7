package chancery

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// How long a session of the console lasts: ConsoleIdle after it was last used,
// ConsoleLongest in all. A link that signs in can be used for ConsoleLinkLife.
const (
	ConsoleIdle     = 30 * time.Minute
	ConsoleLongest  = 12 * time.Hour
	ConsoleLinkLife = 10 * time.Minute
)

// ConsoleLogin is what a user signs in to the console with.
type ConsoleLogin struct {
	AccountID AccountID
	UserID    int64
	// Hash is of the password, with how it was made; empty: none.
	Hash      string
	ChangedAt time.Time
	// TOTP is the secret of the second factor (RFC 6238); empty: none is asked for.
	TOTP Secret
	// TOTPStep is the time step of the last code that was used.
	TOTPStep int64
}

// ConsoleSession is somebody signed in to the console. It ends when it was not used
// for ConsoleIdle, at ExpiresAt, and with the access key or user it belongs to.
type ConsoleSession struct {
	// IDHash is of what the cookie holds; that itself is not stored.
	IDHash    []byte
	AccountID AccountID
	UserID    int64 // 0: the account itself
	// AccessKeyID is the key that was signed in with; empty: a password was.
	AccessKeyID string
	// Pending: the second factor is still to come, and until then nothing is allowed.
	Pending   bool
	Address   string
	Agent     string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// Over tells whether the session has ended by time.
func (s ConsoleSession) Over(now time.Time) bool {
	return !now.Before(s.ExpiresAt) || !now.Before(s.SeenAt.Add(ConsoleIdle))
}

// ConsoleLink signs in, once, whoever opens it, as the principal of an access key.
type ConsoleLink struct {
	TokenHash   []byte
	AccountID   AccountID
	AccessKeyID string
	ExpiresAt   time.Time
}

// NewConsoleToken draws 256 random bits for a session's cookie or a link, and gives
// them with the hash that is stored in their place.
func NewConsoleToken() (token string, hash []byte) {
	random := make([]byte, sha256.Size)
	_, _ = rand.Read(random) // never fails
	token = base64.RawURLEncoding.EncodeToString(random)
	return token, ConsoleTokenHash(token)
}

// ConsoleTokenHash is what is stored of a token.
func ConsoleTokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// AccessAPI is how policies name what an account's own principals do to its users,
// groups, policies and roles: the actions are those of the cloud's access control.
func AccessAPI() API { return API{Product: "ram", RAMCode: "ram"} }

// OperatorAPI is how policies name the operator's calls: the action of review.list is
// chancery:review.list, and each is about the whole instance.
func OperatorAPI() API { return API{Product: "chancery", RAMCode: "chancery"} }
