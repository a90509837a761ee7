package chancery

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"
)

// Role is what its trust policy lets others assume for a while, to do what the
// role's policies allow. Its name is unique among the account's roles.
type Role struct {
	ID          int64
	AccountID   AccountID
	Name        string
	Description string
	Trust       string // JSON, read by package ram
	MaxSession  time.Duration
	CreatedAt   time.Time
}

// ARN is the role's resource name, by which it is assumed.
func (r Role) ARN() string { return ramARN(r.AccountID, "role/"+r.Name) }

// How long a session of a role may last.
const (
	MinSession        = 15 * time.Minute
	DefaultMaxSession = time.Hour
	LongestSession    = 12 * time.Hour
)

// SessionKeyPrefix begins the access key ids of temporary credentials, and no others.
const SessionKeyPrefix = "STS."

// Session is the use of a role by somebody who assumed it: temporary credentials.
// They end at ExpiresAt, when they are revoked, and with the role.
type Session struct {
	AccessKeyID string
	AccountID   AccountID // of the role
	RoleID      int64
	Name        string
	Secret      Secret // empty where it was not asked for
	// TokenHash is of the security token, which comes with every request.
	TokenHash []byte
	// Policy, JSON, narrows what the role's policies allow; empty: does not.
	Policy    string
	Source    string // the ARN of who assumed the role
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero: not revoked
}

const (
	tokenPrefix = "CAIS"
	tokenBytes  = 48
)

// NewSession draws credentials for a role, and the security token that belongs to
// them: more than 256 random bits, told once.
func NewSession(role Role, now time.Time) (session Session, token Secret) {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	text := tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	return Session{
		AccessKeyID: SessionKeyPrefix + randomText(alphanumeric, accessKeyIDRandom+4),
		AccountID:   role.AccountID, RoleID: role.ID,
		Secret:    NewSecret([]byte(randomText(alphanumeric, accessKeySecretLength+14))),
		TokenHash: tokenHash(text), CreatedAt: now,
	}, NewSecret([]byte(text))
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// TokenWellFormed tells a security token that we could have made from any other text.
func TokenWellFormed(token string) bool {
	if len(token) != len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) || token[:len(tokenPrefix)] != tokenPrefix {
		return false
	}
	_, err := base64.RawURLEncoding.DecodeString(token[len(tokenPrefix):])
	return err == nil
}

// HasToken tells, in constant time, whether the token is this session's.
func (s Session) HasToken(token string) bool {
	return subtle.ConstantTimeCompare(s.TokenHash, tokenHash(token)) == 1
}
